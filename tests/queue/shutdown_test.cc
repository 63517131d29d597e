// The end of a queue, in each of its ways.

#include <atomic>
#include <optional>

#include "support.h"

using errand::Code;
using errand::Drain;
using errand::StopReason;
using errand::TaskState;

namespace {

// One task of each kind, and what a shutdown makes of them.
struct Mixture {
  explicit Mixture(errand::Queue& queue)
      : available(queue.submit([] {})),
        scheduled(queue.submit_in(1h, [] {})),
        far(queue.submit_in(24h * 365, [] {})),
        retryable(queue.submit(
            [](errand::Attempt& a) -> errand::Outcome {
              if (a.number() == 1) return errand::retry("once");
              return errand::done();
            },
            {.max_attempts = 2, .retry = errand::Retry::fixed(1h)})) {
    EXPECT_TRUE(queue.run_one(retryable.id()));
  }
  std::string states() const {
    std::string text;
    for (const errand::Task<>* task : {&available, &scheduled, &far, &retryable}) {
      text += (text.empty() ? "" : " ") + std::string(errand::to_string(task->state()));
    }
    return text;
  }
  errand::Task<> available;
  errand::Task<> scheduled;
  errand::Task<> far;
  errand::Task<> retryable;
};

}  // namespace

TEST(Shutdown, DrainNoneAndRunningRunNothingMore) {
  for (const auto drain : {Drain::none, Drain::running}) {
    Manual m;
    Mixture tasks(m.queue);
    const auto report = m.queue.shutdown({.drain = drain});
    EXPECT_EQ(tasks.states(), "cancelled cancelled cancelled cancelled");
    EXPECT_EQ(report.finished, 0u);
    EXPECT_EQ(report.cancelled, 4u);
    EXPECT_EQ(report.left_over, 0u);
  }
}

// FLOOR 40: no back-off and no far-future task is waited out.
TEST(Shutdown, DrainDueRunsWhatIsDueAndWaitsForNothing) {
  Manual m;
  Mixture tasks(m.queue);
  m.clock->advance(2h);  // the first scheduled one and the retry are due, and nobody has looked yet
  const auto before = m.clock->mono();
  const auto report = m.queue.shutdown({.drain = Drain::due});
  EXPECT_EQ(tasks.states(), "completed completed cancelled completed");
  EXPECT_EQ(report.finished, 3u);
  EXPECT_EQ(report.cancelled, 1u);
  EXPECT_EQ(m.clock->mono(), before);
}

TEST(Shutdown, DrainQueuedWaitsForEverything) {
  Manual m;
  Mixture tasks(m.queue);
  const auto report = m.queue.shutdown({.drain = Drain::queued, .timeout = 24h * 366});
  EXPECT_EQ(tasks.states(), "completed completed completed completed");
  EXPECT_EQ(report.finished, 4u);
  EXPECT_EQ(report.cancelled, 0u);
}

// FLOOR 8: the deadline that was given is the one that holds.
TEST(Shutdown, DrainQueuedEndsAtItsTimeout) {
  Manual m;
  Mixture tasks(m.queue);
  const auto start = m.clock->mono();
  const auto report = m.queue.shutdown({.drain = Drain::queued, .timeout = 2h});
  EXPECT_EQ(tasks.states(), "completed completed cancelled completed");
  EXPECT_EQ(m.clock->mono() - start, 2h);
  EXPECT_EQ(report.finished, 3u);
  EXPECT_EQ(report.cancelled, 1u);
}

TEST(Shutdown, TheSameWithWorkers) {
  auto clock = std::make_shared<errand::ManualClock>();
  errand::Queue queue({.workers = 2, .start = false, .clock = clock});
  Mixture tasks(queue);
  clock->advance(2h);
  const auto report = queue.shutdown({.drain = Drain::due});
  EXPECT_EQ(tasks.states(), "completed completed cancelled completed");
  EXPECT_EQ(report.finished, 3u);
  EXPECT_EQ(report.cancelled, 1u);
  EXPECT_EQ(report.left_over, 0u);
}

