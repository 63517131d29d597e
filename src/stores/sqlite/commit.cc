// A batch: notes, what finished, new tasks. Its claims are in claim.cc. One transaction.

#include <algorithm>

#include "base/log.h"
#include "base/time.h"
#include "sqlite/json_text.h"
#include "sqlite/sql.h"
#include "sqlite/store.h"

namespace errand {
inline namespace v0 {
namespace sqlite {

namespace {

Error lease_lost(const std::string& what, TaskId id) {
  return error(Code::lease_lost, what + " task " + to_string(id), "its claim is over, or another one has it");
}

// Its text, and its code.
void bind_error(Statement& statement, const std::optional<KeptError>& error) {
  if (error) {
    statement.bind(std::string_view(error->text)).bind(to_string(error->code));
  } else {
    statement.bind_null().bind_null();
  }
}

std::optional<std::int64_t> count_of(const std::optional<Duration>& d) {
  return d ? std::optional(d->count()) : std::nullopt;
}

}  // namespace

Result<Committed> SqliteTasks::commit(const Batch& batch, WallTime now) {
  if (auto ok = may_enter("commit"); !ok) return ok.error();
  Committed committed;
  std::vector<Error> news;
  {
    MutexLock lock(mu_);
    if (auto began = begin("commit", now); !began) return began.error();
    if (auto ended = end("commit", apply(batch, now, committed)); !ended) return ended.error();
    news.swap(news_);
  }
  for (const Error& one : news) log(LogLevel::error, {}, one.message());
  return committed;
}

Result<void> SqliteTasks::apply(const Batch& batch, WallTime now, Committed& committed) {
  const auto own = [](Status& status) { return status ? Result<void>(std::move(*status)) : Result<void>(); };
  committed.notes.reserve(batch.notes.size());
  committed.finished.reserve(batch.finished.size());
  committed.added.reserve(batch.added.size());
  for (const Note& one : batch.notes) {
    auto done = note(one);
    if (!done) return done.error();
    committed.notes.push_back(own(*done));
  }
  for (const Finish& one : batch.finished) {
    auto done = finish(one, now);
    if (!done) return done.error();
    committed.finished.push_back(own(*done));
  }
  newcomers_.begin(!batch.claims.empty());
  for (NewTask& one : batch.added) {
    auto done = add(one, now);
    if (!done) return done.error();
    committed.added.push_back(std::move(*done));
  }
  for (const Advance& one : batch.advanced) {
    auto done = advance(one, now);
    if (!done) return done.error();
    committed.advanced.push_back(std::move(*done));
  }
  for (const ClaimRequest& one : batch.claims) {
    auto done = claim(one, now);
    if (!done) return done.error();
    committed.claims.push_back(std::move(*done));
  }
  if (auto ok = line_up_newcomers(); !ok) return ok;
  return line_up_old_claims();
}

Result<void> SqliteTasks::remove_from(std::string_view sql, std::int64_t number) {
  Statement statement = connection_->prepare(sql);
  statement.bind(number);
  return run(statement, "remove", number);
}

Result<void> SqliteTasks::remove(std::int64_t number, bool tied) {
  removed_ = std::max(removed_, number);
  if (auto ok = remove_from(sql::remove_task, number); !ok) return ok;
  return tied ? remove_from(sql::remove_tie, number) : Result<void>();
}

Result<void> SqliteTasks::remove_ended(std::int64_t number) {
  if (auto ok = remove_from(sql::remove_end, number); !ok) return ok;
  return remove(number, true);
}

// --- what finished ---------------------------------------------------------------------------------------------------

Result<SqliteTasks::Status> SqliteTasks::finish(const Finish& finish, WallTime now) {
  const std::int64_t number = number_of(finish.id);
  const Claims::Claim* current = claims_.find(number);
  if (current == nullptr || current->token != finish.token) return Status(lease_lost("finish", finish.id));
  const Claims::Claim claim = *current;
  Result<void> done;
  if (finish.to == TaskState::completed && claim.ephemeral) {
    done = remove(number, claim.tied);
  } else if (is_final(finish.to)) {
    done = end_task(finish, now);
    if (done && claim.tied) done = untie(number, finish.to);
  } else {
    done = wait_again(finish, claim, now);
  }
  // One statement, which did nothing: so this is the item's own.
  if (!done && done.error().code() == Code::too_large) return Status(done.error());
  if (done && finish.failed) done = add_to_history(finish);
  if (done && is_final(finish.to) && claim.in_line)
    done = leave_line({claim.queue, claim.priority, claim.run_at, number});
  if (!done) return done.error();
  claims_.remove(number);
  return Status();
}

Result<void> SqliteTasks::end_task(const Finish& finish, WallTime now) {
  Statement statement = connection_->prepare(sql::end_task);
  statement.bind(number_of(finish.id)).bind(word_of(finish.to)).bind(std::int64_t{finish.attempts});
  statement.bind(std::int64_t{finish.crashes}).bind(finish.started_at).bind(now).bind(up_to_micros(finish.prune_at));
  if (finish.output_type.empty()) {
    statement.bind_null().bind_null();
  } else {
    statement.bind_bytes(finish.output).bind(finish.output_type);
  }
  bind_error(statement, finish.error);
  return run(statement, "finish", number_of(finish.id));
}

Result<void> SqliteTasks::end_waiting(const KeptTask& task, TaskState to, WallTime now,
                                      std::optional<WallTime> prune_at) {
  Finish finish;
  finish.id = task.id;
  finish.to = to;
  finish.attempts = task.attempts;
  finish.crashes = task.crashes;
  finish.prune_at = prune_at;
  if (to == TaskState::discarded && !task.last_error)
    finish.error = KeptError{Code::discarded, "expired: it was not started in time"};
  Result<void> done = end_task(finish, now);
  if (done && is_tied(task.task)) done = untie(number_of(task.id), to);
  return done;
}

Result<void> SqliteTasks::wait_again(const Finish& finish, const Claims::Claim& claim, WallTime now) {
  const WallTime run_at =
      up_to_micros(finish.to == TaskState::available ? std::min(finish.run_at, now) : finish.run_at);
  const std::int64_t number = number_of(finish.id);
  {
    Statement statement = connection_->prepare(sql::wait_again);
    statement.bind(number).bind(word_of(finish.to)).bind(std::int64_t{finish.attempts});
    statement.bind(std::int64_t{finish.crashes}).bind(finish.started_at).bind(run_at);
    bind_error(statement, finish.error);
    if (auto ok = run(statement, "give back", number); !ok) return ok;
  }
  const Place place{claim.queue, claim.priority, run_at, number};
  if (!claim.in_line) return enter_line(place);
  return move_in_line({claim.queue, claim.priority, claim.run_at, number}, place);
}

Result<void> SqliteTasks::add_to_history(const Finish& finish) {
  auto task = read(finish.id);
  // What nobody can read is no reason to keep the end out, and all others with it.
  if (!task && task.error().code() != Code::invalid) return task.error();
  if (task && !*task) return {};
  std::vector<KeptAttempt> attempts;
  if (task) attempts = std::move((*task)->history);
  if (attempts.size() == kKeptAttempts) attempts.erase(attempts.begin());
  attempts.push_back(*finish.failed);
  const std::string history = history_text(attempts);
  Statement statement = connection_->prepare(sql::set_history);
  statement.bind(number_of(finish.id)).bind(history);
  return run(statement, "keep a failed attempt");
}

Result<SqliteTasks::Status> SqliteTasks::note(const Note& note) {
  const Claims::Claim* claim = claims_.find(number_of(note.id));
  if (claim == nullptr || claim->token != note.token) return Status(lease_lost("note progress of", note.id));
  std::string log;
  if (!note.log.empty()) {
    auto task = read(note.id);
    if (!task) return task.error();
    std::vector<std::string> lines = *task ? std::move((*task)->log) : std::vector<std::string>();
    lines.insert(lines.end(), note.log.begin(), note.log.end());
    if (lines.size() > kKeptLogLines) lines.erase(lines.begin(), lines.end() - kKeptLogLines);
    log = array_of(lines);
  }
  const auto number = [](const std::optional<std::uint64_t>& value) {
    return value ? std::optional(static_cast<std::int64_t>(*value)) : std::nullopt;
  };
  // An empty object, where there was something, is not the same as leaving it.
  const std::string labels = note.metadata ? (note.metadata->empty() ? "{}" : object_of(*note.metadata)) : "";
  Statement statement = connection_->prepare(sql::set_notes);
  statement.bind(number_of(note.id)).bind(number(note.progress_done)).bind(number(note.progress_total));
  statement.bind(note.progress_note ? std::optional<std::string_view>(*note.progress_note) : std::nullopt);
  statement.bind_unless_empty(labels).bind_unless_empty(log);
  if (auto ok = run(statement, "note progress of task " + to_string(note.id)); !ok) return ok.error();
  return Status();
}

// --- new tasks -------------------------------------------------------------------------------------------------------

Result<Result<Added>> SqliteTasks::add(NewTask& given, WallTime now) {
  const auto had = dealt_with(given);
  if (!had) return had.error();
  if (*had) return Result<Added>(**had);
  auto first = holder(given.unique.key);
  if (!first) return first.error();
  if (*first) {
    const auto& until = (*first)->task.unique.until;
    if (!until || *until > now) return clash(**first, given, now);
    if (auto ok = give_up_key(number_of((*first)->id)); !ok) return ok.error();
  }
  const std::int64_t number = ++last_number_;
  if (auto ok = insert(number, given, now); !ok) {
    if (ok.error().code() == Code::too_large) return Result<Added>(ok.error());
    return ok.error();
  }
  if (auto ok = note_run(number, given); !ok) return ok.error();
  return Result<Added>(Added{id_of(number)});
}

Result<void> SqliteTasks::give_up_key(std::int64_t number) {
  Statement statement = connection_->prepare(sql::give_up_key);
  statement.bind(number);
  return run(statement, "end a unique key");
}

// The task that has this unique key. A claim is not written, so the row of a task that lets go of its key while it runs
// still has it: the key goes when somebody asks for it.
Result<std::optional<KeptTask>> SqliteTasks::holder(const std::string& key) {
  std::optional<KeptTask> found;
  if (key.empty()) return found;
  {
    Statement statement = connection_->prepare(sql::holder);
    statement.bind(key);
    if (statement.step()) {
      auto task = read_task(*connection_, statement);
      if (!task) return task.error();
      found = std::move(*task);
    } else if (statement.status() != SQLITE_DONE) {
      return connection_->error(statement.status(), "look for a unique key");
    }
  }
  if (found && claims_.find(number_of(found->id)) != nullptr &&
      (found->task.unique.states & bit(TaskState::running)) == 0) {
    Statement statement = connection_->prepare(sql::let_go);
    statement.bind(number_of(found->id));
    if (auto ok = run(statement, "end a unique key"); !ok) return ok.error();
    found.reset();
  }
  return found;
}

Result<void> SqliteTasks::insert(std::int64_t number, NewTask& given, WallTime now) {
  const TaskState state = given.run_at <= now ? TaskState::available : TaskState::scheduled;
  const WallTime run_at = up_to_micros(given.run_at);
  const std::string tags = array_of(given.tags);
  const std::string metadata = object_of(given.metadata);
  const bool tied = is_tied(given);
  const bool plain = !tied && given.retry.empty() && !given.timeout && !given.max_elapsed && !given.ephemeral &&
                     given.name.empty() && tags.empty() && metadata.empty();
  {
    Statement statement = connection_->prepare(plain ? sql::add_plain_task : sql::add_task);
    statement.bind(number).bind(given.queue).bind(given.kind).bind(word_of(state)).bind(std::int64_t{given.priority});
    statement.bind(run_at).bind_bytes(given.payload).bind(given.content_type).bind(now);
    statement.bind(std::int64_t{given.max_attempts});
    if (!plain) {
      statement.bind(tied ? std::optional(number) : std::nullopt).bind_unless_empty(given.retry);
      statement.bind(count_of(given.timeout)).bind(count_of(given.max_elapsed));
      statement.bind(given.ephemeral ? std::optional<std::int64_t>(1) : std::nullopt).bind_unless_empty(given.name);
      statement.bind_unless_empty(tags).bind_unless_empty(metadata);
    }
    if (statement.run() != SQLITE_DONE) return connection_->error(statement.status(), "enqueue \"" + given.kind + "\"");
  }
  if (tied) {
    const bool holds_key = !given.unique.key.empty() && (given.unique.states & bit(state)) != 0;
    if (auto ok = tie(number, given, true, holds_key); !ok) return ok;
  }
  if (!tied && newcomers_.welcome() && run_at <= now) {
    newcomers_.add({&given, run_at, number});
    return {};
  }
  return enter_line({given.queue, given.priority, run_at, number});
}

Result<void> SqliteTasks::tie(std::int64_t number, const NewTask& given, bool live, bool holds_key) {
  const UniqueKey& unique = given.unique;
  const bool keyed = !unique.key.empty();
  const auto one_if = [](bool yes) { return yes ? std::optional<std::int64_t>(1) : std::nullopt; };
  Statement statement = connection_->prepare(sql::tie);
  statement.bind(number).bind(one_if(live)).bind(up_to_micros(given.expires_at)).bind_unless_empty(unique.key);
  statement.bind(keyed ? std::optional<std::int64_t>(unique.states) : std::nullopt);
  statement.bind(keyed ? up_to_micros(unique.until) : std::nullopt).bind(one_if(holds_key));
  statement.bind(given.queue).bind_unless_empty(given.schedule).bind(up_to_micros(given.slot));
  return run(statement, "enqueue \"" + given.kind + "\"");
}

Result<void> SqliteTasks::untie(std::int64_t number, TaskState ended) {
  Statement statement = connection_->prepare(sql::untie);
  statement.bind(number).bind(std::int64_t{bit(ended)});
  return run(statement, "finish", number);
}

// A second task with the key of `first`.
Result<Result<Added>> SqliteTasks::clash(const KeptTask& first, const NewTask& given, WallTime now) {
  if (given.unique.on_clash == OnClash::refuse) {
    return Result<Added>(error(Code::invalid, "enqueue \"" + given.kind + "\" to queue \"" + given.queue + "\"",
                               "task " + to_string(first.id) + " has its unique key"));
  }
  const bool replaces = given.unique.on_clash == OnClash::replace && is_waiting(first.state) &&
                        claims_.find(number_of(first.id)) == nullptr;
  if (replaces) {
    KeptTask moved = first;
    moved.task.run_at = up_to_micros(given.run_at);
    Statement statement = connection_->prepare(sql::replace);
    statement.bind(number_of(first.id)).bind_bytes(given.payload).bind(given.content_type).bind(moved.task.run_at);
    statement.bind(word_of(given.run_at <= now ? TaskState::available : TaskState::scheduled));
    if (auto ok = run(statement, "replace task " + to_string(first.id)); !ok) return ok.error();
    if (first.aside == Aside::no) {
      if (auto ok = move_in_line(place_of(first), place_of(moved)); !ok) return ok.error();
    }
  }
  return Result<Added>(Added{first.id, true, replaces});
}

}  // namespace sqlite
}  // namespace v0
}  // namespace errand
