// What workers do: in which order they take tasks, which bodies begin, and beside whom.

#include "durable_oracle.h"

#include <algorithm>

namespace sim {

using errand::TaskId;
using errand::WallTime;

// A worker takes it from its line. Nothing better may stand there.
void Oracle::taken(TaskId id, bool paused) {
  tell("is taken by a worker", id);
  mix(id.value * 5);
  Known* const task = find(id, "was taken by a worker");
  if (task == nullptr) return;
  if (paused) breaks(text(id) + ": a worker took it, and its queue is paused");
  if (task->token == 0) breaks(text(id) + ": a worker took it, and nobody has claimed it");
  task->stand = Known::Stand::moved;
  comes_before_others(task->queue, task->priority, text(id));
}

void Oracle::comes_before_others(const std::string& queue, int priority, const std::string& who) {
  const auto compare = [&](const auto& other, const std::string& name) {
    if (other.queue != queue || other.priority >= priority) return;
    breaks(who + " of priority " + std::to_string(priority) + " was taken before " + name + " of priority " +
           std::to_string(other.priority));
  };
  for (const auto& [id, task] : tasks_) {
    if (task.stand == Known::Stand::in_line) compare(task, text(TaskId{id}));
  }
  for (const auto& [id, closure] : closures_) {
    if (closure.in_line) compare(closure, "closure " + to_string(TaskId{id}));
  }
}

void Oracle::begins(TaskId id, std::string_view payload, int number, WallTime now) {
  tell("its body begins", id);
  mix(id.value * 7 + static_cast<std::uint64_t>(number));
  count("bodies");
  Known* const task = find(id, "began");
  if (task == nullptr) return;
  if (task->final) breaks(text(id) + ": it began, and is over");
  if (task->token == 0) breaks(text(id) + ": it began, and nobody has claimed it");
  if (task->body != Known::Body::none) breaks(text(id) + ": it began twice under one claim");
  if (task->payload != payload) breaks(text(id) + ": its body was given another payload");
  if (task->never_begins) breaks(text(id) + ": it began, and had been cancelled before");
  if (task->expires_at && *task->expires_at <= now) breaks(text(id) + ": it began after it had expired");
  if (number != task->attempts + 1) {
    breaks(text(id) + ": this is attempt " + std::to_string(task->attempts + 1) + ", and is called " +
           std::to_string(number));
  }
  if (task->crashes > 0) {
    count("suspects' bodies");
    if (suspect_runs()) breaks(text(id) + ": it began beside another suspect");
  }
  task->body = Known::Body::runs;
}

void Oracle::ends(TaskId id, Said said) {
  tell("its body ends", id);
  mix(id.value * 11 + static_cast<std::uint64_t>(said.what) * 16 + static_cast<std::uint64_t>(said.stop));
  count("stops " + std::string(to_string(said.stop)));
  Known* const task = find(id, "ended");
  if (task == nullptr) return;
  task->body = Known::Body::over;
  task->said = said;
}

void Oracle::ends_late(TaskId id) {
  tell("the body that completed it ends", id);
  mix(id.value * 53);
  if (Known* const task = find(id, "ended")) --task->lingering;
}

bool Oracle::suspect_runs() const {
  return std::any_of(tasks_.begin(), tasks_.end(),
                     [](const Task& task) { return task.second.crashes > 0 && task.second.body == Known::Body::runs; });
}

}  // namespace sim
