// SQLite runs out of memory, at any allocation.
//
// Here it does so at every third; with ERRAND_LONG=1 at each.

#include "test_disk/failing_memory.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <stdexcept>

#include "test_disk/disk.h"
#include "test_disk/ledger.h"

namespace disk {
namespace {

const LedgerOptions kShort{.transactions = 2};

std::uint64_t step() {
  return std::getenv("ERRAND_LONG") != nullptr ? 1 : 3;
}

void each_failure(std::uint64_t times) {
  FailingMemory memory;
  for (std::uint64_t n = 1;; n += step()) {
    SCOPED_TRACE(n);
    Disk disk;
    const std::int64_t before = memory.outstanding();
    memory.fail_at(n, times);
    const Told told = run_ledger(disk, kShort);
    const bool was_reached = memory.failed() > 0;
    memory.fail_at(0, 0);
    EXPECT_EQ(disk.open_files(), 0);
    EXPECT_EQ(memory.outstanding(), before) << "SQLite lost some of its memory";
    EXPECT_TRUE(told.error == SQLITE_OK || (told.error & 0xff) == SQLITE_NOMEM) << told.error;
    const Found found = read_ledger(disk);
    EXPECT_TRUE(found.is_sound) << found.complaint;
    EXPECT_GE(found.transactions, told.acknowledged) << found.complaint;
    EXPECT_LE(found.transactions, told.begun);
    if (testing::Test::HasFailure()) return;
    if (was_reached) continue;
    EXPECT_EQ(told.acknowledged, kShort.transactions);
    return;
  }
}

TEST(FailingMemory, IsReportedAndLosesNothing) {
  each_failure(1);
}

TEST(FailingMemory, IsReportedIfThereIsNoneFromThenOn) {
  each_failure(UINT64_MAX);
}

TEST(FailingMemory, GivesSqliteItsMemoryBack) {
  {
    const FailingMemory memory;
    Disk disk;
    EXPECT_EQ(run_ledger(disk, kShort).error, SQLITE_OK);
    EXPECT_GT(memory.allocations(), 100U);
    EXPECT_EQ(memory.failed(), 0U);
  }
  Disk disk;
  EXPECT_EQ(run_ledger(disk, kShort).error, SQLITE_OK);
  const FailingMemory memory;
  EXPECT_EQ(memory.allocations(), memory.allocations()) << "and can be there again";
}

TEST(FailingMemory, IsThereOnce) {
  const FailingMemory memory;
  EXPECT_THROW(FailingMemory(), std::logic_error);
}

}  // namespace
}  // namespace disk
