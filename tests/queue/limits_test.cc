// Time limits: of one attempt, of all attempts together, and until the first one starts.

#include <atomic>

#include "support.h"

using errand::Retry;
using errand::StopReason;
using errand::TaskState;

TEST(Limits, ATimeoutStopsEachAttemptForItself) {
  Manual m;
  std::vector<StopReason> reasons;
  auto task = m.queue.submit(
      [&](errand::Attempt& a) {
        m.clock->advance(6s);
        m.queue.dispatch();  // the timers run in here: nobody else could
        reasons.push_back(a.stop_reason());
      },
      {.max_attempts = 2, .retry = Retry::fixed(1s), .timeout = 5s});
  m.queue.dispatch();
  EXPECT_EQ(task.state(), TaskState::retryable);
  EXPECT_TRUE(contains(task.info()->last_error, "timed out"));
  m.advance(2s);
  EXPECT_EQ(task.state(), TaskState::discarded);
  EXPECT_EQ(reasons, (std::vector<StopReason>{StopReason::timed_out, StopReason::timed_out}));
  EXPECT_EQ(m.queue.stats().timed_out, 2u);
}

// FLOOR 29: the timeout is of one attempt; waits and other attempts are outside it.
TEST(Limits, ATimeoutDoesNotCountTheOtherAttempts) {
  Manual m;
  int runs = 0;
  auto task = m.queue.submit(
      [&]() -> errand::Outcome {
        m.clock->advance(4s);
        m.queue.dispatch();
        if (++runs < 5) return errand::retry("again");
        return errand::done();
      },
      {.max_attempts = 5, .retry = Retry::fixed(1h), .timeout = 5s});
  errand::drain(m.queue, *m.clock);
  EXPECT_EQ(runs, 5);
  EXPECT_EQ(task.state(), TaskState::completed);
  EXPECT_EQ(m.queue.stats().timed_out, 0u);
}

// FLOOR 7: no limit where none is given, and the body sees the one token.
TEST(Limits, ThereIsNoTimeoutUnlessAskedFor) {
  Manual m;
  const auto takes_long = [&](errand::Attempt& a) {
    m.advance(1000h);
    EXPECT_FALSE(a.stop_requested());
    EXPECT_FALSE(a.stop_token().stop_requested());
  };
  auto plain = m.queue.submit(takes_long);
  auto wishes = m.queue.submit(takes_long, {.max_attempts = 3, .name = "long"});
  m.queue.dispatch();
  m.queue.dispatch();
  EXPECT_EQ(plain.state(), TaskState::completed);
  EXPECT_EQ(wishes.state(), TaskState::completed);
}

TEST(Limits, TheLongestTimeoutIsNone) {
  Manual m;
  auto task = m.queue.submit(
      [&](errand::Attempt& a) {
        m.queue.dispatch();
        EXPECT_FALSE(a.stop_requested());
      },
      {.timeout = errand::Duration::max(), .max_elapsed = errand::Duration::max()});
  m.queue.dispatch();
  EXPECT_EQ(task.state(), TaskState::completed);
}

TEST(Limits, ATimeoutWakesASleepingBodyAndItsTokensCallbacks) {
  auto clock = std::make_shared<errand::ManualClock>();
  errand::Queue queue({.workers = 1, .clock = clock});
  Gate inside;
  Gate called;
  auto task = queue.submit(
      [&](errand::Attempt& a) {
        const std::stop_callback call(a.stop_token(), [&] { called.open(); });
        inside.open();
        EXPECT_FALSE(a.sleep_for(1h));
        EXPECT_EQ(a.stop_reason(), StopReason::timed_out);
        EXPECT_TRUE(called.wait());  // whoever fires the token may have woken this thread first
      },
      {.timeout = 10s});
  EXPECT_TRUE(inside.wait());
  clock->advance(11s);
  EXPECT_TRUE(task.wait_for(kSoon));
  EXPECT_EQ(task.state(), TaskState::discarded);
}

TEST(Limits, ADoneWithinGraceCounts) {
  Manual m;
  auto task = m.queue.submit(
      [&](errand::Attempt& a) -> errand::OutcomeOf<int> {
        m.advance(6s);
        EXPECT_TRUE(a.stop_requested());
        return 5;
      },
      {.timeout = 5s});
  m.queue.dispatch();
  EXPECT_EQ(task.state(), TaskState::completed);
  EXPECT_EQ(task.get(), 5);
}

