// Manual drive: tasks run where the program says, when it says.

#include <atomic>

#include "support.h"

using errand::SteadyTime;
using errand::TaskState;

TEST(Drive, DispatchRunsInTheCallersThread) {
  Manual m;
  auto task = m.queue.submit([] { return std::this_thread::get_id(); });
  EXPECT_EQ(task.state(), TaskState::available);
  m.queue.dispatch();
  EXPECT_EQ(task.get(), std::this_thread::get_id());
}

TEST(Drive, DispatchRunsWhatWasDueOnEntryOnly) {
  Manual m;
  int runs = 0;
  m.queue.submit([&] { ++runs, m.queue.submit([&] { ++runs; }); });
  EXPECT_EQ(m.queue.dispatch(), m.clock->mono());  // there is more
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(m.queue.dispatch(), SteadyTime::max());
  EXPECT_EQ(runs, 2);
}

TEST(Drive, DispatchSaysWhenTheNextTaskIsDue) {
  Manual m;
  EXPECT_EQ(m.queue.dispatch(), SteadyTime::max());
  m.queue.submit_at(m.clock->now() + 2h, [] {});
  const auto wall = m.queue.dispatch();
  EXPECT_EQ(wall - m.clock->mono(), 2h);
  m.queue.submit_in(1h, [] {});
  EXPECT_EQ(m.queue.dispatch() - m.clock->mono(), 1h);
  m.queue.submit_in(1h + 2ns, [] {});
  EXPECT_EQ(m.queue.dispatch() - m.clock->mono(), 1h);
  auto tick = m.queue.every(1min, [] {});
  EXPECT_EQ(m.queue.dispatch() - m.clock->mono(), 1min);
}

TEST(Drive, APausedQueueSaysItHasNothing) {
  Manual m;
  m.queue.submit([] {});
  m.queue.pause();
  EXPECT_EQ(m.queue.dispatch(), SteadyTime::max());
  m.queue.resume();
  EXPECT_EQ(m.queue.dispatch(), SteadyTime::max());
  EXPECT_EQ(m.queue.stats().completed, 1u);
}

TEST(Drive, APauseInTheMiddleOfADispatchHoldsTheRest) {
  Manual m;
  std::string said;
  m.queue.submit([&] { said += 'a', m.queue.pause(); });
  for (const char c : {'b', 'c', 'd'}) m.queue.submit([&said, c] { said += c; });
  m.queue.dispatch();
  EXPECT_EQ(said, "a");
  EXPECT_EQ(m.queue.stats().available, 3u);
  m.queue.resume();
  m.queue.dispatch();
  EXPECT_EQ(said, "abcd");
}

TEST(Drive, RunLoopsUntilItsTokenFires) {
  Manual m;
  std::stop_source stop;
  int runs = 0;
  m.queue.submit([&] { ++runs, m.queue.submit([&] { ++runs, stop.request_stop(); }); });
  m.queue.submit_in(1h, [&] { ++runs; });
  m.queue.run(stop.get_token());
  EXPECT_EQ(runs, 2);
  m.queue.run(stop.get_token());  // it has fired already
  EXPECT_EQ(runs, 2);
}

TEST(Drive, RunSleepsUntilThereIsWorkAndWakesWhenItsTokenFires) {
  Manual m;
  std::stop_source stop;
  std::thread runner([&] { m.queue.run(stop.get_token()); });
  EXPECT_EQ(m.queue.submit([] { return 4; }).get(), 4);
  Gate ran;
  m.queue.submit_in(1h, [&] { ran.open(); });
  m.clock->advance(2h);
  EXPECT_TRUE(ran.wait());
  stop.request_stop();
  runner.join();
}

TEST(Drive, RunEndsWhenTheQueueIsShutDown) {
  Manual m;
  std::thread runner([&] { m.queue.run({}); });
  EXPECT_EQ(m.queue.submit([] { return 4; }).get(), 4);
  m.queue.shutdown();
  runner.join();
}

TEST(Drive, RunHelpsAQueueWithoutWorkersOfItsOwn) {
  errand::Queue queue({.workers = 0});
  std::stop_source stop;
  auto task = queue.submit([&] {
    stop.request_stop();
    return std::this_thread::get_id();
  });
  queue.run(stop.get_token());
  EXPECT_EQ(task.get(), std::this_thread::get_id());
}

