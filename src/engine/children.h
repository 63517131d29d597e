#pragma once
// Order::depth_first: what the bodies on one worker submitted, for that worker from one end and thieves from the other.

#include <atomic>
#include <deque>

#include "base/mutex.h"

namespace errand {
inline namespace v0 {
namespace detail {

/// Threads: any; only the worker pushes.
class Children {
 public:
  [[nodiscard]] bool empty() const noexcept { return size_.load(std::memory_order_acquire) == 0; }
  void push(std::uint64_t id) {
    MutexLock lock(mu_);
    ids_.push_back(id);
    size_.store(ids_.size(), std::memory_order_release);
  }
  /// 0: there is none.
  [[nodiscard]] std::uint64_t pop_newest() {
    MutexLock lock(mu_);
    if (ids_.empty()) return 0;
    const std::uint64_t id = ids_.back();
    ids_.pop_back();
    size_.store(ids_.size(), std::memory_order_release);
    return id;
  }
  [[nodiscard]] std::uint64_t pop_oldest() {
    if (empty()) return 0;
    MutexLock lock(mu_);
    if (ids_.empty()) return 0;
    const std::uint64_t id = ids_.front();
    ids_.pop_front();
    size_.store(ids_.size(), std::memory_order_release);
    return id;
  }

 private:
  std::atomic<std::size_t> size_{0};
  Mutex mu_;
  std::deque<std::uint64_t> ids_ ERRAND_GUARDED_BY(mu_);
};

}  // namespace detail
}  // namespace v0
}  // namespace errand
