// What stands in lanes and lines of tasks that were cancelled, while no worker comes by.

#include <errand/errand.h>
#include <errand/testing.h>
#include <gtest/gtest.h>

#include <optional>

#include "engine/engine.h"
#include "queue_probe.h"

namespace errand {
inline namespace v0 {

namespace {

using namespace std::chrono_literals;

constexpr int kCancelled = 500'000;
// What may be left of them at a time, and as much again that retention keeps and that free pages hold.
constexpr std::size_t kMost = 250'000;

// Two tasks that stay, one before all the others and one in their midst, and that are run in the end.
void submits_and_cancels(const char* what, QueueOptions options, const std::string& name) {
  SCOPED_TRACE(what);
  options.drive = Drive::manual;
  options.retention.count = 100;
  options.clock = std::make_shared<ManualClock>();
  Queue queue(std::move(options));
  std::optional<Task<int>> first;
  std::optional<Task<int>> other;
  first = queue.submit([] { return 1; });
  for (int i = 0; i < kCancelled; ++i) {
    auto task = queue.submit([] { ADD_FAILURE() << "it was cancelled"; }, {.name = name});
    ASSERT_TRUE(task);
    ASSERT_TRUE(task.cancel());
    if (i == kCancelled / 2) other = queue.submit([] { return 2; }, {.name = name});
  }
  const detail::Engine& engine = QueueProbe::engine(queue);
  EXPECT_LT(engine.pool.end_index() * detail::kRecordsPerPage, kMost);
  if (engine.line != nullptr) {
    EXPECT_LT(engine.line->size(), kMost);
  }
  queue.dispatch();
  EXPECT_EQ(first->get(), 1);
  EXPECT_EQ(other->get(), 2);
  EXPECT_EQ(queue.stats().cancelled, static_cast<std::uint64_t>(kCancelled));
  // Lanes go on where they were left.
  int ran = 0;
  for (int i = 0; i < 1000; ++i) queue.submit([&] { ++ran; });
  queue.dispatch();
  EXPECT_EQ(ran, 1000);
}

}  // namespace

TEST(Sweep, CancelledTasksOfAQueueWithoutWorkersTakeNoMoreRoomThanTheOthers) {
  submits_and_cancels("plain", {}, "");
  submits_and_cancels("with a record elsewhere", {}, "named");
  submits_and_cancels("in a line", {.capacity = 2000}, "");
}

TEST(Sweep, KeepsWhatWaitsAmongTheCancelled) {
  Queue queue({.drive = Drive::manual, .clock = std::make_shared<ManualClock>()});
  int ran = 0;
  for (int i = 0; i < 100'000; ++i) {
    auto task = queue.submit([&ran] { ++ran; });
    if (i % 5 != 0) static_cast<void>(task.cancel());
  }
  queue.dispatch();
  EXPECT_EQ(ran, 20'000);
}

// Entries that are taken out while workers take from the same lanes.
TEST(Sweep, LosesNothingWhileWorkersTake) {
  Queue queue({.workers = 2, .retention = {.count = 100}});
  std::atomic<std::uint64_t> ran{0};
  std::uint64_t kept = 0;
  std::uint64_t cancelled = 0;
  for (int i = 0; i < 300'000; ++i) {
    TaskOptions options;
    if (i % 2 == 0) options.name = "forward";
    if (i % 8 == 0) options.priority = kLow;
    const bool stays = i % 5 == 0;
    auto task = queue.submit(
        [&ran, stays] {
          if (stays) ran.fetch_add(1, std::memory_order_relaxed);
        },
        std::move(options));
    if (!stays) static_cast<void>(task.cancel());
    ++(stays ? kept : cancelled);
  }
  ASSERT_TRUE(queue.wait_idle(60s));
  EXPECT_EQ(ran.load(), kept);
  EXPECT_EQ(queue.stats().completed + queue.stats().cancelled, kept + cancelled);
}

}  // namespace v0
}  // namespace errand
