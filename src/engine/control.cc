// The workers' threads: when they work, when they sleep, and how many there are.

#include <algorithm>
#include <climits>

#include "base/cpu.h"
#include "engine/engine.h"
#include "engine/recurrences.h"

namespace errand {
inline namespace v0 {
namespace detail {

namespace {

// How often a worker looks for work before it sleeps: for some 20 us, about what waking it again would cost the thread
// that submits. Counted, not timed: a queue's clock may stand still.
constexpr int kLooks = 60;
// A worker that spins reads the clock once in so many looks.
constexpr int kLooksPerReading = 16;

}  // namespace

constinit thread_local Seat* Seat::top = nullptr;

// --- a worker's thread -----------------------------------------------------------------------------------------------

bool Engine::may_work(const Worker& worker) const noexcept {
  return worker.number >= kGuests ||
         worker.number < wanted_.load(std::memory_order_relaxed) + standing_in_.load(std::memory_order_relaxed);
}

bool Engine::leaves(const Worker& worker) const noexcept {
  const std::uint32_t now = signals.load(std::memory_order_acquire);
  if ((now & (kHalted | kResized)) == 0) [[likely]]
    return false;
  return (now & kHalted) != 0 || !may_work(worker);
}

// Looks for work for as long as the options say; true once there may be some.
template <class Over>
bool Engine::spin(const Worker& worker, Over over) {
  const SteadyTime until = saturating_add(clock->mono(), options.spin);
  for (;;) {
    for (int look = 0; look < kLooksPerReading; ++look) {
      if (worker.finds_work() || over()) return true;
      relax_cpu();
    }
    const SteadyTime now = clock->mono();
    if (now.time_since_epoch().count() >= timers.next_mono()) return true;
    if (now >= until) return false;
  }
}

// Until there is something to do, or to leave for.
template <class Over>
void Engine::park(Worker& worker, Over over) {
  worker.settle();
  note_progress();
  for (int look = worker.expects_work_soon() ? 0 : kLooks; look < kLooks; ++look) {
    for (int i = 0; i < 16; ++i) relax_cpu();
    if (worker.finds_work() || over()) return;
  }
  while (timers.spread_ahead()) {
    if (worker.finds_work() || over()) return;
  }
  if (options.spin > Duration::zero() && spin(worker, over)) return;

  parking.enlist(worker.berth);
  // The last one awake lowers the signals, so that they do not send everybody looking for ever.
  // Those who enlisted before it are seen, by the list's mutex; one whose thread has yet to begin is awake.
  if (parking.parked() >= static_cast<std::size_t>(live_workers_.load(std::memory_order_relaxed))) {
    signals.fetch_and(~kPriorities, std::memory_order_acq_rel);
  }
  // See announce(): either a submit sees that this worker is enlisted and the signals are lowered, or this look finds
  // its task.
  heavy_barrier();
  if (worker.finds_work() || over()) {
    // A wake that reached it here is like one that reaches a sleeper, below.
    if (parking.give_up(worker.berth) && parking.parked() != 0) heavy_barrier();
    return;
  }
  const std::optional<WaitUntil> watch = timers.keep_watch(&worker);
  parking.sleep(worker.berth, watch.value_or(WaitUntil{}));
  if (watch) timers.watch_over(&worker);
  // Submits that came while this wake was on its way woke nobody: see what they published, so that the next one is
  // woken for it, and it does not wait for this worker's task to end.
  if (parking.parked() != 0) heavy_barrier();
}

// A worker that leaves may have been woken just now, and submits that came while that wake was on its way relied on it.
void Engine::pass_on_wake() {
  if (parking.parked() == 0) return;
  heavy_barrier();
  if (Worker::finds_work_in(*this)) parking.wake_one();
}

void Engine::work(Worker& worker) {
  const Seat seat(*this, &worker);
  if (options.on_worker_start) guarded("on_worker_start", [&] { options.on_worker_start(worker.number); });
  const auto over = [&] { return leaves(worker); };
  while (!over()) {
    if (worker.step()) continue;
    const std::int64_t idle_since = ticks.stamp();
    park(worker, over);
    worker.note_idle(ticks.between(idle_since, ticks.stamp()));
  }
  worker.surrender();
  pass_on_wake();
  if (options.on_worker_stop) guarded("on_worker_stop", [&] { options.on_worker_stop(worker.number); });
}

Worker& Engine::add_worker(int number) {
  const int index = worker_count.load(std::memory_order_relaxed);
  ERRAND_ASSERT(index < kMaxWorkers);
  auto* worker = new Worker(*this, number, seeds_());
  pool.expect_in_progress(2);
  all_workers[index].store(worker, std::memory_order_release);
  worker_count.store(index + 1, std::memory_order_release);
  return *worker;
}

void Engine::work_at(Post& post) {
  for (bool stays = true; stays;) {
    work(*post.worker);
    stays = false;
    // Whoever wanted more workers meanwhile found this thread still here, and started no other.
    for (Presence here = Presence::present;
         !stays && !post.presence->compare_exchange_strong(here, Presence::absent, std::memory_order_acq_rel);
         here = Presence::present) {
      post.presence->store(Presence::present, std::memory_order_release);
      stays = !leaves(*post.worker);
    }
  }
  live_workers_.fetch_sub(1, std::memory_order_release);
  note_progress();
}

// The worker of this number, with a thread of its own; one that left before begins again.
Result<void> Engine::spawn(int number) {
  while (static_cast<int>(posts_.size()) <= number) posts_.push_back({});
  Post& post = posts_[static_cast<std::size_t>(number)];
  Presence here = Presence::present;
  // Acquire-release: one that is leaving sees the number of workers that made us ask.
  if (post.presence->compare_exchange_strong(here, Presence::wanted_back, std::memory_order_acq_rel) ||
      here == Presence::wanted_back) {
    return {};
  }
  post.thread.join();  // it has left, or is about to return
  if (post.worker == nullptr) post.worker = &add_worker(number);
  post.presence->store(Presence::present, std::memory_order_release);
  // Counted before it runs: who waits until all have gone must not miss one that is on its way.
  live_workers_.fetch_add(1, std::memory_order_relaxed);
  auto thread = Thread::start(options.name + "/" + std::to_string(number), [this, &post] { work_at(post); });
  if (!thread) {
    post.presence->store(Presence::absent, std::memory_order_release);
    live_workers_.fetch_sub(1, std::memory_order_release);
    return thread.error();
  }
  post.thread = std::move(*thread);
  return {};
}

Result<void> Engine::spawn_wanted() {
  if (options.drive == Drive::manual || !started_) return {};
  const int count = wanted_.load(std::memory_order_relaxed) + standing_in_.load(std::memory_order_relaxed);
  for (int number = 0; number < count; ++number) {
    if (auto spawned = spawn(number); !spawned) {
      missing_.store(count - number, std::memory_order_relaxed);
      return spawned;
    }
  }
  missing_.store(0, std::memory_order_relaxed);
  return {};
}

void Engine::log_failure(const Result<void>& result) const {
  if (!result) log(LogLevel::error, options.name, result.error().message());
}

Result<void> Engine::start() {
  MutexLock lock(control_mutex_);
  if (phase_.load(std::memory_order_relaxed) != Phase::open) {
    return Error(Code::shutting_down, "start queue \"" + options.name + "\": it has been shut down");
  }
  // Workers that could not be made are tried again.
  if (std::exchange(started_, true) && missing_.load(std::memory_order_relaxed) == 0)
    return Error(Code::invalid, "start queue \"" + options.name + "\": it has started already");
  return spawn_wanted();
}

void Engine::set_workers(int count) {
  Result<void> spawned;
  {
    MutexLock lock(control_mutex_);
    wanted_.store(count, std::memory_order_relaxed);
    if (phase_.load(std::memory_order_relaxed) != Phase::open) return;
    // Those above the number see it between two tasks; the bit makes them look.
    signals.fetch_or(kResized, std::memory_order_release);
    spawned = spawn_wanted();
    parking.wake_all();
  }
  log_failure(spawned);
}

void Engine::replace_stuck_worker() {
  if (options.drive == Drive::manual) return;
  Result<void> spawned;
  {
    MutexLock lock(control_mutex_);
    ++stuck_now_;
    if (phase_.load(std::memory_order_relaxed) != Phase::open) return;
    if (stuck_now_ > wanted_.load(std::memory_order_relaxed)) {
      healthy_.store(false, std::memory_order_relaxed);
      return;
    }
    standing_in_.store(stuck_now_, std::memory_order_relaxed);
    spawned = spawn_wanted();
  }
  log_failure(spawned);
}

// A stuck handler came back after all: its worker is there again, and the stand-in leaves.
void Engine::release_stand_in() {
  if (options.drive == Drive::manual) return;
  MutexLock lock(control_mutex_);
  --stuck_now_;
  if (stuck_now_ > wanted_.load(std::memory_order_relaxed)) return;
  // Below zero: it came back before the step that found it stuck has come to ask for a stand-in.
  standing_in_.store(std::min(standing_in_.load(std::memory_order_relaxed), std::max(stuck_now_, 0)),
                     std::memory_order_relaxed);
  healthy_.store(true, std::memory_order_relaxed);
  signals.fetch_or(kResized, std::memory_order_release);
  parking.wake_all();
}

void Engine::pause() {
  signals.fetch_or(kPaused, std::memory_order_release);
}

void Engine::end_pause() {
  signals.fetch_and(~kPaused, std::memory_order_release);
}

void Engine::wake_everybody() {
  parking.wake_all();
  wake_driver();
}

// --- idle ------------------------------------------------------------------------------------------------------------

// Finished tasks are summed first: a task that comes and goes meanwhile makes the sum too high, never too low.
bool Engine::idle() const {
  const std::uint64_t over = this->over();
  const auto [scheduled, retryable] = timers.waiting();
  if (submitted() - over != scheduled + retryable) return false;
  const int count = worker_count.load(std::memory_order_acquire);
  for (int i = 0; i < count; ++i) {
    if (all_workers[i].load(std::memory_order_acquire)->depth.load(std::memory_order_acquire) != 0) return false;
  }
  return callbacks_done() && (named() == nullptr || named()->idle());
}

bool Engine::callbacks_done() const {
  MutexLock lock(callbacks_mutex_);
  return callbacks_.empty() && callbacks_running_ == 0;
}

void Engine::note_progress() {
  // See wait_for_progress(): it enlists, has everybody execute a barrier, then looks.
  light_barrier();
  if (progress_waiters_.load(std::memory_order_relaxed) == 0) [[likely]]
    return;
  progress_word_.fetch_add(1, std::memory_order_release);
  clock->wake(progress_word_, INT_MAX);
}

template <class Done>
bool Engine::wait_for_progress(SteadyTime until, Done done) {
  progress_waiters_.fetch_add(1, std::memory_order_seq_cst);
  heavy_barrier();
  bool is_done = false;
  for (;;) {
    const std::uint32_t seen = progress_word_.load(std::memory_order_acquire);
    is_done = done();
    if (is_done || clock->mono() >= until) break;
    clock->wait(progress_word_, seen, {until, {}});
  }
  progress_waiters_.fetch_sub(1, std::memory_order_relaxed);
  return is_done;
}

bool Engine::wait_idle(Duration timeout) {
  if (Seat::at(*this) != nullptr) return false;
  return wait_for_progress(saturating_add(clock->mono(), timeout), [this] { return idle(); });
}

bool Engine::wait_drained(SteadyTime until) {
  return wait_for_progress(until, [this] { return drained() || is_hastened(); });
}

bool Engine::wait_for_turn_to_finish(SteadyTime until) {
  return wait_for_progress(until, [this] { return !finishing_.exchange(true, std::memory_order_acq_rel); });
}

bool Engine::wait_workers_idle(SteadyTime until) {
  return wait_for_progress(until, [this] { return running() == 0; });
}

bool Engine::wait_at_rest(SteadyTime until) {
  return wait_for_progress(until, [this] { return at_rest(); });
}

bool Engine::wait_until(SteadyTime until, const std::function<bool()>& done) {
  return wait_for_progress(until, done);
}

bool Engine::wait_workers_gone(SteadyTime until) {
  return wait_for_progress(until,
                           [this] { return live_workers_.load(std::memory_order_acquire) == 0 && running() == 0; });
}

// --- callbacks of tasks that ended outside a worker ------------------------------------------------------------------

void Engine::call(Finisher& finisher) {
  guarded("on_finish", [&] { finisher.callback(finisher.info); });
}

void Engine::post(Finisher finisher) {
  {
    MutexLock lock(callbacks_mutex_);
    callbacks_.push_back(std::move(finisher));
    signals.fetch_or(kCallbacks, std::memory_order_release);
  }
  heavy_barrier();
  if (parking.wakeable()) parking.wake_one();
  wake_driver();
}

void Engine::run_callbacks() {
  for (;;) {
    std::optional<Finisher> next;
    {
      MutexLock lock(callbacks_mutex_);
      if (callbacks_.empty()) {
        signals.fetch_and(~kCallbacks, std::memory_order_release);
        break;
      }
      next = std::move(callbacks_.front());
      callbacks_.pop_front();
      ++callbacks_running_;
    }
    call(*next);
    MutexLock lock(callbacks_mutex_);
    --callbacks_running_;
  }
  note_progress();
}

void Engine::call_on_wake() noexcept {
  if (options.on_wake) guarded("on_wake", [&] { options.on_wake(); });
}

void Engine::wake_driver() noexcept {
  if (options.drive == Drive::manual) call_on_wake();
}

// --- manual drive ----------------------------------------------------------------------------------------------------

Worker& Engine::borrow_guest() {
  MutexLock lock(control_mutex_);
  if (guests_.empty()) return add_worker(kGuests);
  Worker* guest = guests_.back();
  guests_.pop_back();
  return *guest;
}

void Engine::return_guest(Worker& worker) {
  worker.surrender();
  MutexLock lock(control_mutex_);
  guests_.push_back(&worker);
}

SteadyTime Engine::dispatch() {
  Worker& worker = borrow_guest();
  const Seat seat(*this, &worker);
  while (step_timers()) {
  }
  worker.run_all_now();
  return_guest(worker);
  note_progress();
  return next_due();
}

// When dispatch() next has something to do.
SteadyTime Engine::next_due() const {
  const SteadyTime now = clock->mono();
  if (!(signals.load(std::memory_order_acquire) & kPaused) && Worker::finds_work_in(*this)) return now;
  const WaitUntil next = timers.next();
  SteadyTime due = next.mono.value_or(SteadyTime::max());
  if (next.wall) due = std::min(due, saturating_add(now, *next.wall - clock->now()));
  return due;
}

void Engine::run(std::stop_token stop) {
  Worker& worker = borrow_guest();
  const Seat seat(*this, &worker);
  const std::stop_callback wake(stop, [this] { parking.wake_all(); });
  live_workers_.fetch_add(1, std::memory_order_relaxed);
  const auto over = [&] { return stop.stop_requested() || leaves(worker); };
  while (!over()) {
    if (!worker.step()) park(worker, over);
  }
  live_workers_.fetch_sub(1, std::memory_order_relaxed);  // nobody joins this thread
  return_guest(worker);
  pass_on_wake();
  note_progress();  // a shutdown may wait for the body that was this worker's last
}

Result<void> Engine::run_one(TaskId id) {
  Worker& worker = borrow_guest();
  const Seat seat(*this, &worker);
  const bool ran = worker.run_if_available(id.value);
  return_guest(worker);
  note_progress();
  if (ran) return {};
  auto info = this->info(id);
  if (!info) return info.error();
  return Error(Code::would_block, "run task " + to_string(id) + ": it is " + std::string(to_string(info->state)));
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
