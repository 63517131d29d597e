// Work that comes again.

#include <optional>

#include "support.h"

using errand::Missed;
using errand::Overlap;

namespace {

// 2000-01-01 00:00:00 UTC, a Saturday.
const errand::WallTime kNewYear(24h * 10957);

struct Ticking : Manual {
  explicit Ticking(errand::ScheduleOptions options = {}, errand::Duration interval = 10s)
      : tick(queue.every(
            interval, [this] { at.push_back(clock->mono() - start); }, std::move(options))) {}
  errand::SteadyTime start = clock->mono();
  std::vector<errand::Duration> at{};
  errand::Schedule tick;
};

}  // namespace

TEST(Schedules, RunAtAFixedRateAfterOneInterval) {
  Ticking t;
  for (int i = 0; i < 35; ++i) t.advance(1s);
  EXPECT_EQ(t.at, (std::vector<errand::Duration>{10s, 20s, 30s}));
  EXPECT_EQ(t.tick.info().runs, 3u);
  EXPECT_EQ(t.tick.info().expression, "@every 10s");
}

TEST(Schedules, ALateRunDoesNotShiftTheNext) {
  Ticking t;
  t.advance(14s);
  t.advance(6s);
  EXPECT_EQ(t.at, (std::vector<errand::Duration>{14s, 20s}));
}

TEST(Schedules, RunAtOnceWhereToldTo) {
  Ticking t({.first = errand::First::now});
  t.advance(0s);
  t.advance(10s);
  EXPECT_EQ(t.at, (std::vector<errand::Duration>{0s, 10s}));
}

TEST(Schedules, IntervalsDoNotMindASetClock) {
  Ticking t;
  t.clock->set_now(t.clock->now() + 1000h);
  t.advance(5s);
  EXPECT_TRUE(t.at.empty());
  t.clock->set_now(t.clock->now() - 2000h);
  t.advance(5s);
  EXPECT_EQ(t.at.size(), 1u);
}

TEST(Schedules, CronFollowsTheWallAndItsZone) {
  auto clock = std::make_shared<errand::ManualClock>(kNewYear);
  errand::Queue queue({.drive = errand::Drive::manual, .clock = clock});
  std::vector<errand::WallTime> at;
  auto nine = queue.cron("0 9 * * MON-FRI", [&] { at.push_back(clock->now()); }, {.time_zone = "Europe/Berlin"});
  ASSERT_TRUE(nine) << nine.error().message();
  for (int hour = 0; hour < 24 * 5; ++hour) {
    clock->advance(1h);
    queue.dispatch();
  }
  // Monday is the third; nine o'clock in Berlin is eight o'clock UTC.
  EXPECT_EQ(at, (std::vector<errand::WallTime>{kNewYear + 56h, kNewYear + 80h, kNewYear + 104h}));
  EXPECT_EQ(nine->next(2), (std::vector<errand::WallTime>{kNewYear + 128h, kNewYear + 152h}));
  EXPECT_EQ(nine->info().time_zone, "Europe/Berlin");
}

TEST(Schedules, CronMayHaveSecondsAndNames) {
  Manual m;
  int runs = 0;
  auto seconds = m.queue.cron("*/5 * * * * *", [&] { ++runs; });
  auto daily = m.queue.cron("@daily", [] {});
  ASSERT_TRUE(seconds && daily);
  for (int i = 0; i < 60; ++i) m.advance(1s);
  EXPECT_EQ(runs, 12);
}

TEST(Schedules, WhatCannotBeRightIsAnError) {
  Manual m;
  EXPECT_EQ(m.queue.cron("61 * * * *", [] {}).error().code(), errand::Code::invalid);
  EXPECT_EQ(m.queue.cron("", [] {}).error().code(), errand::Code::invalid);
  EXPECT_EQ(m.queue.cron("0 0 30 2 *", [] {}).error().code(), errand::Code::invalid);  // never
  const auto zone = m.queue.cron("0 9 * * *", [] {}, {.time_zone = "Europe/Atlantis"});
  ASSERT_FALSE(zone);
  EXPECT_EQ(zone.error().code(), errand::Code::invalid);
  EXPECT_TRUE(contains(zone.error().message(), "Atlantis"));
  EXPECT_EQ(m.queue.every(0s, [] {}).error().code(), errand::Code::invalid);
  EXPECT_FALSE(m.queue.every(-1s, [] {}));
  EXPECT_TRUE(m.queue.schedules().empty());
  EXPECT_EQ(m.queue.dispatch(), errand::SteadyTime::max());
}

