// A flush that fails, once or for a while: what the store does about it, and what is there when the power goes later.

#include <errand/random.h>
#include <errand/sqlite.h>
#include <gtest/gtest.h>

#include "effort.h"
#include "history.h"
#include "test_disk/disk.h"
#include "test_disk/sql.h"

using namespace errand;
using disk::Disk;
using disk::Fault;
using disk::PowerCut;

namespace {

constexpr std::uint64_t kNever = 1'000'000;
constexpr WallTime kNow{std::chrono::seconds(1'700'000'000)};

Result<SqliteStore> open_on(const Disk& disk, Synchronous synchronous = Synchronous::full) {
  return open_sqlite("tasks.db", {.synchronous = synchronous, .vfs = disk.vfs_name()});
}

std::uint64_t points() {
  return by_effort<std::uint64_t>(100, 1500, kNever);
}

// A store on a disk of its own, and what was asked of it.
struct Life {
  explicit Life(std::uint64_t n, Synchronous synchronous = Synchronous::full) : disk(n), rng(n), history(n) {
    open(synchronous);
  }
  void open(Synchronous synchronous = Synchronous::full) {
    auto opened = open_on(disk, synchronous);
    ASSERT_TRUE(opened) << opened.error().message();
    store = *opened;
  }
  /// False if fewer operations were needed.
  bool fail(std::uint64_t n, Fault fault, std::uint64_t times = 1) {
    EXPECT_EQ(history.work(*store, 2), 2);
    disk.fail_at(n, fault, times);
    history.work(*store, 12);
    return disk.failed() != 0;
  }
  void heal() { disk.fail_at(kNever, Fault::none); }
  void go_on() {
    EXPECT_EQ(history.work(*store, 4), 4);
    history.check_unchanged(*store);
  }
  /// keep_all: the process is killed.
  void end(PowerCut how) {
    disk.power_off();
    store.reset();
    disk.power_cut(how, rng);
  }

  Disk disk;
  Rng rng;
  History history;
  StorePtr store;
};

TEST(SqliteFlush, AFailureTakesNothingThatWasReportedLater) {
  Figures figures("T2b", "a flush fails, and later the power goes");
  std::uint64_t failures = 0;
  for (const PowerCut how : disk::kPowerCuts) {
    for (std::uint64_t n = 1; n <= points() && !HasFailure(); ++n) {
      SCOPED_TRACE(std::string(name_of(how)) + ", operation " + std::to_string(n));
      Life life(n);
      if (!life.fail(n, Fault::sync_failure)) break;
      life.history.check_unchanged(*life.store);
      life.go_on();
      life.end(how);
      life.open();
      life.history.check(*life.store);
      ++failures;
    }
  }
  figures.count("failures", failures);
}

// The log that is left has a hole that nobody sees. What is written behind it must not go with it.
TEST(SqliteFlush, AFailureOfAProcessThatDiesTakesNothingFromTheNext) {
  for (std::uint64_t n = 1; n <= points() && !HasFailure(); ++n) {
    SCOPED_TRACE("operation " + std::to_string(n));
    Life life(n);
    if (!life.fail(n, Fault::sync_failure)) break;
    life.end(PowerCut::keep_all);
    life.open();
    life.history.check(*life.store);
    life.go_on();
    life.end(PowerCut::drop_all);
    life.open();
    life.history.check(*life.store);
  }
}

// Without a flush of each commit a power cut may take the last ones, and leaves a sound file: what is not known to be
// in the log is not written back, though the next flush says that all is well.
TEST(SqliteFlush, AFailureWhileTheFileIsClosedLeavesItSound) {
  for (const PowerCut how : disk::kPowerCuts) {
    for (std::uint64_t n = 1; n <= 40 && !HasFailure(); ++n) {
      SCOPED_TRACE(std::string(name_of(how)) + ", operation " + std::to_string(n));
      Life life(n, Synchronous::normal);
      life.history.work(*life.store, 20);
      std::uint64_t since = 0;
      life.disk.on_operation([&](const disk::Operation& operation) {
        if (since == 0 && operation.call != disk::Call::sync) return Fault::none;
        if (since++ == 0) return Fault::sync_failure;
        return since > n ? Fault::power_loss : Fault::none;
      });
      life.store.reset();
      life.end(how);
      EXPECT_GT(since, 0u);
      life.disk.on_operation(nullptr);
      disk::Sql sql("tasks.db", life.disk.vfs_name());
      EXPECT_EQ(sql.ask("PRAGMA integrity_check"), "ok");
    }
  }
}

// The same, where the store goes on: a write fails, then the flush by which the store makes its log whole, then the
// power.
TEST(SqliteFlush, AFailureWhileTheLogIsEmptiedLeavesItSound) {
  for (const PowerCut how : disk::kPowerCuts) {
    for (std::uint64_t n = 1; n <= 40 && !HasFailure(); ++n) {
      SCOPED_TRACE(std::string(name_of(how)) + ", operation " + std::to_string(n));
      Life life(n, Synchronous::normal);
      life.history.work(*life.store, 20);
      std::uint64_t since = 0;
      life.disk.on_operation([&](const disk::Operation& operation) {
        if (since == 0 && operation.call == disk::Call::write) return ++since, Fault::io_error;
        if (since == 1 && operation.call == disk::Call::sync) return ++since, Fault::sync_failure;
        return since > 1 && ++since > n + 2 ? Fault::power_loss : Fault::none;
      });
      for (int i = 0; i < 5; ++i) static_cast<void>(life.store->set_paused("mail", i % 2 == 0));
      EXPECT_GT(since, 1u);
      life.end(how);
      life.disk.on_operation(nullptr);
      disk::Sql sql("tasks.db", life.disk.vfs_name());
      EXPECT_EQ(sql.ask("PRAGMA integrity_check"), "ok");
    }
  }
}

TEST(SqliteFlush, ADiskThatStaysBrokenIsAnErrorOfEveryCallUntilItHeals) {
  for (std::uint64_t n = 1; n <= points() && !HasFailure(); n += 5) {
    SCOPED_TRACE("operation " + std::to_string(n));
    Life life(n);
    if (!life.fail(n, Fault::io_error, disk::kAlways)) break;
    for (int again = 0; again < 3; ++again) {
      const auto found = life.store->find(TaskId{1}, kNow);
      const auto committed = life.store->commit({}, kNow);
      for (const Error& error : {found.error(), committed.error()}) {
        EXPECT_EQ(error.code(), Code::unavailable);
        EXPECT_NE(error.message().find("the disk failed, and still does: "), std::string::npos) << error.message();
      }
    }
    life.heal();
    life.history.check_unchanged(*life.store);
    life.go_on();
  }
}

// A number that was given once is given to nobody else, and a pause stays.
TEST(SqliteFlush, AFailureForgetsNeitherNumbersNorPauses) {
  Life life(3);
  const NewTask given{.queue = "mail", .kind = "welcome", .content_type = "text/plain", .ephemeral = true};
  NewTask task[] = {given};
  const ClaimRequest claim[] = {{.queue = "mail", .any_kind = true, .limit = 1}};
  const auto first = life.store->commit({.added = task, .claims = claim}, kNow);
  ASSERT_TRUE(first);
  const KeptTask& claimed = first->claims[0].tasks.at(0);
  const Finish done[] = {{.id = claimed.id, .token = claimed.token}};
  ASSERT_TRUE(life.store->commit({.finished = done}, kNow));
  ASSERT_TRUE(life.store->set_paused("mail", true));
  life.disk.fail_at(1, Fault::sync_failure);
  EXPECT_FALSE(life.store->set_paused("mail", false));
  task[0] = given;
  const auto next = life.store->commit({.added = task, .claims = claim}, kNow);
  ASSERT_TRUE(next) << next.error().message();
  EXPECT_GT(next->added[0]->id, claimed.id);
  EXPECT_TRUE(next->claims[0].tasks.empty()) << "the pause stands";
  ASSERT_TRUE(life.store->set_paused("mail", false));
  const auto last = life.store->commit({.claims = claim}, kNow);
  EXPECT_GT(last->claims[0].tasks.at(0).token, claimed.token);
}

}  // namespace