// FLOOR 16: the late result is judged by the timeout, and everything known of the task stays known.
TEST(Limits, ALateResultIsJudgedByTheTimeout) {
  errand::set_logger([](const errand::LogLine&) {});
  Manual m({.stuck_after = 10s});
  auto task = m.queue.submit(
      [&]() -> errand::OutcomeOf<int> {
        m.advance(6s);
        m.advance(11s);
        EXPECT_TRUE(m.queue.list({.state = TaskState::running}).at(0).stuck);
        return 5;
      },
      {.max_attempts = 2, .retry = Retry::fixed(1s), .timeout = 5s, .name = "late"});
  m.queue.dispatch();
  EXPECT_EQ(task.state(), TaskState::retryable);
  EXPECT_EQ(task.info()->name, "late");
  EXPECT_FALSE(task.info()->stuck);
  EXPECT_TRUE(contains(task.info()->last_error, "timed out, and ended after the grace period"));
  EXPECT_EQ(m.queue.stats().stuck, 1u);
  errand::set_logger({});
}

// FLOOR 17: while a timed-out closure runs on, no second copy of it starts.
TEST(Limits, NoSecondCopyOfALiveAttemptStarts) {
  auto clock = std::make_shared<errand::ManualClock>();
  errand::set_logger([](const errand::LogLine&) {});
  errand::Queue queue({.workers = 2, .stuck_after = 1s, .clock = clock});
  Gate out;
  Counter runs;
  auto task = queue.submit(
      [&] {
        runs.add();
        EXPECT_TRUE(out.wait());
      },
      {.max_attempts = 2, .retry = Retry::immediate(), .timeout = 1s, .name = "live"});
  EXPECT_TRUE(runs.reaches(1));
  clock->advance(2s);
  const auto until = errand::real_clock()->mono() + kSoon;
  while (queue.stats().timed_out == 0 && errand::real_clock()->mono() < until) std::this_thread::yield();
  clock->advance(1h);
  while (queue.stats().stuck == 0 && errand::real_clock()->mono() < until) std::this_thread::yield();
  EXPECT_EQ(queue.submit([] { return 1; }).get(), 1);  // the other worker had every chance
  EXPECT_EQ(runs.count(), 1);
  EXPECT_EQ(task.state(), TaskState::running);
  out.open();
  EXPECT_TRUE(task.wait_for(kSoon));
  EXPECT_EQ(runs.count(), 2);
  errand::set_logger({});
}

TEST(Limits, HealthShowsThatACallbackHoldsUpTheTimers) {
  auto clock = std::make_shared<errand::ManualClock>();
  errand::Queue queue({.workers = 1, .clock = clock});
  Gate inside;
  Gate called;
  Gate out;
  queue.submit(
      [&](errand::Attempt& a) {
        const std::stop_callback call(a.stop_token(), [&] {
          called.open();
          EXPECT_TRUE(out.wait());
        });
        inside.open();
        EXPECT_TRUE(out.wait());
      },
      {.timeout = 1s});
  EXPECT_TRUE(inside.wait());
  auto later = queue.submit_in(5s, [] {});
  clock->advance(2s);
  EXPECT_TRUE(called.wait());
  clock->advance(12s);
  EXPECT_TRUE(queue.stats().healthy);
  clock->advance(2s);
  EXPECT_FALSE(queue.stats().healthy);
  EXPECT_EQ(later.state(), TaskState::scheduled);
  out.open();
  EXPECT_TRUE(later.wait_for(kSoon));
  EXPECT_TRUE(queue.stats().healthy);
}

TEST(Limits, AStuckHandlersWorkerIsReplaced) {
  auto clock = std::make_shared<errand::ManualClock>();
  errand::set_logger([](const errand::LogLine&) {});
  errand::Queue queue({.workers = 1, .stuck_after = 1s, .clock = clock});
  const auto until = errand::real_clock()->mono() + kSoon;
  const auto wait = [&](auto done) {
    while (!done() && errand::real_clock()->mono() < until) std::this_thread::yield();
    EXPECT_TRUE(done());
  };
  Gate first_out;
  Gate second_out;
  Counter inside;
  const auto get_stuck = [&](Gate& out, std::uint64_t which) {
    queue.submit(
        [&] {
          inside.add();
          EXPECT_TRUE(out.wait());
        },
        {.timeout = 1s});
    EXPECT_TRUE(inside.reaches(static_cast<int>(which)));
    clock->advance(2s);
    wait([&] { return queue.stats().timed_out == which; });
    clock->advance(2s);
    wait([&] { return queue.stats().stuck == which; });
  };
  get_stuck(first_out, 1);
  EXPECT_EQ(queue.submit([] { return 1; }).get(), 1);  // by the one in its place
  EXPECT_EQ(queue.stats().replacement_workers, 1);
  EXPECT_TRUE(queue.stats().healthy);
  // At most as many replacements as workers; past that the queue is not healthy.
  get_stuck(second_out, 2);
  wait([&] { return !queue.stats().healthy; });
  EXPECT_EQ(queue.stats().replacement_workers, 1);
  second_out.open();
  wait([&] { return queue.stats().healthy; });
  EXPECT_EQ(queue.submit([] { return 2; }).get(), 2);  // the first one is still stuck
  first_out.open();
  wait([&] { return queue.stats().replacement_workers == 0; });
  EXPECT_EQ(queue.submit([] { return 3; }).get(), 3);
  errand::set_logger({});
}

