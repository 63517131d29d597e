// What a unique key allows: which task has it, who loses it, and who stands for whom.

#include "durable_oracle.h"

namespace sim {

using errand::bit;
using errand::TaskId;
using errand::TaskState;
using errand::WallTime;

void Oracle::asks_to_be_unique(const std::string& payload, const errand::Unique& unique, WallTime now) {
  if (unique.empty()) return;
  const bool lasts = unique.within > errand::Duration::zero();
  std::optional<WallTime> until;
  if (lasts) until = std::chrono::floor<std::chrono::microseconds>(now) + unique.within;
  unique_[payload] = {unique.states.value_or(lasts ? errand::kAllStates : errand::kLiveStates), until};
}

// One that does not hold on to its key while it runs loses it as soon as somebody asks for the key.
void Oracle::let_go_while_running(const std::string& key) {
  for (auto& [id, task] : tasks_) {
    if (task.key == key && task.token != 0 && (task.states & bit(TaskState::running)) == 0) task.holds = false;
  }
}

// The task that has the key, as somebody asks for it. One whose time for it is over loses it for good.
Oracle::Task* Oracle::holder(const std::string& key, WallTime now) {
  if (key.empty()) return nullptr;
  let_go_while_running(key);
  for (Task& one : tasks_) {
    Known& task = one.second;
    if (task.key != key || !task.holds || task.removed) continue;
    if (!task.until || *task.until > now) return &one;
    count("keys whose time was over");
    task.holds = false;
    task.states = 0;
  }
  return nullptr;
}

void Oracle::clashes(const errand::NewTask& task, const errand::Added& added, Task& holder) {
  Known& first = holder.second;
  if (first.final) count("duplicates of what is over");
  if (holder.first != added.id.value)
    breaks(text(added.id) + " stands for a duplicate of " + text(TaskId{holder.first}));
  if (task.unique.on_clash == errand::OnClash::refuse) breaks(text(added.id) + ": a duplicate of it was not refused");
  const bool waits = !first.final && first.token == 0;
  const bool replaces = task.unique.on_clash == errand::OnClash::replace && waits;
  if (added.replaced != replaces) breaks(text(added.id) + ": replaced, or not");
  if (!replaces) return;
  first.payload = task.payload;
  first.run_at = task.run_at;
  first.stand = Known::Stand::moved;
}

// Its key is its own again, if nobody has it meanwhile.
void Oracle::retry(TaskId id, Known& task, WallTime) {
  if (!task.final) return;
  task.holds = false;
  if (task.key.empty() || (task.states & bit(TaskState::available)) == 0) return;
  let_go_while_running(task.key);
  for (const auto& [other, known] : tasks_) {
    if (known.key == task.key && known.holds && !known.may_be_forgotten)
      breaks(text(id) + " lives again, and " + text(TaskId{other}) + " has its unique key");
  }
  task.holds = true;
}

void Oracle::refused_change(TaskId id, const errand::Change& change) {
  using What = errand::Change::What;
  Known* const task = find(id, "was not changed");
  if (task == nullptr) return;
  const bool waits = !task->final && task->token == 0;
  const bool may_wait = change.what == What::cancel || change.what == What::edit || change.what == What::retry;
  if (waits && may_wait) breaks(text(id) + ": it waits, and a change was refused");
  if (!task->final) return;
  if (change.what == What::remove) breaks(text(id) + ": it is over, and was not removed");
  if (change.what != What::retry) return;
  count("retries refused");
  let_go_while_running(task->key);
  const bool wants = !task->key.empty() && (task->states & bit(TaskState::available)) != 0;
  const bool is_taken = std::any_of(tasks_.begin(), tasks_.end(), [&](const Task& other) {
    return other.first != id.value && other.second.key == task->key && other.second.holds;
  });
  if (!wants || !is_taken) breaks(text(id) + ": it was not tried again, and nobody has its key");
}

// Something that failed may have asked for it.
bool Oracle::is_key_in_doubt(const std::string& key) const {
  const auto asks = [&](const auto& entry) { return entry.second.unique.key == key; };
  if (std::any_of(maybe_added_.begin(), maybe_added_.end(), asks)) return true;
  return std::any_of(maybe_touched_.begin(), maybe_touched_.end(), [&](std::uint64_t id) {
    const auto found = tasks_.find(id);
    return found != tasks_.end() && found->second.key == key;
  });
}

void Oracle::compare_key(Known& task, const errand::KeptTask& row, bool began) {
  if (row.holds_key == task.holds) return;
  if (began && is_key_in_doubt(task.key)) {
    task.holds = row.holds_key;
    task.states = row.task.unique.states;
    return;
  }
  breaks(text(row.id) + (task.holds ? ": it has lost its unique key" : ": it has a unique key that is not its own"));
}

}  // namespace sim
