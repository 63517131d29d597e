// The end of a queue: open -> draining -> stopping -> closed.
//
//   draining  nothing new comes in; what ShutdownOptions::drain names is still run
//   stopping  the time is over: stop tokens have fired, nothing is claimed any more
//   closed    what had not run has been cancelled; attempts that ignore their token may still be running

#include <algorithm>
#include <new>

#include "base/log.h"
#include "engine/engine.h"
#include "engine/observers.h"
#include "engine/recurrences.h"

namespace errand {
inline namespace v0 {
namespace detail {

namespace {

constexpr Duration kDefaultTimeout = std::chrono::seconds(30);
// The last part of a shutdown's time is for attempts to come back in after their stop token fired: a tenth, at most
// this.
constexpr Duration kAfterStop = std::chrono::milliseconds(100);
constexpr Duration kNameStuckEvery = std::chrono::seconds(5);

}  // namespace

std::uint64_t Engine::ended_tasks() const {
  return total(Count::completed) + total(Count::cancelled) + total(Count::discarded);
}

SteadyTime Engine::deadline_of(const ShutdownOptions& shutdown) const {
  return saturating_add(clock->mono(), shutdown.timeout.value_or(kDefaultTimeout));
}

SteadyTime Engine::stop_before(SteadyTime deadline) const {
  const SteadyTime now = clock->mono();
  const Duration time = deadline > now ? deadline - now : Duration::zero();
  return deadline - std::min(kAfterStop, time / 10);
}

void Engine::hasten() {
  hastened_.store(true, std::memory_order_release);
  note_progress();
}

// False: somebody has begun it.
bool Engine::begins_to_shut_down() {
  MutexLock lock(control_mutex_);
  if (phase_.load(std::memory_order_relaxed) != Phase::open) return false;
  // Nobody finishes what has not quite begun. Relaxed: the phase releases it.
  finishing_.store(true, std::memory_order_relaxed);
  phase_.store(Phase::draining, std::memory_order_release);
  return true;
}

void Engine::begin_shutdown(const ShutdownOptions& shutdown) {
  if (!begins_to_shut_down()) {
    if (shutdown.drain == Drain::none) hasten();
    return;
  }
  const Seat seat(*this, nullptr);  // destructors of closures run here, and may shut down as well
  drain_ = shutdown.drain;
  intake.store(Intake::closed, std::memory_order_seq_cst);  // see wait_for_room()
  wake_submitters();
  // Submits that found the intake open are seen through: their tasks are in.
  heavy_barrier();
  producers->wait_for_quiet(producer());
  recurrences->cancel_all();
  ended_before_ = ended_tasks();
  if (shutdown.drain != Drain::queued) {
    due_until_ = {clock->mono(), clock->now()};
    only_due_now_.store(true, std::memory_order_release);
    if (shutdown.drain == Drain::due) {
      while (step_timers()) {
      }
    }
  }
  const std::uint32_t halt = shutdown.drain == Drain::none || shutdown.drain == Drain::running ? kHalted : 0;
  signals.fetch_or(halt, std::memory_order_release);
  // A queue that is paused, or was never started, still owes what it is to drain.
  signals.fetch_and(~kPaused, std::memory_order_release);
  Result<void> spawned;
  if (halt == 0 && options.drive == Drive::threads) {
    MutexLock lock(control_mutex_);
    if (!std::exchange(started_, true) || missing_.load(std::memory_order_relaxed) != 0) spawned = spawn_wanted();
  }
  parking.wake_all();
  log_failure(spawned);
  end_turn_to_finish();
}

void Engine::end_turn_to_finish() {
  finishing_.store(false, std::memory_order_release);
  note_progress();
}

bool Engine::drained() const {
  // Whoever steps the timers may have taken a due task out of them, and not made it available yet.
  if (running() != 0 || timer_steps_.load(std::memory_order_acquire) != 0) return false;
  if (drain_ == Drain::none || drain_ == Drain::running) return true;
  // Nobody will come to run what is left. Relaxed: whoever leaves says so by note_progress(), and this is asked again.
  if (workers() <= missing_.load(std::memory_order_relaxed) && live_workers_.load(std::memory_order_relaxed) == 0)
    return true;
  if (drain_ == Drain::queued)
    return submitted() == over() && callbacks_done() && (named() == nullptr || named()->empty());
  return idle();
}

Report Engine::finish_shutdown(SteadyTime deadline) {
  if (Seat::at(*this) != nullptr) {
    finish_elsewhere(deadline);
    return report();
  }
  // One at a time works at it; another one waits for that one, and hastens it when its own time is over.
  if (!wait_for_turn_to_finish(stop_before(deadline))) {
    hasten();
    if (!wait_for_turn_to_finish(deadline)) return report();
  }
  {
    // Callbacks run here, and may shut down as well: they find the seat taken.
    const Seat seat(*this, nullptr);
    if (phase_.load(std::memory_order_relaxed) != Phase::closed) {  // relaxed: moved on by who has the turn, as we do
      close(deadline);
    } else {
      wait_at_rest(deadline);
    }
    if (at_rest()) {
      join_threads(false);
      run_callbacks();
    }
  }
  end_turn_to_finish();
  return report();
}

void Engine::close(SteadyTime deadline) {
  if (drain_ == Drain::none) {
    fire_stop_tokens();
  } else if (options.drive == Drive::manual) {
    drain_here(deadline);
  } else {
    wait_drained(stop_before(deadline));
  }
  if (named() != nullptr) named()->stop_claims();
  phase_.store(Phase::stopping, std::memory_order_release);
  signals.fetch_or(kHalted, std::memory_order_release);
  parking.wake_all();
  if (running() != 0) {
    fire_stop_tokens();
    wait_workers_idle(deadline);
  }
  // A task that waits again from here on sees the phase, or is seen here: see see_to_leftover().
  heavy_barrier();
  if (!cancel_leftovers()) {
    // A worker that looked for work before it was told to halt may have claimed a task since. Its body has not begun,
    // and nobody has asked it to stop; no other follows.
    fire_stop_tokens();
    wait_at_rest(deadline);
  }
  phase_.store(Phase::closed, std::memory_order_release);
  run_callbacks();
}

Report Engine::shutdown(const ShutdownOptions& shutdown) {
  const SteadyTime deadline = deadline_of(shutdown);
  begin_shutdown(shutdown);
  return finish_shutdown(deadline);
}

Report Engine::report() const {
  Report report;
  report.cancelled = cancelled_by_shutdown_.load(std::memory_order_relaxed);
  report.finished = closing() ? ended_tasks() - ended_before_ - report.cancelled : 0;
  report.left_over = std::max(running(), claimed());
  return report;
}

// A body called shutdown(): the rest goes on in a thread of its own, which the destructor joins.
void Engine::finish_elsewhere(SteadyTime deadline) {
  Result<void> closes;
  {
    MutexLock lock(control_mutex_);
    if (closer_.joinable()) return;
    auto thread = Thread::start(options.name + "/close", [this, deadline] { finish_shutdown(deadline); });
    if (thread) {
      closer_ = std::move(*thread);
    } else {
      closes = thread.error();
    }
  }
  log_failure(closes);
}

// Manual drive: whoever shuts the queue down does the work.
void Engine::drain_here(SteadyTime deadline) {
  Worker& worker = borrow_guest();
  const Seat seat(*this, &worker);
  while (clock->mono() < deadline && drain_ != Drain::running && !is_hastened()) {
    // Also where nothing is due: the wheel's next moment may be an early guess, which only a step corrects.
    while (step_timers()) {
    }
    if (worker.step()) continue;
    const SteadyTime next_named = named() != nullptr ? named()->step() : SteadyTime::max();
    if (worker.finds_work()) continue;
    // Nothing is available. With Drain::queued the next moment is waited for.
    if (drain_ != Drain::queued || (submitted() == over() && (named() == nullptr || named()->empty()))) break;
    worker.settle();
    const SteadyTime next = std::min(next_due(), next_named);
    if (next == SteadyTime::max()) break;
    const SteadyTime until = std::min(next, deadline);
    if (!clock->skip_to(until)) wait_until(until, [this] { return is_hastened(); });
  }
  return_guest(worker);
}

template <class Visit>
void Engine::each_live(Visit visit) const {
  const std::uint32_t end = pool.end_index();
  for (std::uint32_t index = 1; index < end; ++index) {
    if (index % kPagesPerSlab == 0) continue;
    for (Record& record : pool.page(index).records) {
      const std::uint64_t word = record.word.load(std::memory_order_acquire);
      const std::uint64_t state = raw_state(word);
      if (generation_in(word) != 0 && state != kForward && state != kVacant && state != kVoid &&
          !is_final(state_of(word))) {
        visit(record, word);
      }
    }
  }
}

void Engine::fire_stop_tokens() {
  each_live([this](Record& record, std::uint64_t word) {
    if (raw_state(word) == raw(TaskState::running)) {
      static_cast<void>(cancel(TaskId{id_of(record, word)}, StopReason::shutting_down));
    }
  });
}

void Engine::cancel_leftover(Record& record, std::uint64_t word) {
  if (!take_out(record, word, kEnding)) return;
  if ((word & kNamed) == 0) cancelled_by_shutdown_.fetch_add(1, std::memory_order_relaxed);
  end_unstarted(record, word, TaskState::cancelled, Error(Code::cancelled, "the queue was shut down"));
}

// False if attempts are left, begun or not.
bool Engine::cancel_leftovers() {
  bool none_left = true;
  each_live([&](Record& record, std::uint64_t word) {
    cancel_leftover(record, word);
    if (raw_state(record.word.load(std::memory_order_acquire)) == raw(TaskState::running)) none_left = false;
  });
  return none_left;
}

std::size_t Engine::claimed() const {
  std::size_t count = 0;
  each_live([&](const Record&, std::uint64_t word) {
    if (raw_state(word) == raw(TaskState::running)) ++count;
  });
  return count;
}

// The timer thread and the workers'; with `only_gone`, of these only the ones that have left.
void Engine::join_threads(bool only_gone) {
  timer_thread_stops_.store(true, std::memory_order_release);
  timer_word_.fetch_add(1, std::memory_order_release);
  clock->wake(timer_word_, 1);
  // Joined without the mutex: they may want it on their way out.
  std::vector<Thread> threads;
  {
    MutexLock lock(control_mutex_);
    threads.push_back(std::move(timer_thread_));
    for (Post& post : posts_) {
      const bool gone = post.presence->load(std::memory_order_acquire) == Presence::absent;
      if (gone || !only_gone) threads.push_back(std::move(post.thread));
    }
  }
  for (Thread& thread : threads) thread.join();
}

void Engine::come_to_rest() {
  ERRAND_ASSERT(Seat::at(*this) == nullptr);  // a body destroyed its own queue
  shutdown(options.close);
  Thread closer;  // joined without the mutex: it may want it
  {
    MutexLock lock(control_mutex_);
    closer = std::move(closer_);
  }
  closer.join();
  while (!at_rest()) {
    name_the_running();
    wait_at_rest(saturating_add(clock->mono(), kNameStuckEvery));
  }
  join_threads(false);
  run_callbacks();  // also what those threads left on their way out
}

Engine::~Engine() {
  if (intake.load(std::memory_order_relaxed) == Intake::forked) {
    forget_threads();
    pool.engine.store(nullptr, std::memory_order_release);
    // Never freed: the child's copies of handles may come after it.
    static_cast<void>(new (std::nothrow) std::shared_ptr<PagePool>(pool_owner));
    return;
  }
  come_to_rest();
  {
    const std::unique_lock lock(pool.engine_mutex);
    pool.engine.store(nullptr, std::memory_order_release);
  }
  // Relaxed: the threads that wrote them have been joined.
  const int count = worker_count.load(std::memory_order_relaxed);
  for (int i = 0; i < count; ++i) delete all_workers[i].load(std::memory_order_relaxed);
  leave_to_handles(pool_owner);
  // Last: in a fork's child no handle finds a queue or a pool that does not know of the fork.
  unregister(*this);
}

void Engine::let_go(Duration patience) {
  if (intake.load(std::memory_order_relaxed) >= Intake::closed || Seat::at(*this) != nullptr) return;
  begin_shutdown({.drain = Drain::none, .timeout = Duration::zero()});
  fire_stop_tokens();
  if (!wait_workers_gone(saturating_add(clock->mono(), patience))) name_the_running();
  join_threads(true);
}

void Engine::name_the_running() {
  each_live([this](Record& record, std::uint64_t word) {
    if (raw_state(word) != raw(TaskState::running)) return;
    const auto info = read(record, id_of(record, word));
    const TaskId id = seen_id(id_of(record, word), word);
    log(LogLevel::warning, options.name,
        "waiting for task " + to_string(id) + (info && !info->name.empty() ? " \"" + info->name + "\"" : "") +
            ", which ignores its stop token");
  });
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
