#include "sqlite/store.h"

#include <algorithm>

#include "base/log.h"
#include "base/time.h"
#include "sqlite/json_text.h"
#include "sqlite/sql.h"

namespace errand {
inline namespace v0 {
namespace sqlite {

namespace {

// Bytes of the log, before it is written back. One transaction may come on top.
constexpr std::int64_t kMostLog = 32 << 20;
constexpr std::int64_t kMuchLog = kMostLog / 4 * 3;  // it is written back where nobody waits
// Callers ask what time it is before they get in, and others may come first: that is no clock that goes back.
constexpr Duration kRace = std::chrono::milliseconds(5);
// So many rows are looked at before somebody else has a turn: a few milliseconds.
constexpr std::int64_t kWindow = 4096;
// Else whoever goes by ids would go round for ever.
constexpr char kOutOfOrder[] = "the tasks are out of order: the file is damaged";

// The stored words of what may be seen in this state as of some moment.
std::vector<std::string> words_of(TaskState state) {
  if (state == TaskState::available || state == TaskState::running) return {"scheduled", "available", "retryable"};
  return {std::string(word_of(state))};
}

}  // namespace

// --- transactions ----------------------------------------------------------------------------------------------------

Result<void> SqliteTasks::run(Statement& statement, const std::string& what) {
  if (statement.run() != SQLITE_DONE) return connection_->error(statement.status(), what);
  return {};
}

Result<void> SqliteTasks::run(Statement& statement, const char* what, std::int64_t number) {
  if (statement.run() == SQLITE_DONE) return {};
  return connection_->error(statement.status(), std::string(what) + " task " + to_string(id_of(number)));
}

Result<std::vector<SqliteTasks::TooLarge>> SqliteTasks::insert(std::string_view sql, const Rows& rows) {
  std::vector<TooLarge> too_large;
  Given& given = connection_->given();
  for (std::size_t next = 0; next < rows.size();) {
    given.give(&rows, next);
    Statement statement = connection_->prepare(sql);
    const int status = statement.run();
    const std::size_t row = given.take_back();
    // A table or a trigger of somebody else's may come between; it is not to be believed that all are in then.
    if (status == SQLITE_DONE && row != rows.size())
      return sqlite::error(Code::invalid, rows.what(row), "something in the file hides errand_given");
    if (status == SQLITE_DONE) break;
    Error error = connection_->error(status, rows.what(std::min(row, rows.size() - 1)));
    if (error.code() != Code::too_large || row >= rows.size()) return error;
    too_large.push_back({row, std::move(error)});
    next = row + 1;
  }
  return too_large;
}

Result<void> SqliteTasks::begin(const std::string& what, WallTime now) {
  if (auto ok = ready(what); !ok) return ok;
  claims_.begin();
  before_ = {latest_, removed_, lined_up_};
  newcomers_.begin(false);
  endings_.clear();
  incoming_.clear();
  refused_.clear();
  Statement statement = connection_->prepare("begin immediate");
  if (auto ok = run(statement, what); !ok) return ok;
  if (auto kept = keep_available(now); !kept) return end(what, kept);
  return {};
}

Result<void> SqliteTasks::end(const std::string& what, Result<void> done, Awaited awaited) {
  if (done) done = note_removed();
  if (done) {
    Statement statement = connection_->prepare("commit");
    done = run(statement, what);
  }
  if (!done) {
    const bool is_full = (sqlite3_errcode(connection_->handle()) & 0xff) == SQLITE_FULL;
    connection_->roll_back();
    if (is_full) make_room();
    claims_.take_back();
    latest_ = before_.latest;
    removed_ = before_.removed;
    lined_up_ = before_.lined_up;
    newcomers_.begin(false);
    endings_.clear();
    incoming_.clear();
    return done;
  }
  claims_.keep();
  write_back(awaited);
  return {};
}

// The number of a task that is gone is never given again.
Result<void> SqliteTasks::note_removed() {
  if (removed_ == before_.removed) return {};
  return set_meta("last_removed", removed_);
}

// The log goes back into the database here alone, since nobody else has the file open. That it can't is no error of
// what was committed, and it is tried again after the next commit.
void SqliteTasks::write_back(Awaited awaited) {
  if (log_bytes() < (awaited == Awaited::yes ? kMostLog : kMuchLog)) {
    // A full disk is whoever's who needs more.
    const int status = log_space_.keep_ahead(connection_->handle(), log_bytes(), awaited);
    if (status != SQLITE_FULL) connection_->note(status);
    return;
  }
  const int status =
      sqlite3_wal_checkpoint_v2(connection_->handle(), nullptr, SQLITE_CHECKPOINT_RESTART, nullptr, nullptr);
  if (status == SQLITE_OK) {
    log_pages_ = 0;
    log_space_ = {};
  }
  connection_->note(status);
}

// The disk is full, and the log may be what fills it: what is in there goes into the database, if that has room enough,
// and the log begins anew in the same place.
void SqliteTasks::make_room() {
  int status = log_pages_ > 0 ? log_space_.give_back(connection_->handle(), log_bytes()) : SQLITE_OK;
  if (status == SQLITE_OK)
    status = sqlite3_wal_checkpoint_v2(connection_->handle(), nullptr, SQLITE_CHECKPOINT_RESTART, nullptr, nullptr);
  if (status == SQLITE_OK) log_pages_ = 0;
  connection_->note(status);
}

// A frame is a page and its header; before the first one is the log's.
std::int64_t SqliteTasks::log_bytes() const {
  return log_pages_ * (page_size_ + 24) + 32;
}

// A row that nobody can read is nobody's, and keeps nobody from the others. Any other error is one.
Result<void> SqliteTasks::pass_by(std::int64_t number, const Error& error) {
  if (error.code() != Code::invalid) return error;
  if (unreadable_.insert(number).second) news_.push_back(error);
  return {};
}

void SqliteTasks::tell_news() {
  std::vector<Error> news;
  {
    FairLock lock(mu_);
    news.swap(news_);
  }
  for (const Error& one : news) log(LogLevel::error, {}, one.message());
}

// A task whose time had come stays available when the clock goes back: its place is where the clock is now.
Result<void> SqliteTasks::keep_available(WallTime now) {
  if (now < latest_ && latest_ - now < kRace) return {};
  if (now < latest_) {
    std::vector<KeptTask> overtaken;
    Statement statement = connection_->prepare(sql::overtaken);
    statement.bind(now).bind(latest_);
    while (statement.step()) {
      auto task = read_task(*connection_, statement);
      if (task) {
        overtaken.push_back(std::move(*task));
      } else if (auto ok = pass_by(number_at(statement), task.error()); !ok) {
        return ok;
      }
    }
    if (statement.status() != SQLITE_DONE) return connection_->error(statement.status(), "set back the clock");
    for (KeptTask& task : overtaken) {
      if (auto ok = set_run_at(task, down_to_micros(now)); !ok) return ok;
    }
  }
  latest_ = now;
  return {};
}

Result<void> SqliteTasks::set_run_at(const KeptTask& task, WallTime run_at) {
  const std::int64_t number = number_of(task.id);
  {
    Statement statement = connection_->prepare(sql::set_run_at);
    statement.bind(number).bind(run_at);
    if (auto ok = run(statement, "set back the clock"); !ok) return ok;
  }
  const Claims::Claim* claim = claims_.find(number);
  const bool in_line = claim != nullptr ? claim->in_line : task.aside == Aside::no;
  if (claim != nullptr) claims_.move(number, run_at);
  if (!in_line) return {};
  return move_in_line(place_of(task), {task.task.queue, task.task.priority, run_at, number});
}

// --- what is looked up -----------------------------------------------------------------------------------------------

KeptTask SqliteTasks::seen(KeptTask task, WallTime now) const {
  if (const Claims::Claim* claim = claims_.find(number_of(task.id))) {
    task.state = TaskState::running;
    task.token = claim->token;
    task.cancel_requested = claim->cancel_requested;
  } else if (is_waiting(task.state) && task.task.run_at <= now) {
    task.state = TaskState::available;
  }
  return task;
}

Result<std::optional<KeptTask>> SqliteTasks::read(TaskId id) {
  Statement statement = connection_->prepare(sql::find_task);
  statement.bind(number_of(id));
  if (statement.step()) {
    auto task = read_task(*connection_, statement);
    if (!task) return task.error();
    return std::optional(std::move(*task));
  }
  if (statement.status() != SQLITE_DONE) return connection_->error(statement.status(), "find task " + to_string(id));
  return std::optional<KeptTask>();
}

Result<KeptTask> SqliteTasks::find(TaskId id, WallTime now) {
  if (auto ok = may_enter("find a task"); !ok) return ok.error();
  FairLock lock(mu_);
  if (auto ok = ready("find a task"); !ok) return ok.error();
  auto task = read(id);
  if (!task) return task.error();
  if (!*task) return error(Code::not_found, "find task " + to_string(id), "no such task");
  return seen(std::move(**task), now);
}

Result<std::vector<KeptTask>> SqliteTasks::list(const TaskFilter& filter, TaskId after, std::size_t limit,
                                                WallTime now) {
  if (auto ok = may_enter("list tasks"); !ok) return ok.error();
  std::vector<KeptTask> found;
  bool is_news = false;
  auto done = in_windows("list tasks", number_of(after), [&](Window window) ERRAND_REQUIRES(mu_) -> Result<bool> {
    std::vector<Damaged> damaged;
    auto some = matching(filter, window, limit - found.size(), now, filter.ids.empty() ? &damaged : nullptr);
    if (!some) return some.error();
    for (const Damaged& one : damaged) {
      if (auto ok = pass_by(number_of(one.id), one.why); !ok) return ok.error();
    }
    is_news = is_news || !news_.empty();
    std::move(some->begin(), some->end(), std::back_inserter(found));
    return found.size() < limit && filter.ids.empty();
  });
  // Whoever only looks never commits.
  if (is_news) tell_news();
  if (!done) return done.error();
  return found;
}

Result<std::vector<Damaged>> SqliteTasks::list_damaged(TaskId after, std::size_t limit) {
  const char* const what = "list damaged tasks";
  if (auto ok = may_enter(what); !ok) return ok.error();
  std::vector<Damaged> found;
  auto done = in_windows(what, number_of(after), [&](Window window) ERRAND_REQUIRES(mu_) -> Result<bool> {
    Statement statement = connection_->prepare(sql::list_tasks);
    statement.bind(window.after);
    for (int unset = 2; unset <= 8; ++unset) statement.bind_null();
    statement.bind(window.last);
    for (std::int64_t met = window.after; found.size() < limit && statement.step(); met = number_at(statement)) {
      if (number_at(statement) <= met) return error(Code::invalid, what, kOutOfOrder);
      const auto task = read_task(*connection_, statement);
      if (task) continue;
      if (task.error().code() != Code::invalid) return task.error();
      found.push_back({id_of(number_at(statement)), task.error()});
    }
    if (found.size() < limit && statement.status() != SQLITE_DONE) return connection_->error(statement.status(), what);
    return found.size() < limit;
  });
  if (!done) return done.error();
  return found;
}

// Whoever looks at everything holds up the writer for a part of it at a time, and lets a commit that waits go first.
// What comes meanwhile is left out: there may be no end to it.
template <class F>
Result<void> SqliteTasks::in_windows(const char* what, std::int64_t after, F f) {
  std::optional<std::int64_t> end;
  for (Window window{after, after};;) {
    FairLock lock(mu_);
    if (auto ok = ready(what); !ok) return ok;
    if (!end) end = last_number_;
    {
      Statement statement = connection_->prepare(sql::window);
      statement.bind(window.last);
      if (!statement.step()) return connection_->error(statement.status(), what);
      if (statement.is_null(0) || statement.integer(0) > *end) return {};
      if (statement.integer(0) <= window.last) return error(Code::invalid, what, kOutOfOrder);
      window.after = statement.integer(0) - 1;
    }
    window.last = *end - window.after > kWindow ? window.after + kWindow : *end;
    const Result<bool> goes_on = f(window);
    if (!goes_on) return goes_on.error();
    if (!*goes_on) return {};
  }
}

Result<std::vector<KeptTask>> SqliteTasks::matching(const TaskFilter& filter, Window window, std::size_t limit,
                                                    WallTime now, std::vector<Damaged>* damaged) {
  std::vector<KeptTask> found;
  const auto matches = [&](const KeptTask& task) { return !filter.state || task.state == *filter.state; };
  const std::string states = filter.state ? array_of(words_of(*filter.state)) : std::string();
  // Of single tasks, each is looked up.
  std::vector<TaskId> ids = filter.ids;
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  std::size_t next = 0;
  do {
    const bool by_id = !ids.empty();
    if (by_id && number_of(ids[next]) <= window.after) continue;
    const std::int64_t from = by_id ? number_of(ids[next]) - 1 : window.after;
    const std::int64_t last = by_id ? number_of(ids[next]) : window.last;
    Statement statement = connection_->prepare(sql::list_tasks);
    statement.bind(from).bind_unless_empty(filter.queue).bind_unless_empty(filter.kind).bind_unless_empty(filter.name);
    statement.bind(filter.priority ? std::optional<std::int64_t>(*filter.priority) : std::nullopt);
    statement.bind_unless_empty(filter.tag).bind_unless_empty(states).bind_unless_empty(filter.schedule).bind(last);
    std::int64_t met = from;
    while (found.size() < limit && statement.step()) {
      if (by_id && id_of(number_at(statement)) != ids[next]) break;
      if (number_at(statement) <= met) return error(Code::invalid, "list tasks", kOutOfOrder);
      met = number_at(statement);
      auto task = read_task(*connection_, statement);
      if (!task && (damaged == nullptr || task.error().code() != Code::invalid)) return task.error();
      if (!task) {
        damaged->push_back({id_of(number_at(statement)), task.error()});
        continue;
      }
      *task = seen(std::move(*task), now);
      if (matches(*task)) found.push_back(std::move(*task));
      if (by_id) break;
    }
    if (statement.status() != SQLITE_DONE && statement.status() != SQLITE_ROW && statement.status() != SQLITE_OK)
      return connection_->error(statement.status(), "list tasks");
  } while (++next < ids.size() && found.size() < limit);
  return found;
}

Result<std::vector<Counts>> SqliteTasks::counts(WallTime now) {
  if (auto ok = may_enter("count tasks"); !ok) return ok.error();
  std::map<std::string, Counts> by_queue;
  auto done = in_windows("count tasks", 0, [&](Window window) ERRAND_REQUIRES(mu_) -> Result<bool> {
    auto ok = count(window, now, by_queue);
    return ok ? Result<bool>(true) : ok.error();
  });
  if (!done) return done.error();
  {
    FairLock lock(mu_);
    for (const std::string& queue : paused_) by_queue[queue].paused = true;
  }
  std::vector<Counts> all;
  for (auto& [queue, counts] : by_queue) {
    counts.queue = queue;
    all.push_back(std::move(counts));
  }
  return all;
}

Result<void> SqliteTasks::count(Window window, WallTime now, std::map<std::string, Counts>& by_queue) {
  Statement statement = connection_->prepare(sql::counts);
  statement.bind(now).bind(window.after).bind(window.last);
  while (statement.step()) {
    Counts& counts = by_queue[std::string(statement.text(0))];
    const std::string_view state = statement.text(1);
    const std::string_view aside = statement.text(2);
    const auto count = static_cast<std::size_t>(statement.integer(3));
    const bool waiting = state == "scheduled" || state == "available" || state == "retryable";
    for (const auto& [word, cell] : {std::pair{"scheduled", &counts.scheduled},
                                     {"available", &counts.available},
                                     {"retryable", &counts.retryable},
                                     {"completed", &counts.completed},
                                     {"cancelled", &counts.cancelled},
                                     {"discarded", &counts.discarded}}) {
      if (state == word) *cell += count;
    }
    if (waiting && aside == word_of(Aside::held)) counts.held += count;
    if (waiting && aside == word_of(Aside::no_handler)) counts.no_handler += count;
  }
  if (statement.status() != SQLITE_DONE) return connection_->error(statement.status(), "count tasks");
  // Rows of claimed tasks say that they wait.
  for (const auto& [number, claim] : claims_.all()) {
    if (number <= window.after || number > window.last) continue;
    Counts& counts = by_queue[std::string(claim.queue)];
    const bool available = claim.state == TaskState::available || claim.run_at <= now;
    --(available ? counts.available : claim.state == TaskState::scheduled ? counts.scheduled : counts.retryable);
    ++counts.running;
  }
  return {};
}

// --- the rest --------------------------------------------------------------------------------------------------------

Result<std::size_t> SqliteTasks::restore(std::string_view queue, std::span<const std::string> kinds) {
  if (auto ok = may_enter("restore tasks"); !ok) return ok.error();
  FairLock lock(mu_);
  const std::string what = "restore tasks of queue \"" + std::string(queue) + "\"";
  if (auto began = begin(what, latest_); !began) return began.error();
  std::vector<KeptTask> found;
  Result<void> done;
  for (const std::string& kind : kinds) {
    Statement statement = connection_->prepare(sql::set_aside_tasks);
    statement.bind(queue).bind(kind);
    while (done && statement.step()) {
      auto task = read_task(*connection_, statement);
      if (task) {
        found.push_back(std::move(*task));
      } else {
        done = pass_by(number_at(statement), task.error());
      }
    }
    if (done && statement.status() != SQLITE_DONE) done = connection_->error(statement.status(), what);
  }
  for (const KeptTask& task : found) {
    if (!done) break;
    Statement statement = connection_->prepare(sql::set_aside);
    statement.bind(number_of(task.id)).bind_null();
    done = run(statement, what);
    if (done) done = enter_line(place_of(task));
  }
  if (auto ended = end(what, std::move(done)); !ended) return ended.error();
  return found.size();
}

Result<void> SqliteTasks::set_paused(std::string_view queue, bool paused) {
  const std::string what = (paused ? "pause queue \"" : "resume queue \"") + std::string(queue) + "\"";
  if (auto ok = may_enter(what.c_str()); !ok) return ok;
  FairLock lock(mu_);
  if (auto ok = ready(what); !ok) return ok;
  Statement statement = connection_->prepare(sql::set_paused);
  statement.bind(queue).bind(static_cast<std::int64_t>(paused));
  if (auto ok = run(statement, what); !ok) return ok;
  if (paused) {
    paused_.insert(std::string(queue));
  } else if (const auto found = paused_.find(queue); found != paused_.end()) {
    paused_.erase(found);
  }
  return {};
}

Result<Tidied> SqliteTasks::tidy(std::size_t limit, WallTime now) {
  if (auto ok = may_enter("tidy up"); !ok) return ok.error();
  FairLock lock(mu_);
  const std::string what = "tidy up";
  if (auto began = begin(what, now); !began) return began.error();
  Tidied tidied;
  Result<void> done;
  std::vector<KeptTask> expired;
  std::vector<std::int64_t> prunable;
  {
    Statement statement = connection_->prepare(sql::expiring);
    statement.bind(now);
    while (done && expired.size() < limit && statement.step()) {
      auto task = read_task(*connection_, statement);
      if (!task) {
        done = pass_by(number_at(statement), task.error());
      } else if (claims_.find(number_of(task->id)) == nullptr) {
        expired.push_back(std::move(*task));
      }
    }
    if (done && expired.size() < limit && statement.status() != SQLITE_DONE)
      done = connection_->error(statement.status(), what);
  }
  {
    Statement statement = connection_->prepare(sql::prunable);
    statement.bind(now).bind(static_cast<std::int64_t>(limit));
    while (statement.step()) prunable.push_back(statement.integer(0));
    if (done && statement.status() != SQLITE_DONE) done = connection_->error(statement.status(), what);
  }
  for (const KeptTask& task : expired) {
    if (done) done = expire(task, now);
    tidied.expired.push_back(task.id);
  }
  for (const std::int64_t number : prunable) {
    if (done) done = remove_ended(number);
    ++tidied.pruned;
  }
  tidied.more = tidied.expired.size() == limit || tidied.pruned == limit;
  if (auto ended = end(what, std::move(done), Awaited::no); !ended) return ended.error();
  return tidied;
}

}  // namespace sqlite

}  // namespace v0
}  // namespace errand
