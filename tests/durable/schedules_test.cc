// Schedules of named tasks: slots that come, or that nobody was there for, and what becomes of them.

#include "support.h"

using errand::Missed;
using errand::Overlap;

namespace {

// A queue with reports that come again.
class StoredSchedule : public Named {
 protected:
  StoredSchedule() { handle(); }

  void handle() {
    queue->handle<Report>([this](const Report& report, errand::Attempt& attempt) {
      ran.push_back(report.pages);
      at.push_back(clock->now() - start);
      if (meanwhile) meanwhile(attempt);
    });
  }
  void begin_again() {
    restart();
    handle();
  }
  errand::Schedule every(errand::Duration interval, errand::ScheduleOptions options = {}, int pages = 1) {
    if (options.name.empty()) options.name = "report";
    auto made = queue->every(interval, Report{pages}, std::move(options));
    EXPECT_TRUE(made) << made.error().message();
    return *made;
  }
  // So many steps of so long, each of them looked at.
  void walk(int steps, errand::Duration step) {
    for (int i = 0; i < steps; ++i) advance(step);
  }
  [[nodiscard]] std::vector<errand::TaskInfo> runs(std::optional<errand::TaskState> state = {}) const {
    errand::TaskFilter filter;
    filter.schedule = "report";
    filter.state = state;
    const auto found = queue->find(filter, 1000);
    EXPECT_TRUE(found) << found.error().message();
    return found ? *found : std::vector<errand::TaskInfo>();
  }
  [[nodiscard]] errand::ScheduleInfo info_of(const std::string& name = "report") const {
    const auto schedule = queue->schedule(name);
    EXPECT_TRUE(schedule);
    return schedule ? schedule->info() : errand::ScheduleInfo{};
  }

  errand::WallTime start = clock->now();
  std::vector<int> ran{};
  std::vector<errand::Duration> at{};
  std::function<void(errand::Attempt&)> meanwhile{};
};
ERRAND_ON_BOTH_STORES(StoredSchedule);

using Times = std::vector<errand::Duration>;

}  // namespace

TEST_P(StoredSchedule, RunsAtAFixedRateAfterOneInterval) {
  const auto tick = every(10s);
  EXPECT_EQ(queue->dispatch(), clock->mono() + 10s);
  walk(35, 1s);
  EXPECT_EQ(at, (Times{10s, 20s, 30s}));
  const auto info = tick.info();
  EXPECT_EQ(info.name, "report");
  EXPECT_EQ(info.expression, "@every 10s");
  EXPECT_EQ(info.time_zone, "UTC");
  EXPECT_EQ(info.runs, 3u);
  EXPECT_EQ(info.skipped, 0u);
  EXPECT_EQ(info.running, 0);
  EXPECT_EQ(info.last_slot, start + 30s);
  EXPECT_EQ(info.next_slot, start + 40s);
  EXPECT_FALSE(info.paused || info.cancelled);
  EXPECT_EQ(queue->info(info.last_run)->schedule, "report");
  EXPECT_EQ(queue->info(info.last_run)->name, "report");
  EXPECT_EQ(queue->stats().submitted, 3u);
}

TEST_P(StoredSchedule, RunsAtOnceWhereToldTo) {
  every(10s, {.first = errand::First::now});
  queue->dispatch();
  walk(10, 1s);
  EXPECT_EQ(at, (Times{0s, 10s}));
  every(10s, {.first = errand::First::now});
  walk(9, 1s);
  EXPECT_EQ(at, (Times{0s, 10s})) << "once: it is there by now";
}

