// The pause of a queue: what is said here holds at once, and its store has it as soon as that can be told.

#include "base/log.h"
#include "durable/named_tasks.h"

namespace errand {
inline namespace v0 {
namespace detail {

void NamedTasks::set_paused(bool paused) {
  {
    MutexLock lock(pause_mutex_);
    if (paused) {
      engine_.pause();
    } else {
      engine_.end_pause();
    }
    pause_.store({.is_on = paused, .store = StorePause::untold}, std::memory_order_release);
  }
  // A thread that can't wait for the store leaves it to the next round, as one that is told that the store is away
  // does.
  if (committer().may_wait()) {
    if (auto told = settle_pause(); !told)
      log(LogLevel::warning, name_, told.error().message() + "; it holds here, and the store is told when it is back");
  }
  if (paused) {
    give_back_claims();
  } else {
    wish_again();
    engine_.wake_driver();
  }
  committer().wish();
}

// One does this at a time, so that the store is left with what was said last. Who finds somebody at it does not wait,
// since that one may lead, or wait for a transaction that this thread is in: the next round sees to it, which whoever
// said something has wished for.
Result<bool> NamedTasks::settle_pause() {
  if (pause_.load(std::memory_order_acquire).store == StorePause::settled) return true;
  if (tells_pause_.exchange(true, std::memory_order_acquire)) return false;
  const auto told = tell_pause();
  tells_pause_.store(false, std::memory_order_release);
  if (!told) return told.error();
  return pause_.load(std::memory_order_acquire).store == StorePause::settled;
}

Result<void> NamedTasks::tell_pause() {
  Pause pause = pause_.load(std::memory_order_acquire);
  if (pause.store == StorePause::unread) {
    const auto counts = hub_->store->counts(committer().now());
    // What trying again does not help against is not to keep the queue from working. Claims go by what the store has.
    const bool unreadable = !counts && counts.error().code() == Code::invalid;
    if (!counts && !unreadable) return counts.error();
    if (unreadable) log(LogLevel::error, name_, counts.error().message() + "; so the queue does not know of a pause");
    keep_what_was_read(unreadable ? std::vector<Counts>() : *counts);
  } else if (pause.store == StorePause::untold) {
    if (auto told = hub_->store->set_paused(name_, pause.is_on); !told) return told;
    // Fails where something else was said meanwhile.
    pause_.compare_exchange_strong(pause, {.is_on = pause.is_on, .store = StorePause::settled},
                                   std::memory_order_acq_rel);
    MutexLock lock(mu_);
    more_ = better_ = true;
  }
  return {};
}

// What a pause said before a restart still holds; unless somebody has said something since.
void NamedTasks::keep_what_was_read(const std::vector<Counts>& counts) {
  bool is_on = false;
  for (const Counts& one : counts) {
    if (one.queue == name_) is_on = one.paused;
  }
  MutexLock lock(pause_mutex_);
  if (pause_.load(std::memory_order_relaxed).store != StorePause::unread) return;
  if (is_on) engine_.pause();
  // The end of a queue ends its pause; where that came first, it is not to begin again.
  if (closing_.load(std::memory_order_acquire)) engine_.end_pause();
  pause_.store({.is_on = is_on, .store = StorePause::settled}, std::memory_order_release);
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
