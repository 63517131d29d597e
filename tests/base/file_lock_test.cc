#include "base/file_lock.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <optional>
#include <thread>
#include <vector>

#include "support/child.h"
#include "support/folder.h"

using errand::Code;
using errand::FileLock;
using errand::OwnFile;

namespace {

class FileLockTest : public testing::Test {
 protected:
  [[nodiscard]] std::string content() const {
    std::string all;
    std::getline(std::ifstream(path), all, '\0');
    return all;
  }

  const Folder folder;
  const std::string path = folder.file("tasks.lock");
};

TEST_F(FileLockTest, GoesWithItsFileUnlessThatIsKept) {
  { EXPECT_TRUE(FileLock::take(path)); }
  EXPECT_FALSE(std::filesystem::exists(path));
  {
    auto lock = FileLock::take(path);
    ASSERT_TRUE(lock);
    lock->keep();
    const FileLock moved = std::move(*lock);
    EXPECT_EQ(FileLock::take(path).error().code(), Code::owned_by);
  }
  EXPECT_TRUE(std::filesystem::exists(path));
  { EXPECT_TRUE(FileLock::take(path)); }
  EXPECT_TRUE(std::filesystem::exists(path)) << "it was there before";
}

TEST_F(FileLockTest, LeavesAFileThatAnotherHasPutThere) {
  {
    const auto lock = FileLock::take(path);
    ASSERT_TRUE(lock);
    std::filesystem::remove(path);
    std::ofstream(path) << "another";
  }
  EXPECT_EQ(content(), "another");
}

TEST_F(FileLockTest, NamesItsOwnerWhateverStoodThereBefore) {
  std::ofstream(path) << "1234567890\n";
  const auto lock = FileLock::take(path);
  ASSERT_TRUE(lock);
  EXPECT_EQ(content(), std::to_string(getpid()) + "\n");
  const auto refused = FileLock::take(path);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "process " + std::to_string(getpid()) + " has it; there is one owner at a time");
}

TEST_F(FileLockTest, AChildOfItsOwnerRemovesNothing) {
  auto lock = std::make_unique<errand::Result<FileLock>>(FileLock::take(path));
  ASSERT_TRUE(*lock);
  EXPECT_EQ(in_child([&] { lock.reset(); }), 0);
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST_F(FileLockTest, IsNoneOfAFileThatItsOwnerHasRemoved) {
  std::optional<errand::Result<FileLock>> owner(FileLock::take(path));
  ASSERT_TRUE(*owner);
  OwnFile opened = OwnFile::open(path);
  EXPECT_FALSE(opened.is_new());
  owner.reset();
  const auto gone = FileLock::take(path, std::move(opened));
  ASSERT_TRUE(gone) << gone.error().message();
  EXPECT_FALSE(*gone) << "another one can lock another file of this name";
  OwnFile removed = OwnFile::open(path);
  std::filesystem::remove(path);
  std::ofstream(path) << "another";
  EXPECT_FALSE(*FileLock::take(path, std::move(removed)));
}

// Each removes the file that others have just opened.
TEST_F(FileLockTest, HasOneOwnerHoweverOftenItsFileIsMadeAnew) {
  std::atomic<int> owners{0};
  std::atomic<int> taken{0};
  std::atomic<int> twice{0};
  std::atomic<int> without_a_file{0};
  const auto take_often = [&] {
    for (int i = 0; i < 20'000; ++i) {
      const auto lock = FileLock::take(path);
      if (!lock) continue;
      if (++owners > 1) ++twice;
      if (!std::filesystem::exists(path)) ++without_a_file;
      std::this_thread::yield();
      ++taken;
      --owners;
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) threads.emplace_back(take_often);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(twice, 0);
  EXPECT_EQ(without_a_file, 0);
  EXPECT_GT(taken, 100);
}

}  // namespace