// FLOOR 8, 42: late submits get a named error, whatever they ask for.
TEST(Shutdown, RefusesWhatComesLate) {
  Manual m;
  m.queue.shutdown();
  auto held = std::make_shared<int>(1);  // not const: a constant is copied where others are moved
  auto body = [held] {};
  bool told = false;
  const auto tell = [&](const errand::TaskInfo&) { told = true; };
  EXPECT_EQ(m.queue.submit(offer(body)).error().code(), Code::shutting_down);
  EXPECT_EQ(m.queue.submit_in(1h, offer(body)).error().code(), Code::shutting_down);
  EXPECT_EQ(m.queue.submit(offer(body), {.priority = 1, .on_finish = tell}).error().code(), Code::shutting_down);
  EXPECT_EQ(m.queue.every(1s, offer(body)).error().code(), Code::shutting_down);
  EXPECT_EQ(m.queue.cron("* * * * *", offer(body)).error().code(), Code::shutting_down);
  // No trace is left but the count.
  EXPECT_EQ(m.queue.dispatch(), errand::SteadyTime::max());
  EXPECT_EQ(held.use_count(), 2);  // the body was not moved from
  EXPECT_FALSE(told);
  EXPECT_TRUE(m.queue.list().empty());
  EXPECT_TRUE(m.queue.schedules().empty());
  EXPECT_EQ(m.queue.stats().submitted, 0u);
  EXPECT_EQ(m.queue.stats().cancelled, 0u);
  EXPECT_EQ(m.queue.stats().refused, 3u);
}

// FLOOR 8: a second call is fine, and says the same.
TEST(Shutdown, IsIdempotent) {
  Manual m;
  m.queue.submit([] {});
  m.queue.submit_in(1h, [] {});
  const auto first = m.queue.shutdown();
  const auto second = m.queue.shutdown({.drain = Drain::queued});
  EXPECT_EQ(first.finished, 1u);
  EXPECT_EQ(second.finished, 1u);
  EXPECT_EQ(second.cancelled, 1u);
}

// FLOOR 31: a queue that was never started runs what it owes, and does not block.
TEST(Shutdown, OfAQueueThatWasNeverStarted) {
  errand::Queue queue({.workers = 2, .start = false});
  auto task = queue.submit([] { return 1; });
  EXPECT_EQ(queue.shutdown().finished, 1u);
  EXPECT_EQ(task.get(), 1);
}

TEST(Shutdown, OfAQueueThatIsEmptyOrWasNeverUsed) {
  errand::Queue queue({.workers = 1, .start = false});
  EXPECT_EQ(queue.shutdown().left_over, 0u);
  errand::Queue none({.workers = 0});
  EXPECT_EQ(none.shutdown({.timeout = 0s}).left_over, 0u);
}

// Nobody would run what is left: waiting for it would take the whole timeout, which this clock never reaches.
TEST(Shutdown, OfAQueueWithoutWorkersDoesNotWaitForThem) {
  auto clock = std::make_shared<errand::ManualClock>();
  errand::Queue queue({.workers = 0, .clock = clock});
  auto task = queue.submit([] {});
  EXPECT_EQ(queue.shutdown().cancelled, 1u);
  EXPECT_EQ(task.state(), TaskState::cancelled);
}

TEST(Shutdown, OfAPausedQueueRunsWhatItOwes) {
  errand::Queue queue({.workers = 1});
  queue.pause();
  auto task = queue.submit([] { return 2; });
  queue.shutdown();
  EXPECT_EQ(task.get(), 2);
}

// FLOOR 6, 31: what runs is waited for, and the last of it ends the wait.
TEST(Shutdown, WaitsForWhatRuns) {
  errand::Queue queue({.workers = 1});
  Gate inside;
  Gate out;
  std::atomic<bool> over{false};
  queue.submit([&] {
    inside.open();
    EXPECT_TRUE(out.wait());
    over.store(true);
  });
  EXPECT_TRUE(inside.wait());
  std::thread opener([&] { out.open(); });
  const auto report = queue.shutdown({.drain = Drain::running, .timeout = kSoon});
  EXPECT_TRUE(over.load());
  EXPECT_LE(report.finished, 1u);
  opener.join();
}

// FLOOR 31: the end of the last body ends the wait. This clock stands still, so that nothing else could.
TEST(Shutdown, IsOverWhenTheLastBodyIs) {
  auto clock = std::make_shared<errand::ManualClock>();
  errand::Queue queue({.workers = 1, .clock = clock});
  Gate inside;
  Gate out;
  queue.submit([&] {
    inside.open();
    EXPECT_TRUE(out.wait());
  });
  ASSERT_TRUE(inside.wait());
  std::thread closer([&] { EXPECT_EQ(queue.shutdown({.drain = Drain::running}).left_over, 0u); });
  const auto until = errand::real_clock()->mono() + kSoon;
  while (clock->waiting() == 0 && errand::real_clock()->mono() < until) std::this_thread::yield();
  EXPECT_EQ(clock->waiting(), 1);  // the worker is in its body
  out.open();
  closer.join();
}

