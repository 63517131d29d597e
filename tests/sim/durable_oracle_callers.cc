// What callers hear: of the task that they ask for, of a cancel, and of an end.

#include "durable_oracle.h"

namespace sim {

using errand::TaskId;

std::string Oracle::asks() {
  return "t" + std::to_string(++asked_);
}

void Oracle::accepted(const std::string& payload, TaskId id, bool existed, bool in_line) {
  tell(in_line ? "is accepted in line" : "is accepted", id);
  mix(id.value + (existed ? 1 : 0));
  count("accepted");
  const auto found = by_payload_.find(payload);
  if (found == by_payload_.end() || found->second != id.value) {
    breaks(text(id) + " was accepted, and is not in the store");
    return;
  }
  Known* const task = find(id, "was accepted");
  if (task == nullptr || existed || task->final) return;
  // One with a key goes back to the store while another one with that key is on its way, to be replaced.
  if (task->stand == Known::Stand::added && in_line && task->key.empty()) task->stand = Known::Stand::in_line;
}

void Oracle::refused(const std::string& payload, const errand::Error& error, bool faulty) {
  mix(static_cast<std::uint64_t>(error.code()));
  count("refused");
  if (by_payload_.contains(payload)) breaks("an enqueue failed, and its task is in the store: " + error.message());
  if (!faulty && error.code() != errand::Code::duplicate)
    breaks("an enqueue failed, and the store was well: " + error.message());
}

void Oracle::stirs(const std::string& queue) {
  for (auto& [id, task] : tasks_) {
    if (task.queue == queue) task.stand = Known::Stand::moved;
  }
}

int Oracle::asks_to_cancel(TaskId id) {
  Known& task = tasks_.at(id.value);
  task.cancel_asked = true;
  return task.retries;
}

void Oracle::cancelled(TaskId id, int retries) {
  tell("its cancel returns", id);
  mix(id.value * 3);
  Known* const task = find(id, "was cancelled");
  if (task == nullptr || task->body != Known::Body::none || task->retries != retries) return;
  task->never_begins = true;
}

void Oracle::watches(TaskId id, std::uint64_t number) {
  watches_[number].id = id;
}

void Oracle::on_finish(std::uint64_t number, const errand::TaskInfo& info) {
  mix(number * 41 + static_cast<std::uint64_t>(info.state));
  count("on_finish");
  Watch& watch = watches_[number];
  if (++watch.calls > 1) breaks(text(info.id) + ": on_finish was called twice");
  const auto found = tasks_.find(info.id.value);
  if (found == tasks_.end() || !is_over(info.state)) breaks(text(info.id) + ": on_finish of a task that is not over");
}

void Oracle::stopped_waiting(TaskId id, bool over) {
  mix(id.value * 43 + (over ? 1 : 0));
  count(over ? "waits that ended" : "waits that took too long");
  const auto found = tasks_.find(id.value);
  if (found == tasks_.end()) return;
  if (over && !found->second.final) breaks(text(id) + ": a wait for it is over, and it is not");
  if (!over && found->second.final) breaks(text(id) + ": it is over, and who waited was not told");
}

void Oracle::all_told() {
  for (const auto& [number, watch] : watches_) {
    const auto found = tasks_.find(watch.id.value);
    if (!watch.id || found == tasks_.end() || !found->second.final) continue;
    if (watch.calls != 1) breaks(text(watch.id) + ": it is over, and its on_finish was never called");
  }
}

}  // namespace sim
