#pragma once
// Schedules: each slot that comes submits a run, as overlap and missed-slot rules allow.

#include <errand/queue.h>
#include <errand/schedule.h>

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "schedule/slots.h"

namespace errand {
inline namespace v0 {
namespace detail {

class Engine;
class Recurrence;

[[nodiscard]] std::string recurrence_name(const Recurrence& recurrence);

/// A queue's schedules. Threads: any.
class Recurrences {
 public:
  explicit Recurrences(Engine& engine) : engine_(engine) {}

  /// `take` gives the body, and is not asked for it where the schedule is refused.
  using TakeBody = Callback<Callback<Said(Attempt&)>()>;
  [[nodiscard]] Result<std::shared_ptr<Recurrence>> add_every(Duration interval, const TakeBody& take,
                                                              ScheduleOptions options);
  [[nodiscard]] Result<std::shared_ptr<Recurrence>> add_cron(std::string_view expression, const TakeBody& take,
                                                             ScheduleOptions options);
  [[nodiscard]] std::vector<std::shared_ptr<Recurrence>> all() const;
  [[nodiscard]] std::shared_ptr<Recurrence> find(std::string_view name) const;
  /// A schedule that is kept in a store has this name, and no closure's gets it. False if one has it already.
  [[nodiscard]] bool hold_name(const std::string& name);
  void let_go_of_name(const std::string& name);

  /// Fires the slots that have come. True if there may be more at once.
  bool step(SteadyTime now, WallTime wall_now);
  /// A run of this schedule is final.
  void run_ended(const std::shared_ptr<Recurrence>& recurrence, TaskId id);
  /// One run besides the slots.
  void trigger(const std::shared_ptr<Recurrence>& recurrence);
  void resume(const std::shared_ptr<Recurrence>& recurrence);
  /// No slot comes any more, and no schedule.
  void cancel_all();
  [[nodiscard]] std::uint64_t skipped() const;
  void skip(std::uint64_t slots) { skipped_.fetch_add(slots, std::memory_order_relaxed); }
  /// The schedule's next slot has changed.
  void changed();

 private:
  [[nodiscard]] Result<std::shared_ptr<Recurrence>> add(ScheduleOptions options, std::string expression, bool by_wall,
                                                        Timetable timetable, const TakeBody& take, WallTime now);
  [[nodiscard]] std::optional<Error> reserve(std::string& name, bool by_wall);
  [[nodiscard]] bool is_taken(const std::string& name) const ERRAND_REQUIRES(mu_);

  Engine& engine_;
  std::atomic<std::uint64_t> skipped_{0};  // a figure: relaxed
  // The earliest slot, so that step() costs a load where there is none. Written under mu_. Relaxed: a slot that was set
  // meanwhile wakes whoever is to come for it.
  std::atomic<std::int64_t> next_mono_{INT64_MAX};
  std::atomic<std::int64_t> next_wall_{INT64_MAX};
  // Lock order: mu_, then a Recurrence's, then the Timekeeper's. No user code under either.
  mutable Mutex mu_;
  std::vector<std::shared_ptr<Recurrence>> all_ ERRAND_GUARDED_BY(mu_);
  std::vector<std::string> reserved_ ERRAND_GUARDED_BY(mu_);  // names of those whose bodies are being taken
  std::set<std::string> stored_ ERRAND_GUARDED_BY(mu_);       // names of those that a store keeps
  bool closed_ ERRAND_GUARDED_BY(mu_) = false;
  int made_ ERRAND_GUARDED_BY(mu_) = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace errand