TEST(Schedules, AreFoundByTheirNames) {
  Manual m;
  auto named = m.queue.every(1s, [] {}, {.name = "pulse"});
  auto unnamed = m.queue.every(1s, [] {});
  EXPECT_EQ(m.queue.schedules().size(), 2u);
  EXPECT_EQ(m.queue.schedules().at(0).name, "every-1");  // by name, whichever came first
  EXPECT_TRUE(m.queue.schedule("pulse"));
  EXPECT_EQ(m.queue.schedule("nope").error().code(), errand::Code::not_found);
  auto twin = m.queue.every(1s, [] {}, {.name = "pulse"});
  EXPECT_FALSE(twin);
  EXPECT_TRUE(contains(twin.error().message(), "pulse"));
  named.cancel();
  EXPECT_EQ(m.queue.schedules().size(), 1u);
  EXPECT_TRUE(m.queue.every(1s, [] {}, {.name = "pulse"}));  // the name is free again
}

// FLOOR 18, 4: each run is a task of its own; one that fails does not use up the schedule.
TEST(Schedules, EachRunIsATaskOfItsOwn) {
  Manual m;
  std::vector<int> numbers;
  auto tick = m.queue.every(1min, [&](errand::Attempt& a) { numbers.push_back(a.number()), throw 1; },
                            {.name = "fails", .priority = 3, .max_attempts = 2, .retry = errand::Retry::fixed(1s)});
  errand::TaskId before;
  for (int i = 0; i < 20; ++i) {
    m.advance(1min);
    EXPECT_NE(tick.info().last_run, before);
    before = tick.info().last_run;
    m.advance(2s);
  }
  EXPECT_GE(numbers.size(), 36u);
  const auto info = m.queue.info(before);
  EXPECT_EQ(info->schedule, "fails");
  EXPECT_EQ(info->priority, 3);
  EXPECT_EQ(info->max_attempts, 2);
  EXPECT_TRUE(tick.info().next_slot);
}

TEST(Schedules, APauseLeavesSlotsOutAndCountsThem) {
  Ticking t;
  t.tick.pause();
  EXPECT_TRUE(t.tick.info().paused);
  t.advance(10s);
  t.advance(10s);
  EXPECT_TRUE(t.at.empty());
  EXPECT_EQ(t.tick.info().skipped, 2u);
  EXPECT_EQ(t.queue.stats().skipped_slots, 2u);
  t.tick.resume();
  t.advance(10s);
  EXPECT_EQ(t.at, (std::vector<errand::Duration>{30s}));
}

TEST(Schedules, SlotsOfAPauseAreOverEvenIfNobodyLookedMeanwhile) {
  Ticking t;
  t.tick.pause();
  t.clock->advance(25s);
  t.tick.resume();
  t.queue.dispatch();
  EXPECT_TRUE(t.at.empty());
  EXPECT_EQ(t.tick.info().skipped, 2u);
  t.advance(5s);
  EXPECT_EQ(t.at, (std::vector<errand::Duration>{30s}));
}

TEST(Schedules, ATriggerIsOneRunMore) {
  Ticking t({.overlap = Overlap::skip});
  t.tick.trigger();
  t.tick.trigger();  // overlap does not hold it back
  t.queue.dispatch();
  EXPECT_EQ(t.at.size(), 2u);
  t.advance(10s);
  EXPECT_EQ(t.at.size(), 3u);
  EXPECT_EQ(t.tick.info().runs, 3u);
}

