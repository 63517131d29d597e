#pragma once
// One schedule.

#include <errand/schedule.h>

#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "engine/page_pool.h"
#include "schedule/slots.h"

namespace errand {
inline namespace v0 {
namespace detail {

// Slots of a cron expression are moments of the wall clock; those of an interval are of the monotonic clock, so that
// setting the time of day neither bunches nor delays them. Both are kept as WallTime, on the recurrence's own axis.
//
// Threads: any.
class Recurrence {
 public:
  Recurrence(ScheduleOptions options, std::string expression, bool by_wall, Timetable timetable,
             Callback<Said(Attempt&)> body)
      : by_wall(by_wall),
        options(std::move(options)),
        expression(std::move(expression)),
        timetable(std::move(timetable)),
        body(std::move(body)) {}

  /// What there is to do for the slots up to `now`. Moves on to the next slot.
  struct Step {
    int starts = 0;                 // runs to submit
    std::vector<TaskId> cancels{};  // runs to cancel first
    std::uint64_t skipped = 0;
  };
  [[nodiscard]] Step step(WallTime now);
  /// A run is over; true if one that waited for it is to be submitted now.
  [[nodiscard]] bool run_ended(TaskId id);
  /// A run besides the slots is about to be submitted.
  void trigger();
  void run_submitted(TaskId id);
  /// The queue did not take a run; how many slots are left out for that.
  [[nodiscard]] std::uint64_t run_refused();

  /// The clock's time on the axis of the slots, and what leads from there to the wall clock's.
  [[nodiscard]] WallTime now(const Clock& clock) const {
    return by_wall ? clock.now() : WallTime(clock.mono().time_since_epoch());
  }
  [[nodiscard]] Duration offset(const Clock& clock) const {
    return by_wall ? Duration::zero() : clock.now() - WallTime(clock.mono().time_since_epoch());
  }

  [[nodiscard]] std::optional<WallTime> next_fire() const;
  void begin(WallTime from);
  void pause();
  /// From the next slot after `now` on; how many passed meanwhile that step() has not seen.
  [[nodiscard]] std::uint64_t resume(WallTime now);
  void end();
  [[nodiscard]] bool ended() const;
  /// `offset`: from this axis to the wall clock's.
  [[nodiscard]] ScheduleInfo info(Duration offset) const;
  [[nodiscard]] std::vector<WallTime> next(int count, WallTime now, Duration offset) const;

  const bool by_wall;
  const ScheduleOptions options;
  const std::string expression;
  const Timetable timetable;
  const Callback<Said(Attempt&)> body;
  std::weak_ptr<PagePool> home{};  // the queue's; constant once it is listed

 private:
  [[nodiscard]] Spread spread() const { return {options.name, options.jitter}; }

  mutable Mutex mu_;
  WallTime last_ ERRAND_GUARDED_BY(mu_){};  // slots up to here have been dealt with
  std::optional<WallTime> last_slot_ ERRAND_GUARDED_BY(mu_);
  std::optional<WallTime> next_slot_ ERRAND_GUARDED_BY(mu_);
  bool paused_ ERRAND_GUARDED_BY(mu_) = false;
  bool ended_ ERRAND_GUARDED_BY(mu_) = false;
  int starting_ ERRAND_GUARDED_BY(mu_) = 0;  // runs that step() said to submit and that are not yet
  int waiting_ ERRAND_GUARDED_BY(mu_) = 0;   // slots that wait for the running one
  std::vector<TaskId> live_ ERRAND_GUARDED_BY(mu_);
  TaskId last_run_ ERRAND_GUARDED_BY(mu_){};
  std::uint64_t runs_ ERRAND_GUARDED_BY(mu_) = 0;
  std::uint64_t skipped_ ERRAND_GUARDED_BY(mu_) = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace errand
