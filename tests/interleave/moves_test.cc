// Tasks that several threads want to move at once: workers, cancels, timers, retries, a change of priority.

#include <errand/errand.h>
#include <errand/testing.h>

#include <memory>

#include "rounds.h"

namespace interleave {
namespace {

using errand::Queue;
using errand::Rng;
using errand::TaskState;

constexpr int kTasks = 200;

// What becomes of the tasks of one round.
struct Tally {
  std::atomic<int> closures{0};            // that there are
  std::atomic<int> told{0};                // on_finish
  std::atomic<int> running[kTasks] = {};   // bodies of this task, right now
  std::atomic<int> finished[kTasks] = {};  // how often this one was told of
};

// Lives as long as the closure.
class Presence {
 public:
  explicit Presence(std::atomic<int>& count) : count_(&count) { count.fetch_add(1); }
  Presence(Presence&& other) noexcept : count_(std::exchange(other.count_, nullptr)) {}
  Presence& operator=(Presence&&) = delete;
  ~Presence() {
    if (count_ != nullptr) count_->fetch_sub(1);
  }

 private:
  std::atomic<int>* count_;
};

errand::TaskId submit(Queue& queue, Tally& tally, int i, Rng& rng) {
  const auto n = static_cast<std::size_t>(i);
  errand::TaskOptions options;
  options.on_finish = [&tally, n](const errand::TaskInfo& info) {
    EXPECT_TRUE(errand::is_final(info.state));
    tally.finished[n].fetch_add(1);
    tally.told.fetch_add(1);
  };
  if (rng.below(3) == 0) options.delay = std::chrono::microseconds(rng.below(100));
  if (rng.below(3) == 0) options.timeout = std::chrono::microseconds(1 + rng.below(100));
  if (rng.below(4) == 0) options.expires_at = errand::real_clock()->now() + std::chrono::microseconds(rng.below(200));
  options.max_attempts = 3;
  options.retry = errand::Retry::fixed(std::chrono::microseconds(1 + rng.below(100)));
  const std::uint64_t dice = rng.below(8);
  auto task = queue.submit(
      [&tally, n, dice, here = Presence(tally.closures),
       snoozed = false](errand::Attempt& attempt) mutable -> errand::Outcome {
        EXPECT_EQ(tally.running[n].fetch_add(1), 0) << "two attempts at once";
        EXPECT_EQ(tally.finished[n].load(), 0) << "it was over";
        for (std::uint64_t looks = 0; looks < dice * 16 && !attempt.stop_requested(); ++looks)
          std::this_thread::yield();
        tally.running[n].fetch_sub(1);
        if (dice == 0 && !std::exchange(snoozed, true)) return errand::snooze(10us);
        if (dice < 3) return errand::retry("again");
        return errand::done();
      },
      std::move(options));
  return task.id();
}

TEST(MovesInterleaved, EachTaskEndsOnce) {
  rounds([](Rng& rng) {
    Tally tally;
    {
      Queue queue({.workers = 1 + static_cast<int>(rng.below(2))});
      std::vector<std::atomic<std::uint64_t>> ids = std::vector<std::atomic<std::uint64_t>>(kTasks);
      {
        Team team(2);
        team.add([&, rng = Rng(rng())]() mutable {
          for (int i = 0; i < kTasks; ++i) ids[static_cast<std::size_t>(i)].store(submit(queue, tally, i, rng).value);
        });
        team.add([&, rng = Rng(rng())]() mutable {
          while (ids.back().load() == 0 && !testing::Test::HasFailure()) {
            const errand::TaskId id{ids[rng.below(kTasks)].load()};
            if (id.value == 0) continue;
            const std::uint64_t dice = rng.below(3);
            if (dice == 0) static_cast<void>(queue.cancel(id));
            if (dice == 1) static_cast<void>(queue.retry(id));
            if (dice == 2) static_cast<void>(queue.set_priority(id, static_cast<int>(rng.below(10))));
          }
        });
      }
      ASSERT_TRUE(comes([&] { return tally.told.load() == kTasks; })) << "a task does not end";
      ASSERT_TRUE(comes_to_rest(queue));
      const errand::Stats stats = queue.stats();
      EXPECT_EQ(stats.submitted, stats.completed + stats.cancelled + stats.discarded);
      EXPECT_EQ(stats.scheduled + stats.retryable, 0u);
    }
    for (const auto& times : tally.finished) ASSERT_EQ(times.load(), 1);
    EXPECT_EQ(tally.closures.load(), 0);
  });
}

// Who has been told that a waiting task is cancelled does not see it run.
TEST(MovesInterleaved, WhatIsCancelledBeforeItBeganNeverBegins) {
  rounds([](Rng& rng) {
    Queue queue({.workers = 1 + static_cast<int>(rng.below(2)), .retention = {.count = 0}});
    for (int i = 0; i < 300 && !testing::Test::HasFailure(); ++i) {
      std::atomic<int> began{0};
      std::atomic<int> closures{0};
      auto task = queue.submit([&began, here = Presence(closures)] { began.fetch_add(1); },
                               {.delay = std::chrono::nanoseconds(rng.below(2) * rng.below(20'000))});
      dally(rng);
      const bool cancelled = static_cast<bool>(task.cancel());
      EXPECT_TRUE(is_told(task)) << "an end that nobody was told of";
      EXPECT_EQ(closures.load(), 0);
      EXPECT_EQ(began.load(), task.info()->attempts);
      EXPECT_TRUE(cancelled || began.load() == 1);
      EXPECT_EQ(began.load(), task.state() == TaskState::completed ? 1 : began.load());
    }
  });
}

// Time passes by jumps, while tasks are made, moved and ended.
TEST(MovesInterleaved, EveryMomentComes) {
  rounds([](Rng& rng) {
    auto clock = std::make_shared<errand::ManualClock>();
    Queue queue({.workers = 2, .clock = clock});
    std::atomic<int> over{0};
    {
      Team team(2);
      for (int i = 0; i < 2; ++i) {
        team.add([&, rng = Rng(rng())]() mutable {
          for (int step = 0; step < kTasks / 2; ++step) {
            auto task = queue.submit([] {}, {.delay = std::chrono::milliseconds(rng.below(50)),
                                             .on_finish = [&](const errand::TaskInfo&) { over.fetch_add(1); }});
            if (rng.below(4) == 0) static_cast<void>(task.cancel());
            if (rng.below(4) == 0) static_cast<void>(queue.retry(task.id()));
            if (rng.below(4) == 0) clock->advance(std::chrono::milliseconds(rng.below(20)));
          }
        });
      }
    }
    clock->advance(1s);
    ASSERT_TRUE(comes([&] { return over.load() == kTasks; })) << "a moment has been missed";
  });
}

}  // namespace
}  // namespace interleave
