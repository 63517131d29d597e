#pragma once
// What only tasks with special wishes, and tasks that failed, have besides their record.

#include <errand/callback.h>
#include <errand/retry.h>
#include <errand/task.h>

#include <atomic>
#include <memory>
#include <optional>
#include <stop_token>

#include "engine/page.h"
#include "engine/wheel.h"

namespace errand {
inline namespace v0 {
namespace detail {

class Engine;
class Recurrence;

struct CancelOnStop {
  Engine* engine;
  std::uint64_t id;
  void operator()() const;
};

// As in AttemptInfo, but for the start: the time of day costs several readings of clocks, and is seldom asked for.
struct FailedAttempt {
  int number;
  std::int64_t started;  // ticks
  Duration took;
  std::optional<Error> error;
};

// A task's wishes and its history. `options` is constant after submit, except on_finish and metadata; the rest, and
// these two, are guarded by the page's cold mutex (PagePool::cold_mutex).
struct Extra {
  TaskOptions options;
  int max_attempts = 1;
  std::shared_ptr<Recurrence> recurrence{};  // constant; set for runs of a schedule

  int runs = 0;        // as in the word, and exact: see runs_of()
  int given_back = 0;  // runs that do not count as attempts
  std::optional<SteadyTime> first_started{};
  std::optional<Error> last_error{};
  std::vector<FailedAttempt> history{};
  std::vector<std::string> log{};
  std::uint64_t progress_done = 0;
  std::uint64_t progress_total = 0;
  std::string progress_note{};

  // The submitter's token. Made after the task is published and destroyed by whoever ends the task, with no lock held:
  // the destructor waits for a callback that is running on another thread.
  std::optional<std::stop_callback<CancelOnStop>> on_stop{};
};

// The runs that a task with this word has begun, exactly: the word is at most one ahead.
inline int runs_of(const Extra& extra, std::uint64_t word) noexcept {
  return extra.runs + static_cast<int>((runs_in(word) - static_cast<std::uint64_t>(extra.runs)) & kRunMask);
}

// Those of them that count as attempts.
inline int attempts_of(const Extra* extra, std::uint64_t word) noexcept {
  return extra != nullptr ? runs_of(*extra, word) - extra->given_back : static_cast<int>(runs_in(word));
}

// One for each record, in memory that stays untouched until the first use. `timer` and its wheel are guarded by the
// Timekeeper; `extra` is set and freed by the record's owner of the moment under the cold mutex, where others read it,
// so it is relaxed. The times are for readers by id, as the record's own: release, and acquire.
struct ColdLine {
  TimerNode timer;
  std::atomic<Extra*> extra;
  std::atomic<std::int64_t> available_at;  // ticks; when it last became available
  std::atomic<std::int64_t> started_at;    // ticks; 0: never
  std::atomic<std::int64_t> finished_at;   // ticks; 0: not yet
};
static_assert(sizeof(ColdLine) == kColdLineSize && offsetof(ColdLine, timer) == 0);

}  // namespace detail
}  // namespace v0
}  // namespace errand
