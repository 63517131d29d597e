// What follows an attempt, and how tasks end that no worker has.

#include <algorithm>

#include "core/decide.h"
#include "core/exception_text.h"
#include "engine/engine.h"
#include "engine/observers.h"
#include "engine/recurrences.h"

namespace errand {
inline namespace v0 {
namespace detail {

namespace {

constexpr std::size_t kHistory = 8;

// For the thread that has the record: its Extra, or null. The cold line of one that has no use for it is not touched.
Extra* extra_of(Record& record) noexcept {
  if ((record.word.load(std::memory_order_relaxed) & kCold) == 0) return nullptr;
  return PagePool::cold(record).extra.load(std::memory_order_relaxed);
}

}  // namespace

Extra& Engine::ensure_extra(Record& record) {
  ColdLine& cold = PagePool::cold(record);
  Extra* extra = cold.extra.load(std::memory_order_relaxed);
  if (extra != nullptr) return *extra;
  auto made = std::make_unique<Extra>();
  extra = made.get();
  MutexLock lock(pool.cold_mutex(page_of(record)));
  cold.extra.store(made.release(), std::memory_order_relaxed);
  return *extra;
}

// A task that had no wishes needs a cold line after all: to keep its error, or its next moment.
void Engine::make_cold(Record& record) {
  const std::uint64_t word = record.word.load(std::memory_order_relaxed);
  if ((word & kCold) != 0) return;
  ColdLine& cold = PagePool::cold(record);
  cold.timer = {};
  cold.extra.store(nullptr, std::memory_order_relaxed);
  const std::int64_t submitted = record.stamp.load(std::memory_order_relaxed);
  cold.available_at.store(submitted, std::memory_order_relaxed);
  cold.started_at.store(0, std::memory_order_relaxed);
  cold.finished_at.store(0, std::memory_order_relaxed);
  // Release: readers that see the flag see the line.
  record.word.fetch_or(kCold | kSingle, std::memory_order_release);
}

// --- after an attempt ------------------------------------------------------------------------------------------------

bool Engine::begin_attempt(Frame& frame) {
  if ((frame.word & kNamed) != 0) return begin_named(frame);
  Record& record = frame.record;
  ColdLine& cold = PagePool::cold(record);
  Extra* const wishes = cold.extra.load(std::memory_order_relaxed);
  if (wishes != nullptr && wishes->options.expires_at) {
    timers.disarm(record);
    if (clock->now() >= *wishes->options.expires_at) {
      std::uint64_t word = record.word.load(std::memory_order_relaxed);
      while (!record.word.compare_exchange_weak(word, with_run(with_state(word, kEnding), -1),
                                                std::memory_order_acq_rel)) {
      }
      end_unstarted(record, record.word.load(std::memory_order_relaxed), TaskState::discarded, expired());
      return false;
    }
  }
  cold.started_at.store(frame.started, std::memory_order_release);
  cold.finished_at.store(0, std::memory_order_release);
  if (wishes == nullptr) return true;
  Extra& extra = *wishes;
  const SteadyTime now = clock->mono();
  {
    MutexLock lock(pool.cold_mutex(page_of(record)));
    extra.runs = runs_of(extra, record.word.load(std::memory_order_relaxed));
    if (!extra.first_started) extra.first_started = now;
  }
  std::optional<Duration> limit = extra.options.timeout;
  if (extra.options.max_elapsed) {
    const Duration left = std::max(*extra.options.max_elapsed - (now - *extra.first_started), Duration(1));
    limit = limit ? std::min(*limit, left) : left;
  }
  if (limit) {
    std::uint64_t word = record.word.load(std::memory_order_relaxed);
    while (!set_moment(record, word, raw(TaskState::running),
                       {false, saturating_add(now, *limit).time_since_epoch().count()})) {
      word = record.word.load(std::memory_order_relaxed);
    }
  }
  return true;
}

Error Engine::expired() {
  return {Code::discarded, "expired: it was not started in time"};
}

Ended ended_by_exception(std::exception_ptr exception) {
  Ended ended;
  ended.how = Ended::How::failed;
  ended.worth_retrying = worth_retrying(exception);
  ended.error = error_from_exception(std::move(exception));
  return ended;
}

void Engine::conclude(Worker& worker, Frame& frame, Ran ran, std::int64_t ended) {
  Record& record = frame.record;
  if (frame.named != nullptr) {
    end_named(worker, frame, ran, ended);
    return;
  }
  make_cold(record);
  ColdLine& cold = PagePool::cold(record);
  // Only a limit of its own gives a running task a moment.
  const Extra* extra = cold.extra.load(std::memory_order_relaxed);
  if (extra != nullptr && (extra->options.timeout || extra->options.max_elapsed)) timers.disarm(record);
  if (cold.started_at.load(std::memory_order_relaxed) == 0)
    cold.started_at.store(frame.started, std::memory_order_release);
  cold.finished_at.store(ended, std::memory_order_release);
  Transition transition;
  if (ran != Ran::done) {
    if (ran == Ran::returned) frame.ended = Ended{};
    transition = judge(worker, frame, std::move(*frame.ended));
  }
  end_attempt(worker, frame, std::move(transition), ran == Ran::done);
}

// Asks decide() with all that there is to know about the task.
Transition Engine::judge(Worker& worker, Frame& frame, Ended ended) {
  Record& record = frame.record;
  const std::uint64_t word = record.word.load(std::memory_order_acquire);
  const Extra& extra = ensure_extra(record);
  Attempted task;
  task.attempt = attempts_of(&extra, word);
  task.max_attempts = extra.max_attempts;
  task.first_started = extra.first_started.value_or(clock->mono());
  task.max_elapsed = extra.options.max_elapsed;
  task.stop = deciding_stop_in(word);
  task.outlived_grace = (word & kStuck) != 0;
  const Retry& retry = extra.options.retry ? *extra.options.retry : options.retry;
  return decide(task, std::move(ended), clock->mono(), retry, worker.rng);
}

void Engine::end_attempt(Worker& worker, Frame& frame, Transition transition, bool closure_gone) {
  Record& record = frame.record;
  ColdLine& cold = PagePool::cold(record);
  const std::int64_t began = cold.started_at.load(std::memory_order_relaxed);
  const std::int64_t ended = cold.finished_at.load(std::memory_order_relaxed);
  const bool failed = transition.error.has_value() && !transition.gives_back;
  const std::uint64_t word = record.word.load(std::memory_order_relaxed);
  Extra* extra_if_any = cold.extra.load(std::memory_order_relaxed);
  if (extra_if_any == nullptr && !closure_gone) extra_if_any = &ensure_extra(record);
  if (extra_if_any != nullptr) {
    Extra& extra = *extra_if_any;
    MutexLock lock(pool.cold_mutex(page_of(record)));
    extra.runs = runs_of(extra, word);
    if (failed) {
      if (extra.history.size() == kHistory) extra.history.erase(extra.history.begin());
      extra.history.push_back(
          {attempts_of(&extra, word), began, Duration(ticks.between(began, ended)), transition.error});
    }
    if (transition.error) extra.last_error = transition.error;
    if (transition.gives_back) ++extra.given_back;
  }
  if (failed) worker.meter.add(Count::failed);
  if (options.metrics != nullptr) tell_sink(record, frame.id(), transition.to);
  switch (transition.to) {
    case TaskState::completed:
    case TaskState::cancelled:
    case TaskState::discarded: {
      const bool value = closure_gone && record.ops->value;
      if (!closure_gone) record.ops->destroy(record);
      if (extra_if_any != nullptr) extra_if_any->on_stop.reset();
      worker.meter.attempts_per_task.record(static_cast<float>(attempts_of(extra_if_any, word)));
      make_final(&worker, record, frame.id(), transition.to, value ? kValue : 0);
      return;
    }
    case TaskState::retryable:
      worker.meter.add(Count::retried);
      break;
    case TaskState::scheduled:
      worker.meter.add(Count::snoozed);
      break;
    default:
      break;
  }
  come_again(record, transition);
}

// The task is still this worker's, so that its figures stand still.
void Engine::tell_sink(Record& record, std::uint64_t id, TaskState to) noexcept {
  std::optional<TaskInfo> info = read(record, id);
  if (!info) return;
  info->state = to;
  tell_sink(*info, Duration(static_cast<std::int64_t>(record.waited.load(std::memory_order_relaxed))),
            Duration(static_cast<std::int64_t>(record.ran.load(std::memory_order_relaxed))));
}

// The user's own measurements.
void Engine::tell_sink(const TaskInfo& task, Duration waited, Duration took) noexcept {
  guarded("metrics sink", [&] { options.metrics->attempt_ended(task, task.state, waited, took); });
}

// The attempt that `word` was the last of is over: nobody finds it running any more. What its timeout did until then,
// after conclude() as well, is undone here.
void Engine::forget_timeout(Record& record, std::uint64_t word) {
  if (first_stop_in(word) == StopReason::timed_out) timers.disarm(record);
  if ((word & kStuck) != 0) release_stand_in();
}

// The task has another attempt coming: later, or as soon as a worker is free.
void Engine::come_again(Record& record, const Transition& transition) {
  const std::uint32_t generation = generation_in(record.word.load(std::memory_order_relaxed));
  wait_again(record, transition);
  see_to_leftover(record, generation);
}

// For a task that waits again, after it was running or moving: a shutdown that has collected what is left, or is about
// to, may not have seen it. The barrier's other half is in close(); whoever takes the task out ends it.
void Engine::see_to_leftover(Record& record, std::uint32_t generation) {
  light_barrier();
  if (phase_.load(std::memory_order_acquire) < Phase::stopping) return;
  const std::uint64_t word = record.word.load(std::memory_order_acquire);
  if (generation_in(word) == generation) cancel_leftover(record, word);
  run_callbacks();
}

void Engine::wait_again(Record& record, const Transition& transition) {
  std::uint64_t word = record.word.load(std::memory_order_acquire);
  // A new attempt is asked to stop for its own reasons; but a task that is to end does not begin again.
  for (;;) {
    const StopReason stop = deciding_stop_in(word);
    const bool ends = stop == StopReason::cancelled || stop == StopReason::caller;
    // Moving: a timeout that comes late, or a cancel, must not meet it as the running attempt it was.
    const std::uint64_t next = with_state(word & ~(kStopMask | kStuck), ends ? kEnding : kMoving);
    if (!record.word.compare_exchange_weak(word, next, std::memory_order_acq_rel)) continue;
    forget_timeout(record, word);
    word = next;
    if (ends) {
      end_unstarted(record, word, TaskState::cancelled, std::nullopt);
      return;
    }
    break;
  }
  const TaskState to = transition.to;
  // What fails while a shutdown runs what is due is due again after that, also where the clock stands still.
  const Duration least(only_due_now_.load(std::memory_order_acquire) ? 2 : 0);
  const Duration wait = std::max(transition.wait, least);
  if (wait > Duration::zero() && to != TaskState::available) {
    const SteadyTime at = saturating_add(clock->mono(), wait);
    const Extra* extra = PagePool::cold(record).extra.load(std::memory_order_relaxed);
    const int attempts = attempts_of(extra, word);
    if (set_moment(record, word, raw(to), or_expiry(extra, {false, at.time_since_epoch().count()}))) {
      if (observed.load(std::memory_order_relaxed)) emit(id_of(record, word), to, attempts);
      if ((word & kWaiter) != 0) wake_waiters(record);
      return;
    }
  }
  PagePool::cold(record).available_at.store(ticks.stamp(), std::memory_order_release);
  make_available(record, word);
}

// --- the end of a task -----------------------------------------------------------------------------------------------

// `worker`: whose attempt this was, or null. REQUIRES: the closure is gone; nobody else may move the record out of its
// state.
void Engine::make_final(Worker* worker, Record& record, std::uint64_t id, TaskState to, std::uint64_t add_flags) {
  const auto destroy_value = record.ops->destroy_value;
  std::uint64_t word = record.word.load(std::memory_order_relaxed);
  // Release: the value, and all that the cold line says.
  while (!record.word.compare_exchange_weak(word, with_state(word, raw(to)) | add_flags, std::memory_order_acq_rel)) {
  }
  forget_timeout(record, word);
  const Count count = to == TaskState::completed   ? Count::completed
                      : to == TaskState::cancelled ? Count::cancelled
                                                   : Count::discarded;
  if (worker != nullptr) {
    worker->meter.add(count);
  } else {
    shared_.add(count);
  }
  if ((word & kWaiter) != 0) wake_waiters(record);
  if (destroy_value != nullptr) leave_value(record, destroy_value);
  if (observed.load(std::memory_order_relaxed)) emit(id, to, attempts_of(extra_of(record), word));
  finish_wishes(record, id, worker);
  retain(to, id);
  // A worker says so when it finds nothing more to do: who waits for that need not look after each task.
  if (worker == nullptr) note_progress();
}

// on_finish, and the schedule that the task was a run of. The record is still this thread's to read.
void Engine::finish_wishes(Record& record, std::uint64_t id, const Worker* worker) {
  Extra* extra = extra_of(record);
  if (extra == nullptr) return;
  if (extra->recurrence != nullptr) recurrences->run_ended(extra->recurrence, TaskId{id});
  if (!extra->options.on_finish) return;
  Callback<void(const TaskInfo&)> callback;
  {
    MutexLock lock(pool.cold_mutex(page_of(record)));
    callback = std::move(extra->options.on_finish);
  }
  Finisher finisher{std::move(callback), *read(record, id)};
  // Never inside a submit: its caller may hold a lock that the callback wants.
  if (worker != nullptr && worker->submits == 0) {
    call(finisher);
  } else {
    post(std::move(finisher));
  }
}

void Engine::end_unstarted(Record& record, std::uint64_t word, TaskState to, std::optional<Error> why) {
  if ((word & kNamed) != 0) {
    drop_named(record);
    return;
  }
  const std::uint64_t id = id_of(record, word);
  if ((word & kCold) != 0) timers.disarm(record);
  // A task without wishes that ends without a reason has nothing to keep in a cold line.
  const bool plain = (word & kCold) == 0 && !why;
  if (plain) {
    record.word.fetch_or(kSingle, std::memory_order_relaxed);
  } else {
    make_cold(record);
  }
  release_room(word);
  // Relaxed: the record is ours, and goes on from here with make_final().
  if ((word & kCounted) != 0) record.word.fetch_and(~kCounted, std::memory_order_relaxed);
  {
    // What the destructor calls must not wait for this task.
    std::optional<Seat> seat;
    if (Seat::at(*this) == nullptr) seat.emplace(*this, nullptr);
    record.ops->destroy(record);
  }
  if (plain) {
    const std::int64_t submitted = record.stamp.load(std::memory_order_relaxed);
    const float waited = submitted != 0 ? ticks.float_between(submitted, ticks.stamp()) : 0;
    record.waited.store(waited, std::memory_order_release);
    record.ran.store(0, std::memory_order_release);
  } else {
    PagePool::cold(record).finished_at.store(ticks.stamp(), std::memory_order_release);
  }
  if (why) {
    Extra& extra = ensure_extra(record);
    MutexLock lock(pool.cold_mutex(page_of(record)));
    // What the task itself said last is worth more than that it was ended.
    if (!extra.last_error) {
      extra.last_error = std::move(why);
    } else if (to == TaskState::discarded) {
      extra.last_error = gave_up(*extra.last_error, why->message());
    }
  }
  if (Extra* extra = extra_of(record)) extra->on_stop.reset();
  make_final(nullptr, record, id, to, 0);
  sweep_now_and_then();
}

// Whoever cancels a task leaves its entry in a lane or a line to the worker that comes to it. Where none comes, because
// the queue is paused or its workers are busy, these are taken out together: so rarely that it costs each cancel next
// to nothing, and so often that there are never many more of them than of tasks that wait.
void Engine::sweep_now_and_then() {
  const std::size_t ended = ended_unstarted_.load(std::memory_order_relaxed) + 1;
  ended_unstarted_.store(ended, std::memory_order_relaxed);
  if (ended < sweep_after_.load(std::memory_order_relaxed)) return;
  ended_unstarted_.store(0, std::memory_order_relaxed);
  std::size_t seen = 0;
  if (line != nullptr) {
    MutexLock lock(line_mutex);
    line->sweep([this](const WaitingTask& task) { return !pool.waits(task.id.value, task.priority); });
    seen = line->size();
  }
  std::vector<Page*> left_out;
  for (int priority = 0; priority < 10; ++priority) {
    for (Lane* lane = producers->first_lane(priority); lane != nullptr; lane = lane->next) {
      seen += kRecordsPerPage * lane->sweep(pool, left_out);
    }
  }
  sweep_after_.store(std::max(kSweepAfter, seen), std::memory_order_relaxed);
  if (left_out.empty()) return;
  pool.retire(left_out);
  pages_came_back();
}

void Engine::retain(TaskState state, std::uint64_t id) {
  const auto gone = finished_[static_cast<int>(state) - static_cast<int>(TaskState::completed)].push(id);
  // It ended long ago, and its page's header is in nobody's cache.
  if (gone.soon != 0) __builtin_prefetch(&page_of(*pool.find(gone.soon)), 1);
  if (gone.now != 0) give_back(*pool.find(gone.now));
}

void Engine::give_back(Record& record) {
  Page& page = page_of(record);
  if (page.give_back(bit_of(line_of(record)))) retire(page);
}

void Engine::retire(Page& page) {
  Page* one[] = {&page};
  pool.retire(one);
  pages_came_back();
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
