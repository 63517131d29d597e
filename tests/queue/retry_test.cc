// Failed attempts, and the ones after them.

#include <atomic>

#include "support.h"

using errand::Retry;
using errand::TaskState;

namespace {

struct Failing {
  int* runs;
  void operator()() const { throw std::runtime_error("run " + std::to_string(++*runs)); }
};

// When each attempt of an always failing task began, from the start.
std::vector<errand::Duration> attempts_of(errand::TaskOptions options) {
  Manual m({.seed = 7});
  std::vector<errand::Duration> at;
  const errand::SteadyTime start = m.clock->mono();
  m.queue.submit([&] { at.push_back(m.clock->mono() - start), throw 1; }, std::move(options));
  errand::drain(m.queue, *m.clock, 100);
  return at;
}

void expect_about(const std::vector<errand::Duration>& at, const std::vector<errand::Duration>& expected) {
  ASSERT_EQ(at.size(), expected.size());
  for (std::size_t i = 0; i < at.size(); ++i) {
    EXPECT_GE(at[i], expected[i]);
    EXPECT_LE(at[i], expected[i] + 1us);
  }
}

}  // namespace

TEST(Retries, AreAtOnceWhereThePolicySaysSo) {
  expect_about(attempts_of({.max_attempts = 3, .retry = Retry::immediate()}), {0s, 0s, 0s});
}
TEST(Retries, WaitTheSameTimeWhereFixed) {
  expect_about(attempts_of({.max_attempts = 4, .retry = Retry::fixed(5s)}), {0s, 5s, 10s, 15s});
}
TEST(Retries, WaitLongerEachTimeWhereLinear) {
  expect_about(attempts_of({.max_attempts = 4, .retry = Retry::linear(1s)}), {0s, 1s, 3s, 6s});
}
TEST(Retries, WaitTwiceAsLongEachTimeWhereExponential) {
  expect_about(attempts_of({.max_attempts = 5, .retry = Retry::exponential(1s, 4s).with_jitter(0)}),
               {0s, 1s, 3s, 7s, 11s});
}
TEST(Retries, WaitAsTheUsersOwnFunctionSays) {
  expect_about(
      attempts_of({.max_attempts = 3, .retry = Retry::custom([](int attempt, const errand::Error&) -> errand::Duration {
                                        return attempt * 10s;
                                      })}),
      {0s, 10s, 30s});
}

// FLOOR 13: a cap that holds with jitter too; options that do something.
TEST(Retries, JitterSpreadsAndNeverExceedsTheCap) {
  const auto at = attempts_of({.max_attempts = 40, .retry = Retry::exponential(1s, 8s).with_jitter(0.5)});
  ASSERT_EQ(at.size(), 40u);
  bool spread = false;
  for (std::size_t i = 1; i < at.size(); ++i) {
    EXPECT_LE(at[i] - at[i - 1], 8s + 1us);
    EXPECT_GE(at[i] - at[i - 1], 500ms);
    spread = spread || at[i] - at[i - 1] < 7900ms;
  }
  EXPECT_TRUE(spread);
}

// FLOOR 36: unlimited means without end.
TEST(Retries, GoOnForEverWhereUnlimited) {
  Manual m;
  int runs = 0;
  auto task = m.queue.submit(Failing{&runs}, {.max_attempts = errand::unlimited, .retry = Retry::immediate()});
  for (int i = 0; i < 500; ++i) m.queue.dispatch();
  EXPECT_EQ(runs, 500);
  EXPECT_FALSE(errand::is_final(task.state()));
  EXPECT_EQ(task.info()->attempts, 500);
  EXPECT_EQ(task.info()->max_attempts, errand::unlimited);
  EXPECT_TRUE(task.cancel());  // or the queue's end would wait for it, on a clock that stands still
}

