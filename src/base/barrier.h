#pragma once
// An asymmetric barrier: the side that runs for every task pays nothing, the side that runs before a sleep pays all.
//
// Two threads that each store one word and then load the other's would both miss the other's store unless each puts a
// full barrier between. heavy_barrier() makes every other thread of the process execute one, whenever it runs, so the
// frequent side only has to keep the compiler from reordering (light_barrier).

#include <atomic>

namespace errand {
inline namespace v0 {

namespace detail {
// False where the kernel has no membarrier(2): then the frequent side pays as well. Set before main() runs.
extern const bool kMembarrier;
extern thread_local std::atomic<int> light_word;
}  // namespace detail

/// Between a store and a load that must not pass it, on the side that runs often.
inline void light_barrier() noexcept {
  if (detail::kMembarrier) [[likely]] {
    std::atomic_signal_fence(std::memory_order_seq_cst);
  } else {
    detail::light_word.exchange(0, std::memory_order_seq_cst);
  }
}

/// The same on the side that runs seldom; about a microsecond.
void heavy_barrier() noexcept;

}  // namespace v0
}  // namespace errand
