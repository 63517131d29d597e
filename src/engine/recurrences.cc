#include "engine/recurrences.h"

#include <algorithm>

#include "base/time.h"
#include "engine/engine.h"
#include "engine/recurrence.h"
#include "engine/timing.h"

namespace errand {
inline namespace v0 {
namespace detail {

namespace {

// What each run of a schedule is: a call of the one body that all runs share.
struct RunBody {
  std::shared_ptr<Recurrence> recurrence;
  Said operator()(Attempt& attempt) { return recurrence->body(attempt); }
};

TaskOptions options_of_run(const ScheduleOptions& schedule) {
  TaskOptions task;
  task.priority = schedule.priority;
  task.max_attempts = schedule.max_attempts;
  task.retry = schedule.retry;
  task.timeout = schedule.timeout;
  task.name = schedule.name;
  return task;
}

void submit_run(Engine& engine, const std::shared_ptr<Recurrence>& recurrence) {
  TaskOptions options = options_of_run(recurrence->options);
  const Draft draft = engine.begin(options, recurrence);
  if (draft.record == nullptr) {
    const std::unique_ptr<Error> error(reinterpret_cast<Error*>(draft.id_or_error));  // logged as any refusal
    engine.recurrences->skip(recurrence->run_refused());
    return;
  }
  // The schedule knows the run before the run can end.
  recurrence->run_submitted(TaskId{draft.id_or_error});
  store<RunBody>(*draft.record, RunBody{recurrence});
  engine.publish(draft, kOps<RunBody>);
  // Nobody holds a handle.
  unpin<void>(*draft.record);
}

}  // namespace

std::string recurrence_name(const Recurrence& recurrence) {
  return recurrence.options.name;
}

Result<std::shared_ptr<Recurrence>> Recurrences::add_every(Duration interval, const TakeBody& take,
                                                           ScheduleOptions options) {
  const WallTime now(engine_.clock->mono().time_since_epoch());
  auto timetable = interval_timetable(engine_.options.name, interval, options, now);
  if (!timetable) return timetable.error();
  return add(std::move(options), "@every " + to_text(interval), false, std::move(*timetable), take, now);
}

Result<std::shared_ptr<Recurrence>> Recurrences::add_cron(std::string_view expression, const TakeBody& take,
                                                          ScheduleOptions options) {
  const WallTime now = engine_.clock->now();
  auto timetable = cron_timetable(engine_.options.name, expression, options, now);
  if (!timetable) return timetable.error();
  return add(std::move(options), std::string(expression), true, std::move(*timetable), take, now);
}

// Fills in the name where there is none.
std::optional<Error> Recurrences::reserve(std::string& name, bool by_wall) {
  MutexLock lock(mu_);
  if (closed_)
    return Error(Code::shutting_down, "schedule on queue \"" + engine_.options.name + "\": it is shutting down");
  std::erase_if(all_, [](const auto& r) { return r->ended(); });
  if (name.empty()) name = (by_wall ? "cron-" : "every-") + std::to_string(++made_);
  if (is_taken(name) || stored_.contains(name))
    return bad_schedule(engine_.options.name, "name: there is a schedule \"" + name + "\" already");
  reserved_.push_back(name);
  return std::nullopt;
}

bool Recurrences::is_taken(const std::string& name) const {
  return std::any_of(all_.begin(), all_.end(), [&](const auto& r) { return r->options.name == name && !r->ended(); }) ||
         std::find(reserved_.begin(), reserved_.end(), name) != reserved_.end();
}

bool Recurrences::hold_name(const std::string& name) {
  MutexLock lock(mu_);
  if (is_taken(name)) return false;
  stored_.insert(name);
  return true;
}

void Recurrences::let_go_of_name(const std::string& name) {
  MutexLock lock(mu_);
  stored_.erase(name);
}

Result<std::shared_ptr<Recurrence>> Recurrences::add(ScheduleOptions options, std::string expression, bool by_wall,
                                                     Timetable timetable, const TakeBody& take, WallTime now) {
  if (auto error = reserve(options.name, by_wall)) return *error;
  struct Reservation {
    ~Reservation() {
      MutexLock lock(all.mu_);
      all.reserved_.erase(std::find(all.reserved_.begin(), all.reserved_.end(), name));
    }
    Recurrences& all;
    const std::string name;
  } const reservation{*this, options.name};
  // The user's code, which may throw, and may add others.
  auto recurrence =
      std::make_shared<Recurrence>(std::move(options), std::move(expression), by_wall, std::move(timetable), take());
  recurrence->home = engine_.pool_owner;
  recurrence->begin(now);
  {
    MutexLock lock(mu_);
    // A shutdown that began meanwhile finds it accepted, and ends it.
    if (closed_) recurrence->end();
    all_.push_back(recurrence);
  }
  changed();
  return recurrence;
}

// Tells the Timekeeper when the next slot is.
void Recurrences::changed() {
  WaitUntil next;
  {
    MutexLock lock(mu_);
    for (const auto& recurrence : all_) {
      const auto fire = recurrence->next_fire();
      if (!fire) continue;
      if (recurrence->by_wall) {
        next.wall = next.wall ? std::min(*next.wall, *fire) : *fire;
      } else {
        const SteadyTime at(fire->time_since_epoch());
        next.mono = next.mono ? std::min(*next.mono, at) : at;
      }
    }
    next_wall_.store(next.wall ? next.wall->time_since_epoch().count() : INT64_MAX, std::memory_order_relaxed);
    next_mono_.store(next.mono ? next.mono->time_since_epoch().count() : INT64_MAX, std::memory_order_relaxed);
    engine_.timers.set_slots(next);
  }
  if (next.mono) engine_.wake_for(engine_.timers.note({false, next.mono->time_since_epoch().count()}));
  if (next.wall) engine_.wake_for(engine_.timers.note({true, next.wall->time_since_epoch().count()}));
}

bool Recurrences::step(SteadyTime now, WallTime wall_now) {
  if (now.time_since_epoch().count() < next_mono_.load(std::memory_order_relaxed) &&
      wall_now.time_since_epoch().count() < next_wall_.load(std::memory_order_relaxed)) {
    return false;
  }
  const Clock& clock = *engine_.clock;
  bool fired = false;
  for (const auto& recurrence : all()) {
    const Recurrence::Step step = recurrence->step(recurrence->now(clock));
    skipped_.fetch_add(step.skipped, std::memory_order_relaxed);
    for (const TaskId id : step.cancels) static_cast<void>(engine_.cancel(id, StopReason::cancelled));
    for (int i = 0; i < step.starts; ++i) submit_run(engine_, recurrence);
    fired = fired || step.starts > 0;
  }
  changed();
  return fired;
}

void Recurrences::run_ended(const std::shared_ptr<Recurrence>& recurrence, TaskId id) {
  if (recurrence->run_ended(id)) submit_run(engine_, recurrence);
}

void Recurrences::trigger(const std::shared_ptr<Recurrence>& recurrence) {
  recurrence->trigger();
  submit_run(engine_, recurrence);
}

void Recurrences::resume(const std::shared_ptr<Recurrence>& recurrence) {
  skipped_.fetch_add(recurrence->resume(recurrence->now(*engine_.clock)), std::memory_order_relaxed);
  changed();
}

void Recurrences::cancel_all() {
  MutexLock lock(mu_);
  closed_ = true;
  for (const auto& recurrence : all_) recurrence->end();
  next_wall_.store(INT64_MAX, std::memory_order_relaxed);
  next_mono_.store(INT64_MAX, std::memory_order_relaxed);
  engine_.timers.set_slots({});
}

std::vector<std::shared_ptr<Recurrence>> Recurrences::all() const {
  MutexLock lock(mu_);
  std::vector<std::shared_ptr<Recurrence>> live;
  std::copy_if(all_.begin(), all_.end(), std::back_inserter(live), [](const auto& r) { return !r->ended(); });
  return live;
}

std::shared_ptr<Recurrence> Recurrences::find(std::string_view name) const {
  for (const auto& recurrence : all()) {
    if (recurrence->options.name == name) return recurrence;
  }
  return nullptr;
}

std::uint64_t Recurrences::skipped() const {
  return skipped_.load(std::memory_order_relaxed);
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
