#pragma once
// Order::depth_first: what the bodies on one worker submitted, for that worker from one end and thieves from the other.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>

#include "base/mutex.h"

namespace errand {
inline namespace v0 {
namespace detail {

/// A stack of ids, of which thieves take the oldest. It may hand out an id twice, but never loses one: an id is only a
/// hint, and whoever gets it still has to claim the task by its word. So neither side needs more than one store or one
/// compare-and-swap of the anchor.
///
/// Threads: any may steal_oldest() and ask empty(); only the worker pushes and pops.
/// Source:  M. Michael, M. Vechev, V. Saraswat, "Idempotent Work Stealing", PPoPP 2009 (the double-ended one).
class Children {
 public:
  [[nodiscard]] bool empty() const noexcept {
    return size_in(anchor_.load(std::memory_order_acquire)) == 0 && !spilled_.load(std::memory_order_relaxed);
  }

  void push(std::uint64_t id) {
    // Relaxed, here and in pop_newest(): of thieves' doings only the anchor matters. The place that one has emptied is
    // written behind this load, since nobody can write to a place before knowing which it is.
    std::uint64_t anchor = anchor_.load(std::memory_order_relaxed);
    if (size_in(anchor) == kRoom) [[unlikely]] {
      spill();
      anchor = anchor_.load(std::memory_order_relaxed);
    }
    at(anchor, size_in(anchor)).store(id, std::memory_order_relaxed);
    // Release: a thief that sees the size sees the id. A steal since the load above is undone by this store, and what
    // was stolen can be had again: that is what makes it idempotent.
    anchor_.store(make(head_in(anchor), size_in(anchor) + 1, puts_in(anchor) + 1), std::memory_order_release);
  }

  /// 0: there is none.
  [[nodiscard]] std::uint64_t pop_newest() {
    std::uint64_t anchor = anchor_.load(std::memory_order_relaxed);
    while (size_in(anchor) == 0) {
      if (!unspill()) return 0;
      anchor = anchor_.load(std::memory_order_relaxed);  // thieves may have been here already
    }
    const std::uint64_t id = at(anchor, size_in(anchor) - 1).load(std::memory_order_relaxed);
    // Release: a thief that compares with this anchor may have its ids from before it.
    anchor_.store(make(head_in(anchor), size_in(anchor) - 1, puts_in(anchor)), std::memory_order_release);
    return id;
  }

  /// 0: there is none.
  [[nodiscard]] std::uint64_t steal_oldest() {
    if (spilled_.load(std::memory_order_relaxed)) {
      MutexLock lock(mu_);
      if (const std::uint64_t id = take_spilled()) return id;
    }
    return steal_from_ring();
  }

 private:
  static constexpr std::uint32_t kRoom = 1024;

  // The anchor: head 63..48 | size 47..32 | pushes so far 31..0. The ids are at head, head + 1, ..., and the pushes
  // keep a thief from taking an id that has been replaced since it looked.
  static constexpr std::uint32_t head_in(std::uint64_t anchor) noexcept {
    return static_cast<std::uint32_t>(anchor >> 48);
  }
  static constexpr std::uint32_t size_in(std::uint64_t anchor) noexcept {
    return static_cast<std::uint32_t>(anchor >> 32) & 0xffff;
  }
  static constexpr std::uint32_t puts_in(std::uint64_t anchor) noexcept { return static_cast<std::uint32_t>(anchor); }
  static constexpr std::uint64_t make(std::uint32_t head, std::uint32_t size, std::uint32_t puts) noexcept {
    return (std::uint64_t{head} << 48) | (std::uint64_t{size} << 32) | puts;
  }
  [[nodiscard]] std::atomic<std::uint64_t>& at(std::uint64_t anchor, std::uint32_t index) noexcept {
    return ring_[(head_in(anchor) + index) % kRoom];
  }

  [[nodiscard]] std::uint64_t steal_from_ring() noexcept {
    std::uint64_t anchor = anchor_.load(std::memory_order_acquire);
    while (size_in(anchor) != 0) {
      const std::uint64_t id = at(anchor, 0).load(std::memory_order_relaxed);
      const std::uint64_t less = make((head_in(anchor) + 1) % kRoom, size_in(anchor) - 1, puts_in(anchor));
      // Release: as in pop_newest(); and the id is read before its place may be written again.
      if (anchor_.compare_exchange_weak(anchor, less, std::memory_order_acq_rel, std::memory_order_acquire)) return id;
    }
    return 0;
  }

  // The ring is full: its older half moves on.
  [[gnu::noinline]] void spill() {
    MutexLock lock(mu_);
    for (std::uint32_t i = 0; i < kRoom / 2; ++i) {
      if (const std::uint64_t id = steal_from_ring()) spilled_ids_.push_back(id);
    }
    spilled_.store(!spilled_ids_.empty(), std::memory_order_relaxed);
  }

  // The ring is empty: the newest of what was spilled come back. False if there are none.
  [[nodiscard, gnu::noinline]] bool unspill() {
    if (!spilled_.load(std::memory_order_relaxed)) return false;
    MutexLock lock(mu_);
    const std::size_t back = std::min<std::size_t>(spilled_ids_.size(), kRoom / 2);
    for (auto id = spilled_ids_.end() - static_cast<std::ptrdiff_t>(back); id != spilled_ids_.end(); ++id) push(*id);
    spilled_ids_.resize(spilled_ids_.size() - back);
    spilled_.store(!spilled_ids_.empty(), std::memory_order_relaxed);
    return back != 0;
  }

  [[nodiscard]] std::uint64_t take_spilled() ERRAND_REQUIRES(mu_) {
    if (spilled_ids_.empty()) return 0;
    const std::uint64_t id = spilled_ids_.front();
    spilled_ids_.pop_front();
    spilled_.store(!spilled_ids_.empty(), std::memory_order_relaxed);
    return id;
  }

  std::atomic<std::uint64_t> anchor_{0};
  // spilled_ids_ has something. Written under mu_, and only a hint without it; the last look before a sleep, where it
  // has to be right, is behind a barrier.
  std::atomic<bool> spilled_{false};
  std::atomic<std::uint64_t> ring_[kRoom] = {};
  Mutex mu_;
  std::deque<std::uint64_t> spilled_ids_ ERRAND_GUARDED_BY(mu_);  // older than those in the ring, oldest first
};

}  // namespace detail
}  // namespace v0
}  // namespace errand
