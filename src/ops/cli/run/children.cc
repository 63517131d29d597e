#include "children.h"

#include <signal.h>

#include <algorithm>

namespace errand::cli {

std::shared_lock<std::shared_mutex> Children::hold_signals() {
  const std::lock_guard turn(turn_);
  return std::shared_lock(starting_);
}

std::unique_lock<std::shared_mutex> Children::hold_starts() {
  const std::lock_guard turn(turn_);
  return std::unique_lock(starting_);
}

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

void Children::send(int signal) const noexcept {
  const MutexLock lock(mu_);
  for (const pid_t group : groups_) ::kill(-group, signal);
}

void Children::signal_all(int signal) {
  const std::unique_lock lock = hold_starts();
  send(signal);
}

// raise() stops this thread before it returns, so the groups go on only after we were told to.
void Children::suspend_with_us() {
  const std::unique_lock lock = hold_starts();
  send(SIGTSTP);
  ::raise(SIGSTOP);
  send(SIGCONT);
}

}  // namespace errand::cli