TEST_P(StoredSchedule, OfACronExpressionFollowsItsZone) {
  clock->set_now(errand::WallTime(24h * 10957));  // 2000-01-01 00:00:00 UTC, a Saturday
  start = clock->now();
  auto nine = queue->cron("0 9 * * MON-FRI", Report{1}, {.name = "report", .time_zone = "Europe/Berlin"});
  ASSERT_TRUE(nine) << nine.error().message();
  walk(24 * 4, 1h);
  // Monday is the third; nine o'clock in Berlin is eight o'clock UTC.
  EXPECT_EQ(at, (Times{56h, 80h}));
  EXPECT_EQ(nine->next(2), (std::vector<errand::WallTime>{start + 104h, start + 128h}));
  EXPECT_EQ(nine->info().time_zone, "Europe/Berlin");
  EXPECT_EQ(nine->info().expression, "0 9 * * MON-FRI");
}

TEST_P(StoredSchedule, GivesEachRunWhatWasSaid) {
  errand::Named task{"report", R"({"pages": 7})", "application/json", {.tags = {"night"}}, {}};
  task.options.max_elapsed = 1h;
  const auto made =
      queue->every(10s, std::move(task), {.name = "report", .priority = 3, .max_attempts = 2, .timeout = 5s});
  ASSERT_TRUE(made) << made.error().message();
  meanwhile = [](errand::Attempt&) { throw std::runtime_error("no paper"); };
  advance(10s);
  EXPECT_EQ(ran, std::vector<int>{7});
  const auto run = runs().at(0);
  EXPECT_EQ(run.priority, 3);
  EXPECT_EQ(run.max_attempts, 2);
  EXPECT_EQ(run.tags, std::vector<std::string>{"night"});
  EXPECT_EQ(run.state, errand::TaskState::retryable);
  const auto kept = store->find_schedule("mail", "report");
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->schedule.task.timeout, 5s);
  EXPECT_EQ(kept->schedule.task.max_elapsed, 1h);
}

// --- slots that nobody was there for ---------------------------------------------------------------------------------

TEST_P(StoredSchedule, MissedSlotsAreMadeUpForAsTold) {
  struct Case {
    errand::ScheduleOptions options;
    std::size_t runs;
    std::uint64_t skipped;
  };
  const std::vector<Case> cases{
      {{.name = "a", .overlap = Overlap::allow, .missed = Missed::skip}, 0, 5},
      {{.name = "b", .overlap = Overlap::allow, .missed = Missed::latest}, 1, 4},
      {{.name = "c", .overlap = Overlap::allow, .missed = Missed::all}, 5, 0},
      {{.name = "d", .overlap = Overlap::allow, .missed = Missed::all, .catch_up_cap = 3}, 3, 2},
      {{.name = "e", .overlap = Overlap::allow, .missed = Missed::all, .catch_up_window = 2h}, 2, 3},
      {{.name = "f", .overlap = Overlap::cancel_previous, .missed = Missed::all}, 1, 4},
      {{.name = "g", .overlap = Overlap::skip, .missed = Missed::all}, 1, 4},
  };
  for (const Case& one : cases) every(1h, one.options);
  advance(5h + 30min);
  std::uint64_t skipped = 0;
  for (const Case& one : cases) {
    EXPECT_EQ(info_of(one.options.name).runs, one.runs) << one.options.name;
    EXPECT_EQ(info_of(one.options.name).skipped, one.skipped) << one.options.name;
    EXPECT_EQ(info_of(one.options.name).last_slot, start + 5h) << one.options.name;
    skipped += one.skipped;
  }
  EXPECT_EQ(queue->stats().skipped_slots, skipped);
}

TEST_P(StoredSchedule, OfManyMissedSlotsOneRunsAndOneWaitsForIt) {
  every(1h, {.missed = Missed::all});
  clock->advance(5h + 30min);
  queue->dispatch();
  EXPECT_EQ(ran.size(), 1u);
  queue->dispatch();
  EXPECT_EQ(ran.size(), 2u);
  walk(3, 1min);
  EXPECT_EQ(ran.size(), 2u);
  EXPECT_EQ(info_of().runs, 2u);
  EXPECT_EQ(info_of().skipped, 3u);
  EXPECT_EQ(info_of().last_slot, start + 5h);
  EXPECT_EQ(queue->stats().skipped_slots, 3u);
}

