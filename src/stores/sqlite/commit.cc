// A batch: notes, and what finished. Its new tasks are in add.cc, its claims in claim.cc. One transaction.

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

class EndRows final : public Rows {
 public:
  // How a task ended, and when it may be forgotten.
  using End = std::pair<const Finish*, std::optional<WallTime>>;
  EndRows(std::span<const End> ends, WallTime now) : ends_(ends), now_(now) {}

  [[nodiscard]] std::size_t size() const noexcept override { return ends_.size(); }
  [[nodiscard]] std::string what(std::size_t row) const override {
    return "finish task " + to_string(ends_[row].first->id);
  }
  void get(std::size_t row, int column, Cell cell) const noexcept override {
    const Finish& end = *ends_[row].first;
    const bool has_output = !end.output_type.empty();
    switch (column) {
      case 1:
        return cell.set(number_of(end.id));
      case 2:
        return cell.set(word_of(end.to));
      case 3:
        return cell.set(std::int64_t{end.attempts});
      case 4:
        return cell.set(std::int64_t{end.crashes});
      case 5:
        return cell.set(end.started_at);
      case 6:
        return cell.set(now_);
      case 7:
        return cell.set(up_to_micros(ends_[row].second));
      case 8:
        if (has_output) cell.set_bytes(end.output);
        return;
      case 9:
        return cell.set_unless_empty(end.output_type);
      case 10:
        if (end.error) cell.set(std::string_view(end.error->text));
        return;
      case 11:
        if (end.error) cell.set(to_string(end.error->code));
        return;
    }
  }

 private:
  std::span<const End> ends_;
  WallTime now_;
};

}  // namespace

