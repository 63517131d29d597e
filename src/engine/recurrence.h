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

  /// What the slots up to `now` come to. Moves on to the next slot.
  struct Turn {
    int starts = 0;                 // runs to submit
    std::vector<TaskId> cancels{};  // runs to cancel first
    std::uint64_t skipped = 0;
  };
  [[nodiscard]] Turn take_turn(WallTime now);
  /// A run is over; true if one that waited for it is to be submitted now.
  [[nodiscard]] bool run_ended(TaskId id);
  /// A run besides the slots is about to be submitted.
  void trigger();
  void run_submitted(TaskId id);
  /// The queue did not take a run; how many slots are left out for that.
  [[nodiscard]] std::uint64_t run_refused();

  [[nodiscard]] std::optional<WallTime> next_fire() const;
  void begin(WallTime from);
  void pause();
  /// From the next slot after `now` on; how many passed meanwhile that take_turn() has not seen.
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
  [[nodiscard]] WallTime fire_time(WallTime slot) const {
    return slot + slot_jitter(options.name, slot, options.jitter);
  }

  mutable Mutex mu_;
  WallTime last_ ERRAND_GUARDED_BY(mu_){};  // slots up to here have been dealt with
  std::optional<WallTime> last_slot_ ERRAND_GUARDED_BY(mu_);
  std::optional<WallTime> next_slot_ ERRAND_GUARDED_BY(mu_);
  bool paused_ ERRAND_GUARDED_BY(mu_) = false;
  bool ended_ ERRAND_GUARDED_BY(mu_) = false;
  int starting_ ERRAND_GUARDED_BY(mu_) = 0;  // runs that take_turn() said to submit and that are not yet
  int waiting_ ERRAND_GUARDED_BY(mu_) = 0;   // slots that wait for the running one
  std::vector<TaskId> live_ ERRAND_GUARDED_BY(mu_);
  TaskId last_run_ ERRAND_GUARDED_BY(mu_){};
  std::uint64_t runs_ ERRAND_GUARDED_BY(mu_) = 0;
  std::uint64_t skipped_ ERRAND_GUARDED_BY(mu_) = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace errand
