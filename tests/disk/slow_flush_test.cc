// Flushes that are counted and delayed; on the simulated disk, where a delay takes no time and can be measured.

#include "test_disk/slow_flush.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include "test_disk/disk.h"
#include "test_disk/sql.h"

namespace disk {
namespace {

using namespace std::chrono_literals;

constexpr const char* kSetup = "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL";

// A table to write to, and how often the disk was flushed for that.
class SlowFlushOfADisk : public testing::Test {
 protected:
  SlowFlushOfADisk() {
    EXPECT_EQ(sql.run(kSetup), SQLITE_OK);
    EXPECT_EQ(sql.run("CREATE TABLE t(a)"), SQLITE_OK);
    flushes = slow.flushes();
  }

  Disk disk;
  const SlowFlush slow{2ms, disk.vfs_name()};
  Sql sql{"tasks.db", slow.vfs_name()};
  std::uint64_t flushes = 0;
};

TEST_F(SlowFlushOfADisk, DelaysEachFlushAndNothingElse) {
  const auto before = disk.now();
  for (int i = 0; i < 10; ++i) ASSERT_EQ(sql.run("INSERT INTO t VALUES (1)"), SQLITE_OK);
  EXPECT_EQ(slow.flushes(), flushes + 10);
  EXPECT_EQ(disk.now() - before, 20ms);
  EXPECT_EQ(slow.flushes(), disk.syncs());
}

TEST_F(SlowFlushOfADisk, DoesNotCountAFlushThatFailed) {
  disk.fail_at(1, Fault::sync_failure);
  EXPECT_EQ(sql.run("INSERT INTO t VALUES (1)"), SQLITE_IOERR_FSYNC);
  EXPECT_EQ(slow.flushes(), flushes);
}

TEST(SlowFlush, WorksOnTheRealDisk) {
  const auto directory = std::filesystem::temp_directory_path() / "errand-slow-flush";
  std::filesystem::create_directories(directory);
  const std::string name = directory / "tasks.db";
  const SlowFlush slow(0us);
  {
    Sql sql(name, slow.vfs_name());
    Sql reader(name, slow.vfs_name());
    ASSERT_EQ(sql.run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; DROP TABLE IF EXISTS t; CREATE TABLE t(a)"),
              SQLITE_OK);
    const std::uint64_t flushes = slow.flushes();
    ASSERT_EQ(sql.run("INSERT INTO t VALUES (7)"), SQLITE_OK);
    EXPECT_EQ(slow.flushes(), flushes + 1);
    EXPECT_EQ(reader.ask("SELECT a FROM t"), "7");
  }
  std::filesystem::remove_all(directory);
}

TEST(SlowFlush, NeedsAVfsThatIsThere) {
  EXPECT_THROW(SlowFlush(2ms, "no such VFS"), std::invalid_argument);
}

TEST(SlowFlush, KnowsADirectoryThatIsInMemory) {
  EXPECT_FALSE(is_in_memory("/no/such/directory"));
  EXPECT_FALSE(is_in_memory("/proc"));
  if (!std::filesystem::exists("/dev/shm")) GTEST_SKIP() << "there is none here";
  EXPECT_TRUE(is_in_memory("/dev/shm"));
}

}  // namespace
}  // namespace disk
