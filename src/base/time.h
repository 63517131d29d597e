#pragma once
// Small arithmetic on moments and spans.

#include <errand/clock.h>

#include <optional>
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

/// The microsecond that a moment is in; what stores keep of something that has happened.
[[nodiscard]] inline WallTime down_to_micros(WallTime at) noexcept {
  return std::chrono::floor<std::chrono::microseconds>(at);
}
/// The next whole microsecond, so that nothing comes early; what stores keep of something that is to happen.
[[nodiscard]] inline WallTime up_to_micros(WallTime at) noexcept {
  return down_to_micros(saturating_add(at, Duration(999)));
}
[[nodiscard]] inline std::optional<WallTime> up_to_micros(const std::optional<WallTime>& at) noexcept {
  return at ? std::optional(up_to_micros(*at)) : std::nullopt;
}

/// "30s", "1500ms", "7ns": in the largest unit that leaves no fraction.
[[nodiscard]] std::string to_text(Duration d);

}  // namespace v0
}  // namespace errand
