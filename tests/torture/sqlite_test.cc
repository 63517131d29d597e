// The store on a disk that loses its power or fails, at each of its operations: what was reported is there, and a batch
// that was never reported is there as a whole or not at all.

#include <errand/random.h>
#include <errand/sqlite.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstdlib>
#include <map>

#include "test_disk/disk.h"

using namespace errand;
using disk::Disk;
using disk::Fault;
using disk::PowerCut;

namespace {

constexpr std::uint64_t kAllPoints = 1'000'000;

// What was asked of a store, and what it reported. Tasks are known by their payload: an id may never have arrived.
class History {
 public:
  explicit History(std::uint64_t seed) : rng_(seed) {}

  /// Batches until the store refuses one, at most `count`. Returns how many it reported.
  int work(Store& store, int count) {
    for (int done = 0; done < count; ++done) {
      if (!batch(store)) return done;
    }
    return count;
  }

  void check(Store& store) {
    const auto found = store.list({}, TaskId{}, 100'000, now_);
    ASSERT_TRUE(found) << found.error().message();
    std::map<std::string, TaskState> there;
    for (const KeptTask& task : *found) {
      // A claim is the owner's own business, and ends with it.
      const TaskState state = task.state == TaskState::running ? TaskState::available : task.state;
      ASSERT_TRUE(there.emplace(task.task.payload, state).second) << task.task.payload << " is there twice";
    }
    const auto schedule = store.find_schedule("mail", "tick");
    ASSERT_TRUE(schedule || schedule.error().code() == Code::not_found) << schedule.error().message();
    const WallTime last = schedule ? schedule->last.value_or(WallTime{}) : WallTime{};
    const bool as_before = there == known_ && last == known_slot_;
    const bool as_after = there == hoped_for_ && last == hoped_for_slot_;
    EXPECT_TRUE(as_before || as_after) << "neither as it was reported nor with the last batch: " << there.size()
                                       << " tasks, reported " << known_.size() << ", with the last batch "
                                       << hoped_for_.size();
    if (as_before) hoped_for_ = known_, hoped_for_slot_ = known_slot_;
    known_ = hoped_for_;
    known_slot_ = hoped_for_slot_;
    version_ = schedule ? schedule->version : 0;
    running_.clear();
  }

 private:
  struct Running {
    TaskId id;
    std::uint64_t token;
    std::string payload;
  };

  // The schedule's next slot, with its run.
  Advance slot() {
    Advance one{.queue = "mail", .schedule = "tick", .version = version_, .until = now_, .next = now_, .runs = {}};
    NewTask& run = one.runs.emplace_back();
    run.queue = "mail";
    run.kind = "welcome";
    run.payload = std::to_string(++serial_);
    run.run_at = now_;
    run.schedule = "tick";
    run.slot = now_;
    hoped_for_[run.payload] = TaskState::available;
    hoped_for_slot_ = now_;
    return one;
  }

  bool batch(Store& store) {
    now_ += std::chrono::milliseconds(1);
    if (version_ == 0) {
      const auto put = store.put_schedule({.queue = "mail", .name = "tick", .cron = "* * * * *"}, now_);
      if (!put) return false;
      version_ = put->version;
    }
    std::vector<NewTask> added(rng_.below(4));
    for (NewTask& task : added) {
      task.queue = "mail";
      task.kind = "welcome";
      task.payload = std::to_string(++serial_);
      task.payload.append(rng_.below(300), '.');
      task.run_at = now_;
      hoped_for_[task.payload] = TaskState::available;
    }
    std::vector<Finish> finished;
    for (std::uint64_t i = rng_.below(3); i > 0 && !running_.empty(); --i) {
      const Running one = running_.back();
      running_.pop_back();
      constexpr TaskState kTo[] = {TaskState::completed, TaskState::discarded, TaskState::available};
      Finish finish;
      finish.id = one.id;
      finish.token = one.token;
      finish.to = kTo[rng_.below(3)];
      finish.run_at = now_;
      finished.push_back(finish);
      hoped_for_[one.payload] = finish.to;
    }
    const ClaimRequest claims[] = {{.queue = "mail", .any_kind = true, .limit = rng_.below(3)}};
    std::vector<Advance> advanced;
    if (rng_.below(2) == 0) advanced.push_back(slot());
    const auto committed =
        store.commit({.finished = finished, .added = added, .advanced = advanced, .claims = claims}, now_);
    if (!committed) return false;
    for (const auto& one : committed->advanced) {
      EXPECT_TRUE(one) << one.error().message();
      if (one) version_ = one->version;
    }
    for (const auto& one : committed->finished) EXPECT_TRUE(one) << one.error().message();
    for (const KeptTask& task : committed->claims[0].tasks)
      running_.push_back({task.id, task.token, task.task.payload});
    known_ = hoped_for_;
    known_slot_ = hoped_for_slot_;
    return true;
  }

  Rng rng_;
  WallTime now_{std::chrono::seconds(1'700'000'000)};
  int serial_ = 0;
  std::vector<Running> running_;
  std::uint64_t version_ = 0;  // of the schedule; 0: to be put
  WallTime known_slot_{};      // its last one
  WallTime hoped_for_slot_{};
  std::map<std::string, TaskState> known_;
  std::map<std::string, TaskState> hoped_for_;  // with the batch that was not reported
};

Result<SqliteStore> open_on(const Disk& disk, Synchronous synchronous = Synchronous::full) {
  return open_sqlite("tasks.db", {.synchronous = synchronous, .vfs = disk.vfs_name()});
}

std::uint64_t points() {
  return std::getenv("ERRAND_LONG") != nullptr ? kAllPoints : 150;
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
  for (const PowerCut how : disk::kPowerCuts) {
    for (std::uint64_t n = 1; n <= points() && !HasFailure(); ++n) {
      if (!loses_nothing(n, how)) {
        EXPECT_GT(n, 40u) << "hardly anything was tried";
        break;
      }
      if (HasFailure()) ADD_FAILURE() << "at operation " << n;
    }
  }
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
  for (const Fault fault : {Fault::io_error, Fault::short_write, Fault::sync_failure, Fault::busy}) {
    for (std::uint64_t n = 1; n <= points() && !HasFailure(); ++n) {
      Disk disk(n);
      History history(n);
      auto store = open_on(disk);
      ASSERT_TRUE(store) << store.error().message();
      disk.fail_at(n, fault);
      if (history.work(*StorePtr(*store), 12) == 12 && disk.failed() == 0) break;
      disk.fail_at(kAllPoints, fault);
      history.check(*StorePtr(*store));
      if (HasFailure()) ADD_FAILURE() << "fault " << static_cast<int>(fault) << " at operation " << n;
    }
  }
}

TEST(SqliteTorture, AFullDiskIsAnErrorThatPasses) {
  Disk disk(7);
  History history(7);
  auto store = open_on(disk);
  ASSERT_TRUE(store);
  disk.set_quota(disk.bytes_used() + 20'000);
  EXPECT_LT(history.work(*StorePtr(*store), 1000), 1000);
  const NewTask task[] = {{.queue = "mail", .kind = "welcome", .payload = std::string(100'000, 'x')}};
  const auto refused = (*store)->commit({.added = task}, WallTime{});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::unavailable);
  EXPECT_NE(refused.error().message().find("full"), std::string::npos) << refused.error().message();
  history.check(*StorePtr(*store));
  disk.set_quota(std::nullopt);
  EXPECT_EQ(history.work(*StorePtr(*store), 20), 20);
  history.check(*StorePtr(*store));
}

}  // namespace
