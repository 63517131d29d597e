// Schedules, and what their slots come to.

#include "base/time.h"
#include "sqlite/schedule_rows.h"
#include "sqlite/sql.h"
#include "sqlite/store.h"

namespace errand {
inline namespace v0 {
namespace sqlite {

namespace {

Error no_schedule(const std::string& what) {
  return error(Code::not_found, what, "no such schedule");
}

// Runs a statement whose rows are what was done: there is one, or there was no such schedule.
Result<void> done_to_one(Connection& connection, Statement& statement, const std::string& what) {
  const bool any = statement.step();
  if (statement.run() != SQLITE_DONE) return connection.error(statement.status(), what);
  if (!any) return no_schedule(what);
  return {};
}

}  // namespace

// --- schedules -------------------------------------------------------------------------------------------------------

Result<KeptSchedule> SqliteTasks::put_schedule(const NewSchedule& given, WallTime now) {
  if (auto ok = may_enter("keep a schedule"); !ok) return ok.error();
  FairLock lock(mu_);
  const std::string what = "keep " + title_of(given.queue, given.name);
  if (auto began = begin(what, now); !began) return began.error();
  const int status = sqlite::put_schedule(*connection_, given, ++last_token_, now);
  // Read inside the transaction: what could not be read again is not written.
  auto kept = status == SQLITE_DONE ? read_schedule(given.queue, given.name)
                                    : Result<KeptSchedule>(connection_->error(status, what));
  if (auto ended = end(what, kept ? Result<void>() : Result<void>(kept.error())); !ended) return ended.error();
  return kept;
}

Result<void> SqliteTasks::remove_schedule(std::string_view queue, std::string_view name) {
  if (auto ok = may_enter("remove a schedule"); !ok) return ok;
  FairLock lock(mu_);
  const std::string what = "remove " + title_of(queue, name);
  if (auto began = begin(what, latest_); !began) return began;
  Result<void> done;
  {
    Statement statement = connection_->prepare(sql::remove_schedule);
    statement.bind(queue).bind(name);
    done = done_to_one(*connection_, statement, what);
  }
  return end(what, std::move(done));
}

Result<void> SqliteTasks::pause_schedule(std::string_view queue, std::string_view name, bool paused) {
  if (auto ok = may_enter("pause a schedule"); !ok) return ok;
  FairLock lock(mu_);
  const std::string what = (paused ? "pause " : "resume ") + title_of(queue, name);
  if (auto began = begin(what, latest_); !began) return began;
  Result<void> done;
  {
    Statement statement = connection_->prepare(sql::pause_schedule);
    statement.bind(queue).bind(name).bind(std::int64_t{paused}).bind(static_cast<std::int64_t>(++last_token_));
    done = done_to_one(*connection_, statement, what);
  }
  return end(what, std::move(done));
}

Result<KeptSchedule> SqliteTasks::find_schedule(std::string_view queue, std::string_view name) {
  if (auto ok = may_enter("find a schedule"); !ok) return ok.error();
  FairLock lock(mu_);
  if (auto ok = ready("find a schedule"); !ok) return ok.error();
  return read_schedule(queue, name);
}

Result<KeptSchedule> SqliteTasks::read_schedule(std::string_view queue, std::string_view name) {
  const std::string what = "find " + title_of(queue, name);
  Statement statement = connection_->prepare(sql::find_schedule);
  if (!statement.bind(queue).bind(name).step()) {
    if (statement.status() != SQLITE_DONE) return connection_->error(statement.status(), what);
    return no_schedule(what);
  }
  auto kept = sqlite::read_schedule(*connection_, statement);
  if (!kept) return kept.error();
  if (auto ok = count_runs(*kept); !ok) return ok.error();
  return kept;
}

Result<std::vector<Result<KeptSchedule>>> SqliteTasks::list_schedules(std::string_view queue) {
  if (auto ok = may_enter("list schedules"); !ok) return ok.error();
  FairLock lock(mu_);
  if (auto ok = ready("list schedules"); !ok) return ok.error();
  std::vector<Result<KeptSchedule>> found;
  Statement statement = connection_->prepare(sql::list_schedules);
  statement.bind_unless_empty(queue);
  while (statement.step()) {
    auto kept = sqlite::read_schedule(*connection_, statement);
    if (!kept && kept.error().code() != Code::invalid) return kept.error();
    if (kept) {
      if (auto ok = count_runs(*kept); !ok) return ok.error();
    }
    found.push_back(std::move(kept));
  }
  if (statement.status() != SQLITE_DONE) return connection_->error(statement.status(), "list schedules");
  return found;
}

// --- runs ------------------------------------------------------------------------------------------------------------

Result<std::vector<std::int64_t>> SqliteTasks::live_runs(std::string_view queue, std::string_view schedule) {
  std::vector<std::int64_t> numbers;
  Statement statement = connection_->prepare(sql::live_runs);
  statement.bind(queue).bind(schedule);
  while (statement.step()) numbers.push_back(statement.integer(0));
  if (statement.status() != SQLITE_DONE)
    return connection_->error(statement.status(), "find the runs of " + title_of(queue, schedule));
  return numbers;
}

Result<void> SqliteTasks::count_runs(KeptSchedule& schedule) {
  const auto live = live_runs(schedule.schedule.queue, schedule.schedule.name);
  if (!live) return live.error();
  for (const std::int64_t number : *live) ++(claims_.find(number) != nullptr ? schedule.running : schedule.waiting);
  return {};
}

Result<std::optional<Added>> SqliteTasks::dealt_with(const NewTask& given) {
  std::optional<Added> had;
  if (!given.slot || given.schedule.empty()) return had;
  Statement statement = connection_->prepare(sql::slot);
  statement.bind(given.queue).bind(given.schedule).bind(up_to_micros(given.slot));
  if (statement.step() && !statement.is_null(0)) {
    const std::int64_t number = statement.integer(0);
    had = Added{.id = number != 0 ? id_of(number) : TaskId{}, .existed = true};
  }
  if (statement.run() != SQLITE_DONE)
    return connection_->error(statement.status(), "look for a slot of " + title_of(given.queue, given.schedule));
  return had;
}

Result<std::optional<std::int64_t>> SqliteTasks::run_of_slot(const NewTask& given) {
  std::optional<std::int64_t> number;
  if (!given.slot || given.schedule.empty()) return number;
  Statement statement = connection_->prepare(sql::run_of_slot);
  if (statement.bind(given.queue).bind(given.schedule).bind(given.slot).step()) number = statement.integer(0);
  if (statement.run() != SQLITE_DONE)
    return connection_->error(statement.status(), "look for a slot of " + title_of(given.queue, given.schedule));
  return number;
}

Result<void> SqliteTasks::note_run(std::int64_t number, const NewTask& given) {
  if (given.schedule.empty()) return {};
  Statement statement = connection_->prepare(sql::note_run);
  statement.bind(given.queue).bind(given.schedule).bind(number).bind(up_to_micros(given.slot));
  return run(statement, "note a run of " + title_of(given.queue, given.schedule));
}

// --- slots -----------------------------------------------------------------------------------------------------------

Result<Result<Advanced>> SqliteTasks::advance(const Advance& advance, WallTime now) {
  const std::string what = "advance " + title_of(advance.queue, advance.schedule);
  // Its runs are tied to it by its name.
  if (advance.schedule.empty()) return Result<Advanced>(error(Code::invalid, what, "it has no name"));
  std::optional<std::int64_t> version;
  {
    Statement statement = connection_->prepare(sql::schedule_version);
    if (statement.bind(advance.queue).bind(advance.schedule).step()) version = statement.integer(0);
    if (statement.run() != SQLITE_DONE) return connection_->error(statement.status(), what);
  }
  if (!version) return Result<Advanced>(no_schedule(what));
  if (static_cast<std::uint64_t>(*version) != advance.version)
    return Result<Advanced>(error(Code::lease_lost, what, "it has been changed since it was read"));
  Advanced done;
  if (advance.cancel_earlier) {
    if (auto ok = cancel_runs(advance, now, done); !ok) return ok.error();
  }
  for (const NewTask& run : advance.runs) {
    NewTask own = run;
    own.queue = advance.queue;
    own.schedule = advance.schedule;
    auto added = add(own, now);
    if (!added) return added.error();
    // Before `own` is gone.
    if (auto ok = insert_incoming(now); !ok) return ok.error();
    done.runs.push_back(std::move(*added));
  }
  done.version = ++last_token_;
  Statement statement = connection_->prepare(sql::advance_schedule);
  statement.bind(advance.queue).bind(advance.schedule).bind(up_to_micros(advance.until));
  statement.bind(up_to_micros(advance.next)).bind(static_cast<std::int64_t>(advance.skipped));
  statement.bind(static_cast<std::int64_t>(done.version));
  if (auto ok = run(statement, what); !ok) return ok.error();
  return Result<Advanced>(std::move(done));
}

// Not where no run is new: the one that lives may be that of the same slot.
Result<void> SqliteTasks::cancel_runs(const Advance& advance, WallTime now, Advanced& done) {
  bool adds = false;
  for (const NewTask& run : advance.runs) {
    const auto had = dealt_with(run);
    if (!had) return had.error();
    adds = adds || !*had;
  }
  if (!adds) return {};
  const auto live = live_runs(advance.queue, advance.schedule);
  if (!live) return live.error();
  std::vector<KeptTask> tasks;
  for (const std::int64_t number : *live) {
    auto task = read(id_of(number));
    if (!task) {
      if (auto ok = pass_by(number, task.error()); !ok) return ok;
      continue;
    }
    if (*task) tasks.push_back(seen(std::move(**task), now));
  }
  Changed changed;
  if (auto ok = apply(tasks, {.what = Change::What::cancel, .prune_at = advance.prune_at}, now, changed); !ok)
    return ok;
  done.cancelled = std::move(changed.ids);
  done.running = std::move(changed.running);
  return {};
}

}  // namespace sqlite
}  // namespace v0
}  // namespace errand
