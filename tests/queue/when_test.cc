// When tasks become available: after a delay, at a time, whatever happens to the clock on the wall.

#include "support.h"

using errand::TaskState;

TEST(When, ADelayIsWaitedOutToTheNanosecond) {
  Manual m;
  int runs = 0;
  auto task = m.queue.submit_in(1h, [&] { ++runs; });
  m.advance(1h - 1ns);
  EXPECT_EQ(runs, 0);
  EXPECT_EQ(task.state(), TaskState::scheduled);
  m.advance(2ns);  // a timer may be a nanosecond late, never early
  EXPECT_EQ(runs, 1);
}

TEST(When, DelaysOfEveryLengthAreKept) {
  Manual m;
  std::vector<errand::Duration> delays{1ns, 1us,  999us, 1ms, 63ms,      64ms,          65ms,
                                       1s,  1min, 1h,    24h, 24h * 365, 24h * 365 * 50};
  std::size_t runs = 0;
  const errand::SteadyTime start = m.clock->mono();
  for (const auto delay : delays) m.queue.submit_in(delay, [&] { ++runs; });
  for (std::size_t i = 0; i < delays.size(); ++i) {
    // dispatch() may ask to be called a little early, and finds then that nothing is due; never late.
    for (int looks = 0; runs == i && looks < 20; ++looks) {
      const errand::SteadyTime next = m.queue.dispatch();
      if (runs > i) break;
      EXPECT_LE(next, start + delays[i] + 2ns);
      ASSERT_GE(next, m.clock->mono());
      m.clock->advance(next - m.clock->mono());
    }
    EXPECT_EQ(runs, i + 1);
    EXPECT_GE(m.clock->mono(), start + delays[i]);
    EXPECT_LE(m.clock->mono(), start + delays[i] + 2ns);
  }
  EXPECT_EQ(m.queue.dispatch(), errand::SteadyTime::max());
  EXPECT_EQ(runs, delays.size());
}

TEST(When, APastTimeIsNow) {
  Manual m;
  auto past = m.queue.submit_at(m.clock->now() - 1h, [] {});
  auto longest = m.queue.submit_at(errand::WallTime::min(), [] {});
  EXPECT_EQ(past.state(), TaskState::available);
  m.queue.dispatch();
  EXPECT_EQ(past.state(), TaskState::completed);
  EXPECT_EQ(longest.state(), TaskState::completed);
}

TEST(When, ForeverIsNeverDue) {
  Manual m;
  auto delay = m.queue.submit_in(errand::Duration::max(), [] {});
  auto at = m.queue.submit_at(errand::WallTime::max(), [] {});
  m.advance(24h * 365 * 100);
  EXPECT_EQ(delay.state(), TaskState::scheduled);
  EXPECT_EQ(at.state(), TaskState::scheduled);
}

TEST(When, ATimeOfDayFollowsAWallClockSetForward) {
  Manual m;
  auto at = m.queue.submit_at(m.clock->now() + 1h, [] {});
  auto in = m.queue.submit_in(1h, [] {});
  m.clock->set_now(m.clock->now() + 2h);
  m.queue.dispatch();
  EXPECT_EQ(at.state(), TaskState::completed);
  EXPECT_EQ(in.state(), TaskState::scheduled);
}

TEST(When, ATimeOfDayFollowsAWallClockSetBack) {
  Manual m;
  auto at = m.queue.submit_at(m.clock->now() + 1h, [] {});
  auto in = m.queue.submit_in(1h, [] {});
  m.clock->set_now(m.clock->now() - 1h);
  m.advance(1h);
  EXPECT_EQ(at.state(), TaskState::scheduled);
  EXPECT_EQ(in.state(), TaskState::completed);
  m.advance(1h);
  EXPECT_EQ(at.state(), TaskState::completed);
}

// FLOOR 39: what is due together runs side by side, and not one after the other.
TEST(When, DueTasksRunOnAllWorkers) {
  auto clock = std::make_shared<errand::ManualClock>();
  errand::Queue queue({.workers = 3, .clock = clock});
  Counter together;
  const auto meet = [&] {
    together.add();
    EXPECT_TRUE(together.reaches(3));
  };
  for (int i = 0; i < 3; ++i) queue.submit_in(1h, meet);
  clock->advance(1h);
  EXPECT_TRUE(together.reaches(3));
}

TEST(When, ASetClockWakesSleepingWorkers) {
  auto clock = std::make_shared<errand::ManualClock>();
  errand::Queue queue({.workers = 1, .clock = clock});
  Gate ran;
  auto at = queue.submit_at(clock->now() + 24h, [&] { ran.open(); });
  clock->set_now(clock->now() + 25h);
  EXPECT_TRUE(ran.wait());
}

// FLOOR 4: one id, from scheduled to final.
TEST(When, AScheduledTaskKeepsItsIdForLife) {
  Manual m;
  errand::TaskId inside;
  auto task = m.queue.submit_in(1s, [&](errand::Attempt& a) { inside = a.id(); });
  const errand::TaskId id = task.id();
  EXPECT_EQ(m.queue.info(id)->state, TaskState::scheduled);
  m.advance(2s);
  EXPECT_EQ(inside, id);
  EXPECT_EQ(m.queue.info(id)->state, TaskState::completed);
  EXPECT_EQ(m.queue.list().size(), 1u);
}

TEST(When, TheNextRunTimeIsShown) {
  Manual m;
  const errand::WallTime now = m.clock->now();
  EXPECT_EQ(m.queue.submit_in(1h, [] {}).info()->next_run_at, now + 1h);
  EXPECT_EQ(m.queue.submit_at(now + 2h, [] {}).info()->next_run_at, now + 2h);
  EXPECT_EQ(m.queue.submit([] {}).info()->next_run_at, std::nullopt);
}

// FLOOR 39: what is due together is spread over all workers, not run one after another by a timer.
TEST(When, TasksThatAreDueTogetherRunSideBySide) {
  auto clock = std::make_shared<errand::ManualClock>();
  errand::Queue queue({.workers = 2, .clock = clock});
  Counter arrived;
  for (int i = 0; i < 2; ++i) {
    queue.submit_in(1s, [&] {
      arrived.add();
      EXPECT_TRUE(arrived.reaches(2));  // each waits for the other
    });
  }
  clock->advance(2s);
  EXPECT_TRUE(arrived.reaches(2));
  EXPECT_TRUE(queue.wait_idle(kSoon));
}

TEST(When, RetryBringsAScheduledTaskForward) {
  Manual m;
  auto task = m.queue.submit_in(1h, [] {});
  EXPECT_TRUE(m.queue.retry(task.id()));
  EXPECT_EQ(task.state(), TaskState::available);
  m.queue.dispatch();
  EXPECT_EQ(task.state(), TaskState::completed);
  EXPECT_EQ(m.queue.retry(task.id()).error().code(), errand::Code::gone);
  m.advance(2h);
  EXPECT_EQ(m.queue.stats().attempts, 1u);
}

TEST(When, EarlierDelaysComeFirstWhateverTheOrderOfSubmission) {
  Manual m;
  std::string said;
  m.queue.submit_in(3s, [&] { said += 'c'; });
  m.queue.submit_in(1s, [&] { said += 'a'; });
  m.queue.submit_in(2s, [&] { said += 'b'; });
  m.advance(10s);
  EXPECT_EQ(said, "abc");
}
