#pragma once
// What is counted. Each worker counts for itself; the sums are made when somebody asks.

#include <errand/stats.h>

#include <atomic>
#include <cstdint>

#include "engine/histogram.h"

namespace errand {
inline namespace v0 {
namespace detail {

enum class Count : unsigned char {
  refused,
  completed,
  cancelled,
  discarded,
  failed,
  retried,
  snoozed,
  timed_out,
  stuck,
  untimed,   // attempts that no histogram knows
  returned,  // runs of named tasks that did not end their task
};
inline constexpr int kCounts = 11;

/// One worker's figures: written by it alone, read by anybody.
struct alignas(64) Meter {
  std::atomic<std::uint64_t> counts[kCounts] = {};
  HistogramCell start_delay;
  HistogramCell attempt_duration;  // also says how many timed attempts there were
  // Of tasks that took part in decide(), and ended on a worker. Every other completed task took one attempt, so that
  // the plain way does not count here: see Engine::stats().
  HistogramCell attempts_per_task;

  // Release: whoever sees the count sees what it counts.
  void add(Count which) noexcept {
    auto& cell = counts[static_cast<int>(which)];
    cell.store(cell.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
};

/// The figures of threads that are no workers.
struct SharedMeter {
  std::atomic<std::uint64_t> counts[kCounts] = {};

  // Release: as above.
  void add(Count which) noexcept { counts[static_cast<int>(which)].fetch_add(1, std::memory_order_release); }
};

}  // namespace detail
}  // namespace v0
}  // namespace errand
