// The clock of a queue that keeps its tasks in a file jumps, stands still, and is years off: nothing is lost, runs
// twice or waits for a time that has been; a slot has one run at most; and what waits for time that passes does so.

#include <errand/errand.h>
#include <errand/random.h>
#include <errand/sqlite.h>
#include <errand/testing.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>

#include "account.h"
#include "effort.h"
#include "test_disk/disk.h"

using namespace errand;
using namespace std::chrono_literals;

namespace {

constexpr Duration kDay = 24h;
constexpr WallTime k1970{};
constexpr WallTime k2038{Duration(2147483647s)};
constexpr WallTime k2106{Duration(4294967295s)};

class Jumps : public testing::Test {
 protected:
  Jumps() {
    open();
    put_schedule();
  }

  void put_schedule() {
    const auto put =
        store->put_schedule({.queue = "mail", .name = "tick", .cron = "* * * * *", .next = clock->now()}, clock->now());
    EXPECT_TRUE(put) << put.error().message();
  }

  void open() {
    auto opened = open_sqlite("tasks.db", {.vfs = disk.vfs_name(), .clock = clock});
    ASSERT_TRUE(opened) << opened.error().message();
    store = *opened;
    queue.emplace(QueueOptions{
        .name = "mail", .drive = Drive::manual, .store = store, .close = {.timeout = 0s}, .clock = clock, .seed = 1});
    queue->handle("count", [this](std::span<const std::byte> bytes, Attempt& attempt) { return body(bytes, attempt); },
                  {.retry = Retry::fixed(1s), .keep_completed = 250 * 365 * kDay});
  }
  void restart() {
    queue.reset();
    store.reset();
    account.life_ends();
    open();
  }
  Outcome body(std::span<const std::byte> bytes, Attempt& attempt) {
    const std::string payload(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    account.started(payload);
    if (std::stoi(payload) % 5 == 2 && attempt.number() == 1) {
      account.failed(payload);
      return retry("as it was asked to");
    }
    account.succeeded(payload);
    owed.erase(std::stoi(payload));
    return done();
  }
  void enqueue(Duration delay) {
    const int number = account.intend();
    const std::string payload = std::to_string(number);
    const auto task = queue->enqueue_bytes("count", std::as_bytes(std::span(payload)), {.delay = delay});
    ASSERT_TRUE(task) << task.error().message();
    account.acknowledged(number);
    if (delay == 0s && number % 5 != 2) owed.insert(number);
  }

  void jump() {
    constexpr Duration kBy[] = {1s, 1h, kDay, 3650 * kDay};
    const WallTime now = clock->now();
    switch (rng.below(8)) {
      case 0:
        return clock->set_now(k1970 + Duration(rng.below(3) * 1s));
      case 1:
        return clock->set_now(k2038 + Duration(rng.below(3) * 1s));
      case 2:
        return clock->set_now(k2106 + Duration(rng.below(3) * 1s));
      case 3:
        return;  // it stands still
      default: {
        const Duration by = kBy[rng.below(4)];
        const WallTime to = rng.below(2) == 0 ? now + by : now - by;
        return clock->set_now(std::clamp(to, k1970, k2106 + 3650 * kDay));
      }
    }
  }

  // The run of the minute that it is, as the queue's clock has it: somebody who knows nothing of earlier ones.
  void fire() {
    const auto schedule = store->find_schedule("mail", "tick");
    ASSERT_TRUE(schedule) << schedule.error().message();
    const WallTime slot = std::chrono::floor<std::chrono::minutes>(clock->now());
    const int number = account.intend();
    Advance advance{
        .queue = "mail", .schedule = "tick", .version = schedule->version, .until = slot, .next = slot + 1min};
    advance.runs.push_back({.queue = "mail",
                            .kind = "count",
                            .payload = std::to_string(number),
                            .content_type = "text/plain",
                            .run_at = clock->now(),
                            .schedule = "tick",
                            .slot = slot});
    const Advance advances[] = {advance};
    const auto committed = store->commit({.advanced = advances}, clock->now());
    ASSERT_TRUE(committed && committed->advanced.at(0)) << slot.time_since_epoch().count();
    const Result<Added>& run = committed->advanced[0]->runs.at(0);
    ASSERT_TRUE(run);
    if (run->existed) {
      account.refused(number);
      ++slots_had;
    } else {
      account.acknowledged(number);
      EXPECT_TRUE(slots.insert(slot).second) << "a slot has two runs";
    }
  }

  const std::uint64_t seed = torture_seed();
  Rng rng{seed};
  disk::Disk disk{seed};
  const std::shared_ptr<ManualClock> clock = std::make_shared<ManualClock>();
  Account account;
  std::set<int> owed;  // they wait for no time
  std::set<WallTime> slots;
  int slots_had = 0;
  StorePtr store;
  std::optional<Queue> queue;
};

TEST_F(Jumps, OfTheClockLoseAndRepeatNothing) {
  Figures figures("T8", "the clock jumps by up to 10 years, to 1970, 2038 and 2106, and stands still");
  SCOPED_TRACE("ERRAND_SEED=" + std::to_string(seed));
  const Rounds rounds(100, by_effort(200, 200, 20'000), 10s);
  int jumps = 0;
  for (; rounds.go_on(jumps); ++jumps) {
    // They are available, and nobody has claimed them, when the clock jumps.
    queue->pause();
    for (std::uint64_t i = rng.below(4); i > 0; --i) enqueue(0s);
    if (rng.below(2) == 0) enqueue(Duration(rng.below(7200) * 1s));
    bool timer = false;
    ASSERT_TRUE(queue->submit_in(10s, [&] { timer = true; }));
    jump();
    // Another schedule of its name knows nothing of what was dealt with; the runs that there are do.
    if (rng.below(4) == 0) {
      EXPECT_TRUE(store->remove_schedule("mail", "tick"));
      put_schedule();
    }
    if (rng.below(2) == 0) fire();
    if (rng.below(10) == 0) {
      restart();
      timer = true;  // gone with the queue
    }
    queue->resume();
    const bool was_there = timer;
    queue->dispatch();
    EXPECT_TRUE(owed.empty()) << owed.size() << " wait for a time that has been";
    EXPECT_EQ(timer, was_there) << "a closure's delay is no time of day";
    clock->advance(10s);
    queue->dispatch();
    EXPECT_TRUE(timer) << "a closure's delay is no time of day";
  }
  // What was delayed comes when its time has.
  clock->set_now(k2106 + 3651 * kDay);
  for (int i = 0; i < 5; ++i) {
    clock->advance(2h);
    queue->dispatch();
  }
  const auto verdict = account.check(*store, clock->now(), true);
  EXPECT_TRUE(verdict.clean()) << text_of(verdict);
  EXPECT_EQ(verdict.again, 0);
  figures.count("jumps", jumps).count("acknowledged", account.acked()).count("slots", slots.size());
  figures.count("of them asked for again", slots_had).count("lost", verdict.lost).count("ran again", verdict.forbidden);
  figures.count("stuck", verdict.stuck);
}

// A time of day that runs ten times as fast as time does, or a tenth as fast, or not at all, and is put right now and
// then. What waits for a time of day comes when that has come, closures' delays know nothing of it.
TEST(SlewedClock, LosesAndRepeatsNoSlotAndKeepsNobodyWaiting) {
  Figures figures("T8", "the clock runs ten times as fast, a tenth as fast, and not at all, and is put right");
  const std::uint64_t seed = torture_seed();
  SCOPED_TRACE("ERRAND_SEED=" + std::to_string(seed));
  Rng rng(seed);
  disk::Disk disk(seed);
  const auto clock = std::make_shared<ManualClock>();
  const WallTime start = clock->now();
  const SteadyTime began = clock->mono();
  const auto store = open_sqlite("tasks.db", {.vfs = disk.vfs_name(), .clock = clock});
  ASSERT_TRUE(store) << store.error().message();
  Queue queue({.name = "mail", .drive = Drive::manual, .store = *store, .clock = clock, .seed = 1});
  int ticks = 0;
  std::multiset<WallTime> wait;  // for these times of day
  const HandlerOptions kept{.keep_completed = 3650 * kDay};
  queue.handle(
      "tick", [&](std::span<const std::byte>) { ++ticks; }, kept);
  queue.handle("wait", [&](std::span<const std::byte>) {
    ASSERT_FALSE(wait.empty());
    EXPECT_LE(*wait.begin(), clock->now()) << "it came early";
    wait.erase(wait.begin());
  });
  ASSERT_TRUE(queue.every(60s, Named{.kind = "tick"}, {.name = "minute", .first = First::now}));
  const Rounds rounds(50, by_effort(200, 200, 20'000), 10s);
  int stretches = 0;
  for (; rounds.go_on(stretches); ++stretches) {
    constexpr double kRates[] = {10, 10, 0.1, 0.1, 1, 0};
    const double rate = kRates[rng.below(std::size(kRates))];
    for (int step = 0; step < 12; ++step) {
      if (rng.below(4) == 0) {
        const Duration delay = 1s * static_cast<std::int64_t>(rng.below(200));
        wait.insert(clock->now() + delay);
        ASSERT_TRUE(queue.enqueue_bytes("wait", {}, {.delay = delay}));
      }
      bool timer = false;
      ASSERT_TRUE(queue.submit_in(5s, [&] { timer = true; }));
      const int before = ticks;
      const WallTime now = clock->now();
      clock->advance(4s);
      clock->set_now(now + std::chrono::duration_cast<Duration>(4s * rate));
      queue.dispatch();
      EXPECT_FALSE(timer) << "a closure's delay is no time of day";
      clock->advance(1s);
      clock->set_now(now + std::chrono::duration_cast<Duration>(5s * rate));
      queue.dispatch();
      EXPECT_TRUE(timer) << "a closure's delay is no time of day";
      EXPECT_TRUE(wait.empty() || *wait.begin() > clock->now()) << "one waits for a time that has been";
      EXPECT_LE(ticks - before, 1) << "a burst of runs";
    }
    if (rng.below(5) == 0) clock->set_now(start + (clock->mono() - began));
    queue.dispatch();
  }
  const auto all = (*store)->list({.schedule = "minute"}, {}, 1'000'000, clock->now());
  ASSERT_TRUE(all) << all.error().message();
  std::set<WallTime> slots;
  for (const KeptTask& run : *all) {
    ASSERT_TRUE(run.task.slot);
    EXPECT_EQ((*run.task.slot - start) % 60s, 0s) << "no slot of it";
    EXPECT_TRUE(slots.insert(*run.task.slot).second) << "a slot has two runs";
    EXPECT_EQ(run.state, TaskState::completed);
  }
  const auto schedule = (*store)->find_schedule("mail", "minute");
  ASSERT_TRUE(schedule && schedule->last);
  EXPECT_EQ(schedule->runs, slots.size());
  // From the first one on each has a run, or has been left out.
  EXPECT_EQ(schedule->runs + schedule->skipped, static_cast<std::uint64_t>((*schedule->last - start) / 60s) + 1);
  figures.count("stretches", stretches).count("slots", slots.size()).count("left out", schedule->skipped);
}

}  // namespace
