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

  /// Keeps `id`, and returns the one that has to go for it, and another one that will go soon; 0: none.
  struct Gone {
    std::uint64_t now = 0;
    std::uint64_t soon = 0;
  };
  [[nodiscard]] Gone push(std::uint64_t id) {
    if (keep_ == 0) return {id, 0};
    MutexLock lock(mu_);
    if (ids_.size() < keep_) {
      ids_.push_back(id);
      return {};
    }
    std::swap(ids_[next_], id);
    next_ = next_ + 1 == keep_ ? 0 : next_ + 1;
    return {id, ids_[next_ + kSoon < keep_ ? next_ + kSoon : next_]};
  }

 private:
  static constexpr std::size_t kSoon = 4;

  const std::size_t keep_;
  Mutex mu_;
  std::vector<std::uint64_t> ids_ ERRAND_GUARDED_BY(mu_);
  std::size_t next_ ERRAND_GUARDED_BY(mu_) = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace errand
