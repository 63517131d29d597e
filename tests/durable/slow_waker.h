#pragma once
// A clock for tests of who is woken, and when.

#include "threads.h"

// Time that the test moves, of which nobody hears but those it is for; and whoever wakes somebody may be held up until
// that one waits again.
class SlowWaker final : public errand::Clock {
 public:
  errand::WallTime now() const noexcept override { return hands_.now(); }
  errand::SteadyTime mono() const noexcept override { return hands_.mono(); }
  void wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected, const errand::WaitUntil& until) override {
    ++waits_;
    const auto over = [&] { return (until.mono && *until.mono <= mono()) || (until.wall && *until.wall <= now()); };
    while (word.load() == expected && !over()) hands_.wait(word, expected, until);
  }
  void wake(const std::atomic<std::uint32_t>& word, int count) override {
    const int before = waits_;
    hands_.wake(word, count);
    if (!holds_up_.exchange(false)) return;
    EXPECT_TRUE(soon([&] { return waits_ > before; }));
  }
  void hold_up_the_next() { holds_up_ = true; }
  void advance(errand::Duration by) { hands_.advance(by); }
  [[nodiscard]] int waiting() const { return hands_.waiting(); }

 private:
  errand::ManualClock hands_;
  std::atomic<int> waits_{0};
  std::atomic<bool> holds_up_{false};
};
