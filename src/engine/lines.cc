#include "engine/lines.h"

#include <algorithm>

namespace errand {
inline namespace v0 {
namespace detail {

void PriorityLine::push(const WaitingTask& task) {
  waiting_[task.priority].push_back(task);
  ++size_;
}

WaitingTask PriorityLine::take(int priority) {
  const WaitingTask task = waiting_[priority].front();
  waiting_[priority].pop_front();
  --size_;
  return task;
}

std::int64_t PriorityLine::effective(const WaitingTask& task, std::int64_t now) const {
  if (age_step_ == 0) return task.priority;
  return std::max<std::int64_t>(0, task.priority - std::max<std::int64_t>(0, now - task.at) / age_step_);
}

// Only the first of each priority is looked at: those behind it are younger, but for named tasks that come from their
// store in between.
std::optional<WaitingTask> PriorityLine::pop(std::int64_t now) {
  int best = -1;
  for (int priority = 0; priority < 10; ++priority) {
    if (waiting_[priority].empty()) continue;
    if (best < 0) {
      best = priority;
      if (age_step_ == 0) break;
      continue;
    }
    const WaitingTask& a = waiting_[best].front();
    const WaitingTask& b = waiting_[priority].front();
    const std::int64_t better = effective(a, now) - effective(b, now);
    if (better > 0 || (better == 0 && b.at < a.at)) best = priority;
  }
  if (best < 0) return std::nullopt;
  return take(best);
}

std::optional<WaitingTask> PriorityLine::pop_oldest() {
  int oldest = -1;
  for (int priority = 0; priority < 10; ++priority) {
    if (waiting_[priority].empty()) continue;
    if (oldest < 0 || waiting_[priority].front().at < waiting_[oldest].front().at) oldest = priority;
  }
  if (oldest < 0) return std::nullopt;
  return take(oldest);
}

void PriorityLine::sweep(const Callback<bool(const WaitingTask&)>& is_over) {
  for (auto& waiting : waiting_) {
    size_ -= std::erase_if(waiting, [&](const WaitingTask& task) { return is_over(task); });
    waiting.shrink_to_fit();
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