TEST(Shutdown, FiresStopTokensAtItsTimeoutAndAtOnceWithDrainNone) {
  for (const auto drain : {Drain::none, Drain::running, Drain::due}) {
    auto clock = std::make_shared<errand::ManualClock>();
    errand::Queue queue({.workers = 1, .clock = clock});
    Gate inside;
    std::optional<StopReason> why;
    auto task = queue.submit([&](errand::Attempt& a) {
      inside.open();
      EXPECT_FALSE(a.sleep_for(1h));
      why = a.stop_reason();
    });
    EXPECT_TRUE(inside.wait());
    if (drain == Drain::none) {
      EXPECT_EQ(queue.shutdown({.drain = drain}).left_over, 0u);
    } else {
      const auto shut_down = [&] { return queue.shutdown({.drain = drain, .timeout = 1min}).left_over; };
      // The last moments of the minute are there for the body to come back in, which sleeps on the clock as well.
      EXPECT_EQ(while_time_passes(*clock, 1min - 50ms, shut_down, 1), 0u);
    }
    EXPECT_EQ(why, StopReason::shutting_down);
    EXPECT_EQ(task.state(), TaskState::cancelled);  // given back, and nobody is there to take it
    EXPECT_EQ(task.info()->attempts, 0);            // what a shutdown interrupts is not charged
    EXPECT_TRUE(task.info()->history.empty());
    EXPECT_EQ(queue.stats().failed, 0u);
  }
}

TEST(Shutdown, ReportsWhatIgnoresItsToken) {
  Gate out;
  Gate inside;
  errand::set_logger([](const errand::LogLine&) {});
  {
    auto clock = std::make_shared<errand::ManualClock>();
    errand::Queue queue({.workers = 1, .clock = clock});
    queue.submit([&] {
      inside.open();
      EXPECT_TRUE(out.wait());
    });
    EXPECT_TRUE(inside.wait());
    for (int call = 0; call < 2; ++call) {
      const auto shut_down = [&] { return queue.shutdown({.drain = Drain::running, .timeout = 1min}); };
      EXPECT_EQ(while_time_passes(*clock, 1min, shut_down).left_over, 1u);
    }
    out.open();
  }
  errand::set_logger({});
}

// FLOOR 5: schedules and delayed work end with the queue.
TEST(Shutdown, EndsSchedules) {
  for (const auto drain : {Drain::none, Drain::due, Drain::queued}) {
    Manual m;
    int runs = 0;
    auto tick = m.queue.every(1s, [&] { ++runs; });
    m.queue.shutdown({.drain = drain, .timeout = 1h});
    m.clock->advance(10s);
    EXPECT_EQ(m.queue.dispatch(), errand::SteadyTime::max());
    EXPECT_EQ(runs, 0);
    EXPECT_TRUE(tick.info().cancelled);
    tick.trigger();
    m.queue.dispatch();
    EXPECT_EQ(runs, 0);
  }
}

TEST(Shutdown, LeavesTheFiguresReachable) {
  Manual m;
  auto task = m.queue.submit([&] {});
  m.queue.shutdown();
  EXPECT_EQ(m.queue.stats().completed, 1u);
  EXPECT_EQ(m.queue.info(task.id())->state, TaskState::completed);
  EXPECT_EQ(m.queue.list().size(), 1u);
}

TEST(Shutdown, LeavesTheFiguresReachableWhileItDrains) {
  errand::Queue queue({.workers = 1});
  Gate inside;
  Gate out;
  auto running = queue.submit([&] {
    inside.open();
    EXPECT_TRUE(out.wait());
  });
  auto next = queue.submit([] {}, {.name = "next"});
  auto unwanted = queue.submit([] {}, {.name = "unwanted"});
  ASSERT_TRUE(inside.wait());
  std::thread closer([&] { EXPECT_EQ(queue.shutdown({.drain = Drain::due, .timeout = 1h}).left_over, 0u); });
  while (queue.submit([] {})) std::this_thread::yield();  // it has begun
  EXPECT_EQ(queue.stats().running, 1u);
  EXPECT_GE(queue.stats().available, 2u);
  EXPECT_GE(queue.stats().refused, 1u);
  EXPECT_EQ(queue.info(running.id())->state, TaskState::running);
  EXPECT_EQ(queue.list({.name = "next"}).size(), 1u);
  EXPECT_TRUE(unwanted.cancel());  // and what waits can still be told not to
  out.open();
  closer.join();
  EXPECT_EQ(next.state(), TaskState::completed);
  EXPECT_EQ(unwanted.state(), TaskState::cancelled);
}

