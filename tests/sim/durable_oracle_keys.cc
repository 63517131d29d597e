// What a unique key allows: which task has it, who loses it, and who stands for whom.

#include <algorithm>
#include <utility>

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

namespace {

bool is_held_in_its_state(const Known& task) {
  const TaskState live = task.token != 0 ? TaskState::running : TaskState::available;
  return (task.states & bit(task.final.value_or(live))) != 0;
}

bool is_over(const std::optional<WallTime>& until, WallTime now) {
  return until && *until <= now;
}

}  // namespace

// The task that has the key, as somebody asks for it. One whose state does not hold on to it loses it by that, and one
// whose time for it is over does so for good.
Oracle::Task* Oracle::keeper(const std::string& key, WallTime now) {
  for (Task& one : tasks_) {
    Known& task = one.second;
    if (task.key != key || !task.holds || task.removed) continue;
    if (!is_held_in_its_state(task)) {
      task.holds = false;
      continue;
    }
    if (!is_over(task.until, now)) return &one;
    count("keys whose time was over");
    task.holds = false;
    task.states = 0;
  }
  return nullptr;
}

// And where nobody has it, the first one that runs and could.
Oracle::Task* Oracle::holder(const std::string& key, WallTime now) {
  if (key.empty()) return nullptr;
  if (Task* const task = keeper(key, now)) return task;
  for (Task& one : tasks_) {
    Known& task = one.second;
    if (task.key != key || task.removed || task.token == 0 || !is_held_in_its_state(task)) continue;
    if (is_over(task.until, now)) continue;
    count("keys taken by what ran");
    task.holds = true;
    return &one;
  }
  return nullptr;
}

// It is in a state in which it has its key, if nobody else has.
void Oracle::take_key(Known& task, WallTime now) {
  if (task.holds || task.key.empty() || !is_held_in_its_state(task) || is_over(task.until, now)) return;
  Task* const other = keeper(task.key, now);
  if (other != nullptr && !other->second.may_be_forgotten) return;
  task.holds = true;
  count("keys taken later");
  // Perhaps that one is there still; its row will tell.
  if (other != nullptr) task.may_not_hold = other->second.may_not_hold = true;
}

void Oracle::clashes(const errand::NewTask& task, const errand::Added& added, Task& holder) {
  Known& first = holder.second;
  if (first.final) count("duplicates of what is over");
  if (holder.first != added.id.value)
    breaks(text(added.id) + " stands for a duplicate of " + text(TaskId{holder.first}));
  if (task.unique.on_clash == errand::OnClash::refuse) breaks(text(added.id) + ": a duplicate of it was not refused");
  const bool waits = !first.final && first.token == 0;
  const bool replaced = replaces(task.unique.on_clash) && waits;
  if (added.replaced != replaced) breaks(text(added.id) + ": replaced, or not");
  if (!replaced) return;
  if (replaces_payload(task.unique.on_clash)) first.payload = task.payload;
  if (!replaces_time(task.unique.on_clash)) return;
  first.run_at = task.run_at;
  first.stand = Known::Stand::moved;
}

// Its key is its own again, if nobody has it meanwhile and its time for that is not over.
void Oracle::retry(TaskId id, Known& task, WallTime now) {
  if (!task.final || task.key.empty() || (task.states & bit(TaskState::available)) == 0) return;
  if (is_over(task.until, now)) return;
  const Task* const other = holder(task.key, now);
  if (other != nullptr && other->first != id.value && !other->second.may_be_forgotten && !other->second.may_not_hold)
    breaks(text(id) + " lives again, and " + text(TaskId{other->first}) + " has its unique key");
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
  const bool wants = (task->states & bit(TaskState::available)) != 0 && !is_over(task->until, now_);
  const Task* const other = holder(task->key, now_);
  const bool is_taken = other != nullptr && other->first != id.value;
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
  if (std::exchange(task.may_not_hold, false)) task.holds = row.holds_key;
  if (row.holds_key == task.holds) return;
  // A claim may have taken it, too.
  const bool may_have_been_taken = maybe_any_ && (task.states & errand::kLiveStates) != errand::kLiveStates;
  if (began && (may_have_been_taken || is_key_in_doubt(task.key))) {
    task.holds = row.holds_key;
    task.states = row.task.unique.states;
    return;
  }
  breaks(text(row.id) + (task.holds ? ": it has lost its unique key" : ": it has a unique key that is not its own"));
}

}  // namespace sim