TEST(Drive, RunOneRunsThatTaskWhateverItsTurn) {
  Manual m;
  int first = 0;
  m.queue.submit([&] { ++first; }, {.priority = 0});
  auto task = m.queue.submit(
      [](errand::Attempt& a) -> errand::Outcome {
        if (a.number() == 1) return errand::retry("again");
        return errand::done();
      },
      {.max_attempts = 2, .retry = errand::Retry::fixed(1s)});
  EXPECT_TRUE(m.queue.run_one(task.id()));  // one attempt, no more
  EXPECT_EQ(task.state(), TaskState::retryable);
  EXPECT_EQ(first, 0);
  EXPECT_EQ(m.queue.run_one(task.id()).error().code(), errand::Code::would_block);
  m.advance(2s);
  EXPECT_EQ(task.state(), TaskState::completed);
  EXPECT_EQ(m.queue.run_one(task.id()).error().code(), errand::Code::would_block);
  EXPECT_EQ(first, 1);
}

TEST(Drive, OnWakeIsCalledForWorkSoonerThanWasSaid) {
  std::atomic<int> woken{0};
  Manual m({.on_wake = [&] { woken.fetch_add(1); }});
  m.queue.dispatch();
  const auto expect_wake = [&](bool wakes, auto act) {
    const int before = woken.load();
    act();
    EXPECT_EQ(woken.load() > before, wakes);
  };
  expect_wake(true, [&] { m.queue.submit([] {}); });
  m.queue.dispatch();
  expect_wake(true, [&] { m.queue.submit_in(1h, [] {}); });
  m.queue.dispatch();
  expect_wake(true, [&] { m.queue.submit_in(1min, [] {}); });
  m.queue.dispatch();
  expect_wake(true, [&] { m.queue.every(1s, [] {}); });
  m.queue.dispatch();
  expect_wake(true, [&] { std::thread([&] { m.queue.submit([] {}, {.name = "x"}); }).join(); });
  auto task = m.queue.submit([] {}, {.on_finish = [](const errand::TaskInfo&) {}});
  expect_wake(true, [&] { EXPECT_TRUE(task.cancel()); });  // its callback is due
}

TEST(Drive, OnWakeMayThrow) {
  errand::set_logger([](const errand::LogLine&) {});
  {
    Manual m({.on_wake = [] { throw 1; }});
    EXPECT_TRUE(m.queue.submit([] {}));
    m.queue.dispatch();
    EXPECT_EQ(m.queue.stats().completed, 1u);
  }
  errand::set_logger({});
}

TEST(Drive, ABodyMayDispatchItsOwnQueue) {
  Manual m;
  std::string said;
  m.queue.submit([&] {
    said += 'a';
    m.queue.submit([&] { said += 'b'; });
    m.queue.dispatch();
    said += 'c';
  });
  m.queue.dispatch();
  EXPECT_EQ(said, "abc");
}

TEST(Drive, TwoThreadsMayDispatchAtOnce) {
  Manual m;
  std::atomic<int> runs{0};
  for (int i = 0; i < 5000; ++i) m.queue.submit([&] { runs.fetch_add(1); });
  std::thread other([&] { m.queue.dispatch(); });
  m.queue.dispatch();
  other.join();
  m.queue.dispatch();
  EXPECT_EQ(runs.load(), 5000);
}

TEST(Drive, DrainRunsAllThereIsToComeAndStops) {
  Manual m;
  int runs = 0;
  m.queue.submit([&] { ++runs, m.queue.submit_in(1h, [&] { ++runs; }); });
  errand::drain(m.queue);
  EXPECT_EQ(runs, 1);
  errand::drain(m.queue, *m.clock);
  EXPECT_EQ(runs, 2);
  auto tick = m.queue.every(1s, [&] { ++runs; });
  EXPECT_EQ(errand::drain(m.queue, *m.clock, 10), 10);  // schedules go on for ever
}

// FLOOR 3: a moment that comes while nothing is due runs nothing.
TEST(Drive, TimeAloneRunsNothing) {
  Manual m;
  for (int i = 0; i < 100; ++i) m.advance(1h);
  EXPECT_EQ(m.queue.stats().attempts, 0u);
}