TEST_P(StoredSchedule, SurvivesItsQueueAndMakesUpForWhatWasMissed) {
  if (GetParam() == Where::memory) return;  // it is gone with its store
  every(1h);
  advance(1h);
  EXPECT_EQ(ran.size(), 1u);
  queue.reset();
  clock->advance(3h + 30min);
  begin_again();  // nobody says it again
  EXPECT_EQ(queue->schedules().size(), 1u);
  queue->dispatch();
  EXPECT_EQ(ran.size(), 2u) << "the latest of three";
  EXPECT_EQ(info_of().skipped, 2u);
  EXPECT_EQ(info_of().runs, 2u);
  // Nor does saying it again change what has happened, or what comes next.
  every(1h);
  queue->dispatch();
  EXPECT_EQ(ran.size(), 2u);
  EXPECT_EQ(info_of().runs, 2u);
  EXPECT_EQ(info_of().next_slot, start + 5h);
}

TEST_P(StoredSchedule, IsNotRunByAQueueThatWasNotStarted) {
  queue.reset();
  errand::QueueOptions opts = options();
  opts.drive = errand::Drive::threads;
  opts.start = false;
  queue = std::make_unique<errand::Queue>(std::move(opts));
  every(1h);
  clock->advance(2h);
  EXPECT_TRUE(queue->enqueue(Mail{}, {.delay = 1h}));  // whoever enqueues would have dealt with it
  EXPECT_EQ(info_of().runs, 0u);
  EXPECT_EQ(info_of().next_slot, start + 1h);
}

TEST_P(StoredSchedule, NoSlotComesTwiceWhenTheClockIsSetBack) {
  every(10s);
  walk(3, 10s);
  EXPECT_EQ(ran.size(), 3u);
  clock->set_now(start);
  walk(3, 10s);
  EXPECT_EQ(ran.size(), 3u);
  EXPECT_EQ(info_of().next_slot, start + 40s);
  advance(10s);
  EXPECT_EQ(ran.size(), 4u);
  EXPECT_EQ(info_of().skipped, 0u);
}

// After a time at a clock that was a day ahead, it waits for that day to pass.
TEST_P(StoredSchedule, OtherTermsBringNoSlotBack) {
  every(10s);
  clock->set_now(start + 24h);
  queue->dispatch();
  EXPECT_EQ(ran.size(), 1u);
  clock->set_now(start);
  const auto tick = every(15s);
  EXPECT_EQ(tick.info().next_slot, start + 24h + 15s);
  EXPECT_EQ(tick.next(1), (std::vector<errand::WallTime>{start + 24h + 15s}));
  EXPECT_EQ(queue->dispatch(), clock->mono() + 24h + 15s) << "and nobody looks before";
  walk(5, 15s);
  EXPECT_EQ(ran.size(), 1u);
}

TEST_P(StoredSchedule, JitterSpreadsTheSlotsAndMakesNoneMissed) {
  every(1h, {.missed = Missed::skip, .jitter = 50min});
  walk(11 * 60, 1min);
  ASSERT_EQ(at.size(), 10u);
  bool moved = false;
  for (std::size_t i = 0; i < at.size(); ++i) {
    const auto slot = 1h * static_cast<int>(i + 1);
    EXPECT_GE(at[i], slot);
    EXPECT_LE(at[i], slot + 51min);
    moved = moved || at[i] > slot + 2min;
  }
  EXPECT_TRUE(moved);
  EXPECT_EQ(info_of().skipped, 0u);
}

// --- slots that meet a run -------------------------------------------------------------------------------------------

