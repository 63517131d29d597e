// Claims: what waits in the lines, and what the same transaction has added, in one order.

#include <algorithm>

#include "base/time.h"
#include "sqlite/sql.h"
#include "sqlite/store.h"

namespace errand {
inline namespace v0 {
namespace sqlite {

namespace {

KeptTask kept(const Newcomers::Newcomer& newcomer, WallTime now) {
  KeptTask task{.id = id_of(newcomer.number),
                .state = TaskState::available,
                .task = std::move(*newcomer.task),
                .created_at = now};
  task.task.run_at = newcomer.run_at;
  return task;
}

}  // namespace

Result<Claimed> SqliteTasks::claim(const ClaimRequest& request, WallTime now) {
  Claimed claimed;
  if (paused_.find(request.queue) != paused_.end()) return claimed;
  newcomers_.end();
  for (int priority = 0; priority < request.below && !claimed.more; ++priority) {
    if (auto ok = claim_at(request, priority, now, claimed); !ok) return ok.error();
  }
  return claimed;
}

// From the cursor on, until the limit or the first task whose time has not come.
Result<void> SqliteTasks::claim_at(const ClaimRequest& request, int priority, WallTime now, Claimed& claimed) {
  Newcomers::Line* const newcomers = newcomers_.find(request.queue, priority);
  std::size_t next = 0;
  const auto is_full = [&] { return claimed.tasks.size() >= request.limit; };
  // Those that come before a place. False: the limit is reached, and there is one more.
  const auto take_newcomers = [&](WallTime run_at, std::int64_t number) ERRAND_REQUIRES(mu_) -> Result<bool> {
    for (; newcomers != nullptr && next < newcomers->tasks.size(); ++next) {
      Newcomers::Newcomer& one = newcomers->tasks[next];
      if (one.settled) continue;
      if (one.place() > std::pair(run_at, number)) break;
      if (is_full()) return false;
      one.settled = true;
      if (auto took = take(request, kept(one, now), false, now, claimed); !took) return took.error();
    }
    return true;
  };
  if (newcomers != nullptr)
    claimed.tasks.reserve(std::min(request.limit, claimed.tasks.size() + newcomers->tasks.size()));
  Claims::Cursor& cursor = claims_.cursor(request.queue, priority);
  if (cursor.next && *cursor.next <= now) {
    Statement statement = connection_->prepare(sql::claim);
    statement.bind(request.queue).bind(std::int64_t{priority}).bind(cursor.run_at).bind(cursor.id);
    cursor.next.reset();
    while (statement.step()) {
      auto task = read_task(*connection_, statement);
      if (!task) {
        if (auto ok = pass_by(number_at(statement), task.error()); !ok) return ok;
        continue;
      }
      const std::int64_t number = number_at(statement);
      const WallTime run_at = task->task.run_at;
      if (claims_.find(number) == nullptr) {
        const auto took = take_newcomers(run_at, number);
        if (!took) return took.error();
        if (!*took || run_at > now || is_full()) {
          cursor.next = run_at;
          claimed.more = run_at <= now || !*took;
          break;
        }
        if (auto ok = take(request, std::move(*task), true, now, claimed); !ok) return ok;
      }
      cursor.run_at = run_at;
      cursor.id = number;
    }
    if (statement.status() != SQLITE_DONE && statement.status() != SQLITE_ROW)
      return connection_->error(statement.status(), "claim tasks");
  }
  if (!claimed.more) {
    const auto took = take_newcomers(WallTime::max(), 0);
    if (!took) return took.error();
    claimed.more = !*took;
  }
  if (!claimed.more && cursor.next && (!claimed.next_due || *cursor.next < *claimed.next_due))
    claimed.next_due = cursor.next;
  return {};
}

// A task that is due: claimed, set aside or discarded.
Result<void> SqliteTasks::take(const ClaimRequest& request, KeptTask&& task, bool in_line, WallTime now,
                               Claimed& claimed) {
  if (task.task.expires_at && *task.task.expires_at <= now) {
    if (auto ok = expire(task, now); !ok) return ok;
    claimed.expired.push_back(task.id);
    return {};
  }
  if (!request.any_kind && !std::binary_search(request.kinds.begin(), request.kinds.end(), task.task.kind)) {
    {
      Statement statement = connection_->prepare(sql::set_aside);
      statement.bind(number_of(task.id)).bind(word_of(Aside::no_handler));
      if (auto ok = run(statement, "set aside", number_of(task.id)); !ok) return ok;
    }
    return in_line ? leave_line(place_of(task)) : Result<void>();
  }
  const NewTask& given = task.task;
  Claims::Claim claim{.token = ++last_token_,
                      .queue = given.queue,
                      .priority = given.priority,
                      .state = task.state,
                      .run_at = given.run_at,
                      .ephemeral = given.ephemeral,
                      .tied = is_tied(given),
                      .in_line = in_line};
  task.state = TaskState::running;
  task.token = last_token_;
  if (!given.unique.key.empty()) {
    if (auto ok = take_key(task, now); !ok) return ok;
    const bool holds_on = (given.unique.states & bit(TaskState::running)) != 0;
    claim.key_states = given.unique.states;
    claim.key_until = given.unique.until;
    claim.may_lack_key = !task.holds_key || !holds_on;
    if (holds_on && !task.holds_key) claim.wanted_key = given.unique.key;
  }
  claims_.add(number_of(task.id), claim);
  claimed.tasks.push_back(std::move(task));
  return {};
}

// A task in its line.
Result<void> SqliteTasks::expire(const KeptTask& task, WallTime now) {
  if (auto ok = end_waiting(task, TaskState::discarded, now, saturating_add(now, kKeepDiscarded)); !ok) return ok;
  return leave_line(place_of(task));
}

}  // namespace sqlite
}  // namespace v0
}  // namespace errand
