// A full disk: what does not fit is refused, what was accepted stays, and all goes on when there is room.

#include <sys/wait.h>

#include <fstream>

#include "test_disk/disk.h"
#include "test_disk/sql.h"
#include "work.h"

using namespace errand;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kBytes = 3000;
constexpr std::size_t kMiB = 1 << 20;

void expect_sound(const std::string& path, const char* vfs) {
  disk::Sql sql(path, vfs);
  EXPECT_EQ(sql.ask("PRAGMA integrity_check"), "ok");
}

TEST(FullDisk, RefusesAndHeals) {
  Figures figures("T3", "the disk fills up, by a quota, and has room again");
  disk::Disk disk(7);
  {
    auto store = open_sqlite("tasks.db", {.vfs = disk.vfs_name()});
    ASSERT_TRUE(store) << store.error().message();
    Work work(*store);
    const Rounds fills(2, by_effort(3, 5, 200), 10s);
    int done = 0;
    for (; fills.go_on(done); ++done) {
      disk.set_quota(disk.bytes_used() + 200'000);
      EXPECT_LT(work.enqueue(100'000, kBytes, true), 100'000);
      work.endure(by_effort(500ms, 2000ms, 2000ms), "full", 20 * kBytes, Code::store_full);
      disk.set_quota(std::nullopt);
      work.heal(5s);
      EXPECT_EQ(work.enqueue(20, kBytes), 20);
      work.heal(5s);
    }
    figures.count("fills", done);
    work.expect_clean(figures);
  }
  expect_sound("tasks.db", disk.vfs_name());
}

// More room each time, until it is enough.
TEST(FullDisk, AtTheOpen) {
  Figures figures("T3", "a file is made on a disk that is full, by a quota");
  disk::Disk disk(7);
  int refused = 0;
  for (std::size_t quota = 0; quota < kMiB; quota += 512) {
    disk.set_quota(quota);
    const auto store = open_sqlite("tasks.db", {.vfs = disk.vfs_name()});
    if (store) break;
    EXPECT_EQ(store.error().code(), Code::store_full) << quota << ": " << store.error().message();
    ++refused;
  }
  EXPECT_GT(refused, 10);
  disk.set_quota(std::nullopt);
  EXPECT_TRUE(open_sqlite("tasks.db", {.vfs = disk.vfs_name()}));
  figures.count("opens refused", refused);
}

// A file system of 4 MiB and 64 names, with nothing left of either.
class Ballast {
 public:
  explicit Ballast(const std::string& folder) : folder_(folder), file_(folder + "/ballast") {
    std::ofstream(file_) << std::string(std::size_t{5} << 20, 'x');
    while (std::ofstream(name(names_))) ++names_;
  }
  ~Ballast() {
    leave_names(names_);
    std::filesystem::remove(file_);
  }
  Ballast(const Ballast&) = delete;
  Ballast& operator=(const Ballast&) = delete;
  void leave_bytes(std::size_t bytes) {
    std::filesystem::resize_file(file_, std::filesystem::file_size(file_) - bytes);
  }
  void leave_names(int count) {
    for (; count > 0 && names_ > 0; --count) std::filesystem::remove(name(--names_));
  }

 private:
  [[nodiscard]] std::string name(int number) const { return folder_ + "/" + std::to_string(number); }

  const std::string folder_;
  const std::string file_;
  int names_ = 0;
};

// The test below starts these two where the folder is a file system of 4 MiB in memory, of its own.
TEST(FullDisk, AtTheOpenOfFourMegabytes) {
  const char* const folder = std::getenv("ERRAND_SMALL_DISK");
  if (folder == nullptr) GTEST_SKIP() << "is part of RefusesAndHealsInFourMegabytes";
  Figures figures("T3", "a file is opened, or made, where 4 MiB of tmpfs are full");
  const std::string path = std::string(folder) + "/opened.db";
  int refused = 0;
  // Whether it is opened where there is so much room.
  const auto opens = [&](bool is_there, std::size_t pages, int names) {
    for (const char* ending : {"", "-wal", "-shm", ".lock", "-running"}) std::filesystem::remove(path + ending);
    if (is_there) {
      EXPECT_TRUE(open_sqlite(path));
    }
    Ballast ballast(folder);
    ballast.leave_bytes(pages * 4096);
    ballast.leave_names(names);
    const auto store = open_sqlite(path);
    if (store) return true;
    EXPECT_EQ(store.error().code(), Code::store_full)
        << (is_there ? "there, " : "new, ") << pages << " pages, " << names << " names: " << store.error().message();
    ++refused;
    return false;
  };
  for (const bool is_there : {false, true}) {
    std::size_t pages = 0;
    while (pages < 200 && !opens(is_there, pages, 20)) ++pages;
    EXPECT_GT(pages, 0u);
    EXPECT_LT(pages, 200u);
    int names = 0;
    while (names < 20 && !opens(is_there, 200, names)) ++names;
    EXPECT_GT(names, 0);
    EXPECT_LT(names, 20);
  }
  figures.count("opens refused", refused);
}

TEST(FullDisk, OfFourMegabytes) {
  const char* const folder = std::getenv("ERRAND_SMALL_DISK");
  if (folder == nullptr) GTEST_SKIP() << "is part of RefusesAndHealsInFourMegabytes";
  Figures figures("T3", "4 MiB of tmpfs fill up, and have room again");
  const std::string path = std::string(folder) + "/tasks.db";
  const std::string ballast = std::string(folder) + "/ballast";
  {
    auto store = open_sqlite(path);
    ASSERT_TRUE(store) << store.error().message();
    Work work(*store);
    const Rounds fills(1, by_effort(2, 5, 200), 5s);
    int done = 0;
    for (; fills.go_on(done); ++done) {
      std::ofstream(ballast) << std::string(std::size_t{5} << 19, 'x');
      EXPECT_LT(work.enqueue(100'000, kBytes, true), 100'000);
      work.endure(by_effort(500ms, 2000ms, 2000ms), "full", 20 * kBytes, Code::store_full);
      std::filesystem::remove(ballast);
      work.heal(5s);
      EXPECT_EQ(work.enqueue(5, kBytes), 5);
      work.heal(5s);
    }
    figures.count("fills", done);
    work.expect_clean(figures);
  }
  expect_sound(path, nullptr);
}

TEST(FullDisk, RefusesAndHealsInFourMegabytes) {
  const Scratch folder;
  const std::string self = std::filesystem::read_symlink("/proc/self/exe");
  // 77: the system lets nobody make a file system of his own.
  const std::string command =
      "unshare --user --map-root-user --mount sh -c 'mount -t tmpfs -o size=4m,nr_inodes=64 none " + folder.path() +
      " || exit 77; ERRAND_SMALL_DISK=" + folder.path() + " exec " + self +
      " --gtest_brief=1 --gtest_filter=FullDisk.*OfFourMegabytes'";
  const bool may = std::system("unshare --user --map-root-user --mount true 2>/dev/null") == 0;
  const int status = may ? std::system(command.c_str()) : 77 << 8;
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "no mounts in a namespace of one's own here: the quota has to do";
  EXPECT_EQ(status, 0);
}

}  // namespace