TEST(Limits, AHeartbeatPutsOffBeingStuck) {
  Manual m({.stuck_after = 10s});
  auto task = m.queue.submit(
      [&](errand::Attempt& a) {
        m.advance(2s);
        for (int i = 0; i < 5; ++i) {
          m.advance(8s);
          a.heartbeat();
        }
      },
      {.timeout = 1s});
  m.queue.dispatch();
  EXPECT_EQ(m.queue.stats().stuck, 0u);
  EXPECT_EQ(m.queue.stats().timed_out, 1u);
}

// FLOOR 27: nothing is tried again that could not end in time.
TEST(Limits, MaxElapsedEndsTheRetries) {
  Manual m;
  int runs = 0;
  auto task = m.queue.submit([&] { ++runs, throw std::runtime_error("disk full"); },
                             {.max_attempts = errand::unlimited, .retry = Retry::fixed(4s), .max_elapsed = 10s});
  errand::drain(m.queue, *m.clock);
  EXPECT_EQ(runs, 3);  // at 0, 4 and 8 s
  EXPECT_EQ(task.state(), TaskState::discarded);
  EXPECT_TRUE(contains(task.info()->last_error, "disk full"));
  EXPECT_TRUE(contains(task.info()->last_error, "max_elapsed"));
}

TEST(Limits, MaxElapsedStopsALongAttempt) {
  Manual m;
  auto task = m.queue.submit(
      [&](errand::Attempt& a) {
        m.advance(11s);
        EXPECT_TRUE(a.stop_requested());
      },
      {.max_attempts = 5, .timeout = 1h, .max_elapsed = 10s});
  m.queue.dispatch();
  EXPECT_EQ(task.state(), TaskState::discarded);
}

TEST(Limits, MaxElapsedDoesNotCountTheTimeBeforeTheFirstAttempt) {
  Manual m;
  auto task = m.queue.submit([] {}, {.delay = 1h, .max_elapsed = 1s});
  m.advance(2h);
  EXPECT_EQ(task.state(), TaskState::completed);
}

TEST(Limits, ATaskThatIsNotStartedInTimeExpires) {
  Manual m;
  errand::TaskInfo told;
  bool ran = false;
  m.queue.pause();
  auto task = m.queue.submit([&] { ran = true; }, {.expires_at = m.clock->now() + 1s,
                                                   .on_finish = [&](const errand::TaskInfo& info) { told = info; }});
  m.advance(2s);  // even while nothing may start
  EXPECT_EQ(task.state(), TaskState::discarded);
  m.queue.resume();
  m.queue.dispatch();
  EXPECT_FALSE(ran);
  EXPECT_TRUE(contains(told.last_error, "expired"));
  EXPECT_EQ(told.attempts, 0);
}

TEST(Limits, ATaskThatExpiresBeforeItIsDueEndsThen) {
  Manual m;
  auto task = m.queue.submit([] {}, {.delay = 1h, .expires_at = m.clock->now() + 1s});
  auto past = m.queue.submit([] {}, {.expires_at = m.clock->now() - 1s});
  m.advance(2s);
  EXPECT_EQ(task.state(), TaskState::discarded);
  EXPECT_EQ(past.state(), TaskState::discarded);
  EXPECT_EQ(m.queue.stats().attempts, 0u);
}

TEST(Limits, NoAttemptBeginsAfterATaskHasExpired) {
  Manual m;
  auto fails = m.queue.submit([]() -> errand::Outcome { return errand::retry("smtp is down"); },
                              {.max_attempts = 9, .retry = Retry::fixed(40s), .expires_at = m.clock->now() + 1min});
  auto snoozes =
      m.queue.submit([]() -> errand::Outcome { return errand::snooze(40s); }, {.expires_at = m.clock->now() + 1min});
  m.queue.dispatch();
  EXPECT_EQ(fails.state(), TaskState::retryable);
  m.advance(50s);  // in time for a second one each
  EXPECT_EQ(fails.info()->attempts, 2);
  m.advance(9s);
  EXPECT_EQ(fails.state(), TaskState::retryable);
  EXPECT_EQ(snoozes.state(), TaskState::scheduled);
  m.advance(1s);
  EXPECT_EQ(fails.state(), TaskState::discarded);
  EXPECT_EQ(fails.info()->attempts, 2);
  EXPECT_EQ(fails.info()->last_error, "smtp is down (gave up: expired: it was not started in time)");
  EXPECT_EQ(snoozes.state(), TaskState::discarded);
  EXPECT_EQ(m.queue.stats().attempts, 4u);
}

TEST(Limits, AnAttemptInTimeMayGoOnPastTheExpiry) {
  Manual m;
  auto task = m.queue.submit([&] { m.advance(1h); }, {.expires_at = m.clock->now() + 1s});
  m.queue.dispatch();
  EXPECT_EQ(task.state(), TaskState::completed);
}
