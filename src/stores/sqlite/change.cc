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
  FairLock lock(mu_);
  if (auto began = begin("change tasks", now); !began) return began.error();
  Changed changed;
  std::vector<Damaged> damaged;
  auto meant = matching(filter, {.after = number_of(after)}, limit, now, &damaged);
  Result<void> done = meant ? apply(*meant, change, now, changed) : Result<void>(meant.error());
  // What nobody can read can't be changed, and no filter but its id says anything of it. It can be taken away.
  for (const Damaged& one : damaged) {
    if (!done || change.what != Change::What::remove || filter.ids.empty()) continue;
    done = remove_ended(number_of(one.id));
    changed.ids.push_back(one.id);
  }
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
      auto ended = end_waiting(task, TaskState::cancelled, now, change.prune_at);
      if (ended && task.aside == Aside::no) ended = leave_line(place_of(task));
      return finished(std::move(ended));
    }
    case Change::What::retry: {
      if (!waiting && !over) return false;
      if (over) {
        auto may = may_begin_again(task, now);
        if (!may || !*may) return may;
      }
      moved.task.run_at = up_to_micros(now);
      if (over) return finished(begin_again(moved, now));
      {
        Statement statement = connection_->prepare(sql::run_now);
        statement.bind(number).bind(moved.task.run_at);
        if (auto ok = run(statement, what); !ok) return ok.error();
      }
      return finished(task.aside == Aside::no ? move_in_line(place_of(task), place_of(moved)) : Result<void>());
    }
    case Change::What::hold:
    case Change::What::release: {
      const bool holds = change.what == Change::What::hold;
      if (!waiting || (task.aside == Aside::held) == holds) return false;
      {
        Statement statement = connection_->prepare(sql::set_aside);
        statement.bind(number).bind_unless_empty(holds ? word_of(Aside::held) : std::string_view());
        if (auto ok = run(statement, what); !ok) return ok.error();
      }
      if (!holds) return finished(enter_line(place_of(task)));
      return finished(task.aside == Aside::no ? leave_line(place_of(task)) : Result<void>());
    }
    case Change::What::remove:
      if (!over) return false;
      return finished(remove_ended(number));
    case Change::What::edit: {
      if (!waiting) return false;
      if (change.priority) moved.task.priority = *change.priority;
      if (change.run_at) moved.task.run_at = up_to_micros(*change.run_at);
      {
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
        if (auto ok = run(statement, what); !ok) return ok.error();
      }
      return finished(task.aside == Aside::no ? move_in_line(place_of(task), place_of(moved)) : Result<void>());
    }
  }
  return false;
}

// `task` had ended; its run_at is when it waits from.
Result<void> SqliteTasks::begin_again(KeptTask task, WallTime now) {
  const std::string what = "retry task " + to_string(task.id);
  const std::int64_t number = number_of(task.id);
  {
    Statement statement = connection_->prepare(sql::begin_again);
    statement.bind(number).bind(task.task.run_at);
    bind_error(statement, task.last_error);
    if (auto ok = run(statement, what); !ok) return ok;
  }
  if (auto ok = remove_from(sql::remove_end, number); !ok) return ok;
  if (is_tied(task.task)) {
    Statement statement = connection_->prepare(sql::tie_again);
    statement.bind(number);
    if (auto ok = run(statement, what); !ok) return ok;
  }
  task.state = TaskState::available;
  if (auto ok = take_key(task, now); !ok) return ok;
  return task.aside == Aside::no ? enter_line(place_of(task)) : Result<void>();
}

// Not where its unique key, which it let go of when it ended, has found another task since. Once its own time for the
// key is over, that is no business of its.
Result<bool> SqliteTasks::may_begin_again(const KeptTask& task, WallTime now) {
  const UniqueKey& unique = task.task.unique;
  if ((unique.states & bit(TaskState::available)) == 0 || (unique.until && *unique.until <= now)) return true;
  auto holder = this->holder(unique.key, now);
  if (!holder) return holder.error();
  return !*holder || (*holder)->id == task.id;
}

}  // namespace sqlite
}  // namespace v0
}  // namespace errand
