#pragma once
// What all load programs measure with.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace bench {

using SteadyClock = std::chrono::steady_clock;

[[nodiscard]] double seconds_since(SteadyClock::time_point start);
/// Ends the program: a figure of a run that did not do its work is worth nothing.
void demand(bool condition, const char* what);

/// Work for a body that is not to be a no-op: looks at the clock until the time is over.
void spin_for(std::chrono::nanoseconds time);

/// Counts the bodies that ran, one line per counting thread so that the count itself costs next to nothing.
class Bodies {
 public:
  void one() noexcept {
    auto& count = cells_[cell_of_this_thread()].count;
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t sum() const noexcept;
  /// Until so many have run; what counts as done is the same for all contenders. Looks every 50 us.
  void wait_for(std::uint64_t count) const;

 private:
  struct alignas(64) Cell {
    std::atomic<std::uint64_t> count{0};
  };
  static constexpr std::size_t kCells = 256;
  static std::size_t cell_of_this_thread() noexcept;

  Cell cells_[kCells];
};

/// A no-op with a capture of 24 bytes, whose one effect the compiler can't drop.
struct Nothing {
  Bodies* bodies;
  std::uint64_t a, b;
  void operator()() const { bodies->one(); }
};
static_assert(sizeof(Nothing) == 24);

/// The least that a task can be, for raw limits: what to call, and the capture.
struct Slot {
  void (*call)(const Nothing&);
  Nothing body;
};

/// Has the system hand out so much memory once, and takes it back: on a virtual machine the first touch of a page that
/// its host has not given it yet costs many times what it costs later, and whoever runs first would pay.
void warm_memory(std::size_t bytes);
[[nodiscard]] std::size_t resident_bytes();
/// The most there were since they were last forgotten.
[[nodiscard]] std::size_t peak_of_resident_bytes();
void forget_peak_of_resident_bytes();
/// What the process has had written to disks so far.
[[nodiscard]] std::uint64_t written_bytes();
/// Of the whole process, user and system.
[[nodiscard]] double cpu_seconds();
/// How long a cache line takes from one core to the other and is seen there, in nanoseconds: it changes within seconds
/// on a virtual machine, and with it what everybody reaches.
[[nodiscard]] double hand_over_ns(int rounds = 20'000);

[[nodiscard]] double quantile(std::vector<double> values, double q);
[[nodiscard]] inline double median(std::vector<double> values) {
  return quantile(std::move(values), 0.5);
}

}  // namespace bench
