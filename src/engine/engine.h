#pragma once
// The memory tier: what one queue consists of, and the steps its tasks go through.
//
//   submit.cc    begin, publish: a closure becomes a task
//   taking.cc    where a worker's next task comes from
//   worker.cc    run
//   ending.cc    what follows an attempt, and the end of a task
//   by_id.cc     cancel, retry, another priority
//   timers.cc    what a moment brings
//   control.cc   pause, worker threads, sleeping and waking
//   shutdown.cc  the end of the queue
//   inspect.cc   info, list, stats
//   named.cc     runs of named tasks

#include <errand/queue.h>
#include <errand/waiting_line.h>

#include <cstdlib>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "base/barrier.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/thread.h"
#include "base/tick.h"
#include "base/time.h"
#include "core/exception_text.h"
#include "engine/finished.h"
#include "engine/meter.h"
#include "engine/named.h"
#include "engine/page_pool.h"
#include "engine/parking.h"
#include "engine/producer.h"
#include "engine/seat.h"
#include "engine/stop_tokens.h"
#include "engine/timekeeper.h"
#include "engine/worker.h"

namespace errand {
inline namespace v0 {
namespace detail {

class Recurrences;
class Observers;

// Bits of Engine::signals. A priority's bit is raised with the first task of that priority, and lowered only when the
// last worker goes to sleep: a set bit says "look", a clear one "there is nothing". Raised with release, and acquired
// by workers: the lane behind a priority, the number of workers behind kResized.
inline constexpr std::uint32_t kPriorities = 0x3ff;
inline constexpr std::uint32_t kPaused = 1u << 16;     // no claims until resume()
inline constexpr std::uint32_t kHalted = 1u << 17;     // no claims any more
inline constexpr std::uint32_t kResized = 1u << 18;    // workers above the wanted number leave
inline constexpr std::uint32_t kCallbacks = 1u << 19;  // callbacks of tasks that ended outside a worker wait

enum class Intake : std::uint8_t {
  plain,        // unbounded, in lanes
  depth_first,  // the same, but what bodies submit goes to the worker they are on
  careful,      // bounded, or in a line
  closed,
  forked,
};

enum class Phase : std::uint8_t { open, draining, stopping, closed };

class Engine {
 public:
  explicit Engine(QueueOptions options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // --- submit.cc ---
  [[nodiscard]] Draft begin();
  [[nodiscard]] Draft begin(TaskOptions& options, std::shared_ptr<Recurrence> recurrence = nullptr);
  /// As with options that say no more than this.
  [[nodiscard]] Draft begin_in(Duration delay);
  void publish(Draft draft, const Ops& ops) noexcept;
  void abandon(Draft draft) noexcept;
  [[nodiscard]] Draft refuse(Error error);
  void log_refusal(const Error& error);
  /// A task that was not taken in, elsewhere.
  void note_refusal(const Error& error) {
    shared_.add(Count::refused);
    log_refusal(error);
  }

  // --- by_id.cc ---
  Result<void> cancel(TaskId id, StopReason reason = StopReason::cancelled);
  Result<void> retry(TaskId id);
  Result<void> set_priority(TaskId id, int priority);

  // --- ending.cc ---
  /// The cold line of a task that had none. REQUIRES: the caller owns the record.
  void make_cold(Record& record);
  /// The cold line's Extra, made on first use. REQUIRES: the caller owns the record, and it has a cold line.
  Extra& ensure_extra(Record& record);

  // --- timers.cc ---
  /// Does what is due, as much as one step may; true if there may be more.
  bool step_timers();
  void wake_for(Timekeeper::Wake wake);
  /// For a worker that took a task: one wake is on its way at a time, so submits leave it to whoever they woke to wake
  /// the next.
  void wake_next() {
    if (parking.wakeable()) [[unlikely]]
      parking.wake_one();
  }
  /// For whoever gave pages back.
  void pages_came_back() {
    if (pool.worth_trimming()) [[unlikely]]
      plan_trim();
  }
  /// A handler that outlived its timeout is alive: its grace begins anew.
  void extend_grace(Record& record);

  // --- named.cc ---
  /// A run of a named task stands in line from now on, behind those posted before. Its number here, or 0 if memory is
  /// exhausted: then the run stays the caller's.
  [[nodiscard]] std::uint64_t post_named(NamedRun& run, int priority, Duration waited) ERRAND_EXCLUDES(named_mutex_);
  /// Gives it back, if it has not begun.
  void take_out_named(std::uint64_t id);
  /// Callbacks to run on a worker, with no lock held: of a named task that ended.
  void post_callback(Callback<void(const TaskInfo&)> callback, TaskInfo info) {
    post({std::move(callback), std::move(info)});
  }
  /// For who waits until the queue is idle: look again.
  void note_progress();
  /// Until `done` says so, which is asked again after each note_progress(); false after `until`.
  bool wait_until(SteadyTime until, const std::function<bool()>& done);
  /// dispatch() has something to do, where that is what runs the queue.
  void wake_driver() noexcept;

  // --- control.cc ---
  Result<void> start();
  void pause();
  void end_pause();
  /// Whoever may have something to do by now.
  void wake_everybody();
  void set_workers(int count);
  [[nodiscard]] int workers() const noexcept { return wanted_.load(std::memory_order_relaxed); }
  bool wait_idle(Duration timeout);
  SteadyTime dispatch();
  void run(std::stop_token stop);
  Result<void> run_one(TaskId id);
  [[nodiscard]] bool idle() const;
  /// Where named tasks come from; null while nobody has asked for one.
  [[nodiscard]] NamedSource* named() const noexcept { return named_source.load(std::memory_order_acquire); }
  /// The worker of this engine that this thread is now, or null.
  [[nodiscard]] Worker* own_worker() const noexcept {
    const Seat* seat = Seat::at(*this);
    return seat != nullptr ? seat->worker() : nullptr;
  }
  /// A worker for a thread that is none of the queue's; it goes back by return_guest().
  [[nodiscard]] Worker& borrow_guest();
  void return_guest(Worker& worker);
  [[nodiscard]] SteadyTime next_due() const;
  /// on_finish of tasks that ended outside a worker.
  void run_callbacks();

  // --- shutdown.cc ---
  void begin_shutdown(const ShutdownOptions& options);
  Report finish_shutdown(SteadyTime deadline);
  Report shutdown(const ShutdownOptions& options);
  [[nodiscard]] SteadyTime deadline_of(const ShutdownOptions& options) const;
  [[nodiscard]] bool closing() const noexcept { return phase_.load(std::memory_order_acquire) != Phase::open; }
  /// Shuts down as the options say, and returns when no thread is left and no attempt is on its way, however long that
  /// takes.
  void come_to_rest();
  /// For the default queue when the process exits: nothing new begins, tokens fire, and after `patience` it is logged
  /// what is left.
  void let_go(Duration patience);

  // --- inspect.cc ---
  [[nodiscard]] std::optional<TaskInfo> read(Record& record, std::uint64_t id) const;
  [[nodiscard]] Result<TaskInfo> info(TaskId id) const;
  [[nodiscard]] std::vector<TaskInfo> list(const ListOptions& options) const;
  [[nodiscard]] Stats stats() const;
  [[nodiscard]] bool timers_stalled() const;
  [[nodiscard]] std::uint64_t total(Count which) const;
  [[nodiscard]] std::size_t running() const;
  [[nodiscard]] Observer observe(std::size_t capacity);

  /// Before anything that takes a lock: in a fork's child other threads hold theirs for ever.
  [[nodiscard]] bool forked() const noexcept { return intake.load(std::memory_order_relaxed) == Intake::forked; }
  /// Whether this word's task has its times taken.
  [[nodiscard]] bool is_timed(std::uint64_t word) const noexcept { return options.timed || (word & kCold) != 0; }
  [[nodiscard]] Producer* producer() { return Producers::of_this_thread(producers, uid); }

  const std::uint64_t uid;
  const QueueOptions options;
  const std::shared_ptr<Clock> clock;
  const TickSource ticks;
  const std::shared_ptr<PagePool> pool_owner;  // outlives the engine while handles are about
  PagePool& pool;
  const std::shared_ptr<Producers> producers;
  std::atomic<NamedSource*> named_source{nullptr};  // release; set once, before the first run is posted, see Queue

  // Raised with release, and lowered so as well: what a bit speaks of was written before it, and a worker that sees it,
  // by acquire, sees that too. One that misses it is on its way to sleep, and is woken, or looks behind a barrier.
  alignas(64) mutable std::atomic<std::uint32_t> signals{0};  // mutable: a look for work raises what it finds
  std::atomic<Intake> intake{Intake::plain};                  // relaxed in submits: see begin(), and wait_for_room()
  // Relaxed where tasks move: what is submitted after observe() takes the sight of it along.
  std::atomic<bool> observed{false};
  Parking parking;

  Timekeeper timers;
  StopTokens stop_tokens;
  std::unique_ptr<Recurrences> recurrences;
  std::unique_ptr<Observers> observers;

  /// Where available tasks wait instead of lanes; null for lanes. Guarded by line_mutex.
  const std::shared_ptr<WaitingLine> line;
  mutable Mutex line_mutex;

  /// Batches of workers that left.
  Mutex orphans_mutex;
  std::vector<std::pair<int, Batch>> orphans ERRAND_GUARDED_BY(orphans_mutex);
  // Priorities in `orphans`. Written under the mutex; who looks without it may be late, but for the last look before a
  // sleep, which is behind a barrier.
  std::atomic<std::uint32_t> orphaned{0};

  /// Batches taken from lanes, by priority. Relaxed: a count, off by the takers of the moment.
  alignas(64) std::atomic<std::uint32_t> batches_taken[10] = {};

  /// Every worker there ever was, for thieves and for sums; entries are set once, and live as long as the engine.
  /// Any thread may be one, for as long as it runs a task here; unused entries cost no memory. Release and acquire: a
  /// worker, then its entry, then the count. Who misses the newest one looks once too seldom; before a sleep there is a
  /// barrier.
  static constexpr int kMaxWorkers = 1 << 18;
  struct Freed {
    void operator()(std::atomic<Worker*>* entries) const noexcept { std::free(static_cast<void*>(entries)); }
  };
  std::atomic<int> worker_count{0};
  const std::unique_ptr<std::atomic<Worker*>[], Freed> all_workers;

 private:
  friend class Worker;

  // A callback of a task that ended outside a worker, or inside a submit.
  struct Finisher {
    Callback<void(const TaskInfo&)> callback;
    TaskInfo info;
  };
  // A worker's number, its thread, and whether that is at work. A thread that is on its way out and finds itself
  // `wanted_back` goes on. Acquire and release: what the one side did to the worker and to the wish comes before what
  // the other makes of it.
  enum class Presence : std::uint8_t { absent, present, wanted_back };
  struct Post {
    Worker* worker = nullptr;
    Thread thread{};
    std::unique_ptr<std::atomic<Presence>> presence = std::make_unique<std::atomic<Presence>>(Presence::absent);
  };
  // Entries of tasks that ended unstarted are not worth looking for while they are fewer.
  static constexpr std::size_t kSweepAfter = 1 << 16;
  // Workers of threads that are none of the queue's have this number.
  static constexpr int kGuests = 1 << 20;

  // submit.cc
  [[nodiscard]] Draft begin_careful(Producer& producer, Duration delay, int priority, TaskOptions* wishes,
                                    std::shared_ptr<Recurrence> recurrence);
  [[nodiscard]] Draft begin_child(Producer& producer, int priority);
  [[nodiscard]] PageCursor::Slot next_loose(Producer& producer, bool cold = false);
  [[nodiscard]] PageCursor::Slot next_in_lane(Producer& producer, int priority);
  void prepare(Record& record, std::uint64_t id, int priority, std::uint64_t flags);
  void publish_child(Record& record, std::uint64_t vacant) noexcept;
  void publish_carefully(Record& record);
  void make_available(Record& record, std::uint64_t word);
  /// It has waited elsewhere already.
  void place(Record& record, std::uint64_t word, Duration waited = {});
  void place_forward(std::uint64_t id, int priority);
  void add_orphan(int priority, const Batch& batch);
  void announce(int priority);
  void run_in_caller(Record& record, std::uint64_t word);
  [[nodiscard]] std::optional<Error> make_room(Producer& producer, bool slot, bool& run_here);
  [[nodiscard]] Error queue_full() const;
  [[nodiscard]] bool wait_for_room(Producer& producer, SteadyTime until);
  void release_room(std::uint64_t word);
  void wake_submitters();
  bool drop_oldest();

  // ending.cc
  [[nodiscard]] bool begin_attempt(Frame& frame);
  void conclude(Worker& worker, Frame& frame, Ran ran, std::int64_t ended);
  [[nodiscard]] Transition judge(Worker& worker, Frame& frame, Ended ended);
  void end_attempt(Worker& worker, Frame& frame, Transition transition, bool closure_gone);
  void tell_sink(Record& record, std::uint64_t id, TaskState to) noexcept;
  void tell_sink(const TaskInfo& task, Duration waited, Duration took) noexcept;
  void forget_timeout(Record& record, std::uint64_t word);
  void come_again(Record& record, const Transition& transition);
  void see_to_leftover(Record& record, std::uint32_t generation);
  void wait_again(Record& record, const Transition& transition);
  void make_final(Worker* worker, Record& record, std::uint64_t id, TaskState to, std::uint64_t add_flags);
  void finish_wishes(Record& record, std::uint64_t id, const Worker* worker);
  void end_unstarted(Record& record, std::uint64_t word, TaskState to, std::optional<Error> why);
  [[nodiscard]] static Error expired();
  void retain(TaskState state, std::uint64_t id);
  void sweep_now_and_then();
  void give_back(Record& record);
  void retire(Page& page);
  [[nodiscard]] bool take_out(Record& record, std::uint64_t& word, std::uint64_t to);  // by_id.cc
  void wake_waiters(Record& record);                                                   // handle.cc

  // named.cc
  [[nodiscard]] bool begin_named(Frame& frame);
  [[nodiscard]] std::uint64_t leave_named(Record& record, bool limited);
  void end_named(Worker& worker, Frame& frame, Ran ran, std::int64_t ended);
  void drop_named(Record& record);
  /// The id that users know: of the named task, if this is a run of one.
  [[nodiscard]] TaskId seen_id(std::uint64_t id, std::uint64_t word) const;

  // timers.cc
  void look_at_timers(Worker::Quiet& quiet, std::int64_t next);
  [[nodiscard]] Moment first_moment(const ColdLine& cold, bool& now) const;
  [[nodiscard]] Moment or_expiry(const Extra* extra, Moment at) const;
  [[nodiscard]] bool set_moment(Record& record, std::uint64_t& word, std::uint64_t state, Moment at);
  [[nodiscard]] bool expires_now(Record& record, std::uint64_t word) const;
  void on_due(const Timekeeper::Due& due);
  [[nodiscard]] bool too_late(Moment at) const;
  void on_timeout(Record& record, std::uint64_t word);
  void plan_trim();
  void trim();
  void ensure_timer_thread();
  void run_timer_thread();

  // control.cc
  void work(Worker& worker);
  void pass_on_wake();
  void work_at(Post& post);
  template <class Over>
  [[nodiscard]] bool spin(const Worker& worker, Over over);
  template <class Over>
  void park(Worker& worker, Over over);
  [[nodiscard]] bool may_work(const Worker& worker) const noexcept;
  [[nodiscard]] bool leaves(const Worker& worker) const noexcept;
  Worker& add_worker(int number) ERRAND_REQUIRES(control_mutex_);
  [[nodiscard]] Result<void> spawn(int number) ERRAND_REQUIRES(control_mutex_);
  [[nodiscard]] Result<void> spawn_wanted() ERRAND_REQUIRES(control_mutex_);
  // Not under a lock: the logger may be user code that calls the queue.
  void log_failure(const Result<void>& result) const ERRAND_EXCLUDES(control_mutex_);
  void replace_stuck_worker();
  void release_stand_in();
  template <class Done>
  bool wait_for_progress(SteadyTime until, Done done);
  /// Or until somebody hastens it.
  bool wait_drained(SteadyTime until);
  bool wait_for_turn_to_finish(SteadyTime until);
  void end_turn_to_finish();
  [[nodiscard]] bool begins_to_shut_down();
  /// When stop tokens fire in a shutdown that is to be over by `deadline`.
  [[nodiscard]] SteadyTime stop_before(SteadyTime deadline) const;
  /// A shutdown that is under way drains no longer, whoever began it.
  void hasten();
  [[nodiscard]] bool is_hastened() const { return hastened_.load(std::memory_order_acquire); }
  bool wait_workers_idle(SteadyTime until);
  bool wait_at_rest(SteadyTime until);
  bool wait_workers_gone(SteadyTime until);
  [[nodiscard]] bool callbacks_done() const;
  void call(Finisher& finisher);
  void post(Finisher finisher);
  void call_on_wake() noexcept;
  // Runs a callback of the user's: what it throws is logged.
  template <class F>
  void guarded(const char* what, F f) noexcept;

  // shutdown.cc
  [[nodiscard]] bool drained() const;
  [[nodiscard]] Report report() const;
  [[nodiscard]] std::uint64_t ended_tasks() const;
  [[nodiscard]] std::uint64_t submitted() const {
    return producers->submitted() + named_posted_.load(std::memory_order_acquire);
  }
  /// Tasks that ended, and runs of named tasks that went back to their store.
  [[nodiscard]] std::uint64_t over() const { return ended_tasks() + total(Count::returned); }
  void finish_elsewhere(SteadyTime deadline);
  void drain_here(SteadyTime deadline);
  template <class Visit>
  void each_live(Visit visit) const;
  void fire_stop_tokens();
  void close(SteadyTime deadline);
  void cancel_leftover(Record& record, std::uint64_t word);
  [[nodiscard]] bool cancel_leftovers();
  [[nodiscard]] std::size_t claimed() const;
  /// Whether no attempt is on its way, from the claim of its task to the last of its worker's doing.
  [[nodiscard]] bool at_rest() const { return running() == 0 && claimed() == 0; }
  void join_threads(bool only_gone);
  void name_the_running();
  void forget_threads() ERRAND_AROUND_FORK;

  // inspect.cc
  void read_cold(const ColdLine& cold, std::uint64_t word, TaskInfo& info) const;
  [[nodiscard]] bool still_retained(Record& record, const TaskInfo& info) const;
  [[nodiscard]] WallTime wall_of(std::int64_t stamp) const;
  void emit(std::uint64_t id, TaskState to, int attempt);

  // Written under control_mutex_, and read elsewhere as figures, relaxed. Workers look behind kResized, or on their way
  // out, see spawn().
  std::atomic<int> wanted_;
  std::atomic<int> standing_in_{0};  // workers in the place of stuck ones
  std::atomic<int> missing_{0};      // workers, or stand-ins, whose threads could not be made
  std::atomic<bool> healthy_{true};
  // Threads that work or are about to; release when one goes, for who waits until all have gone.
  std::atomic<int> live_workers_{0};
  // Sequentially consistent: see wait_for_room().
  std::atomic<std::int64_t> room_{0};        // tasks that count against the capacity
  std::atomic<std::uint32_t> room_word_{0};  // moves when room is made
  std::atomic<std::uint32_t> room_waiters_{0};
  // Moves when tasks end, while somebody waits for that. Release: their ends come before it; acquire where one waits.
  std::atomic<std::uint32_t> progress_word_{0};
  // Relaxed where tasks end, and ordered by barriers: see note_progress(). Relaxed when one leaves, too: a wake for
  // nobody.
  mutable std::atomic<std::uint32_t> progress_waiters_{0};
  SharedMeter shared_;
  // Relaxed: figures. Whoever moves the first one has the line to say.
  std::atomic<std::int64_t> next_refusal_line_{INT64_MIN};  // not before this moment of the clock
  std::atomic<std::uint64_t> refusals_logged_{0};           // those that the lines so far speak of
  FinishedRing finished_[3];
  std::atomic<std::size_t> ended_unstarted_{0};  // since the last sweep; roughly, since threads may count over another
  std::atomic<std::size_t> sweep_after_{kSweepAfter};  // so many of them

  // Moved on by whoever begins or finishes the shutdown, one at a time; away from `open` under control_mutex_, so that
  // who holds it asks for that relaxed. Release: all of the phase before is done, for who sees this one by acquire.
  std::atomic<Phase> phase_{Phase::open};
  std::atomic<bool> only_due_now_{false};       // shutting down: what is due after `due_until_` stays where it is
  WaitUntil due_until_;                         // both moments; set before the flag above is, with release
  Drain drain_ = Drain::due;                    // set once; whoever has the turn to finish reads it
  std::atomic<std::uint64_t> ended_before_{0};  // tasks that had ended when the shutdown began
  std::atomic<std::size_t> cancelled_by_shutdown_{0};  // relaxed: a figure
  const std::int64_t began_;                           // ticks
  // Somebody begins or finishes the shutdown; others wait for their turn. A lock: acquire, and release.
  std::atomic<bool> finishing_{false};
  std::atomic<bool> hastened_{false};  // by a shutdown that came later; release and acquire, for good

  std::atomic<bool> trim_planned_{false};  // relaxed: it only says whose part it is to ask the Timekeeper
  std::atomic<int> timer_steps_{0};        // threads in step_timers()
  // Moves when the timer thread has to look again. Release: after what it is to see, the order to stop among it; it
  // reads the word, by acquire, before it looks.
  std::atomic<std::uint32_t> timer_word_{0};
  std::atomic<bool> timer_thread_started_{false};  // set under control_mutex_; release: with all that the thread needs
  std::atomic<bool> timer_thread_stops_{false};    // release and acquire, see timer_word_

  // Lock order: control_mutex_ before every other lock of the engine's. No user code runs under it.
  mutable Mutex control_mutex_;
  std::deque<Post> posts_ ERRAND_GUARDED_BY(control_mutex_);
  std::vector<Worker*> guests_ ERRAND_GUARDED_BY(control_mutex_);
  bool started_ ERRAND_GUARDED_BY(control_mutex_) = false;
  int stuck_now_ ERRAND_GUARDED_BY(control_mutex_) = 0;
  Rng seeds_ ERRAND_GUARDED_BY(control_mutex_);
  Thread timer_thread_ ERRAND_GUARDED_BY(control_mutex_);
  bool timer_thread_refused_ ERRAND_GUARDED_BY(control_mutex_) = false;  // and that was logged, once
  Thread closer_ ERRAND_GUARDED_BY(control_mutex_);

  // Runs of named tasks stand in lanes of their own, whoever brings them: so their order is the store's.
  Mutex named_mutex_;
  std::unique_ptr<Producer> named_ ERRAND_GUARDED_BY(named_mutex_);
  std::atomic<std::uint64_t> named_posted_{0};  // as Producer::submitted

  mutable Mutex callbacks_mutex_;
  std::deque<Finisher> callbacks_ ERRAND_GUARDED_BY(callbacks_mutex_);
  int callbacks_running_ ERRAND_GUARDED_BY(callbacks_mutex_) = 0;
};

template <class F>
void Engine::guarded(const char* what, F f) noexcept {
  try {
    f();
  } catch (...) {
    log(LogLevel::error, options.name,
        std::string(what) + ": " + error_from_exception(std::current_exception()).message());
  }
}

/// What a body threw, as decide() takes it.
[[nodiscard]] Ended ended_by_exception(std::exception_ptr exception);

// --- engine.cc ---
void unregister(Engine& engine);
/// A pool whose queue is gone is kept until no handle holds a record of it.
void leave_to_handles(std::shared_ptr<PagePool> pool);

}  // namespace detail
}  // namespace v0
}  // namespace errand
