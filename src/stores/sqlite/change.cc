// What is done to tasks from outside.

#include "base/time.h"
#include "sqlite/sql.h"
#include "sqlite/store.h"

namespace errand {
inline namespace v0 {
namespace sqlite {

Result<Changed> SqliteTasks::change(const TaskFilter& filter, const Change& change, TaskId after, std::size_t limit,
                                    WallTime now) {
  if (auto ok = may_enter("change tasks"); !ok) return ok.error();
  MutexLock lock(mu_);
  if (auto began = begin("change tasks", now); !began) return began.error();
  Changed changed;
  auto meant = matching(filter, after, limit, now);
  Result<void> done = meant ? apply(*meant, change, now, changed) : Result<void>(meant.error());
  if (auto ended = end("change tasks", std::move(done)); !ended) return ended.error();
  return changed;
}

Result<void> SqliteTasks::apply(std::span<const KeptTask> tasks, const Change& change, WallTime now, Changed& changed) {
  for (const KeptTask& task : tasks) {
    if (change.what == Change::What::cancel && task.state == TaskState::running) {
      claims_.request_cancel(number_of(task.id));
      changed.running.push_back(task.id);
      continue;
    }
    auto done = apply(task, change, now);
    if (!done) return done.error();
    (*done ? changed.ids : changed.refused).push_back(task.id);
  }
  return {};
}

// False where the task is in a state in which it can't be done. Cancels of running tasks are not for here.
Result<bool> SqliteTasks::apply(const KeptTask& task, const Change& change, WallTime now) {
  const std::int64_t number = number_of(task.id);
  const std::string what = "change task " + to_string(task.id);
  const bool waiting = is_waiting(task.state);
  const bool over = is_final(task.state);
  KeptTask moved = task;
  const auto finished = [](Result<void> ok) { return ok ? Result<bool>(true) : Result<bool>(ok.error()); };
  switch (change.what) {
    case Change::What::cancel: {
      if (!waiting && task.state != TaskState::blocked) return false;
      Statement statement = connection_->prepare(sql::cancel);
      statement.bind(number).bind(now).bind(up_to_micros(change.prune_at));
      statement.bind(std::int64_t{bit(TaskState::cancelled)});
      return finished(run(statement, what));
    }
    case Change::What::retry: {
      if (!waiting && !over) return false;
      if (over) {
        auto may = may_begin_again(task);
        if (!may || !*may) return may;
      }
      moved.task.run_at = up_to_micros(now);
      Statement statement = connection_->prepare(over ? sql::begin_again : sql::run_now);
      statement.bind(number).bind(moved.task.run_at);
      if (over) statement.bind(std::int64_t{bit(TaskState::available)});
      if (task.aside == Aside::no) waits_again(moved);
      return finished(run(statement, what));
    }
    case Change::What::hold:
    case Change::What::release: {
      const bool holds = change.what == Change::What::hold;
      if (!waiting || (task.aside == Aside::held) == holds) return false;
      Statement statement = connection_->prepare(sql::set_aside);
      statement.bind(number);
      if (holds) {
        statement.bind(word_of(Aside::held));
      } else {
        statement.bind_null();
        waits_again(task);
      }
      return finished(run(statement, what));
    }
    case Change::What::remove:
      if (!over) return false;
      return finished(remove(number));
    case Change::What::edit: {
      if (!waiting) return false;
      if (change.priority) moved.task.priority = *change.priority;
      if (change.run_at) moved.task.run_at = up_to_micros(*change.run_at);
      Statement statement = connection_->prepare(sql::edit);
      statement.bind(number);
      statement.bind(change.priority ? std::optional<std::int64_t>(*change.priority) : std::nullopt);
      if (change.payload) {
        statement.bind_bytes(*change.payload);
      } else {
        statement.bind_null();
      }
      statement.bind(up_to_micros(change.run_at));
      if (change.run_at) {
        statement.bind(word_of(*change.run_at <= now ? TaskState::available : TaskState::scheduled));
      } else {
        statement.bind_null();
      }
      if (task.aside == Aside::no) waits_again(moved);
      return finished(run(statement, what));
    }
  }
  return false;
}

// Not where its unique key, which it let go of when it ended, has found another task since.
Result<bool> SqliteTasks::may_begin_again(const KeptTask& task) {
  if ((task.task.unique.states & bit(TaskState::available)) == 0) return true;
  auto holder = this->holder(task.task.unique.key);
  if (!holder) return holder.error();
  return !*holder || (*holder)->id == task.id;
}

}  // namespace sqlite
}  // namespace v0
}  // namespace errand
