// What is asked about named tasks, and done to them from outside.

#include <algorithm>

#include "base/time.h"
#include "durable/named_tasks.h"
#include "durable/run.h"

namespace errand {
inline namespace v0 {
namespace detail {

namespace {

// A change of many tasks is many transactions, and everybody else's fit in between.
constexpr std::size_t kAtOnce = 1000;

Error not_found(const std::string& queue, TaskId id) {
  return {Code::not_found, "queue \"" + queue + "\" knows no task " + to_string(id)};
}

}  // namespace

TaskInfo info_of(KeptTask&& task) {
  TaskInfo info;
  info.id = task.id;
  info.state = task.state;
  info.queue = std::move(task.task.queue);
  info.kind = std::move(task.task.kind);
  info.name = std::move(task.task.name);
  info.priority = task.task.priority;
  info.attempts = task.attempts;
  info.max_attempts = task.task.max_attempts;
  info.crashes = task.crashes;
  if (task.last_error) info.last_error = task.last_error->text;
  for (KeptAttempt& attempt : task.history) {
    info.history.push_back(
        {attempt.number, attempt.started_at, attempt.took, Error(attempt.error.code, std::move(attempt.error.text))});
  }
  info.created_at = task.created_at;
  if (task.state == TaskState::scheduled || task.state == TaskState::retryable) info.next_run_at = task.task.run_at;
  info.started_at = task.started_at;
  info.finished_at = task.finished_at;
  info.expires_at = task.task.expires_at;
  info.held = task.aside == Aside::held;
  info.no_handler = task.aside == Aside::no_handler;
  info.progress_done = task.progress_done;
  info.progress_total = task.progress_total;
  info.progress_note = std::move(task.progress_note);
  info.log = std::move(task.log);
  info.schedule = std::move(task.task.schedule);
  info.tags = std::move(task.task.tags);
  info.metadata = std::move(task.task.metadata);
  return info;
}

// To a store a claimed task is running; here it is known whether it has begun.
TaskInfo NamedTasks::seen(KeptTask&& task) const {
  TaskInfo info = info_of(std::move(task));
  if (info.state != TaskState::running) return info;
  MutexLock lock(mu_);
  const auto live = live_.find(info.id.value);
  if (live != live_.end() && !live->second.running) info.state = TaskState::available;
  if (live != live_.end() && live->second.running) ++info.attempts;
  return info;
}

Result<KeptTask> NamedTasks::kept(TaskId id) const {
  auto task = hub_->store->find(id, hub_->committer.now());
  if (!task) return task.error().code() == Code::not_found ? not_found(name_, id) : task.error();
  if (task->task.queue != name_) return not_found(name_, id);
  return task;
}

Result<TaskInfo> NamedTasks::info(TaskId id) const {
  auto task = kept(id);
  if (!task) return task.error();
  return seen(std::move(*task));
}

Result<std::vector<TaskInfo>> NamedTasks::list(TaskFilter filter, std::size_t limit, TaskId after) const {
  if (!filter.queue.empty() && filter.queue != name_) {
    return Error(Code::invalid, "list tasks of queue \"" + name_ + "\": expected no other queue in the filter, got \"" +
                                    filter.queue + "\"");
  }
  filter.queue = name_;
  const std::optional<TaskState> wanted = filter.state;
  // What is claimed and has not begun is available here and running there.
  if (wanted == TaskState::available || wanted == TaskState::running) filter.state.reset();
  std::vector<TaskInfo> found;
  for (;;) {
    auto page = hub_->store->list(filter, after, limit, hub_->committer.now());
    if (!page) return page.error();
    const bool last = page->size() < limit;
    for (KeptTask& task : *page) {
      after = task.id;
      TaskInfo info = seen(std::move(task));
      if (wanted && info.state != *wanted) continue;
      found.push_back(std::move(info));
      if (found.size() == limit) return found;
    }
    if (last) return found;
  }
}

// One that has not begun ends as it is taken out; one that is just being posted is taken out by whoever posts it.
NamedTasks::InHand NamedTasks::stop_in_hand(TaskId id) {
  std::uint64_t record = 0;
  std::unique_ptr<Run> waiting;
  {
    MutexLock lock(mu_);
    const auto live = live_.find(id.value);
    if (live == live_.end()) return {};
    live->second.run->cancel();
    live->second.cancelled = true;
    record = live->second.record;
    const auto suspect =
        std::find_if(suspects_.begin(), suspects_.end(), [&](const auto& run) { return run->id == id; });
    if (suspect != suspects_.end()) {
      waiting = std::move(*suspect);
      suspects_.erase(suspect);
    }
  }
  if (waiting != nullptr) waiting.release()->give_back();
  return {.is = true, .told = record != 0 && engine_.cancel(TaskId{record})};
}

Result<void> NamedTasks::cancel(TaskId id) {
  const InHand in_hand = stop_in_hand(id);
  if (in_hand.told) return committer().sync();
  auto done = change_one(id, {.what = Change::What::cancel}, "cancel");
  // What was marked here may have been taken out, and so have ended, before the store was asked.
  if (!done && in_hand.is && done.error().code() == Code::cancelled) return {};
  return done;
}

Result<void> NamedTasks::change_one(TaskId id, const Change& what, const char* name) {
  auto changed = change({.ids = {id}}, what);
  if (!changed) return changed.error();
  if (!changed->ids.empty() || !changed->running.empty()) return {};
  const auto task = info(id);
  if (!task) return task.error();
  const std::string state(to_string(task->state));
  const Code code = task->state == TaskState::cancelled ? Code::cancelled : Code::failed;
  return Error(code, std::string(name) + " task " + to_string(id) + ": it is " + state);
}

// What is claimed ahead goes back first, and nothing is claimed meanwhile: so the store alone knows the truth.
Result<Changed> NamedTasks::change(TaskFilter filter, Change change) {
  const std::string what = "change tasks of queue \"" + name_ + "\"";
  if (filter.empty() && !filter.all)
    return Error(Code::invalid, what + ": expected a filter, or all = true for every task; got an empty one");
  if (!filter.queue.empty() && filter.queue != name_)
    return Error(Code::invalid, what + ": expected no other queue in the filter, got \"" + filter.queue + "\"");
  filter.queue = name_;
  if (change.what == Change::What::cancel && !change.prune_at)
    change.prune_at = prune_at(nullptr, TaskState::cancelled, committer().now());
  {
    MutexLock lock(mu_);
    ++holds_;
  }
  Result<void> done = committer().sync();  // a claim that is on its way is in
  if (done) {
    give_back_claims(filter.ids);
    done = committer().sync();
  }
  Changed all;
  TaskId after{};
  while (done) {
    auto some = hub_->store->change(filter, change, after, kAtOnce, committer().now());
    if (!some) {
      done = some.error();
      break;
    }
    for (const auto& [from, to] :
         {std::pair{&some->ids, &all.ids}, {&some->running, &all.running}, {&some->refused, &all.refused}}) {
      for (const TaskId id : *from) after = std::max(after, id);
      to->insert(to->end(), from->begin(), from->end());
    }
    if (some->ids.size() + some->running.size() + some->refused.size() < kAtOnce) break;
  }
  {
    MutexLock lock(mu_);
    --holds_;
  }
  schedules_.look_again();
  wish_again();
  engine_.wake_driver();
  if (change.what == Change::What::cancel) {
    std::vector<TaskId> missed;
    for (const TaskId id : all.running) {
      if (!stop_in_hand(id).is) missed.push_back(id);
    }
    for (const TaskId id : all.ids) ended(id, TaskState::cancelled);
    engine_.note_progress();
    if (done && !missed.empty()) done = cancel_again(std::move(missed), change, all);
  }
  if (!done) return done.error();
  return all;
}

// These ran as far as the store knew, and their bodies were over: what had become of them was on its way, and may be
// another attempt. Once it is in the store, that decides anew.
Result<void> NamedTasks::cancel_again(std::vector<TaskId> ids, const Change& change, Changed& all) {
  std::erase_if(all.running, [&](TaskId id) { return std::find(ids.begin(), ids.end(), id) != ids.end(); });
  TaskFilter filter;
  filter.ids = std::move(ids);
  auto again = this->change(std::move(filter), change);
  if (!again) return again.error();
  for (const auto& [from, to] :
       {std::pair{&again->ids, &all.ids}, {&again->running, &all.running}, {&again->refused, &all.refused}}) {
    to->insert(to->end(), from->begin(), from->end());
  }
  return {};
}

Result<void> NamedTasks::run_one(TaskId id) {
  std::uint64_t record = 0;
  {
    MutexLock lock(mu_);
    const auto live = live_.find(id.value);
    if (live != live_.end() && !live->second.running) record = live->second.record;
  }
  if (record != 0) {
    auto ran = engine_.run_one(TaskId{record});
    if (engine_.options.drive == Drive::manual) static_cast<void>(hub_->step());
    return ran;
  }
  auto task = info(id);
  if (!task) return task.error();
  return Error(Code::would_block, "run task " + to_string(id) + ": it is " + std::string(to_string(task->state)));
}

void NamedTasks::add_to(Stats& stats) const {
  stats.submitted += enqueued_.load(std::memory_order_relaxed);
  stats.skipped_slots += schedules_.skipped();
  if (hub_->committer.trouble() || !schedules_.known()) stats.healthy = false;
  const auto counts = hub_->store->counts(hub_->committer.now());
  if (!counts) {
    stats.healthy = false;
    return;
  }
  for (const Counts& one : *counts) {
    if (one.queue != name_) continue;
    stats.scheduled += one.scheduled;
    stats.available += one.available;  // what is claimed and has not begun is among the engine's
    stats.retryable += one.retryable;
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
