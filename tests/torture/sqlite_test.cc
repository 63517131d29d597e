// The store on a disk that loses its power or fails, at each of its operations: what was reported is there, and a batch
// that was never reported is there as a whole or not at all.

#include <errand/random.h>
#include <errand/sqlite.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <functional>
#include <optional>
#include <string>

#include "effort.h"
#include "history.h"
#include "test_disk/disk.h"
#include "test_disk/failing_memory.h"
#include "test_disk/sql.h"

using namespace errand;
using disk::Disk;
using disk::Fault;
using disk::PowerCut;

namespace {

constexpr std::uint64_t kAllPoints = 1'000'000;

Result<SqliteStore> open_on(const Disk& disk, Synchronous synchronous = Synchronous::full) {
  return open_sqlite("tasks.db", {.synchronous = synchronous, .vfs = disk.vfs_name()});
}

// Of lives that are seen to their end: which of their operations are tried.
std::uint64_t stride() {
  return by_effort<std::uint64_t>(7, 1, 1);
}

std::uint64_t points() {
  return by_effort<std::uint64_t>(150, 800, kAllPoints);
}

// One life that ends at operation n, and the next one. False if there were fewer operations.
bool loses_nothing(std::uint64_t n, PowerCut how) {
  Disk disk(n);
  Rng rng(n);
  History history(n);
  {
    auto store = open_on(disk);
    if (!store) return true;
    history.work(*StorePtr(*store), 2);
    disk.fail_at(n, Fault::power_loss);
    history.work(*StorePtr(*store), 12);
  }
  const bool reached = disk.failed() != 0;
  disk.power_cut(how, rng);
  auto store = open_on(disk);
  EXPECT_TRUE(store) << store.error().message();
  if (!store) return false;
  history.check(*StorePtr(*store));
  // And it goes on from there.
  EXPECT_EQ(history.work(*StorePtr(*store), 3), 3);
  history.check(*StorePtr(*store));
  return reached;
}

TEST(SqliteTorture, APowerCutTakesNothingThatWasReported) {
  Figures figures("T2", "the power goes at each operation, in four ways");
  std::uint64_t cuts = 0;
  for (const PowerCut how : disk::kPowerCuts) {
    for (std::uint64_t n = 1; n <= points() && !HasFailure(); ++n) {
      if (!loses_nothing(n, how)) {
        EXPECT_GT(n, 40u) << "hardly anything was tried";
        break;
      }
      if (HasFailure()) ADD_FAILURE() << "at operation " << n;
      ++cuts;
    }
  }
  figures.count("power cuts", cuts);
}

// Without a flush of each commit, where all that is promised is an order.
struct Taken {
  bool reached = false;
  std::size_t batches = 0;
};

// One life that is closed in between, so that its log is written back and begins anew; then it ends at operation n.
Taken takes_the_end(std::uint64_t n, PowerCut how) {
  Taken taken;
  Disk disk(n);
  Rng rng(n);
  History history(n);
  const auto live = [&](int batches) {
    auto store = open_on(disk, Synchronous::normal);
    if (store) history.work(*StorePtr(*store), batches);
    history.life_ends();
  };
  live(4);
  disk.fail_at(n, Fault::power_loss);
  live(5);
  live(5);
  taken.reached = disk.failed() != 0;
  disk.power_cut(how, rng);
  {
    disk::Sql sql("tasks.db", disk.vfs_name());
    EXPECT_EQ(sql.ask("PRAGMA integrity_check"), "ok");
  }
  auto store = open_on(disk, Synchronous::normal);
  EXPECT_TRUE(store) << store.error().message();
  if (!store) return taken;
  if (how == PowerCut::keep_all) {
    history.check(*StorePtr(*store));
  } else {
    taken.batches = history.check_beginning(*StorePtr(*store));
    EXPECT_LE(taken.batches, 10u) << "of what a clean end has flushed";
  }
  EXPECT_EQ(history.work(*StorePtr(*store), 3), 3);
  history.check_unchanged(*StorePtr(*store));
  return taken;
}

// What came later is not there without all that came before it, and no batch is there in part. A process that dies
// without a power cut, keep_all, loses nothing.
TEST(SqliteTorture, APowerCutTakesTheEndAtMostWithoutFlushes) {
  Figures figures("T2",
                  "commits are not flushed, and the power goes at each operation, in four ways; or the process dies");
  std::uint64_t cuts = 0;
  std::size_t batches = 0;
  for (const PowerCut how :
       {PowerCut::keep_all, PowerCut::drop_all, PowerCut::subset, PowerCut::torn, PowerCut::reordered}) {
    for (std::uint64_t n = 1; !HasFailure(); n += stride()) {
      SCOPED_TRACE(std::string(name_of(how)) + ", operation " + std::to_string(n));
      const Taken taken = takes_the_end(n, how);
      batches += taken.batches;
      if (!taken.reached) {
        EXPECT_GT(n, 40u) << "hardly anything was tried";
        break;
      }
      ++cuts;
    }
  }
  EXPECT_GT(batches, cuts / 10) << "the power takes hardly anything: this shows nothing";
  figures.count("cuts", cuts).count("batches taken", batches);
}

// A test that can't see a disk that lies would prove nothing.
TEST(SqliteTorture, SeesADiskThatDoesNotFlush) {
  int lost = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Disk disk(seed);
    Rng rng(seed);
    disk.ignore_syncs(true);
    {
      auto store = open_on(disk);
      ASSERT_TRUE(store);
      History history(seed);
      history.work(*StorePtr(*store), 5);
      disk.power_off();
    }
    disk.power_cut(PowerCut::drop_all, rng);
    auto store = open_on(disk);
    const auto found =
        store ? (*store)->list({}, TaskId{}, 1000, WallTime{}) : Result<std::vector<KeptTask>>(store.error());
    if (!found || found->empty()) ++lost;
  }
  EXPECT_EQ(lost, 20);
}

