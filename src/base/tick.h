#pragma once
// Stamps that cost 10 ns: the processor's counter where it runs evenly, else the monotonic clock.

#include <errand/clock.h>

#include <cstdint>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace errand {
inline namespace v0 {

/// Raw stamps and what they mean. A stamp is in units of its own; only differences, and to_mono(), make sense of it.
///
/// Threads: every member may be called from any thread.
class TickSource {
 public:
  /// Over the machine's clocks, or over a clock that the caller moves; then a stamp is in nanoseconds.
  explicit TickSource(std::shared_ptr<Clock> clock);

  [[nodiscard]] std::int64_t stamp() const noexcept {
#if defined(__x86_64__)
    if (counter_) [[likely]]
      return static_cast<std::int64_t>(__rdtsc());
#endif
    return clock_->mono().time_since_epoch().count();
  }

  /// The nanoseconds between two stamps; below zero counts as zero. Off by at most a few 1e-5 of the span.
  [[nodiscard]] std::int64_t between(std::int64_t from, std::int64_t to) const noexcept {
    if (to <= from) return 0;
#if defined(__x86_64__)
    if (counter_) [[likely]] {
      return static_cast<std::int64_t>(
          (static_cast<unsigned __int128>(static_cast<std::uint64_t>(to - from)) * ns_per_tick_) >> 32);
    }
#endif
    return to - from;
  }

  /// The same as a float, for a third of the instructions: rounded to 24 bits.
  [[nodiscard]] float float_between(std::int64_t from, std::int64_t to) const noexcept {
    const float ns = static_cast<float>(to - from) * float_ns_per_tick_;
    return ns > 0 ? ns : 0;
  }

  /// How far apart stamps are that lie `ns` apart, rounded down. REQUIRES: 0 <= ns < 2^42, about an hour.
  [[nodiscard]] std::int64_t span(std::int64_t ns) const noexcept {
    if (!counter_) return ns;
    return static_cast<std::int64_t>((static_cast<unsigned __int128>(ns) << 32) / ns_per_tick_);
  }

  /// The moment a stamp was taken, exact to microseconds however long ago: measured against the clock's own progress.
  [[nodiscard]] SteadyTime to_mono(std::int64_t stamp) const noexcept;

  [[nodiscard]] Clock& clock() const noexcept { return *clock_; }

 private:
  std::shared_ptr<Clock> clock_;
  bool counter_ = false;
  std::uint64_t ns_per_tick_ = 0;  // 32.32 fixed point
  float float_ns_per_tick_ = 1;
  std::int64_t first_stamp_ = 0;
  SteadyTime first_mono_{};
};

}  // namespace v0
}  // namespace errand
