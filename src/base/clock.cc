#include <errand/clock.h>

#include <algorithm>

#include "base/futex.h"

namespace errand {
inline namespace v0 {

namespace {

// A wait that has to honour both clocks sleeps on the one that ends first, and looks at the other at least this often:
// setting the time of day may move the two apart.
constexpr Duration kBothClocks = std::chrono::seconds(1);

class RealClock final : public Clock {
 public:
  WallTime now() const noexcept override { return std::chrono::system_clock::now(); }
  SteadyTime mono() const noexcept override { return std::chrono::steady_clock::now(); }

  void wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected, const WaitUntil& until) override {
    if (until.mono && until.wall) {
      // Compared before they are subtracted: a moment far in the past has no distance to now that fits a Duration.
      const WallTime now_at = now();
      const Duration to_wall = *until.wall <= now_at ? Duration::zero() : *until.wall - now_at;
      const SteadyTime at = std::min(*until.mono, mono() + std::min(to_wall, kBothClocks));
      futex_wait(word, expected, FutexClock::mono, at.time_since_epoch());
    } else if (until.mono) {
      futex_wait(word, expected, FutexClock::mono, until.mono->time_since_epoch());
    } else if (until.wall) {
      futex_wait(word, expected, FutexClock::wall, until.wall->time_since_epoch());
    } else {
      futex_wait(word, expected, FutexClock::none, {});
    }
  }

  void wake(const std::atomic<std::uint32_t>& word, int count) override { futex_wake(word, count); }
};

}  // namespace

std::shared_ptr<Clock> real_clock() {
  static const auto clock = std::make_shared<RealClock>();
  return clock;
}

}  // namespace v0
}  // namespace errand
