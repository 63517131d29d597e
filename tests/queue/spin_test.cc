// QueueOptions::spin: idle workers that go on looking.

#include <atomic>

#include "support.h"

namespace {

// Another clock, with a count of what threads but the one that made it do.
class CountingClock : public errand::Clock {
 public:
  explicit CountingClock(std::shared_ptr<errand::Clock> clock) : clock_(std::move(clock)) {}

  [[nodiscard]] errand::WallTime now() const noexcept override { return clock_->now(); }
  [[nodiscard]] errand::SteadyTime mono() const noexcept override {
    if (std::this_thread::get_id() != but_) looks.fetch_add(1);
    return clock_->mono();
  }
  void wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected, const errand::WaitUntil& until) override {
    if (std::this_thread::get_id() != but_) sleeps.fetch_add(1);
    clock_->wait(word, expected, until);
  }
  void wake(const std::atomic<std::uint32_t>& word, int count) override { clock_->wake(word, count); }

  std::atomic<int> sleeps{0};
  mutable std::atomic<int> looks{0};

 private:
  const std::shared_ptr<errand::Clock> clock_;
  const std::thread::id but_ = std::this_thread::get_id();
};

}  // namespace

TEST(Spin, WithoutEndNoWorkerEverSleeps) {
  auto clock = std::make_shared<CountingClock>(errand::real_clock());
  {
    errand::Queue queue({.workers = 2, .spin = errand::Duration::max(), .clock = clock});
    // Each is waited for, so that there is nothing to do in between.
    for (int i = 0; i < 200; ++i) EXPECT_EQ(queue.submit([i] { return i; }).get(), i);
    queue.set_workers(1);
    EXPECT_EQ(queue.submit([] { return 1; }).get(), 1);
  }
  EXPECT_EQ(clock->sleeps.load(), 0);
}

TEST(Spin, AWorkerSleepsOnceItsTimeIsOver) {
  auto manual = std::make_shared<errand::ManualClock>();
  auto clock = std::make_shared<CountingClock>(manual);
  errand::Queue queue({.workers = 1, .spin = 1s, .clock = clock});
  EXPECT_EQ(queue.submit([] { return 1; }).get(), 1);
  const auto until = errand::real_clock()->mono() + kSoon;
  // The worker may just be beginning to spin, and counts from there. A clock that moves wakes whoever sleeps on it, so
  // that it slept is counted: it need not be asleep when somebody looks.
  while (clock->sleeps.load() == 0 && errand::real_clock()->mono() < until) {
    manual->advance(100ms);
    std::this_thread::yield();
  }
  EXPECT_GE(clock->sleeps.load(), 1);
  EXPECT_EQ(queue.submit([] { return 2; }).get(), 2);
}

TEST(Spin, AWorkerThatSpinsMindsTheTimers) {
  auto manual = std::make_shared<errand::ManualClock>();
  auto clock = std::make_shared<CountingClock>(manual);
  errand::Queue queue({.workers = 1, .spin = errand::Duration::max(), .clock = clock});
  EXPECT_EQ(queue.submit([] { return 1; }).get(), 1);
  // With nothing to do and no moment set, only one that spins looks at the clock so often.
  const int before = clock->looks.load();
  const auto until = errand::real_clock()->mono() + kSoon;
  while (clock->looks.load() < before + 100 && errand::real_clock()->mono() < until) std::this_thread::yield();
  EXPECT_GE(clock->looks.load(), before + 100);
  auto task = queue.submit_in(1s, [] { return 3; });
  // The timer thread would come 2 ms after the moment, and so far the clock does not go.
  manual->advance(1s + 1ms);
  EXPECT_TRUE(task.wait_for(kSoon));
}
