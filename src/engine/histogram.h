#pragma once
// Where one thread counts durations, and others look on.

#include <errand/histogram.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace errand {
inline namespace v0 {
namespace detail {

/// One thread's share of a Histogram; zeroed memory is an empty one.
///
/// The sum wraps after 584 years of durations.
/// Threads: record() is for one thread at a time; add_to() for any. A snapshot taken meanwhile has every record() that
///          happened before it, and of the last ones perhaps only the count or only the sum.
class HistogramCell {
 public:
  /// REQUIRES: 0 <= ns.
  void record(float ns) noexcept {
    bump(counts_[index(ns)], 1);
    bump(sum_ns_, static_cast<std::uint64_t>(static_cast<std::int64_t>(ns)));
  }

  /// Adds what has been recorded so far.
  void add_to(Histogram& histogram) const noexcept;

 private:
  // Histogram::index() of a float, whose bits are laid out as the buckets are: the power of two, and below it the
  // digits after the leading one.
  static std::size_t index(float ns) noexcept {
    constexpr int kOffset = (127 + 3) << 4;  // the exponent's bias, and the power of two below the first full octave
    const int index = (std::bit_cast<std::int32_t>(ns) >> (23 - 4)) - kOffset;
    if (index < 16) return static_cast<std::size_t>(ns);
    return std::min(static_cast<std::size_t>(index), Histogram::kBuckets - 1);
  }

  // Single writer: a load and a store instead of a locked instruction. Relaxed, since each counter stands alone.
  static void bump(std::atomic<std::uint64_t>& counter, std::uint64_t by) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }

  std::atomic<std::uint64_t> sum_ns_{0};
  std::atomic<std::uint64_t> counts_[Histogram::kBuckets]{};
};

}  // namespace detail
}  // namespace v0
}  // namespace errand
