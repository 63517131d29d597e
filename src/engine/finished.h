#pragma once
// The last finished tasks of one final state, of those that are not given back with their page.

#include <vector>

#include "base/mutex.h"

namespace errand {
inline namespace v0 {
namespace detail {

/// Threads: any.
class FinishedRing {
 public:
  explicit FinishedRing(std::size_t keep) : keep_(keep) {}

  /// Keeps `id`, and returns the one that has to go for it; 0: none.
  [[nodiscard]] std::uint64_t push(std::uint64_t id) {
    if (keep_ == 0) return id;
    MutexLock lock(mu_);
    if (ids_.size() < keep_) {
      ids_.push_back(id);
      return 0;
    }
    std::swap(ids_[next_], id);
    next_ = next_ + 1 == keep_ ? 0 : next_ + 1;
    return id;
  }

 private:
  const std::size_t keep_;
  Mutex mu_;
  std::vector<std::uint64_t> ids_ ERRAND_GUARDED_BY(mu_);
  std::size_t next_ ERRAND_GUARDED_BY(mu_) = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace errand
