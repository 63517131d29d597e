// A new life of the file, and what was running when the last owner died.

#include <algorithm>
#include <climits>

#include "base/seed.h"
#include "base/time.h"
#include "core/decide.h"
#include "sqlite/sql.h"
#include "sqlite/store.h"

namespace errand {
inline namespace v0 {
namespace sqlite {

namespace {

constexpr std::string_view kDied = "its process died while it ran";

// The last error that the task itself came to.
std::optional<KeptError> own_error(const KeptTask& task) {
  if (task.last_error && task.last_error->text != kDied) return task.last_error;
  const auto found = std::find_if(task.history.rbegin(), task.history.rend(),
                                  [](const KeptAttempt& attempt) { return attempt.error.text != kDied; });
  return found != task.history.rend() ? std::optional(found->error) : std::nullopt;
}

// Of a task that has crashed too often.
KeptError last_word(const KeptTask& task, int crashes) {
  const std::string reason = "crashed " + std::to_string(crashes) + " times";
  const auto own = own_error(task);
  if (!own) return {Code::failed, reason + ": " + std::string(kDied)};
  return {own->code, gave_up(Error(own->code, own->text), reason).message()};
}

// Numbers from the file may be any.
int one_more(int count) {
  return std::min(count, INT_MAX - 1) + 1;
}

}  // namespace

Result<std::int64_t> SqliteTasks::meta(std::string_view name) {
  Statement statement = connection_->prepare(sql::meta);
  const std::int64_t value = statement.bind(name).step() ? statement.integer(0) : 0;
  statement.run();
  if (statement.status() != SQLITE_DONE)
    return connection_->error(statement.status(), "read \"" + std::string(name) + "\"");
  return value;
}

Result<void> SqliteTasks::set_meta(std::string_view name, std::int64_t value) {
  Statement statement = connection_->prepare(sql::set_meta);
  statement.bind(name).bind(value);
  return run(statement, "set \"" + std::string(name) + "\"");
}

// In one transaction with what the last owner left: whoever comes next finds slots of a life before the last one, and
// charges nobody a second time.
Result<void> SqliteTasks::write_life(std::int64_t life) {
  const auto last_running = meta("running");
  if (!last_running) return last_running.error();
  // Not the count of lives: a file of slots may have been left by another database that was here.
  const auto running = static_cast<std::int64_t>(system_seed() >> 1 | 1);
  if (auto began = begin("begin", latest_); !began) return began;
  Result<void> done = set_meta("lives", life);
  if (done) done = set_meta("latest", 0);
  if (done && running_) done = set_meta("running", running);
  if (done) done = line_up_all();
  if (done) done = charge_crashes(*last_running);
  if (auto ended = end("begin", std::move(done)); !ended) return ended;
  // Emptied any sooner, the slots' tasks might go uncharged.
  if (running_) running_->begin(static_cast<std::uint64_t>(running));
  return {};
}

Result<void> SqliteTasks::charge_crashes(std::int64_t last_running) {
  if (!running_ || last_running == 0 || running_->life() != static_cast<std::uint64_t>(last_running)) return {};
  std::vector<RunningFile::Ran> all = running_->ran();
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  const auto same = [](const auto& a, const auto& b) { return a.id == b.id; };
  all.erase(std::unique(all.begin(), all.end(), same), all.end());
  for (const RunningFile::Ran& ran : all) {
    if (auto done = charge(ran); !done) return done;
  }
  return {};
}

// Nobody knows when the owner died. The latest moment that is known to be before that puts the task behind what had
// been waiting, so that the next process gets other work done before it dies of this one again.
Result<void> SqliteTasks::charge(const RunningFile::Ran& ran) {
  if ((ran.id.value & kStoreBit) == 0) return {};
  auto found = read(ran.id);
  // A row that nobody can read keeps nobody from the others.
  if (!found && found.error().code() == Code::invalid) return {};
  if (!found) return found.error();
  // A claim is not in the row: one that was running says that it waits.
  if (!*found || !is_waiting((*found)->state)) return {};
  const KeptTask& task = **found;
  Finish crash;
  crash.id = task.id;
  crash.attempts = one_more(task.attempts);
  crash.crashes = one_more(task.crashes);
  crash.started_at = ran.started_at;
  crash.error = KeptError{Code::failed, std::string(kDied)};
  crash.failed = KeptAttempt{crash.attempts, ran.started_at, Duration::zero(), *crash.error};
  Result<void> done;
  if (crash.crashes >= kMostCrashes) {
    crash.to = TaskState::discarded;
    crash.error = last_word(task, crash.crashes);
    const WallTime ended = std::max(latest_, ran.started_at);
    crash.prune_at = saturating_add(ended, kKeepDiscarded);
    done = end_waiting(task, crash, ended);
    if (done) done = leave_line(place_of(task));
  } else {
    crash.to = TaskState::retryable;
    crash.run_at = std::max(latest_, task.task.run_at);
    const Claims::Claim claim{.queue = task.task.queue,
                              .priority = task.task.priority,
                              .run_at = task.task.run_at,
                              .in_line = task.aside == Aside::no};
    done = wait_again(crash, claim, latest_);
    // It had been given back, and somebody holds it.
    if (done && task.aside != Aside::no)
      done = leave_line({task.task.queue, task.task.priority, up_to_micros(crash.run_at), number_of(task.id)});
  }
  return done ? add_to_history(crash) : done;
}

}  // namespace sqlite
}  // namespace v0
}  // namespace errand
