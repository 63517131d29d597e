// What the store is asked, and answers; and what may have happened all the same where it failed.

#include "durable_oracle.h"

#include <algorithm>
#include <cstdio>

namespace sim {

using errand::TaskId;
using errand::WallTime;

void Oracle::breaks(const std::string& what) {
  if (broken_.empty()) broken_ = what;
}

std::string Oracle::text(TaskId id) const {
  return "task " + std::to_string(id.value & ~(std::uint64_t{1} << 63));
}

void Oracle::tell(const char* what, TaskId id) const {
  if (tells) std::fprintf(stderr, "%s: %s\n", text(id).c_str(), what);
}

Known* Oracle::find(TaskId id, const char* what) {
  const auto found = tasks_.find(id.value);
  if (found != tasks_.end()) return &found->second;
  breaks(text(id) + " " + what + ", and nobody asked for it");
  return nullptr;
}

bool Oracle::is_final(TaskId id) const {
  const auto found = tasks_.find(id.value);
  return found != tasks_.end() && found->second.final.has_value();
}

std::size_t Oracle::unfinished() const {
  return static_cast<std::size_t>(
      std::count_if(tasks_.begin(), tasks_.end(), [](const Task& task) { return !task.second.final; }));
}

// --- what the store is asked, and answers ----------------------------------------------------------------------------

void Oracle::succeeded() {
  maybe_added_.clear();
  maybe_touched_.clear();
  maybe_any_ = false;
}

void Oracle::committed(const errand::Batch& batch, const errand::Result<errand::Committed>& committed, WallTime now,
                       bool faulty) {
  mix(batch.added.size() * 64 + batch.finished.size() + (committed ? 1u << 20 : 0));
  mix(static_cast<std::uint64_t>(now.time_since_epoch().count()));
  latest_ = std::max(latest_, now);
  now_ = now;
  if (!committed) {
    count("commits failed");
    if (!faulty) breaks("a commit failed, and the store was well: " + committed.error().message());
    for (const errand::NewTask& task : batch.added) maybe_added_[name_of(task)] = task;
    for (const errand::Advance& advance : batch.advanced) {
      for (const errand::NewTask& task : advance.runs) maybe_added_[name_of(task)] = task;
      if (!advance.cancel_earlier) continue;
      for (const auto& [id, task] : tasks_) {
        if (task.queue == advance.queue && task.schedule == advance.schedule) maybe_touched_.insert(id);
      }
    }
    for (const errand::Finish& finish : batch.finished) maybe_touched_.insert(finish.id.value);
    maybe_any_ = true;
    return;
  }
  succeeded();
  if (batch.added.size() > 1) count("commits of several tasks");
  for (std::size_t i = 0; i < batch.finished.size(); ++i) finish(batch.finished[i], committed->finished[i]);
  for (std::size_t i = 0; i < batch.added.size(); ++i) added(batch.added[i], committed->added[i], now);
  for (std::size_t i = 0; i < batch.advanced.size(); ++i) advance(batch.advanced[i], committed->advanced[i], now);
  for (const errand::Claimed& claimed : committed->claims) claim(claimed, now);
}

void Oracle::transaction_failed(const std::vector<errand::NewTask>& tasks, TaskId ended, bool faulty) {
  if (!faulty) breaks("a transaction failed, and the store was well");
  for (const errand::NewTask& task : tasks) maybe_added_[name_of(task)] = task;
  if (ended) maybe_touched_.insert(ended.value);
  maybe_any_ = true;
}

void Oracle::added(const errand::NewTask& task, const errand::Result<errand::Added>& added, WallTime now) {
  latest_ = std::max(latest_, now);
  if (!added) {
    mix(static_cast<std::uint64_t>(added.error().code()));
    const bool clash = task.unique.on_clash == errand::OnClash::refuse && holder(task.unique.key, now) != nullptr;
    if (!clash) breaks("a task was refused by the store: " + added.error().message());
    return;
  }
  succeeded();
  add(task, *added, now);
}

void Oracle::tidied(const errand::Result<errand::Tidied>& tidied, WallTime now, bool faulty) {
  latest_ = std::max(latest_, now);
  now_ = now;
  if (!tidied) {
    if (!faulty) breaks("tidying failed, and the store was well: " + tidied.error().message());
    maybe_any_ = true;
    return;
  }
  succeeded();
  for (const TaskId id : tidied->expired) expire(id, now);
  if (tidied->pruned == 0) return;
  count("forgotten", tidied->pruned);
  for (auto& [id, task] : tasks_) {
    if (task.final && (!task.holds || (task.until && *task.until <= now))) task.may_be_forgotten = true;
  }
}

void Oracle::paused(const std::string& queue, bool paused, bool done) {
  mix(paused ? 5 : 6);
  // What failed may be in the store all the same, and then nobody knows.
  if (paused && done) {
    paused_.insert(queue);
  } else {
    paused_.erase(queue);
  }
}

void Oracle::changed(const errand::TaskFilter& filter, const errand::Change& change,
                     const errand::Result<errand::Changed>& changed, WallTime now, bool faulty) {
  mix(static_cast<std::uint64_t>(change.what) + (changed ? 16 : 0));
  latest_ = std::max(latest_, now);
  now_ = now;
  if (!changed) {
    if (!faulty) breaks("a change failed, and the store was well: " + changed.error().message());
    for (const TaskId id : filter.ids) maybe_touched_.insert(id.value);
    if (filter.ids.empty()) {
      for (const auto& [id, task] : tasks_) maybe_touched_.insert(id);
    }
    return;
  }
  succeeded();
  for (const TaskId id : changed->ids) {
    mix(id.value);
    tell("is changed", id);
    Known* const task = find(id, "was changed");
    if (task == nullptr) continue;
    if (change.what == errand::Change::What::retry) retry(id, *task, now);
    this->change(*task, change, now);
  }
  for (const TaskId id : changed->refused) refused_change(id, change);
}

}  // namespace sim
