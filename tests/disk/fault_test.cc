// Operations that fail: SQLite reports it, and neither loses what it acknowledged nor harms the database.
//
// Each operation fails once, in each way; with ERRAND_LONG=1 twenty times, each with other chances.

#include <gtest/gtest.h>

#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <string>

#include "test_disk/disk.h"
#include "test_disk/ledger.h"

namespace disk {
namespace {

using namespace std::chrono_literals;

const LedgerOptions kShort{.transactions = 4};

std::uint64_t rounds() {
  return std::getenv("ERRAND_LONG") != nullptr ? 20 : 1;
}

// Lets operation n of the run fail, for every n; check(disk, told, rng) sees what came of it.
template <class Check>
void each_fault(Fault fault, std::uint64_t times, const LedgerOptions& options, Check check) {
  for (std::uint64_t round = 0; round < rounds(); ++round) {
    for (std::uint64_t n = 1;; ++n) {
      SCOPED_TRACE("operation " + std::to_string(n) + ", round " + std::to_string(round));
      Disk disk(1000 * n + round);
      errand::Rng rng(1000 * n + round);
      disk.fail_at(n, fault, times);
      const Told told = run_ledger(disk, options);
      const bool was_reached = disk.failed() > 0;
      disk.fail_at(1, Fault::none);
      EXPECT_EQ(disk.open_files(), 0);
      check(disk, told, rng);
      if (testing::Test::HasFailure()) return;
      if (was_reached) continue;
      EXPECT_EQ(told.acknowledged, options.transactions);
      break;
    }
  }
}

void expect_nothing_lost(Disk& disk, const Told& told) {
  const Found found = read_ledger(disk);
  EXPECT_TRUE(found.is_sound) << found.complaint;
  EXPECT_GE(found.transactions, told.acknowledged) << found.complaint;
  EXPECT_LE(found.transactions, told.begun);
}

bool is_one_of(int error, std::initializer_list<int> codes) {
  for (const int code : codes) {
    if ((error & 0xff) == code) return true;
  }
  return false;
}

TEST(Fault, IoErrorsAreReported) {
  each_fault(Fault::io_error, 1, kShort, [](Disk& disk, const Told& told, errand::Rng&) {
    EXPECT_TRUE(is_one_of(told.error, {SQLITE_OK, SQLITE_IOERR, SQLITE_CANTOPEN})) << told.error;
    expect_nothing_lost(disk, told);
  });
}

TEST(Fault, ADiskThatStaysBrokenIsReported) {
  each_fault(Fault::io_error, kAlways, kShort, [](Disk& disk, const Told& told, errand::Rng&) {
    EXPECT_TRUE(is_one_of(told.error, {SQLITE_OK, SQLITE_IOERR, SQLITE_CANTOPEN})) << told.error;
    expect_nothing_lost(disk, told);
  });
}

TEST(Fault, IoErrorsAreReportedWhileOthersRead) {
  each_fault(Fault::io_error, 1, {.locking = "NORMAL", .has_reader = true, .transactions = 3},
             [](Disk& disk, const Told& told, errand::Rng&) { expect_nothing_lost(disk, told); });
}

TEST(Fault, ShortWritesAreAFullDisk) {
  int full = 0;
  each_fault(Fault::short_write, 1, kShort, [&](Disk& disk, const Told& told, errand::Rng&) {
    if (is_one_of(told.error, {SQLITE_FULL})) ++full;
    EXPECT_TRUE(is_one_of(told.error, {SQLITE_OK, SQLITE_FULL})) << told.error;
    expect_nothing_lost(disk, told);
  });
  EXPECT_GT(full, 10);
}

TEST(Fault, LocksThatAreTakenAreBusy) {
  each_fault(Fault::busy, 1000, kShort, [](Disk& disk, const Told& told, errand::Rng&) {
    EXPECT_TRUE(is_one_of(told.error, {SQLITE_OK, SQLITE_BUSY})) << told.error;
    expect_nothing_lost(disk, told);
  });
}

// Also when the power goes after that: an acknowledged transaction had a flush that did not fail.
TEST(Fault, AFailedFlushAcknowledgesNothing) {
  int refused = 0;
  each_fault(Fault::sync_failure, 1, kShort, [&](Disk& disk, const Told& told, errand::Rng& rng) {
    if (told.error == SQLITE_IOERR_FSYNC) ++refused;
    disk.power_cut(PowerCut::torn, rng);
    expect_nothing_lost(disk, told);
  });
  EXPECT_GT(refused, 10);
}

// How many acknowledged transactions a power cut takes after this: the flush that was to commit the third one fails,
// and the process dies at once or stays; then two more are acknowledged.
int lost_after_failed_flush(std::uint64_t seed, bool dies) {
  constexpr const char* kSetup = "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL";
  Disk disk(seed);
  errand::Rng rng(seed);
  auto sql = std::make_unique<Sql>("tasks.db", disk.vfs_name());
  EXPECT_EQ(sql->run(kSetup), SQLITE_OK);
  EXPECT_EQ(sql->run("CREATE TABLE t(number INTEGER PRIMARY KEY, bulk)"), SQLITE_OK);
  const auto insert = [&](int number) {
    return sql->run("INSERT INTO t VALUES (" + std::to_string(number) + ", randomblob(10000))");
  };
  EXPECT_EQ(insert(1), SQLITE_OK);
  EXPECT_EQ(insert(2), SQLITE_OK);
  disk.fail_at(1, Fault::sync_failure);
  EXPECT_EQ(insert(3), SQLITE_IOERR_FSYNC);
  if (dies) {
    disk.power_cut(PowerCut::keep_all, rng);
    sql = std::make_unique<Sql>("tasks.db", disk.vfs_name());
    EXPECT_EQ(sql->run(kSetup), SQLITE_OK);
  }
  EXPECT_EQ(insert(4), SQLITE_OK);
  EXPECT_EQ(insert(5), SQLITE_OK);
  disk.power_cut(PowerCut::drop_all, rng);
  sql = std::make_unique<Sql>("tasks.db", disk.vfs_name());
  EXPECT_EQ(sql->ask("PRAGMA integrity_check"), "ok");
  return 4 - std::atoi(sql->ask("SELECT count(*) FROM t WHERE number <> 3").c_str());
}

TEST(Fault, AFailedFlushIsRepeatedByWhoStays) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) EXPECT_EQ(lost_after_failed_flush(seed, false), 0) << seed;
}

