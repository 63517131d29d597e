#pragma once
/// Work that comes again: every interval, or by a cron expression.

#include <errand/clock.h>
#include <errand/schedule_policy.h>
#include <errand/task.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace errand {
inline namespace v0 {

/// When an interval starts to count.
enum class First : unsigned char {
  after_one_interval,  ///< the first run comes one interval from now
  now,                 ///< the first run comes at once
};

/// What can be said about a schedule. Errors: as TaskOptions; an unknown zone and a taken name are `invalid`.
struct ScheduleOptions {
  std::string name{};                       ///< unique in its queue; unset: "every-1", "cron-2" ..., closures only
  std::string time_zone{"UTC"};             ///< cron: a name of the system's zone database
  Overlap overlap = Overlap::queue_one;     ///< what a slot does that meets a run of its own schedule
  Missed missed = Missed::latest;           ///< what becomes of slots that nobody was there for
  Dst dst = Dst::after;                     ///< cron: fixed times that a clock change removes or repeats
  First first = First::after_one_interval;  ///< every(): when the first run comes
  Duration jitter{};                        ///< spreads each slot by 0 to this; less than an interval
  int priority = kNormal;                   ///< of each run, as TaskOptions; so are the rest
  std::optional<int> max_attempts{};
  std::optional<Retry> retry{};
  std::optional<Duration> timeout{};
  int catch_up_cap = 100;                     ///< Missed::all: of more missed slots the newest so many; 1 to 10,000
  std::optional<Duration> catch_up_window{};  ///< missed slots older than this are left out; unset: no limit
};

/// What is known of a schedule at one moment.
struct ScheduleInfo {
  std::string name{};
  std::string expression{};  ///< the cron expression, or "@every 30s"
  std::string time_zone{};
  bool paused = false;
  bool cancelled = false;
  std::optional<WallTime> next_slot{};
  std::optional<WallTime> last_slot{};
  TaskId last_run{};
  std::uint64_t runs = 0;     ///< runs submitted
  std::uint64_t skipped = 0;  ///< slots that overlap, lateness or a pause left out
  int running = 0;            ///< runs that are live now
};

namespace detail {
struct ScheduleHandle;
}

/// A handle to a schedule; dropping it changes nothing. Copies mean the same schedule. It may outlive its Queue; then,
/// where the schedule was refused, and in a forked child, its calls do nothing.
///
/// The handle of a named task's schedule knows it by its name, and asks the store. What was done there has been kept
/// when the call returns; where the store fails, that is logged, and info() says that nothing has changed.
/// Threads: every member may be called from any thread.
class Schedule {
 public:
  /// False where the schedule was refused.
  explicit operator bool() const noexcept { return handle_ != nullptr; }
  /// Why it was refused. REQUIRES: it was.
  [[nodiscard]] const Error& error() const noexcept;

  void pause();    ///< slots pass without a run, counted as skipped; in a store it lasts over restarts
  void resume();   ///< from the next slot on
  void trigger();  ///< one run now, besides the slots; `overlap` does not hold it back
  void cancel();   ///< no further slots; runs that are live go on; a store forgets it
  [[nodiscard]] ScheduleInfo info() const;
  /// The next `count` slots; fewer where there are no more.
  [[nodiscard]] std::vector<WallTime> next(int count) const;

 private:
  friend class Queue;
  explicit Schedule(std::shared_ptr<detail::ScheduleHandle> handle) : handle_(std::move(handle)) {}
  explicit Schedule(Error error) : error_(std::move(error)) {}

  std::shared_ptr<detail::ScheduleHandle> handle_;
  std::optional<Error> error_;
};

}  // namespace v0
}  // namespace errand