TEST(Schedules, ACancelEndsTheSlotsAndNotTheRuns) {
  Manual m;
  int runs = 0;
  auto tick = m.queue.every(1s, [&] { ++runs; });
  m.queue.pause();
  m.advance(1s);
  tick.cancel();
  tick.cancel();
  m.queue.resume();
  m.queue.dispatch();
  EXPECT_EQ(runs, 1);  // it had come
  EXPECT_EQ(m.queue.dispatch(), errand::SteadyTime::max());
  m.advance(10s);
  EXPECT_EQ(runs, 1);
  EXPECT_TRUE(tick.next(3).empty());
  tick.trigger();
  m.queue.dispatch();
  EXPECT_EQ(runs, 1);
}

TEST(Schedules, NextForetellsTheSlots) {
  Ticking t;
  const auto now = t.clock->now();
  EXPECT_EQ(t.tick.next(3), (std::vector<errand::WallTime>{now + 10s, now + 20s, now + 30s}));
  EXPECT_TRUE(t.tick.next(0).empty());
  EXPECT_EQ(t.tick.info().next_slot, now + 10s);
  t.advance(10s);
  EXPECT_EQ(t.tick.info().last_slot, now + 10s);
}

TEST(Schedules, MissedSlotsAreMadeUpForAsTold) {
  const auto runs_after = [](Missed missed) {
    Ticking t({.overlap = Overlap::allow, .missed = missed}, 1h);
    t.advance(5h + 30min);  // nobody looked for five slots, the last of them long ago
    return std::pair(t.at.size(), t.tick.info().skipped);
  };
  EXPECT_EQ(runs_after(Missed::skip), std::pair(std::size_t{0}, std::uint64_t{5}));
  EXPECT_EQ(runs_after(Missed::latest), std::pair(std::size_t{1}, std::uint64_t{4}));
  EXPECT_EQ(runs_after(Missed::all), std::pair(std::size_t{5}, std::uint64_t{0}));
}

TEST(Schedules, MakeUpForNoMoreThanTheirCapAndWindowSay) {
  const auto runs_after = [](errand::Duration away, errand::ScheduleOptions options) {
    options.overlap = Overlap::allow;
    Ticking t(std::move(options), 1h);
    t.advance(away);
    EXPECT_EQ(t.queue.stats().skipped_slots, t.tick.info().skipped);
    return std::pair(t.at.size(), t.tick.info().skipped);
  };
  using Runs = std::pair<std::size_t, std::uint64_t>;
  EXPECT_EQ(runs_after(150h, {.missed = Missed::all}), Runs(100, 50));
  EXPECT_EQ(runs_after(150h, {.missed = Missed::all, .catch_up_cap = 3}), Runs(3, 147));
  EXPECT_EQ(runs_after(150h, {.missed = Missed::all, .catch_up_cap = 200}), Runs(150, 0));
  EXPECT_EQ(runs_after(5h + 30min, {.missed = Missed::all, .catch_up_window = 2h}), Runs(2, 3));
  EXPECT_EQ(runs_after(5h + 30min, {.missed = Missed::all, .catch_up_window = 10min}), Runs(0, 5));
  EXPECT_EQ(runs_after(5h + 30min, {.missed = Missed::latest, .catch_up_window = 10min}), Runs(0, 5));
  EXPECT_EQ(runs_after(5h, {.missed = Missed::all, .catch_up_window = 10min}), Runs(1, 4)) << "the last is on time";
}

namespace {

// Slots at 1, 2, 3 and 4 s, while the first run lasts until after the third.
std::string overlapping(Overlap overlap, std::uint64_t& skipped, std::uint64_t& cancelled) {
  Manual m;
  std::string said;
  int number = 0;
  auto tick = m.queue.every(1s,
                            [&](errand::Attempt& a) {
                              const int mine = ++number;
                              said += std::to_string(mine) + "(";
                              if (mine == 1) {
                                m.advance(1s);
                                m.advance(1s);
                              }
                              said += a.stop_requested() ? "!)" : ")";
                            },
                            {.overlap = overlap});
  m.advance(1s);
  m.queue.dispatch();
  m.queue.dispatch();
  m.advance(1s);
  skipped = tick.info().skipped;
  cancelled = m.queue.stats().cancelled;
  return said;
}

}  // namespace