TEST_P(StoredSchedule, QueueOneKeepsOneSlotWaitingForTheRun) {
  every(10s);
  queue->pause();
  advance(10s);
  EXPECT_EQ(runs().size(), 1u);
  EXPECT_EQ(info_of().running, 1);
  advance(10s);  // waits
  advance(10s);  // and so there is no room for this one, and the next
  advance(10s);
  EXPECT_EQ(runs().size(), 1u);
  EXPECT_EQ(info_of().skipped, 2u);
  EXPECT_EQ(queue->stats().skipped_slots, 2u);
  EXPECT_EQ(info_of().next_slot, start + 50s);
  EXPECT_EQ(store->find_schedule("mail", "report")->schedule.next, start + 20s) << "there it is kept";
  queue->resume();
  queue->dispatch();
  EXPECT_EQ(ran.size(), 1u);
  queue->dispatch();
  EXPECT_EQ(ran.size(), 2u) << "as soon as the first one is over";
  EXPECT_EQ(info_of().skipped, 2u);
  EXPECT_EQ(info_of().last_slot, start + 40s);
  advance(10s);
  EXPECT_EQ(ran.size(), 3u);
  EXPECT_EQ(queue->stats().skipped_slots, 2u);
}

TEST_P(StoredSchedule, ASlotThatWaitsComesWhenTheRunIsCancelled) {
  every(10s, {.missed = Missed::skip});
  queue->pause();
  walk(2, 10s);
  clock->advance(5min);
  ASSERT_EQ(runs().size(), 1u);
  EXPECT_TRUE(queue->cancel(runs().at(0).id));
  queue->dispatch();
  ASSERT_EQ(runs(errand::TaskState::available).size(), 1u) << "it was there, so it was not missed";
  EXPECT_EQ(info_of().last_slot, start + 20s + 5min) << "with all that it kept out";
}

TEST_P(StoredSchedule, ASlotThatWaitedWhenTheQueueWentIsMissed) {
  if (GetParam() == Where::memory) return;
  every(10s);
  queue->pause();
  walk(3, 10s);
  EXPECT_EQ(runs().size(), 1u);
  begin_again();
  queue->resume();
  queue->dispatch();
  queue->dispatch();
  EXPECT_EQ(ran.size(), 2u);
  EXPECT_EQ(info_of().skipped, 1u) << "the newest of two waited again";
}

TEST_P(StoredSchedule, SkipLeavesOutWhatMeetsARun) {
  every(10s, {.overlap = Overlap::skip});
  queue->pause();
  walk(3, 10s);
  queue->resume();
  queue->dispatch();
  queue->dispatch();
  EXPECT_EQ(ran.size(), 1u);
  EXPECT_EQ(info_of().skipped, 2u);
  advance(10s);
  EXPECT_EQ(ran.size(), 2u);
}

TEST_P(StoredSchedule, AllowLetsThemRunBesideEachOther) {
  every(10s, {.overlap = Overlap::allow});
  queue->pause();
  walk(3, 10s);
  EXPECT_EQ(runs(errand::TaskState::available).size(), 3u);
  queue->resume();
  queue->dispatch();
  EXPECT_EQ(ran.size(), 3u);
  EXPECT_EQ(info_of().skipped, 0u);
}

TEST_P(StoredSchedule, CancelPreviousEndsARunThatWaits) {
  every(10s, {.overlap = Overlap::cancel_previous});
  queue->pause();
  walk(3, 10s);
  EXPECT_EQ(runs(errand::TaskState::cancelled).size(), 2u);
  EXPECT_EQ(runs(errand::TaskState::available).size(), 1u);
  EXPECT_EQ(info_of().running, 1);
  queue->resume();
  queue->dispatch();
  EXPECT_EQ(ran.size(), 1u);
  EXPECT_EQ(info_of().runs, 3u);
  EXPECT_EQ(info_of().skipped, 0u) << "they had their runs";
}

