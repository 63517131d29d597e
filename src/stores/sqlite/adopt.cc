// What another store kept, taken in as it was.

#include <algorithm>

#include "base/time.h"
#include "sqlite/json_text.h"
#include "sqlite/schedule_rows.h"
#include "sqlite/sql.h"
#include "sqlite/store.h"

namespace errand {
inline namespace v0 {
namespace sqlite {

namespace {

Error is_there(const std::string& what, const std::string& why) {
  return error(Code::invalid, "take in " + what, why);
}

template <class T>
std::optional<std::int64_t> number_unless(const T& value, const T& usual) {
  return value == usual ? std::nullopt : std::optional(static_cast<std::int64_t>(value));
}

// The row, with its lists as JSON. Nobody has a claim here on what ran there.
int insert_row(Statement& statement, const KeptTask& task) {
  const NewTask& given = task.task;
  const bool waits = task.state != TaskState::running && !is_final(task.state);
  const std::string tags = array_of(given.tags);
  const std::string metadata = object_of(given.metadata);
  const std::string history = task.history.empty() ? "" : history_text(task.history);
  const std::string log = array_of(task.log);
  statement.bind(number_of(task.id)).bind(given.queue).bind(given.kind);
  statement.bind(word_of(waits ? task.state : TaskState::available)).bind(std::int64_t{given.priority});
  statement.bind(given.run_at).bind_bytes(given.payload).bind(given.content_type).bind(task.created_at);
  statement.bind(std::int64_t{given.max_attempts});
  statement.bind(is_tied(given) ? std::optional(number_of(task.id)) : std::nullopt);
  statement.bind_unless_empty(word_of(task.aside)).bind_unless_empty(given.retry).bind(given.timeout);
  statement.bind(given.max_elapsed).bind(number_unless(given.ephemeral, false));
  statement.bind_unless_empty(given.name).bind_unless_empty(tags).bind_unless_empty(metadata);
  statement.bind(std::int64_t{task.attempts}).bind(std::int64_t{task.crashes}).bind(task.first_started_at);
  statement.bind(task.started_at);
  bind_error(statement, task.last_error);
  statement.bind_unless_empty(history).bind(static_cast<std::int64_t>(task.progress_done));
  statement.bind(static_cast<std::int64_t>(task.progress_total)).bind_unless_empty(task.progress_note);
  statement.bind_unless_empty(log);
  return statement.run();
}

// Of a task that has ended.
Finish end_of(const KeptTask& task) {
  Finish end;
  end.id = task.id;
  end.to = task.state;
  end.attempts = task.attempts;
  end.crashes = task.crashes;
  end.started_at = task.started_at;
  end.error = task.last_error;
  end.output = task.output;
  end.output_type = task.output_type;
  end.prune_at = task.prune_at;
  return end;
}

}  // namespace

Result<Adopted> SqliteTasks::adopt(const Adoption& page, WallTime now) {
  const std::string what = "take in tasks";
  if (auto ok = may_enter(what.c_str()); !ok) return ok.error();
  Adopted adopted;
  std::set<std::string> queues;
  {
    FairLock lock(mu_);
    if (auto began = begin(what, now); !began) return began.error();
    Newest newest{last_number_, last_token_};
    if (auto ended = end(what, apply(page, now, adopted, newest)); !ended) return ended.error();
    // Not before: what was rolled back was never here.
    last_number_ = newest.number;
    last_token_ = std::max(last_token_, newest.token);
    for (const std::string& queue : page.paused) paused_.insert(queue);
    for (const KeptTask& task : page.tasks) queues.insert(task.task.queue);
  }
  listeners_.tell(std::vector<std::string>(queues.begin(), queues.end()));
  return adopted;
}

Result<void> SqliteTasks::apply(const Adoption& page, WallTime now, Adopted& adopted, Newest& newest) {
  for (const std::string& queue : page.paused) {
    Statement statement = connection_->prepare(sql::set_paused);
    statement.bind(queue).bind(std::int64_t{1});
    if (auto ok = run(statement, "pause queue \"" + queue + "\""); !ok) return ok;
  }
  for (const KeptSchedule& one : page.schedules) {
    auto done = adopt(one);
    if (!done) return done.error();
    adopted.schedules.push_back(*done ? Result<void>(std::move(**done)) : Result<void>());
  }
  for (const KeptTask& one : page.tasks) {
    auto done = adopt(one, now);
    if (!done) return done.error();
    adopted.tasks.push_back(*done ? Result<void>(std::move(**done)) : Result<void>());
    if (*done) continue;
    newest.number = std::max(newest.number, number_of(one.id));
    newest.token = std::max(newest.token, one.token);
  }
  // Tokens begin with the number of the owner's life, so that they rise over restarts: this one is a later life now.
  if (life_of(newest.token) == life_of(last_token_)) return {};
  return set_meta("lives", life_of(newest.token));
}

Result<SqliteTasks::Status> SqliteTasks::adopt(const KeptSchedule& schedule) {
  const NewSchedule& given = schedule.schedule;
  const std::string title = title_of(given.queue, given.name);
  {
    Statement statement = connection_->prepare(sql::schedule_version);
    const bool found = statement.bind(given.queue).bind(given.name).step();
    if (statement.run() != SQLITE_DONE) return connection_->error(statement.status(), "take in " + title);
    if (found) return Status(is_there(title, "there is one of this name"));
  }
  const int put = sqlite::put_schedule(*connection_, given, ++last_token_, schedule.created_at);
  if (put != SQLITE_DONE) return connection_->error(put, "take in " + title);
  Statement statement = connection_->prepare(sql::adopt_schedule);
  statement.bind(given.queue).bind(given.name).bind(schedule.last);
  statement.bind(schedule.last_run ? std::optional(number_of(schedule.last_run)) : std::nullopt);
  statement.bind(static_cast<std::int64_t>(schedule.runs)).bind(static_cast<std::int64_t>(schedule.skipped));
  if (auto ok = run(statement, "take in " + title); !ok) return ok.error();
  return Status();
}

Result<SqliteTasks::Status> SqliteTasks::adopt(const KeptTask& task, WallTime now) {
  const std::string what = "task " + to_string(task.id);
  const auto same = read(task.id);
  if (!same) return same.error();
  if (*same) return Status(is_there(what, "there is a task with this id"));
  if (auto other = run_of_slot(task.task); !other) {
    return other.error();
  } else if (*other) {
    return Status(is_there(what, "task " + to_string(id_of(**other)) + " is the run of its slot"));
  }
  const TaskState state = task.state == TaskState::running ? TaskState::available : task.state;
  const bool holds_key = task.holds_key && (task.task.unique.states & bit(state)) != 0;
  if (holds_key) {
    auto other = holder(task.task.unique.key, now);
    if (!other) return other.error();
    if (*other) return Status(is_there(what, "task " + to_string((*other)->id) + " has its unique key"));
  }
  {
    Statement statement = connection_->prepare(sql::adopt_task);
    if (const int status = insert_row(statement, task); status != SQLITE_DONE)
      return connection_->error(status, "take in " + what);
  }
  Result<void> done;
  if (is_tied(task.task)) done = tie(number_of(task.id), task.task, !is_final(task.state), holds_key);
  if (done && is_final(task.state)) {
    done = end_task(end_of(task), *task.finished_at);
  } else if (done && task.aside == Aside::no) {
    done = enter_line(place_of(task));
  }
  if (!done) return done.error();
  return Status();
}

}  // namespace sqlite
}  // namespace v0
}  // namespace errand