// FLOOR 8: nothing is dropped in silence.
TEST(Shutdown, TellsEachTaskThatItCancels) {
  Manual m;
  std::vector<std::string> told;
  const auto tell = [&](const errand::TaskInfo& info) {
    EXPECT_EQ(info.state, TaskState::cancelled);
    told.push_back(info.last_error);
  };
  auto available = m.queue.submit([] {}, {.on_finish = tell});
  m.queue.submit_in(1h, [] {}, {.on_finish = tell});
  auto plain = m.queue.submit([] {});
  EXPECT_EQ(m.queue.shutdown({.drain = Drain::none}).cancelled, 3u);
  EXPECT_EQ(told, (std::vector<std::string>{"the queue was shut down", "the queue was shut down"}));
  EXPECT_EQ(plain.result().error().code(), Code::cancelled);
  EXPECT_EQ(m.queue.stats().cancelled, 3u);
}

// FLOOR 6: a task that waits for its next attempt is still the queue's.
TEST(Shutdown, DrainQueuedWaitsForARetry) {
  Manual m;
  int runs = 0;
  auto task = m.queue.submit(
      [&]() -> errand::Outcome {
        if (++runs < 3) return errand::retry("again");
        return errand::done();
      },
      {.max_attempts = 3, .retry = errand::Retry::fixed(1min)});
  m.queue.dispatch();
  EXPECT_EQ(m.queue.shutdown({.drain = Drain::queued, .timeout = 1h}).finished, 1u);
  EXPECT_EQ(task.state(), TaskState::completed);
  EXPECT_EQ(runs, 3);
}

// With a clock that stands still the time would never be over.
TEST(Shutdown, DrainDueEndsThoughATaskFailsAndRetriesForEver) {
  Manual m;
  auto task = m.queue.submit([]() -> errand::Outcome { return errand::retry("again"); },
                             {.max_attempts = errand::unlimited, .retry = errand::Retry::immediate()});
  const auto report = m.queue.shutdown({.drain = Drain::due});
  EXPECT_EQ(task.info()->attempts, 1);
  EXPECT_EQ(task.state(), TaskState::cancelled);
  EXPECT_EQ(report.cancelled, 1u);
}

// The clock of this queue stands still: waiting any longer than it takes would be for ever.
TEST(Shutdown, DrainNoneWaitsOnlyForWhatRuns) {
  auto clock = std::make_shared<errand::ManualClock>();
  errand::Queue queue({.workers = 1, .clock = clock});
  Gate inside;
  auto task = queue.submit([&](errand::Attempt& a) {
    inside.open();
    while (!a.stop_requested()) std::this_thread::yield();
  });
  EXPECT_TRUE(inside.wait());
  EXPECT_EQ(queue.shutdown({.drain = Drain::none}).left_over, 0u);
  EXPECT_EQ(task.state(), TaskState::cancelled);
}

// What comes back after the shutdown has returned without it is cancelled like the rest, and not only by the
// destructor.
TEST(Shutdown, AnAttemptThatComesBackTooLateEndsCancelled) {
  errand::Queue queue({.workers = 1});
  Gate inside;
  Gate out;
  Gate finished;
  auto task = queue.submit(
      [&](errand::Attempt&) {
        inside.open();
        EXPECT_TRUE(out.wait());
      },
      {.on_finish = [&](const errand::TaskInfo& info) {
        EXPECT_EQ(info.state, TaskState::cancelled);
        finished.open();
      }});
  EXPECT_TRUE(inside.wait());
  EXPECT_EQ(queue.shutdown({.drain = Drain::none, .timeout = 0s}).left_over, 1u);
  out.open();
  EXPECT_TRUE(task.wait_for(kSoon));
  EXPECT_EQ(task.state(), TaskState::cancelled);
  EXPECT_TRUE(finished.wait());
}
