#include "memory/rows.h"

namespace errand {
inline namespace v0 {
namespace memory {

TaskState state_at(const KeptTask& task, WallTime now) noexcept {
  return waits(task.state) && task.task.run_at <= now ? TaskState::available : task.state;
}

KeptTask& Rows::add(KeptTask task) {
  KeptTask& kept = tasks_.emplace(task.id.value, std::move(task)).first->second;
  enter_orders(kept);
  return kept;
}

void Rows::erase(Id id) {
  const auto found = tasks_.find(id);
  leave_orders(found->second);
  tasks_.erase(found);
}

KeptTask* Rows::find(Id id) {
  const auto found = tasks_.find(id);
  return found != tasks_.end() ? &found->second : nullptr;
}

Rows::Line& Rows::line(std::string_view queue) {
  const auto found = lines_.find(queue);
  return found != lines_.end() ? found->second : lines_[std::string(queue)];
}

KeptTask* Rows::holder(const std::string& key) {
  const auto found = keys_.find(key);
  return found != keys_.end() ? find(found->second) : nullptr;
}

void Rows::let_go(KeptTask& task) {
  change(task, [](KeptTask& t) { t.task.unique.states = 0; });
}

void Rows::enter_orders(KeptTask& task) {
  const Id id = task.id.value;
  const NewTask& given = task.task;
  if (waits(task.state)) {
    if (task.aside == Aside::no) line(given.queue).insert({given.priority, given.run_at, id});
    if (given.expires_at) expiring_.insert({*given.expires_at, id});
  }
  if (is_final(task.state) && task.prune_at) prunable_.insert({*task.prune_at, id});
  if ((given.unique.states & bit(task.state)) != 0 && !given.unique.key.empty()) keys_.emplace(given.unique.key, id);
}

void Rows::leave_orders(KeptTask& task) {
  const Id id = task.id.value;
  const NewTask& given = task.task;
  if (const auto found = lines_.find(given.queue); found != lines_.end())
    found->second.erase({given.priority, given.run_at, id});
  if (given.expires_at) expiring_.erase({*given.expires_at, id});
  if (task.prune_at) prunable_.erase({*task.prune_at, id});
  if (const auto key = keys_.find(given.unique.key); key != keys_.end() && key->second == id) keys_.erase(key);
}

}  // namespace memory
}  // namespace v0
}  // namespace errand
