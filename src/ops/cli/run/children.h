#pragma once
// The process groups that are at work.

#include "base/mutex.h"

#include <sys/types.h>

#include <shared_mutex>
#include <vector>

namespace errand::cli {

/// Knows which groups exist, so that a signal reaches all of them and never a stranger who got the same number later.
///
/// Threads: any.
class Children {
 public:
  /// Starts a group: `begin()` returns a Result of something with a `pid`. What is sent to all meanwhile waits for it,
  /// so that no group is missed because it was not known yet.
  template <class Begin>
  auto start(Begin begin) {
    const std::shared_lock lock = hold_signals();
    auto process = begin();
    if (process) add(process->pid);
    return process;
  }
  /// REQUIRES: the group's first process has not been waited for yet, so its number is still taken.
  void remove(pid_t group) noexcept ERRAND_EXCLUDES(mu_);
  void signal_all(int signal) ERRAND_EXCLUDES(mu_);
  /// Stops all groups, and then this process; when it goes on, so do they.
  void suspend_with_us();

 private:
  [[nodiscard]] std::shared_lock<std::shared_mutex> hold_signals();
  [[nodiscard]] std::unique_lock<std::shared_mutex> hold_starts();
  void add(pid_t group) ERRAND_EXCLUDES(mu_);
  void send(int signal) const noexcept ERRAND_EXCLUDES(mu_);

  // Lock order: turn_, starting_, mu_. Groups are started side by side, under a share of starting_. Whoever wants it
  // has to hold turn_ first: else those who start without a pause would keep out the one who signals.
  std::mutex turn_;
  std::shared_mutex starting_;
  mutable Mutex mu_;
  std::vector<pid_t> groups_ ERRAND_GUARDED_BY(mu_);  // no more than there are workers
};

}  // namespace errand::cli