Result<Committed> SqliteTasks::commit(const Batch& batch, WallTime now) {
  if (auto ok = may_enter("commit"); !ok) return ok.error();
  // Workers do not wait for what they report.
  const Awaited awaited = batch.added.empty() ? Awaited::no : Awaited::yes;
  Committed committed;
  std::vector<Error> news;
  {
    FairLock lock(mu_);
    if (auto began = begin("commit", now); !began) return began.error();
    if (auto ended = end("commit", apply(batch, now, committed), awaited); !ended) return ended.error();
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
  if (auto ok = end_tasks(now); !ok) return ok;
  for (std::size_t i = 0; i < batch.finished.size() && !refused_.empty(); ++i) {
    if (!committed.finished[i]) continue;
    if (auto why = refusal(batch.finished[i].id)) committed.finished[i] = std::move(*why);
  }
  newcomers_.begin(!batch.claims.empty());
  for (NewTask& one : batch.added) {
    auto done = add(one, now);
    if (!done) return done.error();
    committed.added.push_back(std::move(*done));
  }
  if (auto ok = insert_incoming(now); !ok) return ok;
  for (std::size_t i = 0; i < committed.added.size() && !refused_.empty(); ++i) {
    Result<Added>& added = committed.added[i];
    if (!added || added->existed) continue;
    if (auto why = refusal(added->id)) added = std::move(*why);
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
  if (is_final(finish.to) && !(finish.to == TaskState::completed && claim.ephemeral)) {
    claims_.remove(number);
    endings_.push_back({&finish, claim});
    // Who has its key now is not settled by what comes next.
    if (claim.may_lack_key) {
      if (auto ok = end_tasks(now); !ok) return ok.error();
    }
    return Status();
  }
  Result<void> done;
  if (is_final(finish.to)) {
    done = remove(number, claim.tied);
    if (done && claim.in_line) done = leave_line({claim.queue, claim.priority, claim.run_at, number});
  } else {
    done = wait_again(finish, claim, now);
    if (done && finish.failed) done = add_to_history(finish);
  }
  // One statement, which did nothing: so this is the item's own.
  if (!done && done.error().code() == Code::too_large) return Status(done.error());
  if (!done) return done.error();
  claims_.remove(number);
  return Status();
}

Result<void> SqliteTasks::end_tasks(WallTime now) {
  std::vector<EndRows::End> ends;
  ends.reserve(endings_.size());
  for (const auto& [finish, claim] : endings_)
    ends.emplace_back(finish, claim.kept_until(finish->to, finish->prune_at));
  auto too_large = insert(sql::end_tasks, EndRows(ends, now));
  if (!too_large) return too_large.error();
  auto next = too_large->begin();
  for (std::size_t i = 0; i < endings_.size(); ++i) {
    const auto& [finish, claim] = endings_[i];
    const std::int64_t number = number_of(finish->id);
    if (next != too_large->end() && next->row == i) {
      claims_.add(number, claim);
      refused_.emplace_back(finish->id, std::move(next->error));
      ++next;
      continue;
    }
    Result<void> done;
    if (claim.tied) done = untie(number, finish->to);
    if (done && claim.may_lack_key) done = settle_key(*finish, now);
    if (done && finish->failed) done = add_to_history(*finish);
    if (done && claim.in_line) done = leave_line({claim.queue, claim.priority, claim.run_at, number});
    if (!done) return done;
  }
  endings_.clear();
  return {};
}

SqliteTasks::Status SqliteTasks::refusal(TaskId id) {
  const auto found = std::find_if(refused_.begin(), refused_.end(), [&](const auto& one) { return one.first == id; });
  if (found == refused_.end()) return {};
  Status why(std::move(found->second));
  refused_.erase(found);
  return why;
}

Result<void> SqliteTasks::end_task(const Finish& finish, WallTime now) {
  const EndRows::End one(&finish, finish.prune_at);
  const auto too_large = insert(sql::end_tasks, EndRows({&one, 1}, now));
  if (!too_large) return too_large.error();
  return too_large->empty() ? Result<void>() : too_large->front().error;
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
  return end_waiting(task, finish, now);
}

Result<void> SqliteTasks::end_waiting(const KeptTask& task, const Finish& finish, WallTime now) {
  Result<void> done = end_task(finish, now);
  if (done && is_tied(task.task)) done = untie(number_of(task.id), finish.to);
  const bool keyed = !task.task.unique.key.empty() && (task.task.unique.states & bit(finish.to)) != 0;
  return done && keyed ? settle_key(finish, now) : done;
}

// A task that has ended, and may have done so without its unique key, takes it now. Then it is kept as long as it has
// it.
Result<void> SqliteTasks::settle_key(const Finish& finish, WallTime now) {
  auto task = read(finish.id);
  if (!task && task.error().code() == Code::invalid) return {};  // its row is damaged
  if (!task) return task.error();
  if (!*task) return {};
  if (auto ok = take_key(**task, now); !ok) return ok;
  if (!(*task)->holds_key) return {};
  Statement statement = connection_->prepare(sql::keep_ended);
  statement.bind(number_of(finish.id)).bind(up_to_micros(kept_until((*task)->task, finish.to, finish.prune_at)));
  return run(statement, "finish", number_of(finish.id));
}

Result<void> SqliteTasks::untie(std::int64_t number, TaskState ended) {
  Statement statement = connection_->prepare(sql::untie);
  statement.bind(number).bind(std::int64_t{bit(ended)});
  return run(statement, "finish", number);
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
  auto kept = run(statement, "keep a failed attempt");
  // Beside what the row has already there may be no room for it, and the end is more than what led to it.
  return !kept && kept.error().code() == Code::too_large ? Result<void>() : kept;
}

Result<SqliteTasks::Status> SqliteTasks::note(const Note& note) {
  const Claims::Claim* claim = claims_.find(number_of(note.id));
  if (claim == nullptr || claim->token != note.token) return Status(lease_lost("note progress of", note.id));
  std::string log;
  if (!note.log.empty()) {
    auto task = read(note.id);
    if (!task && task.error().code() == Code::invalid) return Status(task.error());  // its row is damaged
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

}  // namespace sqlite
}  // namespace v0
}  // namespace errand
