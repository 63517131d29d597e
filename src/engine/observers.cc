#include "engine/observers.h"

#include "base/time.h"

namespace errand {
inline namespace v0 {

std::vector<TaskEvent> Observer::take(std::size_t limit) {
  MutexLock lock(state_->mu);
  const auto n = static_cast<std::ptrdiff_t>(std::min(limit, state_->events.size()));
  std::vector<TaskEvent> taken(state_->events.begin(), state_->events.begin() + n);
  state_->events.erase(state_->events.begin(), state_->events.begin() + n);
  return taken;
}

bool Observer::wait_for(Duration timeout) {
  const SteadyTime until = saturating_add(state_->clock->mono(), timeout);
  for (;;) {
    const std::uint32_t seen = state_->word.load(std::memory_order_acquire);
    {
      MutexLock lock(state_->mu);
      if (!state_->events.empty()) return true;
    }
    if (state_->clock->mono() >= until) return false;
    state_->clock->wait(state_->word, seen, {until, {}});
  }
}

std::uint64_t Observer::dropped() const {
  MutexLock lock(state_->mu);
  return state_->dropped;
}

}  // namespace v0
}  // namespace errand