// What a failed flush forgot is still seen by whoever reads, so also by who opens the log after the process died. Such
// a log has a hole that nobody sees, and what is then written behind the hole, and flushed, is lost with the power.
TEST(Fault, AFailedFlushAndADeadProcessLeaveAHoleInTheLog) {
  int lost = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) lost += lost_after_failed_flush(seed, true);
  EXPECT_GT(lost, 0);
}

TEST(Fault, AFullDiskHealsWhenThereIsRoom) {
  for (std::size_t quota = 2048; quota < 40'000; quota += 512) {
    SCOPED_TRACE(quota);
    Disk disk(quota);
    disk.set_quota(quota);
    const Told told = run_ledger(disk, {.transactions = 40});
    EXPECT_EQ(told.error & 0xff, SQLITE_FULL);
    EXPECT_LE(disk.bytes_used(), quota);
    expect_nothing_lost(disk, told);
    const int there = read_ledger(disk).transactions;
    disk.set_quota(std::nullopt);
    EXPECT_EQ(run_ledger(disk, kShort).acknowledged, kShort.transactions);
    EXPECT_EQ(read_ledger(disk).transactions, there + kShort.transactions);
    if (HasFailure()) return;
  }
}

TEST(Fault, AReadOnlyDiskCanBeRead) {
  Disk disk;
  ASSERT_EQ(run_ledger(disk, kShort).acknowledged, kShort.transactions);
  Sql early("tasks.db", disk.vfs_name());
  ASSERT_EQ(early.ask("PRAGMA locking_mode=EXCLUSIVE; SELECT number FROM last"), "exclusive 4");
  disk.set_read_only(true);
  EXPECT_TRUE(is_one_of(early.run("UPDATE last SET number = 5"), {SQLITE_IOERR, SQLITE_CANTOPEN}));
  early.close();
  Sql sql("file:/tasks.db?immutable=1", disk.vfs_name(), SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI);
  EXPECT_EQ(sql.ask("SELECT number FROM last"), "4");
  EXPECT_EQ(sql.run("UPDATE last SET number = 5"), SQLITE_READONLY);
  Sql other("other.db", disk.vfs_name());
  EXPECT_EQ(other.status(), SQLITE_CANTOPEN);
  disk.set_read_only(false);
  EXPECT_EQ(run_ledger(disk, kShort).acknowledged, kShort.transactions);
}

TEST(Fault, WhoWaitsForALockGivesUpInTime) {
  Disk disk;
  Sql sql("tasks.db", disk.vfs_name());
  ASSERT_EQ(sql.run("CREATE TABLE t(a)"), SQLITE_OK);
  sqlite3_busy_timeout(sql.get(), 60'000);
  disk.fail_at(1, Fault::busy, kAlways);
  const auto before = disk.now();
  EXPECT_EQ(sql.run("INSERT INTO t VALUES (1)"), SQLITE_BUSY);
  EXPECT_GE(disk.now() - before, 59s);
  EXPECT_GT(disk.failed(), 100U);

  disk.fail_at(1, Fault::busy, 10);
  EXPECT_EQ(sql.run("INSERT INTO t VALUES (1)"), SQLITE_OK) << "the lock is free again, in time";
}

TEST(Fault, TheHookCanRefuseAnOperation) {
  Disk disk;
  Sql sql("tasks.db", disk.vfs_name());
  ASSERT_EQ(sql.run("CREATE TABLE t(a)"), SQLITE_OK);
  disk.on_operation([](const Operation& operation) {
    return operation.path == "/tasks.db-journal" ? Fault::sync_failure : Fault::none;
  });
  EXPECT_EQ(sql.run("INSERT INTO t VALUES (1)"), SQLITE_IOERR_FSYNC);
  disk.on_operation(nullptr);
  EXPECT_EQ(sql.run("INSERT INTO t VALUES (1)"), SQLITE_OK);
}

}  // namespace
}  // namespace disk
