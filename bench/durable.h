#pragma once
// What errand and its rivals have in common where tasks are kept on a disk.

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "measure.h"

namespace bench {

inline constexpr int kManyThreads = 64;
inline constexpr std::uint64_t kBatch = 1000;   // tasks that are enqueued together, or in one transaction
inline constexpr std::size_t kInFlight = 4000;  // requests that are not answered yet
inline const std::string kPayload(100, 'x');

/// So many threads, each with its share of the calls of f(thread); how many calls a second of all of them.
template <class F>
double each_of(int threads, std::uint64_t count, F f) {
  const std::uint64_t share = count / static_cast<std::uint64_t>(threads);
  std::vector<std::thread> all;
  const auto start = SteadyClock::now();
  for (int i = 0; i < threads; ++i) {
    all.emplace_back([&f, share, i] {
      for (std::uint64_t j = 0; j < share; ++j) f(i);
    });
  }
  for (std::thread& thread : all) thread.join();
  return static_cast<double>(share) * threads / seconds_since(start);
}

/// The row's figures of so many latencies: p50 and p99 in microseconds.
inline std::vector<double> in_us(const std::vector<double>& seconds) {
  return {quantile(seconds, 0.5) * 1e6, quantile(seconds, 0.99) * 1e6};
}

}  // namespace bench
