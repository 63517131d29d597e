// What is asked about named tasks, and done to them from outside.

#include <algorithm>

#include "base/thread.h"
#include "base/time.h"
#include "core/limits.h"
#include "durable/named_tasks.h"
#include "durable/run.h"

namespace errand {
inline namespace v0 {
namespace detail {

namespace {

// A change of many tasks is many transactions, and everybody else's fit in between.
constexpr std::size_t kAtOnce = 1000;
// Each waits for a transaction of the store's.
constexpr int kMostTries = 1000;

std::optional<Error> check_edit(const Change& change) {
  if (change.what != Change::What::edit) return std::nullopt;
  if (change.priority && (*change.priority < 0 || *change.priority > 9))
    return Error(Code::invalid, "priority: expected 0 to 9, got " + std::to_string(*change.priority));
  if (change.payload && change.payload->size() > kMostPayload) {
    return Error(Code::too_large, "its payload has " + std::to_string(change.payload->size()) + " bytes, and at most " +
                                      std::to_string(kMostPayload) + " are kept");
  }
  if (!change.priority && !change.payload && !change.run_at)
    return Error(Code::invalid, "edit: expected a priority, a payload or a time");
  return std::nullopt;
}

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
  while (found.size() < limit) {
    auto page = hub_->store->list(filter, after, limit, hub_->committer.now());
    if (!page) return page.error();
    const bool last = page->size() < limit;
    for (KeptTask& task : *page) {
      after = task.id;
      TaskInfo info = seen(std::move(task));
      if (wanted && info.state != *wanted) continue;
      found.push_back(std::move(info));
      if (found.size() == limit) break;
    }
    if (last) break;
  }
  return found;
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
  if (auto may = committer().may_wait(); !may) return may;
  const InHand in_hand = stop_in_hand(id);
  if (in_hand.told) {
    const Result<void> written = committer().sync();
    if (written) return {};
    return Error(written.error().code(), "cancel task " + to_string(id) + ": it is cancelled here, and on its way to " +
                                             "the store: " + written.error().message());
  }
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

Result<Changed> NamedTasks::change(TaskFilter filter, Change change) {
  const std::string what = "change tasks of queue \"" + name_ + "\"";
  if (filter.empty() && !filter.all)
    return Error(Code::invalid, what + ": expected a filter, or all = true for every task; got an empty one");
  if (!filter.queue.empty() && filter.queue != name_)
    return Error(Code::invalid, what + ": expected no other queue in the filter, got \"" + filter.queue + "\"");
  if (auto bad = check_edit(change)) return Error(bad->code(), what + ": " + bad->message());
  filter.queue = name_;
  Changed all;
  {
    MutexLock lock(mu_);
    ++holds_;
  }
  const Result<void> done = change_held(filter, change, all);
  {
    MutexLock lock(mu_);
    --holds_;
  }
  // Behind the hold: what a body does when it is told to stop is user code.
  if (change.what == Change::What::cancel) {
    for (const TaskId id : all.running) stop_in_hand(id);
  }
  schedules_.look_again();
  wish_again();
  engine_.wake_driver();
  if (!done) return done.error();
  return all;
}

// True: its run is in hand, and will not come back from its body to be tried again.
bool NamedTasks::is_to_end(TaskId id) {
  MutexLock lock(mu_);
  const auto live = live_.find(id.value);
  if (live == live_.end()) return false;
  live->second.run->cancel();
  live->second.cancelled = true;
  return true;
}

// Nothing is claimed meanwhile.
Result<void> NamedTasks::change_held(const TaskFilter& filter, const Change& change, Changed& all) {
  Result<void> done = change_matching(parts_of(filter, change), all);
  // These ran as far as the store knew, and their bodies were over: what had become of them was on its way, and may be
  // another attempt. Once it is in the store, that decides anew.
  std::size_t told = 0;  // of those that run
  for (int tries = 0; change.what == Change::What::cancel; ++tries) {
    TaskFilter missed;
    const auto begin = all.running.begin() + static_cast<std::ptrdiff_t>(told);
    const auto end = std::stable_partition(begin, all.running.end(), [&](TaskId id) { return is_to_end(id); });
    missed.ids.assign(end, all.running.end());
    all.running.erase(end, all.running.end());
    told = all.running.size();
    if (!done || missed.ids.empty()) break;
    if (tries == kMostTries) {
      return Error(Code::unavailable, "cancel task " + to_string(missed.ids.front()) +
                                          ": what became of its attempt is on its way to the store; try again");
    }
    missed.queue = name_;
    yield_thread();
    done = change_matching(parts_of(missed, change), all);
  }
  return done;
}

// Of a filter for several kinds, those with a retention of their own come first, each by itself.
std::vector<NamedTasks::Part> NamedTasks::parts_of(const TaskFilter& filter, const Change& change) {
  if (change.what != Change::What::cancel || change.prune_at) return {{filter, change}};
  std::vector<Part> all;
  const WallTime now = committer().now();
  const auto add = [&](const TaskFilter& part, const Kind* kind) {
    all.push_back({part, change});
    all.back().change.prune_at = prune_at(kind, TaskState::cancelled, now);
  };
  MutexLock lock(mu_);
  if (!filter.kind.empty()) {
    add(filter, kind_of(filter.kind).get());
    return all;
  }
  for (const auto& [name, kind] : kinds_) {
    if (name.empty() || (!kind->options.keep_completed && !kind->options.keep_cancelled)) continue;
    TaskFilter part = filter;
    part.kind = name;
    add(part, kind.get());
  }
  add(filter, kind_of("").get());
  return all;
}

// What is claimed ahead goes back first: so the store alone knows the truth.
Result<void> NamedTasks::change_matching(const std::vector<Part>& parts, Changed& all) {
  Result<void> done = committer().sync();  // a claim that is on its way is in
  if (done) {
    give_back_claims(parts.front().filter.ids);
    done = committer().sync();
  }
  const std::size_t before = all.ids.size();
  std::unordered_set<std::uint64_t> met;
  for (const Part& part : parts) {
    if (done) done = change_pages(part, met, all);
  }
  if (parts.front().change.what == Change::What::cancel) {
    for (std::size_t i = before; i < all.ids.size(); ++i) ended(all.ids[i], TaskState::cancelled);
    engine_.note_progress();
  }
  return done;
}

// What an earlier part has met is not met again, unless it is changed now: then that is what has become of it.
Result<void> NamedTasks::change_pages(const Part& part, std::unordered_set<std::uint64_t>& met, Changed& all) {
  for (TaskId after{};;) {
    auto some = hub_->store->change(part.filter, part.change, after, kAtOnce, committer().now());
    if (!some) return some.error();
    for (const auto& [from, to] :
         {std::pair{&some->ids, &all.ids}, {&some->running, &all.running}, {&some->refused, &all.refused}}) {
      for (const TaskId id : *from) {
        after = std::max(after, id);
        if (!met.insert(id.value).second) {
          if (from != &some->ids) continue;
          for (auto* earlier : {&all.ids, &all.running, &all.refused}) std::erase(*earlier, id);
        }
        to->push_back(id);
      }
    }
    if (some->ids.size() + some->running.size() + some->refused.size() < kAtOnce) return {};
  }
}

// 0: it is not in hand here, or its body has begun.
std::uint64_t NamedTasks::record_of_unstarted(TaskId id) const {
  MutexLock lock(mu_);
  const auto live = live_.find(id.value);
  return live != live_.end() && !live->second.running ? live->second.record : 0;
}

Result<void> NamedTasks::run_one(TaskId id) {
  if (const std::uint64_t record = record_of_unstarted(id); record != 0) {
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
  const bool answers = hub_->committer.answers();
  const bool knows_pause = pause_.load(std::memory_order_acquire).store == StorePause::settled;
  if (hub_->committer.trouble() || !schedules_.known() || !knows_pause) stats.healthy = false;
  if (!answers) return;
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