// To the store it runs; here it has not begun, and does not.
TEST_P(StoredSchedule, CancelPreviousEndsARunThatIsClaimed) {
  auto tick = every(10s, {.overlap = Overlap::cancel_previous});
  queue->handle<Mail>([&](const Mail&) {
    tick.trigger();
    const errand::TaskId claimed = tick.info().last_run;
    EXPECT_EQ(store->find(claimed, clock->now())->state, errand::TaskState::running);
    EXPECT_EQ(state(claimed), errand::TaskState::available);
    clock->advance(10s);
    EXPECT_TRUE(queue->enqueue(Report{2}, {.delay = 1h}));  // whoever enqueues leads, and deals with the slot
    return Receipt{};
  });
  ASSERT_TRUE(queue->enqueue(Mail{}));
  queue->dispatch();
  walk(2, 0s);
  EXPECT_EQ(at, (Times{10s})) << "the run of the slot alone";
  EXPECT_EQ(runs(errand::TaskState::cancelled).size(), 1u);
  EXPECT_EQ(runs(errand::TaskState::completed).size(), 1u);
}

TEST_P(StoredSchedule, CancelPreviousStopsARunThatRuns) {
  every(10s, {.overlap = Overlap::cancel_previous});
  bool stopped = false;
  int begun = 0;
  meanwhile = [&](errand::Attempt& attempt) {
    if (++begun != 1) return;
    clock->advance(10s);
    EXPECT_TRUE(queue->enqueue(Report{2}, {.delay = 1h}));  // whoever enqueues leads, and deals with the slot
    stopped = attempt.stop_requested();
    EXPECT_EQ(attempt.stop_reason(), errand::StopReason::cancelled);
  };
  advance(10s);
  EXPECT_TRUE(stopped);
  walk(2, 0s);
  EXPECT_EQ(ran.size(), 2u);
  EXPECT_EQ(runs(errand::TaskState::cancelled).size(), 1u);
  EXPECT_EQ(runs(errand::TaskState::completed).size(), 1u);
}

// --- by hand ---------------------------------------------------------------------------------------------------------

TEST_P(StoredSchedule, APauseLeavesSlotsOutAndCountsThem) {
  auto tick = every(10s);
  tick.pause();
  EXPECT_TRUE(tick.info().paused);
  walk(2, 10s);
  EXPECT_TRUE(ran.empty());
  EXPECT_EQ(tick.info().skipped, 2u);
  EXPECT_EQ(queue->stats().skipped_slots, 2u);
  clock->advance(25s);  // nobody looks
  tick.resume();
  queue->dispatch();
  EXPECT_TRUE(ran.empty());
  EXPECT_FALSE(tick.info().paused);
  EXPECT_EQ(tick.info().skipped, 4u);
  EXPECT_EQ(queue->stats().skipped_slots, 4u);
  advance(5s);
  EXPECT_EQ(at, (Times{50s}));
}

TEST_P(StoredSchedule, APauseLasts) {
  if (GetParam() == Where::memory) return;
  every(10s).pause();
  begin_again();
  every(10s);
  walk(3, 10s);
  EXPECT_TRUE(ran.empty());
  EXPECT_TRUE(info_of().paused);
  EXPECT_EQ(info_of().skipped, 3u);
  queue->schedule("report")->resume();
  advance(10s);
  EXPECT_EQ(ran.size(), 1u);
}

TEST_P(StoredSchedule, APauseLeavesOutTheSlotThatWaits) {
  auto tick = every(10s);
  queue->pause();
  walk(3, 10s);
  tick.pause();
  queue->resume();
  queue->dispatch();
  queue->dispatch();
  EXPECT_EQ(ran.size(), 1u);
  EXPECT_EQ(tick.info().skipped, 2u);
  tick.resume();
  advance(10s);
  EXPECT_EQ(ran.size(), 2u);
}

TEST_P(StoredSchedule, ATriggerIsOneRunMore) {
  auto tick = every(10s, {.overlap = Overlap::skip});
  tick.trigger();
  tick.trigger();  // overlap does not hold it back
  EXPECT_EQ(tick.info().running, 2);
  queue->dispatch();
  EXPECT_EQ(ran.size(), 2u);
  EXPECT_EQ(tick.info().next_slot, start + 10s);
  EXPECT_EQ(tick.info().last_slot, std::nullopt);
  advance(10s);
  EXPECT_EQ(ran.size(), 3u);
  EXPECT_EQ(tick.info().runs, 3u);
  EXPECT_EQ(queue->stats().submitted, 3u);
}