// The call that met the fault says so, nothing of it is there, and the next calls work.
TEST(SqliteTorture, AFaultIsAnErrorAndLeavesNothing) {
  Figures figures("T2b", "each operation fails, in four ways");
  std::uint64_t faults = 0;
  for (const Fault fault : {Fault::io_error, Fault::short_write, Fault::sync_failure, Fault::busy}) {
    for (std::uint64_t n = 1; n <= points() && !HasFailure(); ++n) {
      Disk disk(n);
      History history(n);
      auto store = open_on(disk);
      ASSERT_TRUE(store) << store.error().message();
      disk.fail_at(n, fault);
      if (history.work(*StorePtr(*store), 12) == 12 && disk.failed() == 0) break;
      disk.fail_at(kAllPoints, fault);
      history.check_unchanged(*StorePtr(*store));
      EXPECT_EQ(history.work(*StorePtr(*store), 3), 3);
      history.check_unchanged(*StorePtr(*store));
      if (HasFailure()) ADD_FAILURE() << "fault " << static_cast<int>(fault) << " at operation " << n;
      ++faults;
    }
  }
  figures.count("faults", faults);
}

// Of the nth allocation that SQLite asks for; some of them it can do without.
std::uint64_t allocations_at_once() {
  return by_effort<std::uint64_t>(61, 7, 1);
}

void expect_no_memory(const Error& error) {
  EXPECT_EQ(error.code(), Code::unavailable) << error.message();
  EXPECT_TRUE(error.message().starts_with("sqlite: ")) << error.message();
  EXPECT_NE(error.message().find("out of memory"), std::string::npos) << error.message();
}

// Batches, and looks at what is there, which are right if they are answered.
TEST(SqliteTorture, AnAllocationThatFailsIsAnErrorAndLeavesNothing) {
  Figures figures("T2b", "allocations of SQLite's fail, one by one");
  disk::FailingMemory memory;
  std::uint64_t failures = 0;
  std::uint64_t refused = 0;
  for (std::uint64_t n = 1; !HasFailure(); n += allocations_at_once()) {
    SCOPED_TRACE("allocation " + std::to_string(n));
    const std::int64_t before = memory.outstanding();
    {
      Disk disk(n);
      History history(n);
      auto store = open_on(disk);
      ASSERT_TRUE(store) << store.error().message();
      Store& tasks = *StorePtr(*store);
      bool answers = true;
      memory.fail_at(n);
      for (int i = 0; i < 12 && answers; ++i) answers = history.work(tasks, 1) == 1 && history.is_unchanged(tasks);
      if (memory.failed() == 0) break;
      memory.fail_at(0, 0);
      if (!answers) expect_no_memory(history.error());
      if (!answers) ++refused;
      history.check_unchanged(tasks);
      EXPECT_EQ(history.work(tasks, 3), 3);
      history.check_unchanged(tasks);
    }
    EXPECT_EQ(memory.outstanding(), before) << "some of it was not given back";
    ++failures;
  }
  EXPECT_GT(refused, failures / 2);
  figures.count("failures", failures).count("of them an error", refused);
}

