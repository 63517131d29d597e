// The closures of the design's own sample, as a program would write them.

#include <errand/errand.h>
#include <errand/testing.h>
#include <gtest/gtest.h>

using namespace std::chrono_literals;

TEST(Sample, ValuesComeBackThroughTheHandle) {
  errand::Queue queue({.workers = 2});
  auto five = queue.submit([p = std::make_unique<int>(5)]() mutable { return std::move(p); }).get();
  EXPECT_EQ(*five, 5);
  auto task = queue.submit([](errand::Attempt& a) { return a.stop_requested() ? 0 : a.number(); },
                           {.delay = 500us,
                            .priority = 5,
                            .max_attempts = 5,
                            .retry = errand::Retry::fixed(1s),
                            .timeout = 10s,
                            .name = "thumbnail"});
  ASSERT_TRUE(task);
  EXPECT_EQ(task.get(), 1);
  EXPECT_EQ(queue.info(task.id())->name, "thumbnail");
}

TEST(Sample, DelaysFollowTheClockThatIsMovedByHand) {
  auto clock = std::make_shared<errand::ManualClock>();
  errand::Queue queue({.drive = errand::Drive::manual, .clock = clock});
  int runs = 0;
  auto later = queue.submit_in(1h, [&] { ++runs; });
  queue.dispatch();
  EXPECT_EQ(runs, 0);
  EXPECT_EQ(later.state(), errand::TaskState::scheduled);
  clock->advance(1h);
  queue.dispatch();
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(later.state(), errand::TaskState::completed);
}