TEST_P(StoredSchedule, ACancelEndsTheSlotsAndNotTheRuns) {
  auto tick = every(10s);
  queue->pause();
  advance(10s);
  tick.cancel();
  tick.cancel();
  queue->resume();
  queue->dispatch();
  EXPECT_EQ(ran.size(), 1u) << "it had come";
  EXPECT_EQ(queue->dispatch(), errand::SteadyTime::max());
  walk(3, 10s);
  tick.trigger();
  tick.pause();
  tick.resume();
  queue->dispatch();
  EXPECT_EQ(ran.size(), 1u);
  EXPECT_TRUE(tick.info().cancelled);
  EXPECT_TRUE(tick.next(3).empty());
  EXPECT_TRUE(queue->schedules().empty());
  EXPECT_EQ(queue->schedule("report").error().code(), errand::Code::not_found);
  every(10s);
  advance(10s);
  EXPECT_EQ(ran.size(), 2u) << "the name is free again";
  EXPECT_FALSE(tick.info().cancelled) << "a handle knows it by its name";
}

TEST_P(StoredSchedule, OtherTermsHoldAtOnce) {
  every(1h, {}, 1);
  advance(1h);
  EXPECT_EQ(ran, (std::vector<int>{1}));
  every(1h, {}, 2);
  advance(1h);
  EXPECT_EQ(ran, (std::vector<int>{1, 2})) << "its slots are as before";
  every(5min, {}, 3);
  EXPECT_EQ(queue->dispatch(), clock->mono() + 5min);
  advance(5min);
  EXPECT_EQ(ran, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(info_of().runs, 3u);
  auto nightly = queue->cron("0 0 * * *", Report{4}, {.name = "report"});
  ASSERT_TRUE(nightly);
  EXPECT_EQ(nightly->info().expression, "0 0 * * *");
  walk(12, 5min);
  EXPECT_EQ(ran.size(), 3u);
}

// Somebody else, of another program perhaps, changed it in the store.
TEST_P(StoredSchedule, WhatTheStoreSaysWhenTheSlotComesHolds) {
  every(10s);
  auto kept = store->find_schedule("mail", "report");
  ASSERT_TRUE(kept);
  errand::NewSchedule other = kept->schedule;
  other.task.payload = R"({"pages": 5})";
  ASSERT_TRUE(store->put_schedule(other, clock->now()));
  advance(10s);
  EXPECT_EQ(ran, std::vector<int>{5});
  ASSERT_TRUE(store->pause_schedule("mail", "report", true));
  advance(10s);
  EXPECT_EQ(ran.size(), 1u);
  EXPECT_EQ(info_of().skipped, 1u);
  ASSERT_TRUE(store->remove_schedule("mail", "report"));
  advance(10s);
  EXPECT_EQ(queue->dispatch(), errand::SteadyTime::max());
  other.name = "unheard of";
  other.next = clock->now() + 5s;
  other.anchor = clock->now();
  ASSERT_TRUE(store->put_schedule(other, clock->now()));
  ASSERT_TRUE(queue->schedule("unheard of")) << "and from here on it is known";
  advance(10s);
  EXPECT_EQ(ran, (std::vector<int>{5, 5}));
}

TEST_P(StoredSchedule, ItsHandleMayOutliveItsQueue) {
  auto tick = every(10s);
  queue.reset();
  tick.pause();
  tick.resume();
  tick.trigger();
  tick.cancel();
  EXPECT_EQ(tick.info().name, "report");
  EXPECT_TRUE(tick.next(1).empty());
  EXPECT_TRUE(store->find_schedule("mail", "report")) << "it is kept";
  EXPECT_TRUE(store->list({.schedule = "report"}, {}, 10, clock->now())->empty());
}

TEST_P(StoredSchedule, AQueueThatClosesTakesNone) {
  auto tick = every(10s);
  queue->shutdown({.drain = errand::Drain::none});
  const auto late = queue->every(1s, Report{1}, {.name = "late"});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), errand::Code::shutting_down);
  walk(3, 10s);
  EXPECT_TRUE(ran.empty());
  EXPECT_EQ(store->list_schedules("mail")->size(), 1u);
}

