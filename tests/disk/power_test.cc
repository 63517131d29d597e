// The power goes, after any operation; what SQLite promises holds, and a disk that lies is seen.
//
// Every operation is tried once with each kind of cut; with ERRAND_LONG=1 fifty times, each with other chances.

#include <gtest/gtest.h>

#include <cstdlib>
#include <iterator>
#include <string>
#include <vector>

#include "test_disk/disk.h"
#include "test_disk/ledger.h"

namespace disk {
namespace {

int rounds() {
  return std::getenv("ERRAND_LONG") != nullptr ? 50 : 1;
}

struct Crash {
  Told told;
  Found found;
};

// Once: a run that loses its power at operation n, and what is left.
Crash crash_at(std::uint64_t n, PowerCut how, std::uint64_t seed, const LedgerOptions& options, bool lies = false) {
  Disk disk(seed);
  errand::Rng rng(seed);
  disk.ignore_syncs(lies);
  disk.fail_at(n, Fault::power_loss);
  Crash crash;
  crash.told = run_ledger(disk, options);
  EXPECT_EQ(disk.open_files(), 0);
  disk.power_cut(how, rng);
  crash.found = read_ledger(disk);
  return crash;
}

bool changes(Call call) {
  return call == Call::open || call == Call::write || call == Call::truncate || call == Call::sync ||
         call == Call::sync_directory || call == Call::remove;
}

// Where to crash: before the first operation, and after each that changes the disk. Elsewhere would be the same again.
std::vector<std::uint64_t> crash_points(const LedgerOptions& options) {
  Disk disk;
  std::vector<std::uint64_t> points{1};
  disk.on_operation([&](const Operation& operation) {
    if (changes(operation.call)) points.push_back(operation.number + 1);
    return Fault::none;
  });
  const Told told = run_ledger(disk, options);
  EXPECT_EQ(told.acknowledged, options.transactions) << told.error;
  return points;
}

// Calls check(crash) for the power lost at each of these, in each way.
template <class Check>
void each_crash(const LedgerOptions& options, Check check, bool lies = false) {
  const std::vector<std::uint64_t> points = crash_points(options);
  for (int round = 0; round < rounds(); ++round) {
    for (const PowerCut how : kPowerCuts) {
      for (const std::uint64_t n : points) {
        const std::uint64_t seed = 1000 * n + static_cast<std::uint64_t>(round);
        SCOPED_TRACE(std::string(name_of(how)) + " at operation " + std::to_string(n) + " of " +
                     std::to_string(points.back()) + ", seed " + std::to_string(seed));
        check(crash_at(n, how, seed, options, lies));
        if (testing::Test::HasFailure()) return;
      }
    }
  }
}

void expect_nothing_lost(const Crash& crash) {
  EXPECT_TRUE(crash.found.is_sound) << crash.found.complaint;
  EXPECT_GE(crash.found.transactions, crash.told.acknowledged) << crash.found.complaint;
  EXPECT_LE(crash.found.transactions, crash.told.begun);
}

void expect_a_prefix(const Crash& crash) {
  EXPECT_TRUE(crash.found.is_sound) << crash.found.complaint;
  EXPECT_GE(crash.found.transactions, 0) << crash.found.complaint;
  EXPECT_LE(crash.found.transactions, crash.told.begun);
}

TEST(PowerCut, TakesNoAcknowledgedTransactionFromALogThatIsFlushed) {
  each_crash({.transactions = 6}, expect_nothing_lost);
}

TEST(PowerCut, TakesNoneEitherWhileOthersRead) {
  each_crash({.locking = "NORMAL", .has_reader = true, .transactions = 4}, expect_nothing_lost);
}

TEST(PowerCut, LeavesAPrefixIfTheLogIsNotFlushedEachTime) {
  int lost = 0;
  each_crash({.synchronous = "NORMAL", .transactions = 5}, [&](const Crash& crash) {
    expect_a_prefix(crash);
    if (crash.found.transactions < crash.told.acknowledged) ++lost;
  });
  EXPECT_GT(lost, 0) << "NORMAL promises less than FULL, and it shows";
}

// A journal that is deleted to commit, and comes back since its directory was not flushed, takes the commit back.
TEST(PowerCut, BringsADeletedJournalBack) {
  int lost = 0;
  each_crash({.journal = "DELETE", .locking = "NORMAL", .transactions = 3}, [&](const Crash& crash) {
    expect_a_prefix(crash);
    EXPECT_GE(crash.found.transactions, crash.told.acknowledged - 1);
    if (crash.found.transactions < crash.told.acknowledged) ++lost;
  });
  EXPECT_GT(lost, 0);
}

TEST(PowerCut, TakesNothingIfTheDirectoryIsFlushedAfterADelete) {
  each_crash({.journal = "DELETE", .synchronous = "EXTRA", .locking = "NORMAL", .transactions = 3},
             expect_nothing_lost);
}

// The tool has to see what it is made for.
TEST(PowerCut, ShowsADiskThatOnlySaysItFlushed) {
  int lost = 0;
  int unsound = 0;
  each_crash(
      {.transactions = 3},
      [&](const Crash& crash) {
        if (!crash.found.is_sound) ++unsound;
        if (crash.found.transactions < crash.told.acknowledged) ++lost;
      },
      /*lies=*/true);
  EXPECT_GT(lost, 0);
  EXPECT_GT(unsound, 0) << "no order of writes is left to rely on";
}

// A crash is no end: the database goes on, and crashes again.
TEST(PowerCut, LetsTheDatabaseGoOn) {
  const int crashes = 40 * rounds();
  Disk disk(7);
  errand::Rng rng(7);
  const LedgerOptions options{.transactions = 12};
  int there = 0;
  for (int i = 0; i < crashes; ++i) {
    SCOPED_TRACE("crash " + std::to_string(i));
    disk.fail_at(1 + rng.below(400), Fault::power_loss);
    const Told told = run_ledger(disk, options);
    const PowerCut how = rng.below(5) == 0 ? PowerCut::keep_all : kPowerCuts[rng.below(std::size(kPowerCuts))];
    disk.power_cut(how, rng);
    const Found found = read_ledger(disk);
    ASSERT_TRUE(found.is_sound) << found.complaint;
    ASSERT_GE(found.transactions, there + told.acknowledged) << name_of(how);
    ASSERT_LE(found.transactions, there + told.begun) << name_of(how);
    there = found.transactions;
  }
  EXPECT_GT(there, 0);
}

TEST(PowerCut, OfAProcessLosesNothing) {
  const LedgerOptions options{.synchronous = "NORMAL", .transactions = 4};
  for (const std::uint64_t n : crash_points(options)) {
    SCOPED_TRACE(n);
    const Crash crash = crash_at(n, PowerCut::keep_all, n, options);
    expect_nothing_lost(crash);
    if (HasFailure()) return;
  }
}

TEST(PowerCut, LeavesHandlesUseless) {
  Disk disk;
  errand::Rng rng(1);
  Sql sql("tasks.db", disk.vfs_name());
  ASSERT_EQ(sql.run("PRAGMA synchronous=EXTRA; CREATE TABLE t(a)"), SQLITE_OK);
  disk.power_off();
  EXPECT_EQ(sql.run("INSERT INTO t VALUES (1)") & 0xff, SQLITE_IOERR);
  Sql early("tasks.db", disk.vfs_name());
  EXPECT_NE(early.status(), SQLITE_OK) << "the power is off";
  early.close();
  disk.power_cut(PowerCut::drop_all, rng);
  EXPECT_EQ(sql.run("INSERT INTO t VALUES (1)") & 0xff, SQLITE_IOERR);
  Sql next("tasks.db", disk.vfs_name());
  EXPECT_EQ(next.run("INSERT INTO t VALUES (2)"), SQLITE_OK);
  EXPECT_EQ(sql.run("INSERT INTO t VALUES (1)") & 0xff, SQLITE_IOERR) << "it is of another life";
  EXPECT_EQ(next.ask("SELECT a FROM t"), "2");
}

TEST(PowerCut, TakesTheNameOfAFileWhoseDirectoryWasNotFlushed) {
  Disk disk;
  errand::Rng rng(1);
  Sql sql("tasks.db", disk.vfs_name());
  // Without a journal nothing flushes the directory.
  ASSERT_EQ(sql.run("PRAGMA journal_mode=OFF; CREATE TABLE t(a)"), SQLITE_OK);
  ASSERT_GT(disk.syncs("tasks.db"), 0U);
  disk.power_cut(PowerCut::drop_all, rng);
  EXPECT_FALSE(disk.exists("tasks.db"));
}

}  // namespace
}  // namespace disk
