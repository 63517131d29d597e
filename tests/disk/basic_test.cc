// A disk that nothing happens to.

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "test_disk/disk.h"
#include "test_disk/sql.h"

namespace disk {
namespace {

using namespace std::chrono_literals;

TEST(Disk, KeepsADatabase) {
  Disk disk;
  {
    Sql sql("tasks.db", disk.vfs_name());
    ASSERT_EQ(sql.run("CREATE TABLE t(a); INSERT INTO t VALUES (1), (2)"), SQLITE_OK);
  }
  EXPECT_EQ(disk.open_files(), 0);
  EXPECT_TRUE(disk.exists("tasks.db"));
  EXPECT_FALSE(disk.exists("tasks.db-journal"));
  Sql sql("/tasks.db", disk.vfs_name());
  EXPECT_EQ(sql.ask("SELECT sum(a) FROM t"), "3");
}

TEST(Disk, ServesAWriterAndReaders) {
  Disk disk;
  Sql writer("tasks.db", disk.vfs_name());
  ASSERT_EQ(writer.ask("PRAGMA journal_mode=WAL"), "wal");
  ASSERT_EQ(writer.run("CREATE TABLE t(a); INSERT INTO t VALUES (1)"), SQLITE_OK);
  Sql reader("tasks.db", disk.vfs_name());
  ASSERT_EQ(reader.run("BEGIN"), SQLITE_OK);
  EXPECT_EQ(reader.ask("SELECT sum(a) FROM t"), "1");
  ASSERT_EQ(writer.run("INSERT INTO t VALUES (2)"), SQLITE_OK);
  EXPECT_EQ(reader.ask("SELECT sum(a) FROM t"), "1") << "a reader sees what was there when it began";
  ASSERT_EQ(reader.run("COMMIT"), SQLITE_OK);
  EXPECT_EQ(reader.ask("SELECT sum(a) FROM t"), "3");

  ASSERT_EQ(writer.run("BEGIN IMMEDIATE"), SQLITE_OK);
  EXPECT_EQ(reader.run("BEGIN IMMEDIATE"), SQLITE_BUSY);
}

TEST(Disk, ServesThreads) {
  constexpr int kRows = 60;
  Disk disk;
  disk.on_sleep([](std::chrono::microseconds) { sqlite3_sleep(1); });
  Sql writer("tasks.db", disk.vfs_name());
  ASSERT_EQ(writer.ask("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=20"), "wal 20");
  ASSERT_EQ(writer.run("CREATE TABLE t(a, b); INSERT INTO t VALUES (0, 0)"), SQLITE_OK);
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      Sql sql("tasks.db", disk.vfs_name());
      sqlite3_busy_timeout(sql.get(), 10'000);
      for (std::string rows = "1"; rows != std::to_string(kRows);) {
        rows = sql.ask("SELECT count(*) FROM t");
        ASSERT_EQ(sql.ask("SELECT count(*) FROM t WHERE a <> b"), "0");
      }
    });
  }
  sqlite3_busy_timeout(writer.get(), 10'000);
  for (int i = 1; i < kRows; ++i) {
    EXPECT_EQ(writer.run("INSERT INTO t VALUES (-1, -1); UPDATE t SET a = a + 1, b = b + 1"), SQLITE_OK);
  }
  for (std::thread& reader : readers) reader.join();
}

TEST(Disk, LocksOutOthersWithoutALog) {
  Disk disk;
  Sql one("tasks.db", disk.vfs_name());
  Sql two("tasks.db", disk.vfs_name());
  ASSERT_EQ(one.run("CREATE TABLE t(a); BEGIN; INSERT INTO t VALUES (1)"), SQLITE_OK);
  EXPECT_EQ(two.ask("SELECT count(*) FROM t"), "0");
  EXPECT_EQ(two.run("INSERT INTO t VALUES (2)"), SQLITE_BUSY);
  ASSERT_EQ(two.run("BEGIN; SELECT * FROM t"), SQLITE_OK);
  EXPECT_EQ(one.run("COMMIT"), SQLITE_BUSY) << "someone reads";
  ASSERT_EQ(two.run("COMMIT"), SQLITE_OK);
  EXPECT_EQ(two.run("SELECT * FROM t"), SQLITE_BUSY) << "no new readers while one waits to write";
  EXPECT_EQ(one.run("COMMIT"), SQLITE_OK);
  EXPECT_EQ(two.ask("SELECT count(*) FROM t"), "1");
}

TEST(Disk, GivesSqliteItsOwnTime) {
  Disk disk;
  Sql one("tasks.db", disk.vfs_name());
  Sql two("tasks.db", disk.vfs_name());
  EXPECT_EQ(one.ask("SELECT datetime('now')"), "2026-01-01 00:00:00");
  disk.advance(90s);
  EXPECT_EQ(one.ask("SELECT datetime('now')"), "2026-01-01 00:01:30");

  const auto before = disk.now();
  sqlite3_busy_timeout(two.get(), 1000);
  ASSERT_EQ(one.run("BEGIN IMMEDIATE"), SQLITE_OK);
  EXPECT_EQ(two.run("BEGIN IMMEDIATE"), SQLITE_BUSY);
  EXPECT_GE(disk.now() - before, 900ms);
  EXPECT_LE(disk.now() - before, 1000ms);
}

TEST(Disk, CountsFlushesByFile) {
  Disk disk;
  Sql sql("tasks.db", disk.vfs_name());
  ASSERT_EQ(sql.ask("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL"),
            "exclusive wal");
  ASSERT_EQ(sql.run("CREATE TABLE t(a)"), SQLITE_OK);
  const std::uint64_t log = disk.syncs("tasks.db-wal");
  const std::uint64_t database = disk.syncs("tasks.db");
  const std::uint64_t all = disk.syncs();
  ASSERT_EQ(sql.run("INSERT INTO t VALUES (1)"), SQLITE_OK);
  EXPECT_EQ(disk.syncs("tasks.db-wal"), log + 1);
  EXPECT_EQ(disk.syncs("tasks.db"), database);
  EXPECT_EQ(disk.syncs(), all + 1);
}

TEST(Disk, TellsOfEachOperationBeforeItIsDone) {
  Disk disk;
  std::uint64_t told = 0;
  std::string flushed;
  disk.on_operation([&](const Operation& operation) {
    EXPECT_EQ(operation.number, ++told);
    if (operation.call == Call::sync) flushed = operation.path;
    return Fault::none;
  });
  Sql sql("tasks.db", disk.vfs_name());
  ASSERT_EQ(sql.run("CREATE TABLE t(a)"), SQLITE_OK);
  EXPECT_EQ(told, disk.operations());
  EXPECT_EQ(flushed, "/tasks.db");
}

// Some work that comes by most calls.
std::uint64_t trace_of(std::uint64_t seed) {
  Disk disk(seed);
  Sql sql("tasks.db", disk.vfs_name());
  EXPECT_EQ(sql.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES (random())"), SQLITE_OK);
  errand::Rng rng(seed);
  disk.power_cut(PowerCut::reordered, rng);
  sql.close();
  Sql again("tasks.db", disk.vfs_name());
  static_cast<void>(again.run("CREATE TABLE u(a); INSERT INTO u VALUES (datetime('now'))"));
  return disk.trace();
}

TEST(Disk, RepeatsItselfBitByBit) {
  EXPECT_EQ(trace_of(1), trace_of(1));
  EXPECT_NE(trace_of(1), trace_of(2));
  EXPECT_EQ(trace_of(3), trace_of(3));
}

}  // namespace
}  // namespace disk
