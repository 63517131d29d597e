#pragma once
// What stands behind a Schedule: a closure's schedule, or one that is kept in a store.

#include <errand/schedule.h>

#include <memory>
#include <vector>

namespace errand {
inline namespace v0 {
namespace detail {

class Recurrence;

/// Threads: any. Where the queue is gone, or left behind in the process that forked this one, nothing is done.
struct ScheduleHandle {
  virtual ~ScheduleHandle() = default;

  virtual void pause() = 0;
  virtual void resume() = 0;
  virtual void trigger() = 0;
  virtual void cancel() = 0;
  [[nodiscard]] virtual ScheduleInfo info() const = 0;
  [[nodiscard]] virtual std::vector<WallTime> next(int count) const = 0;
};

/// Of a closure's schedule.
[[nodiscard]] std::shared_ptr<ScheduleHandle> handle_of(std::shared_ptr<Recurrence> recurrence);

}  // namespace detail
}  // namespace v0
}  // namespace errand
