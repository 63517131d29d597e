// The caller's own transaction on a disk that loses its power, or fails: data and task are both there, or neither is.

#include <errand/random.h>
#include <errand/sqlite.h>
#include <gtest/gtest.h>

#include <set>

#include "effort.h"
#include "test_disk/disk.h"

using namespace errand;
using disk::Disk;
using disk::Fault;
using disk::PowerCut;

namespace {

constexpr WallTime kNow{std::chrono::seconds(1'700'000'000)};

std::uint64_t points() {
  return by_effort<std::uint64_t>(60, 800, 1'000'000);
}

Result<SqliteStore> open_on(const Disk& disk) {
  return open_sqlite("tasks.db", {.vfs = disk.vfs_name()});
}

// Writes the number as data, and enqueues a task that has it.
Result<void> add_both(SqliteStore& store, int number) {
  return store.transaction([&](Transaction& tx) -> Result<void> {
    if (auto ok = tx.execute("create table if not exists effects (number integer)"); !ok) return ok;
    const std::string text = std::to_string(number);
    if (auto ok = tx.add({.queue = "mail", .kind = "welcome", .payload = text}, kNow); !ok) return ok.error();
    return tx.execute("insert into effects values (?)", number);
  });
}

std::set<int> data_of(SqliteStore& store) {
  std::set<int> numbers;
  EXPECT_TRUE(store.transaction([&](Transaction& tx) -> Result<void> {
    if (auto ok = tx.execute("create table if not exists effects (number integer)"); !ok) return ok;
    const auto rows = tx.query("select number from effects");
    if (!rows) return rows.error();
    for (const Row& row : *rows) numbers.insert(static_cast<int>(row.integer(0)));
    return {};
  }));
  return numbers;
}

std::set<int> tasks_of(SqliteStore& store) {
  std::set<int> numbers;
  const auto found = store->list({}, TaskId{}, 1000, kNow);
  EXPECT_TRUE(found);
  if (!found) return numbers;
  for (const KeptTask& task : *found) numbers.insert(std::stoi(task.task.payload));
  return numbers;
}

TEST(SqliteTransactionTorture, APowerCutLeavesBothOrNeither) {
  Figures figures("T2", "the power goes in a transaction of the caller's own");
  std::uint64_t cuts = 0;
  for (const PowerCut how : disk::kPowerCuts) {
    for (std::uint64_t n = 1; n <= points() && !HasFailure(); ++n) {
      SCOPED_TRACE(std::string(name_of(how)) + ", operation " + std::to_string(n));
      Disk disk(n);
      Rng rng(n);
      int reported = 0;
      {
        auto store = open_on(disk);
        ASSERT_TRUE(store);
        disk.fail_at(n, Fault::power_loss);
        while (reported < 8 && add_both(*store, reported + 1)) ++reported;
      }
      const bool was_reached = disk.failed() != 0;
      disk.power_cut(how, rng);
      auto store = open_on(disk);
      ASSERT_TRUE(store) << store.error().message();
      const std::set<int> data = data_of(*store);
      EXPECT_EQ(data, tasks_of(*store));
      EXPECT_GE(static_cast<int>(data.size()), reported);
      if (!was_reached) break;
      ++cuts;
    }
  }
  figures.count("power cuts", cuts);
}

TEST(SqliteTransactionTorture, AFaultLeavesNeither) {
  for (const Fault fault : {Fault::io_error, Fault::short_write, Fault::sync_failure}) {
    for (std::uint64_t n = 1; n <= points() && !HasFailure(); ++n) {
      SCOPED_TRACE("fault " + std::to_string(static_cast<int>(fault)) + ", operation " + std::to_string(n));
      Disk disk(n);
      auto store = open_on(disk);
      ASSERT_TRUE(store);
      disk.fail_at(n, fault);
      std::set<int> reported;
      for (int number = 1; number <= 8; ++number) {
        if (add_both(*store, number)) reported.insert(number);
      }
      disk.fail_at(points(), Fault::none);
      EXPECT_EQ(data_of(*store), reported);
      EXPECT_EQ(tasks_of(*store), reported);
      if (disk.failed() == 0 && reported.size() == 8) break;
    }
  }
}

}  // namespace
