// Schedules of named tasks: slots that come, or that nobody was there for, and what becomes of them.

#include "stored_schedule.h"

using errand::Missed;
using errand::Overlap;

ERRAND_ON_BOTH_STORES(StoredSchedule);

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
