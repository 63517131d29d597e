// Closures: each runs once, or is cancelled, as long as the process lives; with a dead one they are gone.

#include "durable_oracle.h"

namespace sim {

using errand::TaskId;
using errand::TaskState;

void Oracle::submitted(TaskId id, const std::string& queue, int priority, bool in_line) {
  mix(static_cast<std::uint64_t>(priority) * 59);
  count("closures");
  closures_[id.value] = {.queue = queue, .priority = priority, .in_line = in_line};
}

Oracle::Closure* Oracle::find_closure(TaskId id, const char* what) {
  const auto found = closures_.find(id.value);
  if (found != closures_.end()) return &found->second;
  breaks("closure " + to_string(id) + " " + what + ", and nobody submitted it");
  return nullptr;
}

void Oracle::closure_taken(TaskId id, bool paused) {
  Closure* const closure = find_closure(id, "was taken by a worker");
  if (closure == nullptr) return;
  closure->in_line = false;
  if (paused) breaks("a worker took a closure, and its queue is paused");
  comes_before_others(closure->queue, closure->priority, "closure " + to_string(id));
}

void Oracle::closure_begins(TaskId id) {
  mix(61);
  Closure* const closure = find_closure(id, "began");
  if (closure == nullptr) return;
  if (std::exchange(closure->begun, true)) breaks("closure " + to_string(id) + " began twice");
  if (closure->cancelled) breaks("closure " + to_string(id) + " began, and had been cancelled before");
}

void Oracle::closure_says(TaskId id, TaskState state) {
  if (Closure* const closure = find_closure(id, "ended")) closure->says = state;
}

void Oracle::closure_cancelled(TaskId id) {
  Closure* const closure = find_closure(id, "was cancelled");
  if (closure == nullptr) return;
  closure->in_line = false;
  closure->cancelled = !closure->begun;
}

void Oracle::closure_ended(TaskId id, TaskState state) {
  mix(static_cast<std::uint64_t>(state) * 67);
  count("closures " + std::string(to_string(state)));
  Closure* const closure = find_closure(id, "is over");
  if (closure == nullptr) return;
  if (std::exchange(closure->over, true)) breaks("closure " + to_string(id) + ": its on_finish is called twice");
  const TaskState expected = closure->begun ? closure->says : TaskState::cancelled;
  if (state != expected) {
    breaks("closure " + to_string(id) + " is " + std::string(to_string(state)) + ", and not " +
           std::string(to_string(expected)));
  }
}

void Oracle::closures_are_over() {
  for (const auto& [id, closure] : closures_) {
    if (!closure.over)
      breaks("closure " + to_string(TaskId{id}) + ": its queue is closed, and nobody heard of its end");
  }
}

std::vector<TaskId> Oracle::closures_of(const std::string& queue) const {
  std::vector<TaskId> ids;
  for (const auto& [id, closure] : closures_) {
    if (closure.queue == queue && !closure.over) ids.push_back(TaskId{id});
  }
  return ids;
}

}  // namespace sim
