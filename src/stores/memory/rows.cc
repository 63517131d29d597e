#include "memory/rows.h"

#include <utility>

#include "base/time.h"

namespace errand {
inline namespace v0 {
namespace memory {

KeptTask& Rows::add(KeptTask task) {
  KeptTask& kept = tasks_.emplace(task.id.value, std::move(task)).first->second;
  kept.holds_key = kept.holds_key && may_have_key(kept);
  if (kept.holds_key) keys_.emplace(kept.task.unique.key, kept.id.value);
  enter_orders(kept);
  if (const NewTask& given = kept.task; has_slot(given)) slots_.emplace(slot_of(given), kept.id.value);
  return kept;
}

void Rows::erase(Id id) {
  const auto found = tasks_.find(id);
  leave_orders(found->second);
  drop_key(found->second);
  if (const NewTask& given = found->second.task; has_slot(given)) slots_.erase(slot_of(given));
  tasks_.erase(found);
}

void Rows::trim() {
  if (!std::exchange(crowded_, false)) return;
  for (auto& [queue, by_state] : ended_) {
    for (auto& [state, tasks] : by_state) {
      while (tasks.size() > keep_) erase(tasks.front());
    }
  }
}

KeptTask* Rows::find(Id id) {
  const auto found = tasks_.find(id);
  return found != tasks_.end() ? &found->second : nullptr;
}

Rows::Line& Rows::line(std::string_view queue) {
  const auto found = lines_.find(queue);
  return found != lines_.end() ? found->second : lines_[std::string(queue)];
}

bool Rows::is_over(const UniqueKey& unique, WallTime now) noexcept {
  return unique.until && *unique.until <= now;
}

bool Rows::may_have_key(const KeptTask& task) noexcept {
  return !task.task.unique.key.empty() && (task.task.unique.states & bit(task.state)) != 0;
}

KeptTask* Rows::keeper(const std::string& key, WallTime now) {
  const auto found = keys_.find(key);
  if (found == keys_.end()) return nullptr;
  KeptTask& task = *find(found->second);
  const bool may = may_have_key(task);
  if (may && !is_over(task.task.unique, now)) return &task;
  may ? give_up_key(task) : drop_key(task);
  return nullptr;
}

KeptTask* Rows::holder(const std::string& key, WallTime now) {
  if (KeptTask* task = keeper(key, now)) return task;
  if (const auto found = without_key_.find(key); found != without_key_.end()) {
    for (const Id id : found->second) {
      KeptTask& task = *find(id);
      if (is_over(task.task.unique, now)) continue;
      get_key(task);
      return &task;
    }
  }
  return nullptr;
}

void Rows::take_key(KeptTask& task, WallTime now) {
  if (task.holds_key || !may_have_key(task) || is_over(task.task.unique, now)) return;
  if (keeper(task.task.unique.key, now) == nullptr) get_key(task);
}

void Rows::get_key(KeptTask& task) {
  leave_orders(task);
  keys_.emplace(task.task.unique.key, task.id.value);
  task.holds_key = true;
  enter_orders(task);
}

void Rows::give_up_key(KeptTask& task) {
  leave_orders(task);
  task.task.unique.states = 0;
  drop_key(task);
  enter_orders(task);
}

void Rows::drop_key(KeptTask& task) {
  if (std::exchange(task.holds_key, false)) keys_.erase(task.task.unique.key);
}

const std::set<Rows::Id>& Rows::runs(const std::string& queue, const std::string& schedule) const {
  static const std::set<Id> kNone;
  const auto found = runs_.find({queue, schedule});
  return found != runs_.end() ? found->second : kNone;
}

Rows::Slot Rows::slot_of(const NewTask& given) {
  return {given.queue, given.schedule, up_to_micros(*given.slot)};
}

KeptTask* Rows::run_of_slot(const NewTask& given) {
  if (!has_slot(given)) return nullptr;
  const auto found = slots_.find(slot_of(given));
  return found != slots_.end() ? find(found->second) : nullptr;
}

void Rows::enter_orders(KeptTask& task) {
  const Id id = task.id.value;
  const NewTask& given = task.task;
  if (is_waiting(task.state)) {
    if (task.aside == Aside::no) line(given.queue).insert({given.priority, given.run_at, id});
    if (given.expires_at) expiring_.insert({*given.expires_at, id});
  }
  if (is_final(task.state) && task.prune_at) prunable_.insert({*task.prune_at, id});
  if (is_final(task.state) && !task.holds_key) {
    Ended& tasks = ended_[given.queue][task.state];
    among_ended_[id] = {&tasks, tasks.insert(tasks.end(), id)};
    crowded_ = crowded_ || tasks.size() > keep_;
  }
  if (task.state == TaskState::running && may_have_key(task) && !task.holds_key)
    without_key_[given.unique.key].insert(id);
  if (!is_final(task.state) && !given.schedule.empty()) runs_[{given.queue, given.schedule}].insert(id);
}

void Rows::leave_orders(KeptTask& task) {
  const Id id = task.id.value;
  const NewTask& given = task.task;
  if (const auto found = lines_.find(given.queue); found != lines_.end())
    found->second.erase({given.priority, given.run_at, id});
  if (given.expires_at) expiring_.erase({*given.expires_at, id});
  if (task.prune_at) prunable_.erase({*task.prune_at, id});
  if (const auto found = among_ended_.find(id); found != among_ended_.end()) {
    found->second.first->erase(found->second.second);
    among_ended_.erase(found);
  }
  if (const auto found = without_key_.find(given.unique.key); found != without_key_.end()) {
    found->second.erase(id);
    if (found->second.empty()) without_key_.erase(found);
  }
  if (given.schedule.empty()) return;
  if (const auto found = runs_.find({given.queue, given.schedule}); found != runs_.end()) {
    found->second.erase(id);
    if (found->second.empty()) runs_.erase(found);
  }
}

}  // namespace memory
}  // namespace v0
}  // namespace errand