// FLOOR 19: what meets a running copy is never dropped in silence.
TEST(Schedules, OverlapIsDealtWithAsTold) {
  std::uint64_t skipped = 0;
  std::uint64_t cancelled = 0;
  EXPECT_EQ(overlapping(Overlap::skip, skipped, cancelled), "1()2()");
  EXPECT_EQ(skipped, 2u);
  EXPECT_EQ(overlapping(Overlap::queue_one, skipped, cancelled), "1()2()3()");
  EXPECT_EQ(skipped, 1u);
  EXPECT_EQ(overlapping(Overlap::allow, skipped, cancelled), "1(2()3())4()");
  EXPECT_EQ(skipped, 0u);
  EXPECT_EQ(overlapping(Overlap::cancel_previous, skipped, cancelled), "1(2()3()!)4()");
  EXPECT_EQ(cancelled, 1u);
}

TEST(Schedules, OfSlotsThatComeTogetherTheLastTakesThePlaceOfTheOthers) {
  Ticking t({.overlap = Overlap::cancel_previous, .missed = Missed::all});
  t.advance(35s);
  EXPECT_EQ(t.at.size(), 1u);
  EXPECT_EQ(t.tick.info().skipped, 2u);
}

TEST(Schedules, JitterSpreadsTheSlotsAndKeepsTheirNumber) {
  Ticking t({.name = "spread", .jitter = 5s});
  for (int i = 0; i < 1000; ++i) t.advance(100ms);
  ASSERT_GE(t.at.size(), 9u);
  bool moved = false;
  for (std::size_t i = 0; i < t.at.size(); ++i) {
    const auto slot = 10s * static_cast<int>(i + 1);
    EXPECT_GE(t.at[i], slot);
    EXPECT_LE(t.at[i], slot + 5s + 100ms);
    moved = moved || t.at[i] > slot + 200ms;
  }
  EXPECT_TRUE(moved);
}

// A slot that its jitter holds back is not late, however small the window.
TEST(Schedules, JitterMakesNoSlotMissed) {
  for (const Missed missed : {Missed::skip, Missed::latest}) {
    errand::ScheduleOptions options{.name = "spread", .missed = missed, .jitter = 50min};
    if (missed == Missed::latest) options.catch_up_window = 1s;
    Ticking t(std::move(options), 1h);
    for (int i = 0; i < 11 * 60; ++i) t.advance(1min);
    EXPECT_EQ(t.at.size(), 10u);
    EXPECT_EQ(t.tick.info().skipped, 0u);
  }
}

TEST(Schedules, ARunThatFindsTheQueueFullIsCounted) {
  errand::set_logger([](const errand::LogLine&) {});
  Manual m({.capacity = 1});
  int runs = 0;
  auto tick = m.queue.every(1s, [&] { ++runs; });
  auto blocker = m.queue.submit_in(1h, [] {});
  m.advance(1s);
  EXPECT_EQ(tick.info().skipped, 1u);
  EXPECT_EQ(m.queue.stats().skipped_slots, 1u);
  EXPECT_TRUE(blocker.cancel());
  m.advance(1s);
  EXPECT_EQ(runs, 1);
  errand::set_logger({});
}

// FLOOR 18: a refused run is not the end of its schedule, even with a slot that waits for it.
TEST(Schedules, GoOnAfterARefusedRunThatASlotWaitedFor) {
  errand::set_logger([](const errand::LogLine&) {});
  Manual m({.capacity = 1});
  auto in_the_way = m.queue.submit_in(1h, [] {});
  auto tick = m.queue.every(10s, [] {}, {.missed = Missed::all});
  m.advance(30s);
  EXPECT_EQ(tick.info().runs, 0u);
  EXPECT_EQ(tick.info().skipped, 3u);
  EXPECT_TRUE(in_the_way.cancel());
  m.advance(10s);
  m.queue.dispatch();
  EXPECT_EQ(tick.info().runs, 1u);
  EXPECT_EQ(m.queue.stats().skipped_slots, 3u);
  errand::set_logger({});
}

TEST(Schedules, AHandleMayOutliveItsQueue) {
  std::optional<errand::Schedule> tick;
  {
    Manual m;
    tick = m.queue.every(1s, [] {});
  }
  tick->pause();
  tick->resume();
  tick->trigger();
  tick->cancel();
  EXPECT_TRUE(tick->info().cancelled);
  EXPECT_TRUE(tick->next(1).empty());
}