TEST(Retries, AreCountedPastWhatARecordCanHold) {
  Manual m;
  int runs = 0;
  auto task = m.queue.submit(Failing{&runs}, {.max_attempts = 40'000, .retry = Retry::immediate()});
  for (int i = 0; i < 40'010; ++i) m.queue.dispatch();
  EXPECT_EQ(runs, 40'000);
  EXPECT_EQ(task.state(), TaskState::discarded);
  EXPECT_EQ(task.info()->attempts, 40'000);
}

// FLOOR 37: the last real error stands, with the reason for giving up behind it.
TEST(Retries, KeepTheRealErrorWhenTheyRunOut) {
  Manual m;
  int runs = 0;
  auto task = m.queue.submit(Failing{&runs}, {.max_attempts = 3, .retry = Retry::immediate()});
  for (int i = 0; i < 5; ++i) m.queue.dispatch();
  EXPECT_EQ(task.state(), TaskState::discarded);
  EXPECT_TRUE(contains(task.info()->last_error, "run 3"));
  EXPECT_TRUE(contains(task.info()->last_error, "attempt 3 of 3"));
  EXPECT_THROW(task.get(), std::runtime_error);
}

// FLOOR 18: each failure counts once, and each task for itself.
TEST(Retries, AreCountedOncePerFailureAndPerTask) {
  Manual m;
  int a_runs = 0;
  int b_runs = 0;
  const Retry shared = Retry::fixed(1s);
  auto a = m.queue.submit(Failing{&a_runs}, {.max_attempts = 3, .retry = shared});
  auto b = m.queue.submit(Failing{&b_runs}, {.max_attempts = 3, .retry = shared});
  m.queue.dispatch();
  EXPECT_EQ(a.info()->attempts, 1);
  errand::drain(m.queue, *m.clock);
  EXPECT_EQ(a_runs, 3);
  EXPECT_EQ(b_runs, 3);
  EXPECT_EQ(m.queue.stats().retried, 4u);
  EXPECT_EQ(m.queue.stats().failed, 6u);
}

// FLOOR 28, 6: a task that waits for its next attempt holds no worker.
TEST(Retries, LeaveTheWorkerFreeWhileTheyWait) {
  auto clock = std::make_shared<errand::ManualClock>();
  errand::Queue queue({.workers = 1, .clock = clock});
  int runs = 0;
  auto failing = queue.submit(Failing{&runs}, {.max_attempts = 2, .retry = Retry::fixed(1h)});
  ASSERT_TRUE(queue.submit([] {}).wait_for(kSoon));
  ASSERT_TRUE(queue.wait_idle(kSoon));  // the body is back, but its worker may still be counted as busy
  EXPECT_EQ(failing.state(), TaskState::retryable);
  EXPECT_EQ(queue.stats().busy_workers, 0);
  EXPECT_EQ(queue.stats().retryable, 1u);
}

// FLOOR 6: another attempt waits for a worker like everything else, and is not run beside them.
TEST(Retries, WaitForAWorkerLikeEveryOtherTask) {
  auto clock = std::make_shared<errand::ManualClock>();
  errand::Queue queue({.workers = 1, .clock = clock});
  std::thread::id threads[2];
  std::atomic<std::size_t> runs{0};
  auto failing = queue.submit(
      [&] {
        threads[runs.load()] = std::this_thread::get_id();
        runs.fetch_add(1);
        throw std::runtime_error("again");
      },
      {.max_attempts = 2, .retry = Retry::fixed(1s)});
  Gate inside;
  Gate out;
  auto holds = queue.submit([&] {
    inside.open();
    EXPECT_TRUE(out.wait());
  });
  ASSERT_TRUE(inside.wait());
  clock->advance(1h);
  const auto until = errand::real_clock()->mono() + kSoon;
  while (failing.state() == TaskState::retryable && errand::real_clock()->mono() < until) std::this_thread::yield();
  EXPECT_EQ(failing.state(), TaskState::available);
  EXPECT_EQ(runs.load(), 1u);
  EXPECT_EQ(queue.stats().busy_workers, 1);
  out.open();
  ASSERT_TRUE(queue.wait_idle(kSoon));
  ASSERT_EQ(runs.load(), 2u);
  EXPECT_EQ(threads[0], threads[1]);  // there is one worker
}

// FLOOR 38: what is not worth another attempt does not get one.
TEST(Retries, DoNotFollowADoNotRetry) {
  Manual m;
  int runs = 0;
  auto plain = m.queue.submit([&] { ++runs, throw errand::DoNotRetry("bad address"); },
                              {.max_attempts = 10, .retry = Retry::immediate()});
  auto nested = m.queue.submit(
      [&] {
        ++runs;
        try {
          throw errand::DoNotRetry("bad address");
        } catch (...) {
          std::throw_with_nested(std::runtime_error("sending failed"));
        }
      },
      {.max_attempts = 10, .retry = Retry::immediate()});
  for (int i = 0; i < 5; ++i) m.queue.dispatch();
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(plain.state(), TaskState::discarded);
  EXPECT_EQ(plain.info()->attempts, 1);
  EXPECT_TRUE(contains(plain.info()->last_error, "bad address"));
  EXPECT_TRUE(contains(nested.info()->last_error, "sending failed"));
}

TEST(Retries, AskThePredicateAboutTheError) {
  Manual m;
  int runs = 0;
  const auto policy = Retry::immediate().when([](const errand::Error& e) { return contains(e.message(), "run 1"); });
  auto task = m.queue.submit(Failing{&runs}, {.max_attempts = 10, .retry = policy});
  for (int i = 0; i < 5; ++i) m.queue.dispatch();
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(task.state(), TaskState::discarded);
  EXPECT_TRUE(contains(task.info()->last_error, "run 2"));
}

TEST(Retries, TakeTheQueuesPolicyWhereTheTaskHasNone) {
  Manual m({.retry = Retry::fixed(7s)});
  int runs = 0;
  auto task = m.queue.submit(Failing{&runs}, {.max_attempts = 2});
  m.queue.dispatch();
  EXPECT_EQ(task.info()->next_run_at, m.clock->now() + 7s);
}

TEST(Retries, TakeTheTasksPolicyBeforeTheQueues) {
  Manual m({.retry = Retry::fixed(7s)});
  int runs = 0;
  auto task = m.queue.submit(Failing{&runs}, {.max_attempts = 2, .retry = Retry::fixed(3s)});
  auto never = m.queue.submit(Failing{&runs}, {.max_attempts = 5, .retry = Retry::none()});
  m.queue.dispatch();
  EXPECT_EQ(task.info()->next_run_at, m.clock->now() + 3s);
  EXPECT_EQ(never.state(), TaskState::discarded);
}

TEST(Retries, WaitLongerByTheFactorAndUpToTheCap) {
  expect_about(attempts_of({.max_attempts = 5, .retry = Retry::exponential(1s, 10s, 3).with_jitter(0)}),
               {0s, 1s, 4s, 13s, 23s});
  expect_about(attempts_of({.max_attempts = 5, .retry = Retry::linear(2s, 5s)}), {0s, 2s, 6s, 11s, 16s});
  expect_about(attempts_of({.max_attempts = 3, .retry = Retry::custom([](int, const errand::Error&) {
                                                          return errand::Duration(1h);
                                                        }).with_max(4s)}),
               {0s, 4s, 8s});
}

TEST(Retries, ComeWhenTheBodySays) {
  Manual m;
  auto task = m.queue.submit([]() -> errand::Outcome { return errand::retry_after(3min, "smtp is down"); },
                             {.max_attempts = 2, .retry = Retry::fixed(1s)});
  m.queue.dispatch();
  EXPECT_EQ(task.state(), TaskState::retryable);
  EXPECT_EQ(task.info()->next_run_at, m.clock->now() + 3min);
  EXPECT_EQ(task.info()->last_error, "smtp is down");
}

TEST(Retries, OfANegativeWaitAreAtOnce) {
  Manual m;
  int runs = 0;
  m.queue.submit([&]() -> errand::Outcome { return ++runs, errand::retry_after(-1h, "x"); }, {.max_attempts = 3});
  for (int i = 0; i < 5; ++i) m.queue.dispatch();
  EXPECT_EQ(runs, 3);
}

TEST(Retries, LeaveAHistoryOfTheLastEight) {
  Manual m;
  int runs = 0;
  auto task = m.queue.submit(Failing{&runs}, {.max_attempts = 12, .retry = Retry::fixed(1s)});
  errand::drain(m.queue, *m.clock);
  const auto history = task.info()->history;
  ASSERT_EQ(history.size(), 8u);
  EXPECT_EQ(history.front().number, 5);
  EXPECT_EQ(history.back().number, 12);
  EXPECT_TRUE(contains(history.front().error->message(), "run 5"));
  EXPECT_LT(history[0].started_at, history[1].started_at);
}

TEST(Retries, ByHandAreNow) {
  Manual m;
  int runs = 0;
  auto task = m.queue.submit(Failing{&runs}, {.max_attempts = 5, .retry = Retry::fixed(1h)});
  m.queue.dispatch();
  EXPECT_TRUE(m.queue.retry(task.id()));
  m.queue.dispatch();
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(m.queue.retry(errand::TaskId{12345}).error().code(), errand::Code::not_found);
}
