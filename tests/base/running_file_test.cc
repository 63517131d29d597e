#include "base/running_file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <set>

#include "support/folder.h"

using errand::RunningFile;
using errand::RunningSlot;

namespace {

class RunningFileTest : public testing::Test {
 protected:
  [[nodiscard]] std::unique_ptr<RunningFile> open(std::string_view boot = "this boot") const {
    auto file = RunningFile::open(path, boot);
    EXPECT_TRUE(file) << file.error().message();
    return file ? std::move(*file) : nullptr;
  }
  // What a process leaves that is killed while it runs this task.
  void die(std::uint64_t life, std::uint64_t task, std::string_view boot = "this boot") const {
    const pid_t pid = ::fork();
    if (pid == 0) {
      auto file = RunningFile::open(path, boot);
      if (!file) ::_exit(1);
      (*file)->begin(life);
      write(*(*file)->take(), task);
      ::kill(::getpid(), SIGKILL);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << status;
  }
  static void write(RunningSlot& slot, std::uint64_t task) {
    std::atomic_ref(slot.started_at).store(static_cast<std::int64_t>(task) * 10);
    std::atomic_ref(slot.id).store(task);
  }
  static std::vector<std::uint64_t> ids(const RunningFile& file) {
    std::vector<std::uint64_t> ids;
    for (const auto& ran : file.ran()) ids.push_back(ran.id.value);
    return ids;
  }
  using Ids = std::vector<std::uint64_t>;

  const Folder folder;
  std::string path = folder.file("tasks.db-running");
};

}  // namespace

TEST_F(RunningFileTest, ANewOneIsNobodys) {
  const auto file = open();
  EXPECT_EQ(file->life(), 0u);
  EXPECT_TRUE(file->ran().empty());
}

TEST_F(RunningFileTest, TellsWhatAKilledProcessRan) {
  die(7, 42);
  const auto file = open();
  EXPECT_EQ(file->life(), 7u);
  ASSERT_EQ(ids(*file), Ids{42});
  EXPECT_EQ(file->ran()[0].started_at, errand::WallTime(std::chrono::nanoseconds(420)));
  file->begin(8);
  EXPECT_EQ(file->life(), 8u);
  EXPECT_TRUE(file->ran().empty());
}

TEST_F(RunningFileTest, TellsNothingOfAnotherBoot) {
  die(7, 42);
  EXPECT_EQ(open("another boot")->life(), 0u);
  EXPECT_EQ(open("this boo")->life(), 0u);
  EXPECT_EQ(open()->life(), 7u);
  die(8, 43, "");
  EXPECT_EQ(open("")->life(), 0u) << "a boot without a name is not known again";
}

TEST_F(RunningFileTest, KnowsTheBoot) {
  EXPECT_EQ(errand::boot_id().size(), 36u) << errand::boot_id();
  EXPECT_EQ(errand::boot_id(), errand::boot_id());
}

TEST_F(RunningFileTest, IsMadeAnewWhereItIsDamaged) {
  die(7, 42);
  std::string good(std::filesystem::file_size(path), '\0');
  std::ifstream(path, std::ios::binary).read(good.data(), static_cast<std::streamsize>(good.size()));
  const auto changed = [&](std::size_t at) {
    std::string other = good;
    other[at] ^= 1;
    return other;
  };
  // Nothing, a part, too much, something else, another magic, version and number of slots.
  for (const std::string& content : {std::string(), good.substr(0, 100), good + "x", std::string(good.size(), 'x'),
                                     changed(0), changed(16), changed(20)}) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
    {
      const auto file = open();
      EXPECT_EQ(file->life(), 0u);
      EXPECT_TRUE(file->ran().empty());
      file->begin(9);
    }
    EXPECT_EQ(std::filesystem::file_size(path), good.size());
    EXPECT_EQ(open()->life(), 9u);
  }
}

TEST_F(RunningFileTest, ACleanEndLeavesEmptySlots) {
  {
    const auto file = open();
    file->begin(7);
    write(*file->take(), 42);
  }
  EXPECT_EQ(open()->life(), 7u);
  EXPECT_TRUE(open()->ran().empty());
}

TEST_F(RunningFileTest, WhoOnlyReadsItLeavesItAsItIs) {
  die(7, 42);
  EXPECT_EQ(ids(*open()), Ids{42});
  EXPECT_EQ(open()->life(), 7u);
  EXPECT_EQ(ids(*open()), Ids{42});
}

TEST_F(RunningFileTest, GivesEachSlotOnceAndThenNone) {
  const auto file = open();
  file->begin(7);
  std::set<RunningSlot*> taken;
  while (RunningSlot* slot = file->take()) {
    write(*slot, 1 + taken.size());
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(slot) % 64, 0u) << "two workers write to one cache line";
    ASSERT_TRUE(taken.insert(slot).second);
  }
  EXPECT_EQ(taken.size(), RunningFile::kSlots);
  EXPECT_EQ(file->ran().size(), RunningFile::kSlots);
  RunningSlot* const one = *std::next(taken.begin(), 100);
  file->give_back(one);
  EXPECT_EQ(file->ran().size(), RunningFile::kSlots - 1) << "what is given back is empty";
  EXPECT_EQ(file->take(), one);
  EXPECT_EQ(file->take(), nullptr);
}

// A store into a page that has no place on a full disk ends the process.
TEST_F(RunningFileTest, HasAllItsRoomFromTheStart) {
  const auto room = [&] {
    struct stat status {};
    EXPECT_EQ(stat(path.c_str(), &status), 0);
    return static_cast<std::size_t>(status.st_blocks) * 512;
  };
  open()->begin(7);
  const std::size_t size = std::filesystem::file_size(path);
  EXPECT_GE(size, RunningFile::kSlots * sizeof(RunningSlot));
  EXPECT_GE(room(), size);
  std::filesystem::resize_file(path, 4096);
  std::filesystem::resize_file(path, size);  // a hole, as a copy of the file may have
  ASSERT_LT(room(), size);
  EXPECT_EQ(open()->life(), 7u);
  EXPECT_GE(room(), size);
}

TEST_F(RunningFileTest, SaysWhatTheSystemSaid) {
  std::filesystem::create_directory(path);
  const auto folder_there = RunningFile::open(path);
  ASSERT_FALSE(folder_there);
  EXPECT_EQ(folder_there.error().code(), errand::Code::unavailable);
  EXPECT_EQ(folder_there.error().message(), "cannot open \"" + path + "\": Is a directory");
  std::filesystem::remove(path);
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_FALSE(RunningFile::open(path));
}

TEST_F(RunningFileTest, AForkedChildWritesNothing) {
  auto file = open();
  file->begin(7);
  RunningSlot* const slot = file->take();
  write(*slot, 42);
  const pid_t pid = ::fork();
  if (pid == 0) {
    write(*slot, 43);
    if (RunningSlot* other = file->take()) write(*other, 44);
    file.reset();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(ids(*file), Ids{42});
  EXPECT_EQ(file->life(), 7u);
  write(*slot, 45);  // the parent goes on
  EXPECT_EQ(ids(*file), Ids{45});
}
