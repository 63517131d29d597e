// What holds where nothing was said. Each of these numbers is a promise of the documentation.

#include "support.h"

using errand::Drain;
using errand::TaskState;

TEST(Defaults, OfATask) {
  Manual m;
  EXPECT_EQ(errand::kHigh, 2);
  EXPECT_EQ(errand::kNormal, 5);
  EXPECT_EQ(errand::kLow, 8);
  for (const auto& info : {*m.queue.submit([] {}).info(), *m.queue.submit([] {}, {.name = "with options"}).info()}) {
    EXPECT_EQ(info.priority, 5);
    EXPECT_EQ(info.max_attempts, 1);
    EXPECT_EQ(info.state, TaskState::available);  // no delay
  }
  EXPECT_EQ(m.queue.submit([] {}, {.retry = errand::Retry()}).info()->max_attempts, 20);
  const errand::TaskOptions limits;
  EXPECT_FALSE(limits.timeout || limits.max_elapsed || limits.expires_at);
}

TEST(Defaults, OfARetry) {
  Manual m;
  int runs = 0;
  m.queue.submit([&] { ++runs, throw 1; }, {.retry = errand::Retry()});
  const auto start = m.clock->mono();
  errand::drain(m.queue, *m.clock);
  EXPECT_EQ(runs, 20);
  EXPECT_GT(m.clock->mono() - start, 7h);  // 1 s, 2 s, 4 s ... an hour, each +-10 %
  EXPECT_LT(m.clock->mono() - start, 10h);
}

TEST(Defaults, OfAQueue) {
  const errand::QueueOptions options;
  EXPECT_EQ(options.drive, errand::Drive::threads);
  EXPECT_EQ(options.order, errand::Order::fair);
  EXPECT_EQ(options.capacity, 0u);  // no bound
  EXPECT_EQ(options.when_full, errand::WhenFull::refuse);
  EXPECT_EQ(options.block_for, std::nullopt);
  EXPECT_EQ(options.age_step, std::nullopt);
  EXPECT_TRUE(options.start);
  EXPECT_EQ(errand::ListOptions{}.limit, 100);
}

TEST(Defaults, OfASchedule) {
  const errand::ScheduleOptions options;
  EXPECT_EQ(options.time_zone, "UTC");
  EXPECT_EQ(options.overlap, errand::Overlap::queue_one);
  EXPECT_EQ(options.missed, errand::Missed::latest);
  EXPECT_EQ(options.dst, errand::Dst::after);
  EXPECT_EQ(options.first, errand::First::after_one_interval);
  EXPECT_EQ(options.jitter, 0s);
  EXPECT_EQ(options.priority, 5);
}

TEST(Defaults, TenThousandFinishedTasksOfAStateAreKept) {
  Manual m;
  std::vector<errand::TaskId> ids;
  for (int i = 0; i < 30'000; ++i) {
    ids.push_back(m.queue.submit([] {}).id());
    if (i % 100 == 99) m.queue.dispatch();
  }
  for (std::size_t i = ids.size() - 10'000; i < ids.size(); ++i) ASSERT_TRUE(m.queue.info(ids[i])) << i;
  EXPECT_FALSE(m.queue.info(ids[0]));
}

TEST(Defaults, FinishedTasksAreKeptForAnHour) {
  Manual m;
  const auto id = m.queue.submit([] {}, {.name = "x"}).id();
  m.queue.dispatch();
  m.clock->advance(1h);
  EXPECT_TRUE(m.queue.info(id));
  m.clock->advance(1ms);
  EXPECT_FALSE(m.queue.info(id));
}

TEST(Defaults, AShutdownRunsWhatIsDueAndTakesThirtySeconds) {
  Manual m;
  auto due = m.queue.submit([] {});
  auto later = m.queue.submit_in(1s, [] {});
  m.queue.shutdown();
  EXPECT_EQ(due.state(), TaskState::completed);
  EXPECT_EQ(later.state(), TaskState::cancelled);

  Manual waits;
  waits.queue.submit_in(1h, [] {});
  const auto start = waits.clock->mono();
  waits.queue.shutdown({.drain = Drain::queued});
  EXPECT_EQ(waits.clock->mono() - start, 30s);
}

TEST(Defaults, TheDestructorIsThatShutdown) {
  auto clock = std::make_shared<errand::ManualClock>();
  bool ran = false;
  {
    errand::Queue(Manual::by_hand({}, clock)).submit([&] { ran = true; });
  }
  EXPECT_TRUE(ran);
  EXPECT_EQ(errand::QueueOptions{}.close.drain, Drain::due);
  EXPECT_EQ(errand::QueueOptions{}.close.timeout, std::nullopt);
}

TEST(Defaults, AHandlerIsStuckThirtySecondsAfterItsTimeout) {
  Manual m;
  auto task = m.queue.submit(
      [&](errand::Attempt& a) {
        m.advance(1s);
        EXPECT_TRUE(a.stop_requested());
        m.advance(29s);
        EXPECT_FALSE(m.queue.info(a.id())->stuck);
        m.advance(1s);
        EXPECT_TRUE(m.queue.info(a.id())->stuck);
      },
      {.timeout = 1s});
  m.queue.dispatch();
}
