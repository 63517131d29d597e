#include "engine/recurrences.h"

#include <algorithm>

#include "base/log.h"
#include "base/time.h"
#include "engine/engine.h"
#include "engine/options.h"
#include "engine/recurrence.h"
#include "schedule/cron_next.h"
#include "schedule/cron_parse.h"

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

Error bad_schedule(const std::string& queue, const std::string& why) {
  return {Code::invalid, "schedule on queue \"" + queue + "\": " + why};
}

// A slot that is spread past the next one is left out when that one comes.
std::optional<std::string> check_spread(Duration jitter, const Timetable& timetable, WallTime now) {
  if (jitter == Duration::zero()) return std::nullopt;
  const std::optional<Duration> interval = timetable.shortest_interval(now);
  if (!interval || jitter < *interval) return std::nullopt;
  return "jitter: expected less than the interval of " + to_text(*interval) + ", got " + to_text(jitter);
}

// The clock's time on a schedule's own axis.
WallTime now_for(const Recurrence& recurrence, const Clock& clock) {
  return recurrence.by_wall ? clock.now() : WallTime(clock.mono().time_since_epoch());
}

Duration offset_for(const Recurrence& recurrence, const Clock& clock) {
  return recurrence.by_wall ? Duration::zero() : clock.now() - WallTime(clock.mono().time_since_epoch());
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
  if (interval <= Duration::zero()) {
    return bad_schedule(engine_.options.name, "interval: expected more than zero, got " + to_text(interval));
  }
  if (auto complaint = check(options, true)) return bad_schedule(engine_.options.name, *complaint);
  const WallTime now(engine_.clock->mono().time_since_epoch());
  auto timetable = Timetable::every(now, interval);
  if (auto complaint = check_spread(options.jitter, timetable, now))
    return bad_schedule(engine_.options.name, *complaint);
  return add(std::move(options), "@every " + to_text(interval), false, std::move(timetable), take, now);
}

Result<std::shared_ptr<Recurrence>> Recurrences::add_cron(std::string_view expression, const TakeBody& take,
                                                          ScheduleOptions options) {
  if (auto complaint = check(options, false)) return bad_schedule(engine_.options.name, *complaint);
  auto parsed = parse_cron(expression);
  if (!parsed) return bad_schedule(engine_.options.name, parsed.error().message());
  auto zone = find_zone(options.time_zone);
  if (!zone) return bad_schedule(engine_.options.name, "time_zone: " + zone.error().message());
  const WallTime now = engine_.clock->now();
  if (auto fires = check_fires(*parsed, *zone, options.dst, now); !fires)
    return bad_schedule(engine_.options.name, "cron \"" + std::string(expression) + "\": " + fires.error().message());
  const std::vector<CronRemark> warnings = parsed->warnings;
  auto timetable = Timetable::cron(std::move(*parsed), std::move(*zone), options.dst, now);
  if (auto complaint = check_spread(options.jitter, timetable, now))
    return bad_schedule(engine_.options.name, *complaint);
  for (const CronRemark& warning : warnings) log(LogLevel::warning, engine_.options.name, warning.reason);
  return add(std::move(options), std::string(expression), true, std::move(timetable), take, now);
}

// Fills in the name where there is none.
std::optional<Error> Recurrences::reserve(std::string& name, bool by_wall) {
  MutexLock lock(mu_);
  if (closed_)
    return Error(Code::shutting_down, "schedule on queue \"" + engine_.options.name + "\": it is shutting down");
  std::erase_if(all_, [](const auto& r) { return r->ended(); });
  if (name.empty()) name = (by_wall ? "cron-" : "every-") + std::to_string(++made_);
  const bool taken = std::any_of(all_.begin(), all_.end(), [&](const auto& r) { return r->options.name == name; }) ||
                     std::find(reserved_.begin(), reserved_.end(), name) != reserved_.end();
  if (taken) return bad_schedule(engine_.options.name, "name: there is a schedule \"" + name + "\" already");
  reserved_.push_back(name);
  return std::nullopt;
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
    const Recurrence::Turn turn = recurrence->take_turn(now_for(*recurrence, clock));
    skipped_.fetch_add(turn.skipped, std::memory_order_relaxed);
    for (const TaskId id : turn.cancels) static_cast<void>(engine_.cancel(id, StopReason::cancelled));
    for (int i = 0; i < turn.starts; ++i) submit_run(engine_, recurrence);
    fired = fired || turn.starts > 0;
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
  skipped_.fetch_add(recurrence->resume(now_for(*recurrence, *engine_.clock)), std::memory_order_relaxed);
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

namespace {

// Whether the schedule's queue is left behind in the process that forked this one. Its locks may be held for ever.
bool forked(const Recurrence& recurrence) {
  const auto pool = recurrence.home.lock();
  return pool != nullptr && pool->forked.load(std::memory_order_acquire);
}

// Does something with the schedule's queue, if there still is one in this process.
template <class Use>
void with_engine(const Recurrence& recurrence, Use use) {
  const auto pool = recurrence.home.lock();
  if (pool == nullptr || pool->forked.load(std::memory_order_acquire)) return;
  const std::shared_lock lock(pool->engine_mutex);
  Engine* const engine = pool->engine.load(std::memory_order_relaxed);
  if (engine != nullptr) use(*engine);
}

}  // namespace
}  // namespace detail

const Error& Schedule::error() const noexcept {
  ERRAND_ASSERT(error_.has_value());
  return *error_;
}

// A schedule that was refused has nothing to act on, and the calls below do nothing.

void Schedule::pause() {
  if (recurrence_ == nullptr) return;
  detail::with_engine(*recurrence_, [&](detail::Engine&) { recurrence_->pause(); });
}

void Schedule::resume() {
  if (recurrence_ == nullptr) return;
  detail::with_engine(*recurrence_, [&](detail::Engine& engine) { engine.recurrences->resume(recurrence_); });
}

void Schedule::trigger() {
  if (recurrence_ == nullptr) return;
  detail::with_engine(*recurrence_, [&](detail::Engine& engine) {
    if (!recurrence_->ended()) engine.recurrences->trigger(recurrence_);
  });
}

void Schedule::cancel() {
  if (recurrence_ == nullptr) return;
  detail::with_engine(*recurrence_, [&](detail::Engine& engine) {
    recurrence_->end();
    engine.recurrences->changed();
  });
}

ScheduleInfo Schedule::info() const {
  if (recurrence_ == nullptr || detail::forked(*recurrence_)) return {.cancelled = true};
  Duration offset{};
  detail::with_engine(*recurrence_,
                      [&](detail::Engine& engine) { offset = detail::offset_for(*recurrence_, *engine.clock); });
  return recurrence_->info(offset);
}

std::vector<WallTime> Schedule::next(int count) const {
  std::vector<WallTime> slots;
  if (recurrence_ == nullptr) return slots;
  detail::with_engine(*recurrence_, [&](detail::Engine& engine) {
    slots = recurrence_->next(count, detail::now_for(*recurrence_, *engine.clock),
                              detail::offset_for(*recurrence_, *engine.clock));
  });
  return slots;
}

}  // namespace v0
}  // namespace errand