// --- both tiers, and other queues ------------------------------------------------------------------------------------

TEST_P(StoredSchedule, StandsBesideThoseOfClosures) {
  every(10s, {.name = "b"});
  int closures = 0;
  auto a = queue->every(10s, [&] { ++closures; }, {.name = "a"});
  auto c = queue->every(10s, [&] { ++closures; }, {.name = "c"});
  ASSERT_TRUE(a && c);
  std::vector<std::string> names;
  for (const auto& info : queue->schedules()) names.push_back(info.name);
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_TRUE(queue->schedule("a") && queue->schedule("b"));
  advance(10s);
  EXPECT_EQ(closures, 2);
  EXPECT_EQ(ran.size(), 1u);
}

TEST_P(StoredSchedule, HasItsNameAlone) {
  every(10s, {.name = "stored"});
  const auto closure = queue->every(1s, [] {}, {.name = "stored"});
  ASSERT_FALSE(closure);
  EXPECT_EQ(closure.error().code(), errand::Code::invalid);
  auto own = queue->every(1s, [] {}, {.name = "own"});
  const auto clash = queue->cron("@daily", Report{1}, {.name = "own"});
  ASSERT_FALSE(clash);
  EXPECT_EQ(clash.error().code(), errand::Code::invalid);
  EXPECT_EQ(clash.error().message(),
            "schedule on queue \"mail\": name: there is a schedule \"own\" of a closure already");
  EXPECT_EQ(store->list_schedules("mail")->size(), 1u);
  own.cancel();
  EXPECT_TRUE(queue->cron("@daily", Report{1}, {.name = "own"}));
  queue->schedule("stored")->cancel();
  EXPECT_TRUE(queue->every(1s, [] {}, {.name = "stored"}));
}

TEST_P(StoredSchedule, OfOneNameMayBeInTwoQueuesOfAStore) {
  errand::QueueOptions opts = options();
  opts.name = "other";
  errand::Queue other(std::move(opts));
  std::vector<int> others;
  other.handle<Report>([&](const Report& report) { others.push_back(report.pages); });
  every(10s, {}, 1);
  ASSERT_TRUE(other.every(20s, Report{2}, {.name = "report"}));
  for (int i = 0; i < 4; ++i) {
    advance(10s);
    other.dispatch();
  }
  EXPECT_EQ(ran, (std::vector<int>{1, 1, 1, 1}));
  EXPECT_EQ(others, (std::vector<int>{2, 2}));
  EXPECT_EQ(other.schedules().size(), 1u);
}

// --- what can't be right ---------------------------------------------------------------------------------------------

