// QueueOptions::spin: idle workers that go on looking.

#include <atomic>

#include "support.h"

namespace {

// The real clock, with a count of the sleeps of all threads but one.
class CountingClock : public errand::Clock {
 public:
  explicit CountingClock(std::thread::id but) : but_(but) {}

  [[nodiscard]] errand::WallTime now() const noexcept override { return real_->now(); }
  [[nodiscard]] errand::SteadyTime mono() const noexcept override { return real_->mono(); }
  void wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected, const errand::WaitUntil& until) override {
    if (std::this_thread::get_id() != but_) sleeps.fetch_add(1);
    real_->wait(word, expected, until);
  }
  void wake(const std::atomic<std::uint32_t>& word, int count) override { real_->wake(word, count); }

  std::atomic<int> sleeps{0};

 private:
  const std::shared_ptr<errand::Clock> real_ = errand::real_clock();
  const std::thread::id but_;
};

}  // namespace

TEST(Spin, WithoutEndNoWorkerEverSleeps) {
  auto clock = std::make_shared<CountingClock>(std::this_thread::get_id());
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
  auto clock = std::make_shared<errand::ManualClock>();
  errand::Queue queue({.workers = 1, .spin = 1s, .clock = clock});
  EXPECT_EQ(queue.submit([] { return 1; }).get(), 1);
  const auto until = errand::real_clock()->mono() + kSoon;
  // The worker may just be beginning to spin, and counts from there.
  while (clock->waiting() == 0 && errand::real_clock()->mono() < until) {
    clock->advance(100ms);
    std::this_thread::yield();
  }
  EXPECT_EQ(clock->waiting(), 1);
  EXPECT_EQ(queue.submit([] { return 2; }).get(), 2);
}

TEST(Spin, AWorkerThatSpinsMindsTheTimers) {
  auto clock = std::make_shared<errand::ManualClock>();
  // No timer thread could make up for it: that one would wait for its grace, and the clock stands still after that.
  errand::Queue queue({.workers = 1, .spin = errand::Duration::max(), .clock = clock});
  auto task = queue.submit_in(1s, [] { return 3; });
  clock->advance(1s + 1ms);
  EXPECT_TRUE(task.wait_for(kSoon));
}
