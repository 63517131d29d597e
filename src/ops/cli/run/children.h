#pragma once
// The process groups that are at work.

#include "base/mutex.h"

#include <sys/types.h>

#include <vector>

namespace errand::cli {

/// Knows which groups exist, so that a signal reaches all of them and never a stranger who got the same number later.
///
/// Threads: any.
class Children {
 public:
  void add(pid_t group) ERRAND_EXCLUDES(mu_);
  /// REQUIRES: the group's first process has not been waited for yet, so its number is still taken.
  void remove(pid_t group) noexcept ERRAND_EXCLUDES(mu_);
  void signal_all(int signal) const noexcept ERRAND_EXCLUDES(mu_);

 private:
  mutable Mutex mu_;
  std::vector<pid_t> groups_ ERRAND_GUARDED_BY(mu_);  // no more than there are workers
};

}  // namespace errand::cli