TEST_P(StoredSchedule, BadInputIsRefusedAndLeavesNoTrace) {
  const auto refused = [&](const errand::Result<errand::Schedule>& made, const std::string& why,
                           errand::Code code = errand::Code::invalid) {
    ASSERT_FALSE(made) << why;
    EXPECT_EQ(made.error().code(), code);
    EXPECT_NE(made.error().message().find(why), std::string::npos) << made.error().message();
  };
  const auto with = [&](errand::TaskOptions task) {
    return queue->every(1s, errand::Named{"report", "{}", "application/json", std::move(task), {}}, {.name = "x"});
  };
  refused(queue->every(1s, Report{1}, {}), "name: expected one, got none");
  refused(queue->cron("@daily", Report{1}, {}), "name: expected one, got none");
  refused(queue->every(0s, Report{1}, {.name = "x"}), "interval: expected more than zero");
  refused(queue->every(1500ns, Report{1}, {.name = "x"}), "whole microseconds");
  refused(queue->cron("61 * * * *", Report{1}, {.name = "x"}), "minute");
  refused(queue->cron("0 0 30 2 *", Report{1}, {.name = "x"}), "never fires");
  refused(queue->cron("@daily", Report{1}, {.name = "x", .time_zone = "Europe/Atlantis"}), "Atlantis");
  refused(queue->cron("@daily", Report{1}, {.name = "x", .first = errand::First::now}), "first");
  refused(queue->every(1s, Report{1}, {.name = "x", .jitter = 1s}), "jitter");
  refused(queue->every(1s, Report{1}, {.name = "x", .priority = 10}), "priority");
  refused(queue->every(1s, Report{1}, {.name = std::string("a\0b", 3)}), "name: expected UTF-8");
  refused(queue->every(1s, Report{1}, {.name = std::string(300, 'x')}), "name: expected at most 256 bytes");
  refused(queue->every(1s, errand::Named{"", "{}", "x", {}, {}}, {.name = "x"}), "kind");
  refused(queue->every(1s, errand::Named{"report", std::string(2 << 20, 'x'), "x", {}, {}}, {.name = "x"}), "payload",
          errand::Code::too_large);
  refused(with({.delay = 1s}), "delay");
  refused(with({.at = clock->now()}), "delay and at");
  refused(with({.expires_at = clock->now()}), "expires_at");
  refused(with({.priority = 3}), "expected in ScheduleOptions");
  refused(with({.max_attempts = 3}), "expected in ScheduleOptions");
  refused(with({.unique = {.key = "k"}}), "unique");
  refused(with({.on_finish = [](const errand::TaskInfo&) {}}), "on_finish");
  EXPECT_TRUE(queue->schedules().empty());
  EXPECT_TRUE(store->list_schedules("")->empty());
  EXPECT_TRUE(queue->every(1s, [] {}, {.name = "x"})) << "nor is its name taken";
}

TEST_P(StoredSchedule, OfAKindThatNobodyHandlesIsTheStores) {
  const auto mail = queue->every(10s, Mail{"a@b.c", 7}, {.name = "mails"});
  if (GetParam() == Where::memory) {
    ASSERT_FALSE(mail);
    EXPECT_EQ(mail.error().code(), errand::Code::unknown_kind);
    return;
  }
  ASSERT_TRUE(mail) << mail.error().message();
  advance(10s);
  int sent = 0;
  queue->handle<Mail>([&](const Mail&) {
    ++sent;
    return Receipt{};
  });
  queue->dispatch();
  EXPECT_EQ(sent, 1);
}

// What a store says is input.
TEST_P(StoredSchedule, OfTimesThatCannotBeReadHasNoSlots) {
  errand::NewSchedule odd;
  odd.queue = "mail";
  odd.name = "odd";
  odd.cron = "every now and then";
  odd.next = start + 10s;
  odd.task.kind = "report";
  odd.task.payload = R"({"pages": 1})";
  ASSERT_TRUE(store->put_schedule(odd, start));
  std::vector<std::string> said;
  errand::set_logger([&](const errand::LogLine& line) { said.emplace_back(line.text); });
  queue.reset();
  begin();
  handle();
  every(10s);
  walk(3, 10s);
  errand::set_logger({});
  EXPECT_EQ(ran.size(), 3u) << "of the other one";
  ASSERT_EQ(said.size(), 1u);
  EXPECT_NE(said[0].find("schedule \"odd\" of queue \"mail\" has no slots here"), std::string::npos) << said[0];
  EXPECT_EQ(info_of("odd").next_slot, std::nullopt);
  queue->schedule("odd")->cancel();
  EXPECT_EQ(queue->schedules().size(), 1u);
}