TEST(Schedules, RunOnWorkersToo) {
  auto clock = std::make_shared<errand::ManualClock>();
  errand::Queue queue({.workers = 1, .clock = clock});
  Counter runs;
  auto tick = queue.every(1h, [&] { runs.add(); });
  for (int i = 1; i <= 3; ++i) {
    clock->advance(1h);
    EXPECT_TRUE(runs.reaches(i));
  }
}

TEST(Schedules, MayCancelThemselvesFromTheirBody) {
  Manual m;
  std::optional<errand::Schedule> tick;
  int runs = 0;
  tick = m.queue.every(1s, [&] { ++runs, tick->cancel(); });
  for (int i = 0; i < 5; ++i) m.advance(1s);
  EXPECT_EQ(runs, 1);
}

TEST(Schedules, ARefusedScheduleDoesNothing) {
  Manual m;
  auto refused = m.queue.every(0s, [] {});
  EXPECT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), errand::Code::invalid);
  refused.pause();
  refused.resume();
  refused.trigger();
  refused.cancel();
  EXPECT_TRUE(refused.info().cancelled);
  EXPECT_TRUE(refused.next(3).empty());
}

TEST(Schedules, ARefusedScheduleLeavesItsBodyUntouched) {
  Manual m;
  auto held = std::make_shared<int>(1);  // not const: a constant is copied where others are moved
  auto body = [held] {};
  EXPECT_TRUE(m.queue.every(1s, [] {}, {.name = "taken"}));
  EXPECT_FALSE(m.queue.every(0s, offer(body)));
  EXPECT_FALSE(m.queue.every(1s, offer(body), {.name = "taken"}));
  EXPECT_FALSE(m.queue.every(1s, offer(body), {.priority = 10}));
  EXPECT_FALSE(m.queue.cron("no cron", offer(body)));
  EXPECT_FALSE(m.queue.cron("* * * * *", offer(body), {.name = "taken"}));
  EXPECT_FALSE(m.queue.cron("* * * * *", offer(body), {.time_zone = "Nowhere"}));
  EXPECT_EQ(held.use_count(), 2);
  EXPECT_TRUE(m.queue.every(1s, offer(body)));
  EXPECT_EQ(m.queue.schedules().size(), 2u);
}

namespace {

// Does something while it is copied into its schedule.
template <class Do>
struct WhenCopied {
  explicit WhenCopied(Do act) : act(std::move(act)) {}
  WhenCopied(const WhenCopied& other) : act(other.act) { act(); }
  void operator()() {}
  Do act;
};

}  // namespace

TEST(Schedules, ABodyThatCannotBeTakenLeavesNoTrace) {
  Manual m;
  const WhenCopied body([] { throw std::runtime_error("no copy today"); });
  EXPECT_THROW(m.queue.every(1s, body, {.name = "tick"}), std::runtime_error);
  EXPECT_TRUE(m.queue.schedules().empty());
  EXPECT_TRUE(m.queue.every(1s, [] {}, {.name = "tick"}));
}

// The name is its own already, though nobody finds it yet.
TEST(Schedules, OfOneNameAreNotAddedWhileABodyIsTaken) {
  Manual m;
  int refused = 0;
  const WhenCopied body([&] { refused += m.queue.every(1s, [] {}, {.name = "tick"}) ? 0 : 1; });
  EXPECT_TRUE(m.queue.every(1s, body, {.name = "tick"}));
  EXPECT_GE(refused, 1);
  EXPECT_EQ(m.queue.schedules().size(), 1u);
}

TEST(Schedules, AShutdownEndsTheOneWhoseBodyIsBeingTaken) {
  Manual m;
  const WhenCopied body([&] { m.queue.shutdown(); });
  auto tick = m.queue.every(1s, body);
  ASSERT_TRUE(tick);
  EXPECT_TRUE(tick.info().cancelled);
  EXPECT_TRUE(m.queue.schedules().empty());
  m.advance(1min);
  EXPECT_EQ(tick.info().runs, 0u);
}
