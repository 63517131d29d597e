#pragma once
// Small arithmetic on moments and spans.

#include <errand/clock.h>

#include <string>

namespace errand {
inline namespace v0 {

/// `at + by`, or the end of time where that would be past it.
template <class Time>
[[nodiscard]] Time saturating_add(Time at, Duration by) noexcept {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(std::int64_t{at.time_since_epoch().count()}, std::int64_t{by.count()}, &sum)) {
    return by.count() < 0 ? Time::min() : Time::max();
  }
  return Time(Duration(sum));
}

/// "30s", "1500ms", "7ns": in the largest unit that leaves no fraction.
[[nodiscard]] std::string to_text(Duration d);

}  // namespace v0
}  // namespace errand
