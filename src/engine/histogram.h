#pragma once
// Where one thread counts durations, and others look on.

#include <errand/histogram.h>

#include <atomic>
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
  void record(std::int64_t ns) noexcept {
    const Duration duration(ns < 0 ? 0 : ns);
    bump(counts_[Histogram::index(duration)], 1);
    bump(sum_ns_, static_cast<std::uint64_t>(duration.count()));
  }

  /// Adds what has been recorded so far.
  void add_to(Histogram& histogram) const noexcept;

 private:
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
