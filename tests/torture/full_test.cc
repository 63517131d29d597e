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

// The test below starts this one where the folder is a file system of 4 MiB in memory, of its own.
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
  const std::string command = "unshare --user --map-root-user --mount sh -c 'mount -t tmpfs -o size=4m none " +
                              folder.path() + " || exit 77; ERRAND_SMALL_DISK=" + folder.path() + " exec " + self +
                              " --gtest_brief=1 --gtest_filter=FullDisk.OfFourMegabytes'";
  const bool may = std::system("unshare --user --map-root-user --mount true 2>/dev/null") == 0;
  const int status = may ? std::system(command.c_str()) : 77 << 8;
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "no mounts in a namespace of one's own here: the quota has to do";
  EXPECT_EQ(status, 0);
}

}  // namespace
