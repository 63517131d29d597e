// Closures, which share the workers with named tasks, and nothing else: what befalls the store is nothing to them.

#include "durable_world.h"

namespace sim {

void World::submit(Line& line) {
  errand::TaskOptions options;
  const bool at_once = !one_in(3);
  if (!at_once) options.delay = errand::Duration(1 + rng_.below(3'000'000'000));
  options.priority = static_cast<int>(rng_.below(10));
  options.on_finish = [this](const errand::TaskInfo& info) {
    if (!store_->is_dead()) oracle_.closure_ended(info.id, info.state);
  };
  const int priority = options.priority;
  const auto task = line.queue->submit([this](errand::Attempt& attempt) { return runs(attempt); }, std::move(options));
  if (!task) return oracle_.breaks("a closure was refused: " + task.error().message());
  oracle_.submitted(task.id(), line.queue->name(), priority, at_once);
}

void World::cancel_closure(Line& line) {
  const auto ids = oracle_.closures_of(line.queue->name());
  if (ids.empty()) return;
  const errand::TaskId id = ids[rng_.below(ids.size())];
  if (line.queue->cancel(id)) oracle_.closure_cancelled(id);
}

errand::Outcome World::runs(errand::Attempt& attempt) {
  const errand::TaskId id = attempt.id();
  if (!store_->is_dead()) oracle_.closure_begins(id);
  for (std::uint64_t turns = rng_.below(6); turns > 0 && !store_->is_dead(); --turns) stage_->pause();
  const bool done = !one_in(4);
  if (!store_->is_dead()) oracle_.closure_says(id, done ? errand::TaskState::completed : errand::TaskState::discarded);
  return done ? errand::done() : errand::discard("no use");
}

}  // namespace sim
