// What a moment brings: tasks become available, expire, or are asked to stop.
//
// Whoever is awake steps the timers: a worker between two tasks, else the parked worker that keeps watch, else the
// timer thread, a little later. That thread exists once a moment has been set.

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "engine/engine.h"
#include "engine/recurrences.h"

namespace errand {
inline namespace v0 {
namespace detail {

namespace {

// How long the timer thread leaves a moment to the workers.
constexpr Duration kBackUpGrace = std::chrono::milliseconds(2);
// Memory that was not needed for so long goes back to the system; and so long a worker runs tasks between two steps of
// that.
constexpr Duration kTrimEvery = std::chrono::seconds(2);
constexpr Duration kTrimStep = std::chrono::milliseconds(2);
// A worker that has looked at the clock takes its tasks' own stamps for it for so long at most, in nanoseconds.
constexpr std::int64_t kLongestQuiet = 1'000'000'000;
// Moments that one step takes away at once; between such steps a worker runs tasks.
constexpr std::size_t kDueAtOnce = 64;

}  // namespace

// When a task that is being submitted becomes available; `now` if that is at once. begin() left the end of its delay in
// the timer, 0 where there is none.
Moment Engine::first_moment(const ColdLine& cold, bool& now) const {
  const Extra* extra = cold.extra.load(std::memory_order_relaxed);
  const TaskOptions* task = extra != nullptr ? &extra->options : nullptr;
  Moment at{false, cold.timer.due};
  now = cold.timer.due == 0;
  if (task != nullptr && task->at) {
    at = {true, task->at->time_since_epoch().count()};
    now = *task->at <= clock->now();
  }
  return now ? at : or_expiry(extra, at);
}

// When a task that waits until `at` is looked at: what expires before that has its moment then.
Moment Engine::or_expiry(const Extra* extra, Moment at) const {
  if (extra == nullptr || !extra->options.expires_at) return at;
  const WallTime due =
      at.wall ? WallTime(Duration(at.ns)) : saturating_add(clock->now(), SteadyTime(Duration(at.ns)) - clock->mono());
  const WallTime expiry = *extra->options.expires_at;
  return expiry < due ? Moment{true, expiry.time_since_epoch().count()} : at;
}

bool Engine::set_moment(Record& record, std::uint64_t& word, std::uint64_t state, Moment at) {
  Timekeeper::Wake wake;
  if (!timers.arm(record, word, state, at, wake)) return false;
  wake_for(wake);
  return true;
}

void Engine::wake_for(Timekeeper::Wake wake) {
  if (options.drive == Drive::manual) {
    if (wake.sleeper) call_on_wake();
    return;
  }
  if (wake.sleeper && parking.parked() != 0) parking.wake_one();
  if (wake.watch) {
    ensure_timer_thread();
    timer_word_.fetch_add(1, std::memory_order_release);
    clock->wake(timer_word_, 1);
  }
}

void Engine::look_at_timers(Worker::Quiet& quiet, std::int64_t next) {
  const std::int64_t now = ticks.stamp();
  const std::int64_t mono = clock->mono().time_since_epoch().count();
  if (mono >= next) {
    step_timers();
    return;
  }
  // Less than there is, since the rate of the stamps is not exact.
  const std::int64_t gap = std::min(next - mono, kLongestQuiet);
  quiet = {now + ticks.span(gap - (gap >> 12)), next};
}

bool Engine::step_timers() {
  Timekeeper::Due due[kDueAtOnce];
  const SteadyTime now = clock->mono();
  const WallTime wall_now = clock->now();
  // Before the moments are taken away, and until all is done that they bring: see drained(), which acquires it.
  timer_steps_.fetch_add(1, std::memory_order_acq_rel);
  const Timekeeper::Collected collected = timers.collect(due, now, wall_now);
  for (std::size_t i = 0; i < collected.count; ++i) on_due(due[i]);
  const bool slots = recurrences->step(now, wall_now);
  if (collected.upkeep) trim();
  timer_steps_.fetch_sub(1, std::memory_order_release);
  if (closing()) note_progress();
  return collected.more || slots;
}

// Free memory has come together: it is looked at from time to time until little is left.
void Engine::plan_trim() {
  if (trim_planned_.load(std::memory_order_relaxed) || trim_planned_.exchange(true, std::memory_order_relaxed)) return;
  const Timekeeper::Wake wake = timers.plan_upkeep(saturating_add(clock->mono(), kTrimEvery));
  // No thread is made for it, and nobody hurries: it is only memory.
  if (wake.sleeper && options.drive == Drive::threads && parking.parked() != 0) parking.wake_one();
}

void Engine::trim() {
  const bool goes_on = pool.trim();
  if (goes_on || pool.worth_trimming()) {
    timers.plan_upkeep(saturating_add(clock->mono(), goes_on ? kTrimStep : kTrimEvery));
  } else {
    trim_planned_.store(false, std::memory_order_relaxed);
  }
}

// Whether a shutdown that runs what is due when it begins leaves this one where it is.
bool Engine::too_late(Moment at) const {
  if (!only_due_now_.load(std::memory_order_acquire)) return false;
  return at.ns > (at.wall ? due_until_.wall->time_since_epoch().count() : due_until_.mono->time_since_epoch().count());
}

// Whether no attempt of this word's task may begin any more. Others may have ended it meanwhile, and its Extra be gone:
// that is looked at under the mutex.
bool Engine::expires_now(Record& record, std::uint64_t word) const {
  const ColdLine& cold = PagePool::cold(record);
  if (cold.extra.load(std::memory_order_relaxed) == nullptr) return false;
  const WallTime now = clock->now();
  MutexLock lock(pool.cold_mutex(page_of(record)));
  if (generation_in(record.word.load(std::memory_order_acquire)) != generation_in(word)) return false;
  const Extra* extra = cold.extra.load(std::memory_order_relaxed);
  return extra != nullptr && extra->options.expires_at && now >= *extra->options.expires_at;
}

void Engine::on_due(const Timekeeper::Due& due) {
  Record& record = *due.record;
  std::uint64_t word = due.word;
  const std::uint64_t state = raw_state(word);
  if (state == raw(TaskState::running)) {
    on_timeout(record, word);
    return;
  }
  // Who moves or ends a task does so before its moment is taken away, and what follows is theirs.
  if (state != raw(TaskState::scheduled) && state != raw(TaskState::available) && state != raw(TaskState::retryable))
    return;
  const bool over = expires_now(record, word);
  if (state == raw(TaskState::available) && !over) return;
  // A shutdown that waits for nothing that is due later; the task is cancelled with the rest.
  if (!over && too_late(due.at)) return;
  // Since its moment was taken away it may have run, and wait for another one now.
  const std::uint64_t to = over ? kEnding : kMoving;
  do {
    if (generation_in(word) != generation_in(due.word) || raw_state(word) != state ||
        runs_in(word) != runs_in(due.word)) {
      return;
    }
  } while (!record.word.compare_exchange_weak(word, with_state(word, to), std::memory_order_acq_rel));
  timers.left(word);
  word = with_state(word, to);
  if (over) {
    end_unstarted(record, word, TaskState::discarded, expired());
  } else {
    PagePool::cold(record).available_at.store(ticks.stamp(), std::memory_order_release);
    make_available(record, word);
    see_to_leftover(record, generation_in(due.word));
  }
}

// An attempt's time is over: first its timeout, then the grace after it.
void Engine::on_timeout(Record& record, std::uint64_t word) {
  const std::uint64_t id = id_of(record, word);
  const std::uint64_t run = runs_in(word);
  const bool second = first_stop_in(word) == StopReason::timed_out;
  const auto over = [&] {
    return generation_in(word) != generation_in(id) || raw_state(word) != raw(TaskState::running) ||
           runs_in(word) != run;
  };
  for (;;) {
    if (over()) return;
    std::uint64_t next = word;
    if (second) {
      next |= kStuck;
    } else if ((word & kStopMask) == 0) {
      next |= static_cast<std::uint64_t>(StopReason::timed_out) << kStopShift;
    } else {
      return;  // it has been asked to stop for another reason
    }
    if (record.word.compare_exchange_weak(word, next, std::memory_order_acq_rel)) {
      word = next;
      break;
    }
  }
  if (second) {
    shared_.add(Count::stuck);
    log(LogLevel::warning, options.name, "task " + to_string(seen_id(id, word)) + " is stuck: it ignores its timeout");
    replace_stuck_worker();
    return;
  }
  shared_.add(Count::timed_out);
  const SteadyTime grace = saturating_add(clock->mono(), options.stuck_after);
  // A cancel may have come behind it, and the grace goes on. Where the attempt is over by now there is nothing left to
  // do.
  while (!set_moment(record, word, raw(TaskState::running), {false, grace.time_since_epoch().count()})) {
    word = record.word.load(std::memory_order_acquire);
    if (over() || first_stop_in(word) != StopReason::timed_out) return;
  }
  stop_tokens.fire(id, record);
}

void Engine::extend_grace(Record& record) {
  std::uint64_t word = record.word.load(std::memory_order_acquire);
  if (first_stop_in(word) != StopReason::timed_out || (word & kStuck) != 0) return;
  timers.disarm(record);
  const SteadyTime grace = saturating_add(clock->mono(), options.stuck_after);
  static_cast<void>(set_moment(record, word, raw(TaskState::running), {false, grace.time_since_epoch().count()}));
}

void Engine::ensure_timer_thread() {
  if (timer_thread_started_.load(std::memory_order_acquire)) return;
  Result<void> started;
  {
    MutexLock lock(control_mutex_);
    if (timer_thread_started_.load(std::memory_order_relaxed) ||
        phase_.load(std::memory_order_acquire) == Phase::closed)
      return;
    auto thread = Thread::start(options.name + "/timer", [this] { run_timer_thread(); });
    if (thread) {
      timer_thread_ = std::move(*thread);
      timer_thread_started_.store(true, std::memory_order_release);
    } else if (!std::exchange(timer_thread_refused_, true)) {
      started = thread.error();  // the workers do its work meanwhile, and each new moment comes here again
    }
  }
  log_failure(started);
}

void Engine::run_timer_thread() {
  const Seat seat(*this, nullptr);  // destructors and stop callbacks run here, and may shut down the queue
  while (!timer_thread_stops_.load(std::memory_order_acquire)) {
    const std::uint32_t seen = timer_word_.load(std::memory_order_acquire);
    const WaitUntil until = timers.back_up(kBackUpGrace);
    const SteadyTime now = clock->mono();
    if ((until.mono && *until.mono <= now) || (until.wall && *until.wall <= clock->now())) {
      step_timers();
      continue;
    }
    if (!timer_thread_stops_.load(std::memory_order_acquire)) clock->wait(timer_word_, seen, until);
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
