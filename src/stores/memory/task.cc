#include "memory/task.h"

#include <algorithm>

#include "base/time.h"

namespace errand {
inline namespace v0 {
namespace memory {

TaskState state_at(const KeptTask& task, WallTime now) noexcept {
  return is_waiting(task.state) && task.task.run_at <= now ? TaskState::available : task.state;
}

KeptTask seen(const KeptTask& task, WallTime now) {
  KeptTask copy = task;
  copy.state = state_at(task, now);
  return copy;
}

bool matches(const KeptTask& task, const TaskFilter& filter, WallTime now) {
  const NewTask& given = task.task;
  if (!filter.ids.empty() && std::find(filter.ids.begin(), filter.ids.end(), task.id) == filter.ids.end()) return false;
  if (!filter.queue.empty() && given.queue != filter.queue) return false;
  if (!filter.kind.empty() && given.kind != filter.kind) return false;
  if (!filter.name.empty() && given.name != filter.name) return false;
  if (!filter.schedule.empty() && given.schedule != filter.schedule) return false;
  if (!filter.tag.empty() && std::find(given.tags.begin(), given.tags.end(), filter.tag) == given.tags.end())
    return false;
  if (filter.priority && given.priority != *filter.priority) return false;
  return !filter.state || state_at(task, now) == *filter.state;
}

void count(const KeptTask& task, WallTime now, Counts& counts) {
  const TaskState state = state_at(task, now);
  std::size_t* const by_state[] = {nullptr,           &counts.scheduled, nullptr,
                                   &counts.available, &counts.running,   &counts.retryable,
                                   &counts.completed, &counts.cancelled, &counts.discarded};
  if (std::size_t* cell = by_state[static_cast<int>(state)]) ++*cell;
  if (is_waiting(task.state) && task.aside == Aside::held) ++counts.held;
  if (is_waiting(task.state) && task.aside == Aside::no_handler) ++counts.no_handler;
}

void apply(const Finish& finish, WallTime now, KeptTask& task) {
  task.state = finish.to;
  task.attempts = finish.attempts;
  task.crashes = finish.crashes;
  task.cancel_requested = false;
  if (finish.started_at) {
    task.started_at = down_to_micros(*finish.started_at);
    if (!task.first_started_at) task.first_started_at = task.started_at;
  }
  if (finish.error) task.last_error = finish.error;
  if (finish.failed) {
    if (task.history.size() == kKeptAttempts) task.history.erase(task.history.begin());
    task.history.push_back(*finish.failed);
    task.history.back().started_at = down_to_micros(finish.failed->started_at);
  }
  if (is_final(finish.to)) {
    task.finished_at = down_to_micros(now);
    task.prune_at = up_to_micros(finish.prune_at);
    task.output = finish.output;
    task.output_type = finish.output_type;
  } else {
    task.task.run_at = up_to_micros(finish.to == TaskState::available ? std::min(finish.run_at, now) : finish.run_at);
  }
}

void apply(const Note& note, KeptTask& task) {
  if (note.progress_done) task.progress_done = *note.progress_done;
  if (note.progress_total) task.progress_total = *note.progress_total;
  if (note.progress_note) task.progress_note = *note.progress_note;
  if (note.metadata) task.task.metadata = *note.metadata;
  task.log.insert(task.log.end(), note.log.begin(), note.log.end());
  if (task.log.size() > kKeptLogLines) task.log.erase(task.log.begin(), task.log.end() - kKeptLogLines);
}

void replace(KeptTask& task, const NewTask& by, WallTime now) {
  if (replaces_payload(by.unique.on_clash)) {
    task.task.payload = by.payload;
    task.task.content_type = by.content_type;
  }
  if (!replaces_time(by.unique.on_clash)) return;
  task.task.run_at = up_to_micros(by.run_at);
  if (task.state != TaskState::retryable) task.state = by.run_at <= now ? TaskState::available : TaskState::scheduled;
}

void begin_again(KeptTask& task, bool over, WallTime now) {
  task.state = TaskState::available;
  task.task.run_at = up_to_micros(now);
  if (!over) return;
  task.attempts = task.crashes = 0;
  task.first_started_at = task.started_at = task.finished_at = task.prune_at = std::nullopt;
  task.output.clear();
  task.output_type.clear();
}

void edit(KeptTask& task, const Change& change, WallTime now) {
  if (change.priority) task.task.priority = *change.priority;
  if (change.payload) task.task.payload = *change.payload;
  if (!change.run_at) return;
  task.task.run_at = up_to_micros(*change.run_at);
  if (task.state != TaskState::retryable)
    task.state = *change.run_at <= now ? TaskState::available : TaskState::scheduled;
}

}  // namespace memory
}  // namespace v0
}  // namespace errand
