#include "base/tick.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace errand {
inline namespace v0 {

namespace {

#if defined(__x86_64__)
struct Pair {
  std::int64_t stamp;
  std::int64_t ns;
};

// Reads both clocks as close together as three tries allow: an interrupt between the two would falsify the rate.
Pair read_both(const Clock& clock) {
  Pair best{};
  std::int64_t least = INT64_MAX;
  for (int i = 0; i < 3; ++i) {
    const auto before = static_cast<std::int64_t>(__rdtsc());
    const std::int64_t ns = clock.mono().time_since_epoch().count();
    const auto after = static_cast<std::int64_t>(__rdtsc());
    if (after - before < least) {
      least = after - before;
      best = {before + (after - before) / 2, ns};
    }
  }
  return best;
}

bool counter_is_even() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid(0x80000007, &a, &b, &c, &d)) return false;
  return (d & (1u << 8)) != 0;  // "invariant TSC": same rate in every power state, in step on all cores
}

// Nanoseconds per tick as 32.32 fixed point; measured once for the process, over about a millisecond.
std::uint64_t measured_rate() {
  static const std::uint64_t rate = [] {
    const auto clock = real_clock();
    const Pair a = read_both(*clock);
    Pair b = a;
    while (b.ns - a.ns < 1'000'000) b = read_both(*clock);
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>(b.ns - a.ns) << 32) /
                                      static_cast<std::uint64_t>(b.stamp - a.stamp));
  }();
  return rate;
}
#endif

}  // namespace

TickSource::TickSource(std::shared_ptr<Clock> clock) : clock_(std::move(clock)) {
  first_mono_ = clock_->mono();
  first_stamp_ = first_mono_.time_since_epoch().count();
#if defined(__x86_64__)
  if (clock_ == real_clock() && counter_is_even()) {
    ns_per_tick_ = measured_rate();
    float_ns_per_tick_ = static_cast<float>(ns_per_tick_) * 0x1.0p-32f;
    const Pair now = read_both(*clock_);
    first_stamp_ = now.stamp;
    first_mono_ = SteadyTime(Duration(now.ns));
    counter_ = true;
  }
#endif
}

SteadyTime TickSource::to_mono(std::int64_t stamp) const noexcept {
#if defined(__x86_64__)
  if (counter_) {
    const Pair now = read_both(*clock_);
    const auto ticks = static_cast<double>(now.stamp - first_stamp_);
    const auto ns = static_cast<double>(now.ns - first_mono_.time_since_epoch().count());
    // Young sources have too short a base of their own and keep to the measured rate.
    const double rate = ns > 1e8 ? ns / ticks : static_cast<double>(ns_per_tick_) * 0x1.0p-32;
    return SteadyTime(Duration(now.ns - static_cast<std::int64_t>(static_cast<double>(now.stamp - stamp) * rate)));
  }
#endif
  return SteadyTime(Duration(stamp));
}

}  // namespace v0
}  // namespace errand
