#include "children.h"

#include <signal.h>

#include <algorithm>

namespace errand::cli {

void Children::add(pid_t group) {
  const MutexLock lock(mu_);
  groups_.push_back(group);
}

void Children::remove(pid_t group) noexcept {
  const MutexLock lock(mu_);
  const auto found = std::ranges::find(groups_, group);
  if (found == groups_.end()) return;
  *found = groups_.back();
  groups_.pop_back();
}

void Children::signal_all(int signal) const noexcept {
  const MutexLock lock(mu_);
  for (const pid_t group : groups_) ::kill(-group, signal);
}

}  // namespace errand::cli