// The end of one life and the beginning of the next, where `fail` lets something fail and `heal` says how often it did.
// False if nothing failed.
bool opens_after_a_failure(std::uint64_t n, const std::function<void(Disk&)>& fail,
                           const std::function<std::uint64_t(Disk&)>& heal, std::optional<Error>& refused) {
  Disk disk(n);
  History history(n);
  {
    auto store = open_on(disk);
    EXPECT_TRUE(store) << store.error().message();
    if (!store) return false;
    EXPECT_EQ(history.work(*StorePtr(*store), 6), 6);
    fail(disk);
  }
  refused.reset();
  if (const auto again = open_on(disk); !again) refused = again.error();
  const bool failed = heal(disk) != 0;
  auto store = open_on(disk);
  EXPECT_TRUE(store) << store.error().message();
  if (!store) return false;
  history.check(*StorePtr(*store));
  EXPECT_EQ(history.work(*StorePtr(*store), 3), 3);
  history.check_unchanged(*StorePtr(*store));
  return failed;
}

TEST(SqliteTorture, AnOpenWithoutMemoryIsAnErrorAndTakesNothing) {
  Figures figures("T2b", "allocations fail while a file is closed and opened");
  disk::FailingMemory memory;
  std::uint64_t failures = 0;
  std::uint64_t errors = 0;
  const auto heal = [&](Disk&) {
    const std::uint64_t failed = memory.failed();
    memory.fail_at(0, 0);
    return failed;
  };
  for (std::uint64_t n = 1; !HasFailure(); n += allocations_at_once()) {
    SCOPED_TRACE("allocation " + std::to_string(n));
    const std::int64_t before = memory.outstanding();
    std::optional<Error> refused;
    if (!opens_after_a_failure(
            n, [&](Disk&) { memory.fail_at(n); }, heal, refused))
      break;
    EXPECT_EQ(memory.outstanding(), before) << "some of it was not given back";
    if (refused) expect_no_memory(*refused);
    if (refused) ++errors;
    ++failures;
  }
  EXPECT_GT(errors, failures / 2);
  figures.count("failures", failures).count("of them an error", errors);
}

TEST(SqliteTorture, AnOpenThatMeetsAFaultIsAnErrorAndTakesNothing) {
  Figures figures("T2b", "each operation fails while a file is closed and opened, in four ways");
  std::uint64_t faults = 0;
  std::uint64_t errors = 0;
  for (const Fault fault : {Fault::io_error, Fault::short_write, Fault::sync_failure, Fault::busy}) {
    for (std::uint64_t n = 1; !HasFailure(); n += stride()) {
      SCOPED_TRACE("fault " + std::to_string(static_cast<int>(fault)) + " at operation " + std::to_string(n));
      const auto fail = [&](Disk& disk) { disk.fail_at(n, fault); };
      const auto heal = [&](Disk& disk) {
        const std::uint64_t failed = disk.failed();
        disk.fail_at(kAllPoints, Fault::none);
        return failed;
      };
      std::optional<Error> refused;
      if (!opens_after_a_failure(n, fail, heal, refused)) break;
      if (refused) {
        EXPECT_TRUE(refused->transient()) << refused->message();
        ++errors;
      }
      ++faults;
    }
  }
  EXPECT_GT(errors, 0u);
  figures.count("faults", faults).count("of them an error", errors);
}

void fill_up_and_go_on(Disk& disk) {
  History history(7);
  auto store = open_on(disk);
  ASSERT_TRUE(store);
  EXPECT_EQ(history.work(*StorePtr(*store), 50), 50);  // the log has something to lose
  disk.set_quota(disk.bytes_used() + 20'000);
  EXPECT_LT(history.work(*StorePtr(*store), 1000), 1000);
  NewTask task[] = {{.queue = "mail", .kind = "welcome", .payload = std::string(100'000, 'x')}};
  const auto refused = (*store)->commit({.added = task}, WallTime{});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::store_full);
  EXPECT_NE(refused.error().message().find("full"), std::string::npos) << refused.error().message();
  history.check_unchanged(*StorePtr(*store));
  disk.set_quota(std::nullopt);
  EXPECT_EQ(history.work(*StorePtr(*store), 20), 20);
  history.check_unchanged(*StorePtr(*store));
}

TEST(SqliteTorture, AFullDiskIsAnErrorThatPasses) {
  Disk disk(7);
  fill_up_and_go_on(disk);
}

// Whoever makes the file, or rebuilds it, may choose how large its pages are, and what is left of its log when the disk
// is full goes by that.
TEST(SqliteTorture, AFullDiskIsOneForAFileOfOtherPagesToo) {
  for (const char* size : {"512", "16384", "65536"}) {
    SCOPED_TRACE(size);
    Disk disk(7);
    disk::Sql("tasks.db", disk.vfs_name()).run("pragma page_size = " + std::string(size) + "; vacuum");
    fill_up_and_go_on(disk);
  }
}

// What is not in the simulated file system can't be part of what its power cuts leave.
TEST(SqliteTorture, HasNoFileOfSlotsBesideASimulatedDisk) {
  const Disk disk(1);
  const auto store = open_on(disk);
  ASSERT_TRUE(store);
  EXPECT_FALSE(RunningBody(*store));
}

}  // namespace
