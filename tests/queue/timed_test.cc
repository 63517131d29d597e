// QueueOptions::timed: tasks without options may do without times.

#include "support.h"

using errand::TaskState;

TEST(Untimed, PlainTasksHaveNoTimesAndAreCountedAllTheSame) {
  Manual m({.timed = false});
  auto first = m.queue.submit([&] { m.clock->advance(2s); });
  auto second = m.queue.submit([] { return 5; });
  m.advance(1s);
  EXPECT_EQ(second.get(), 5);
  const errand::TaskInfo info = first.info().value();
  EXPECT_EQ(info.state, TaskState::completed);
  EXPECT_EQ(info.attempts, 1);
  EXPECT_EQ(info.created_at, errand::WallTime{});
  EXPECT_FALSE(info.started_at);
  EXPECT_FALSE(info.finished_at);
  const errand::Stats s = m.queue.stats();
  EXPECT_EQ(s.completed, 2u);
  EXPECT_EQ(s.attempts, 2u);
  EXPECT_EQ(s.attempts_per_task.count(), 2u);
  EXPECT_EQ(s.start_delay.count(), 0u);
  EXPECT_EQ(s.attempt_duration.count(), 0u);
}

TEST(Untimed, TasksWithWishesKeepTheirTimes) {
  Manual m({.timed = false});
  m.queue.submit([] {});
  auto task = m.queue.submit([&] { m.clock->advance(2s); }, {.name = "x"});
  auto later = m.queue.submit_in(1h, [] {});
  const errand::WallTime now = m.clock->now();
  m.queue.dispatch();
  EXPECT_EQ(task.info()->created_at, now);
  EXPECT_EQ(task.info()->finished_at, now + 2s);
  EXPECT_EQ(later.info()->next_run_at, now + 1h);
  m.advance(1h);
  EXPECT_EQ(later.state(), TaskState::completed);
  EXPECT_EQ(m.queue.stats().attempt_duration.count(), 2u);
}

TEST(Untimed, AFailureIsTimedFromWhenItIsKnown) {
  Manual m({.retry = errand::Retry::fixed(10s), .timed = false});
  const errand::WallTime began = m.clock->now();
  auto task = m.queue.submit([&] {
    m.clock->advance(3s);
    throw std::runtime_error("no");
  });
  m.queue.dispatch();
  ASSERT_EQ(task.info()->history.size(), 1u);
  EXPECT_EQ(task.info()->history[0].started_at, began + 3s);
  EXPECT_EQ(task.info()->history[0].took, 0s);
  EXPECT_EQ(task.info()->finished_at, began + 3s);
  EXPECT_EQ(m.queue.stats().attempts, 1u);
}

TEST(Untimed, FinishedTasksAreKeptByTheirNumber) {
  Manual m({.retention = {.count = 10, .age = 1s}, .timed = false});
  auto id = m.queue.submit([] {}).id();
  m.queue.dispatch();
  m.advance(1h);
  EXPECT_EQ(m.queue.info(id)->state, TaskState::completed);
}
