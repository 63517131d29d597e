#pragma once
/// A named line of background work, and the workers that do it.

#include <errand/acceptance.h>
#include <errand/attempt.h>
#include <errand/callback.h>
#include <errand/codec.h>
#include <errand/detail/task_maker.h>
#include <errand/events.h>
#include <errand/handler.h>
#include <errand/prepared.h>
#include <errand/queue_options.h>
#include <errand/result.h>
#include <errand/schedule.h>
#include <errand/stats.h>
#include <errand/store.h>
#include <errand/task.h>

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace errand {
inline namespace v0 {

class Queue;

/// Which tasks list() is to show, and from where.
struct ListOptions {
  std::optional<TaskState> state{};
  std::string name{};  ///< unset: any
  std::string kind{};  ///< unset: any; set: named tasks alone
  std::optional<int> priority{};
  int limit = 100;  ///< at most so many
  TaskId after{};   ///< the last id of the page before
};

namespace detail {
class Handlers;
class NamedTasks;
struct DefaultQueue;

template <class M>
inline constexpr char kMessageKey = 0;

}  // namespace detail

/// A bounded buffer of a queue's events, from Queue::observe(). Events that find it full are dropped and counted.
///
/// Threads: any.
class Observer {
 public:
  /// The oldest events, at most `limit`, removed from the buffer.
  [[nodiscard]] std::vector<TaskEvent> take(std::size_t limit = 1024);
  /// Waits until there is an event; false after `timeout`.
  bool wait_for(Duration timeout);
  [[nodiscard]] std::uint64_t dropped() const;

  struct State;
  explicit Observer(std::shared_ptr<State> state) : state_(std::move(state)) {}

 private:
  std::shared_ptr<State> state_;
};

/// A queue: closures, and named tasks that are kept in a store, run in the background by its workers.
///
/// A closure that submit() accepts is run, or ends with a reason, while the process lives. A named task that enqueue()
/// accepts is safe in the store. Destroying the queue is a shutdown as QueueOptions::close says, and always joins every
/// thread: a closure never outlives its queue. What a durable store keeps is not drained by a shutdown, beyond the
/// attempts that have begun: it is there for the next start.
/// Errors:  the constructor throws std::invalid_argument for options that can't be right.
/// Threads: every member may be called from any thread, from bodies too. Destroying it on its own worker is an
/// assertion.
class Queue {
 public:
  explicit Queue(QueueOptions options = {});
  ~Queue();
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  [[nodiscard]] const std::string& name() const noexcept;

  // --- work ---

  /// Takes `f` to run it as soon as a worker is free. A refused Task is false and says error(); then `f` is untouched.
  template <Body F>
  Task<output_of<F>> submit(F&& f) {
    using G = std::decay_t<F>;
    return detail::TaskMaker::make<G>(*engine_, detail::begin(*engine_), std::forward<F>(f));
  }
  template <Body F>
  Task<output_of<F>> submit(F&& f, TaskOptions options) {
    using G = std::decay_t<F>;
    return detail::TaskMaker::make<G>(*engine_, detail::begin(*engine_, options), std::forward<F>(f));
  }
  /// Sugar for TaskOptions::delay and TaskOptions::at. Without options a delay costs no more than itself.
  template <Body F>
  Task<output_of<F>> submit_in(Duration delay, F&& f) {
    using G = std::decay_t<F>;
    return detail::TaskMaker::make<G>(*engine_, detail::begin_in(*engine_, delay), std::forward<F>(f));
  }
  template <Body F>
  Task<output_of<F>> submit_in(Duration delay, F&& f, TaskOptions options) {
    options.delay = delay;
    return submit(std::forward<F>(f), std::move(options));
  }
  template <Body F>
  Task<output_of<F>> submit_at(WallTime at, F&& f, TaskOptions options = {}) {
    options.at = at;
    return submit(std::forward<F>(f), std::move(options));
  }
  /// A body with its options, made by errand::prepare().
  template <Body F>
  Task<output_of<F>> submit(Prepared<F> prepared) {
    return submit(std::move(prepared.body), std::move(prepared.options));
  }
  /// Each body of a range, moved out of it, in order; a handle for each.
  template <class Range>
    requires Body<decltype(*std::begin(std::declval<Range&>()))>
  auto submit_many(Range&& bodies) {
    std::vector<Task<output_of<decltype(*std::begin(bodies))>>> tasks;
    for (auto& body : bodies) tasks.push_back(submit(std::move(body)));
    return tasks;
  }

  /// Runs `f` every `interval`, at a fixed rate; the first time after one interval, or at once with First::now. As with
  /// submit(), what is refused says why, and leaves `f` untouched.
  template <Body F>
  Schedule every(Duration interval, F&& f, ScheduleOptions options = {}) {
    return add_every(
        interval, [&] { return erase(std::forward<F>(f)); }, std::move(options));
  }
  /// Runs `f` when the cron expression says. An expression, a zone or an option that can't be right is the Result's
  /// error.
  template <Body F>
  Result<Schedule> cron(std::string_view expression, F&& f, ScheduleOptions options = {}) {
    return add_cron(
        expression, [&] { return erase(std::forward<F>(f)); }, std::move(options));
  }
  /// Every schedule that has not been cancelled, closures' and named tasks', by name.
  [[nodiscard]] std::vector<ScheduleInfo> schedules() const;
  /// The schedule of this name, of either kind, or `not_found`.
  [[nodiscard]] Result<Schedule> schedule(std::string_view name) const;

  /// Sets the one handler of this queue for messages of type M; a second one throws std::invalid_argument.
  /// `f` takes a const M&, and may take an Attempt& after it; it returns nothing or an Outcome.
  template <class M, class F>
    requires std::is_invocable_v<F&, const M&> || std::is_invocable_v<F&, const M&, Attempt&>
  void handle_messages(F f) {
    set_handler(&detail::kMessageKey<M>,
                std::make_shared<MessageHandler<M>>([f = std::move(f)](const M& message, Attempt& attempt) mutable {
                  return detail::call_erased(f, attempt, message);
                }));
  }
  /// Runs the handler for M with this message; without one the task is refused as `unknown_kind`.
  template <class M>
  Task<> submit_message(M message, TaskOptions options = {}) {
    auto handler = std::static_pointer_cast<MessageHandler<M>>(handler_of(&detail::kMessageKey<M>));
    if (!handler) return refuse_message();
    return submit([handler = std::move(handler),
                   message = std::move(message)](Attempt& attempt) { return (*handler)(message, attempt); },
                  std::move(options));
  }
  /// The same for raw bytes: `f` takes a std::span<const std::byte>.
  template <class F>
  void handle_bytes(F f) {
    handle_messages<Bytes>([f = std::move(f)](const Bytes& bytes, Attempt& attempt) mutable {
      const std::span<const std::byte> view(bytes);
      return detail::call_erased(f, attempt, view);
    });
  }
  Task<> submit_bytes(std::span<const std::byte> bytes, TaskOptions options = {}) {
    return submit_message(Bytes(bytes.begin(), bytes.end()), std::move(options));
  }

  // --- named tasks ---

  /// Sets the handler for messages of type M; its kind can be claimed from then on. `f` takes a const M&, and may take
  /// an Attempt& after it; it returns nothing, M::output, an Outcome, or these two as OutcomeOf or Result. It is called
  /// by several workers at once. A second handler for a kind throws std::invalid_argument, as do wrong options.
  template <Message M, class F>
    requires std::is_invocable_v<F&, const M&> || std::is_invocable_v<F&, const M&, Attempt&>
  void handle(F f, HandlerOptions options = {}) {
    add_handler(std::string(KindOf<M>::value), detail::message_handler<M>(std::move(f)), std::move(options));
  }
  /// The same for a kind that has no type here: `f` takes a std::span<const std::byte>, and may leave an Output.
  template <class F>
  void handle(std::string_view kind, F f, HandlerOptions options = {}) {
    add_handler(std::string(kind), detail::bytes_handler(std::move(f)), std::move(options));
  }
  /// Whatever has no handler of its own; Attempt::kind() says what it is.
  template <class F>
  void handle_any(F f, HandlerOptions options = {}) {
    add_handler(std::nullopt, detail::bytes_handler(std::move(f)), std::move(options));
  }

  /// Keeps a message as a task. Success means that it is on the disk, where the store is durable.
  /// Errors:  `invalid` and `too_large` for what can't be right, `shutting_down`, `unknown_kind` without a handler on a
  ///          started queue without a store, and what the store says.
  template <Message M>
  Result<Task<output_t<M>>> enqueue(const M& message, TaskOptions options = {}) {
    constexpr auto reader = detail::output_reader<output_t<M>>();
    return detail::TaskMaker::named<output_t<M>>(enqueue_named(named(message, std::move(options)), reader));
  }
  /// The same without waiting for the disk: the task is accepted once its Acceptance says so, and is lost if the
  /// process dies before that. Many of them share a flush. Where so many are on their way that they hold more than
  /// 4 MiB, it waits for the disk as enqueue() does.
  template <Message M>
  Acceptance<output_t<M>> enqueue_async(const M& message, TaskOptions options = {}) {
    constexpr auto reader = detail::output_reader<output_t<M>>();
    return Acceptance<output_t<M>>(post_named(named(message, std::move(options)), reader));
  }
  /// The same inside a transaction of the queue's store: the task is there if the transaction is committed.
  template <class Tx, Message M>
    requires requires(Tx& tx, const NewTask& task, WallTime now, const Store& store) {
      tx.add(task, now);
      { tx.is_of(store) } -> std::same_as<bool>;
    }
  Result<Task<output_t<M>>> enqueue(Tx& tx, const M& message, TaskOptions options = {}) {
    if (!tx.is_of(store())) return not_its_store();
    auto task = prepare_named(named(message, std::move(options)));
    if (!task) return task.error();
    const Result<Added> added = tx.add(*task, store_time());
    if (!added) return added.error();
    return detail::TaskMaker::named<output_t<M>>(draft_of(*added, detail::output_reader<output_t<M>>()));
  }
  /// The same with bytes of one's own.
  Result<Task<>> enqueue_bytes(std::string_view kind, std::span<const std::byte> payload, TaskOptions options = {},
                               std::string_view content_type = "application/octet-stream");
  Acceptance<> enqueue_bytes_async(std::string_view kind, std::span<const std::byte> payload, TaskOptions options = {},
                                   std::string_view content_type = "application/octet-stream");
  /// Many at once, in one transaction; a result for each, in order.
  std::vector<Result<Task<>>> enqueue_many(std::vector<Named> tasks);
  template <Message M>
  std::vector<Result<Task<output_t<M>>>> enqueue_many(std::span<const M> messages) {
    constexpr auto reader = detail::output_reader<output_t<M>>();
    std::vector<Result<Named>> tasks;
    for (const M& message : messages) tasks.push_back(named(message));
    std::vector<Result<Task<output_t<M>>>> results;
    for (const auto& draft : enqueue_all(std::move(tasks), reader)) {
      results.push_back(detail::TaskMaker::named<output_t<M>>(draft));
    }
    return results;
  }
  template <Message M>
  std::vector<Result<Task<output_t<M>>>> enqueue_many(const std::vector<M>& messages) {
    return enqueue_many(std::span<const M>(messages));
  }

  /// Keeps a schedule in the store, whose runs are tasks with this message: each slot becomes one task at most, over
  /// all processes and restarts. Slots are moments of the wall clock. Each start of a program says again what it wants:
  /// a schedule of this name gets these terms at once, and keeps what has happened. Its next slot stays where it is as
  /// long as the times are the same, so that slots that passed in between are made up for as `missed` says; so do its
  /// figures and its pause. What nobody says again goes on, until its handle's cancel().
  /// Errors:  `invalid` for what can't be right: an expression, a zone, an option, no name, a closure's schedule of the
  ///          same name; as enqueue() for the message; and what the store says. What is refused leaves no trace.
  template <class M>
    requires(!std::same_as<M, Named> && Message<M>)
  Result<Schedule> every(Duration interval, const M& message, ScheduleOptions options) {
    return keep_every(interval, named(message), std::move(options));
  }
  template <class M>
    requires(!std::same_as<M, Named> && Message<M>)
  Result<Schedule> cron(std::string_view expression, const M& message, ScheduleOptions options) {
    return keep_cron(expression, named(message), std::move(options));
  }
  /// The same with bytes of one's own. Of its options `tags`, `metadata`, `max_elapsed` and `ephemeral` are each run's;
  /// what else can be said of a run stands in ScheduleOptions.
  Result<Schedule> every(Duration interval, Named task, ScheduleOptions options) {
    return keep_every(interval, std::move(task), std::move(options));
  }
  Result<Schedule> cron(std::string_view expression, Named task, ScheduleOptions options) {
    return keep_cron(expression, std::move(task), std::move(options));
  }

  /// A handle to a named task of this queue, by its id: after a restart, too.
  template <class T = void>
  Result<Task<T>> task(TaskId id) const {
    return detail::TaskMaker::named<T>(handle_of(id, detail::output_reader<T>()));
  }
  /// What a named task was enqueued with, or what has taken the place of that.
  [[nodiscard]] Result<Output> payload(TaskId id) const;
  /// What a completed task left, as it is kept. `not_found` where it left nothing.
  [[nodiscard]] Result<Output> output(TaskId id) const;

  /// Named tasks that match, as they stand in the store; at most `limit`, by id, behind `after`. One that nobody can
  /// read is left out and logged; info() of its id says why, and remove() takes it away.
  [[nodiscard]] Result<std::vector<TaskInfo>> find(const TaskFilter& filter, std::size_t limit = 100,
                                                   TaskId after = {}) const;
  /// Does the same to every named task of this queue that matches, in pages of a thousand.
  /// Errors:  `invalid` for an empty filter that does not say `all`, and as for a new task for what is edited.
  Result<Changed> change(const TaskFilter& filter, const Change& change);
  /// Of one named task, while it waits: keeps it from being claimed, and undoes that.
  Result<void> hold(TaskId id);
  Result<void> release(TaskId id);
  Result<void> reschedule(TaskId id, WallTime at);
  Result<void> set_payload(TaskId id, std::span<const std::byte> payload);
  /// Forgets a named task that is over.
  Result<void> remove(TaskId id);

  // --- tasks, by id ---

  /// What is known of a task; `not_found` once retention has dropped it, and for ids of other queues.
  [[nodiscard]] Result<TaskInfo> info(TaskId id) const;
  /// Tasks that match: closures by place in memory, each that lives through the whole listing met exactly once; behind
  /// them named tasks, by id.
  [[nodiscard]] std::vector<TaskInfo> list(const ListOptions& options = {}) const;
  /// Ends a task that waits, at once; asks one that runs to stop. A final task is an error: `cancelled`, `failed`
  /// (it completed or was discarded); an unknown id `not_found`.
  Result<void> cancel(TaskId id);
  /// Makes a scheduled or retryable task available now. A finished closure is `gone`.
  Result<void> retry(TaskId id);
  /// Moves a waiting task to another priority: a closure to the end of that line, a named task to where its time puts
  /// it among those of its new priority, though behind those that its process has claimed.
  Result<void> set_priority(TaskId id, int priority);

  // --- the queue ---

  /// Lets the workers begin. False, with the reason in the log, where nothing came of it: a second call, one after
  /// shutdown() or in a forked child, or a thread that could not be made. After that one it may be called again.
  bool start();
  /// No new attempts until resume(). What runs goes on, and time goes on for what is scheduled. A store keeps it over
  /// restarts; one that is away is told when it is back, and what was said holds in this process meanwhile.
  void pause();
  void resume();
  [[nodiscard]] bool paused() const noexcept;
  /// 0 to 1024; std::invalid_argument otherwise. Workers that are too many leave after the body they are in.
  void set_workers(int count);
  [[nodiscard]] int workers() const noexcept;
  /// With a store, its gauges are counted there: the more tasks it keeps, the longer that takes.
  Stats stats() const;
  /// Waits until no task is available or running; false after `timeout`. On a worker of this queue: false at once.
  bool wait_idle(Duration timeout) const;
  /// Events from now on, in a buffer of `capacity`.
  [[nodiscard]] Observer observe(std::size_t capacity = 1024);
  /// Takes nothing more, drains, stops what is left, and joins the workers. May be called from any thread, again, and
  /// from a body (there it returns at once with the report so far, and the queue goes on closing). A later one with
  /// less time, or with Drain::none, hastens the one that is under way.
  Report shutdown(const ShutdownOptions& options = {});

  // --- manual drive ---

  /// Runs what was due on entry in this thread, and returns when the next task is due (SteadyTime::max(): none is).
  SteadyTime dispatch();
  /// Works in this thread until the token fires or the queue is shut down.
  void run(std::stop_token stop);
  /// One attempt of one available task in this thread, whatever its turn. `would_block` if it is not available.
  Result<void> run_one(TaskId id);

 private:
  friend Report shutdown_all(std::initializer_list<Queue*>, const ShutdownOptions&);
  friend struct detail::DefaultQueue;
  friend class QueueProbe;

  using Bytes = std::vector<std::byte>;
  template <class M>
  using MessageHandler = Callback<detail::Said(const M&, Attempt&)>;

  using AnyBody = Callback<detail::Said(Attempt&)>;

  template <class F>
  static AnyBody erase(F&& f) {
    static_assert(std::is_nothrow_destructible_v<std::decay_t<F>>, "the destructor of a body has to be noexcept");
    return
        [f = std::decay_t<F>(std::forward<F>(f))](Attempt& attempt) mutable { return detail::call_erased(f, attempt); };
  }

  // `take` is called once nothing can be refused any more: it moves the body out of the caller's hands.
  Schedule add_every(Duration interval, const Callback<AnyBody()>& take, ScheduleOptions options);
  Result<Schedule> add_cron(std::string_view expression, const Callback<AnyBody()>& take, ScheduleOptions options);
  void set_handler(const void* key, std::shared_ptr<void> handler);
  [[nodiscard]] std::shared_ptr<void> handler_of(const void* key) const;
  [[nodiscard]] Task<> refuse_message();

  /// No kind: for any.
  void add_handler(std::optional<std::string> kind, detail::Handler handler, HandlerOptions options);
  [[nodiscard]] Result<detail::NamedDraft> enqueue_named(Result<Named> task, detail::OutputReader reader);
  [[nodiscard]] std::shared_ptr<detail::AcceptanceState> post_named(Result<Named> task, detail::OutputReader reader);
  [[nodiscard]] std::vector<Result<detail::NamedDraft>> enqueue_all(std::vector<Result<Named>> tasks,
                                                                    detail::OutputReader reader);
  [[nodiscard]] Result<Schedule> keep_every(Duration interval, Result<Named> task, ScheduleOptions options);
  [[nodiscard]] Result<Schedule> keep_cron(std::string_view expression, Result<Named> task, ScheduleOptions options);
  [[nodiscard]] const Store& store();
  [[nodiscard]] WallTime store_time();
  [[nodiscard]] Error not_its_store() const;
  [[nodiscard]] Result<NewTask> prepare_named(Result<Named> task);
  [[nodiscard]] Result<detail::NamedDraft> draft_of(const Added& added, detail::OutputReader reader);
  [[nodiscard]] Result<detail::NamedDraft> handle_of(TaskId id, detail::OutputReader reader) const;
  [[nodiscard]] Result<void> change_one(TaskId id, const Change& change, const char* what) const;
  /// Made with the first handler or task where no store was given.
  [[nodiscard]] detail::NamedTasks& named_tasks();

  void begin_shutdown(const ShutdownOptions& options);
  Report finish_shutdown(SteadyTime deadline);
  void set_paused(bool paused);

  struct Durable;
  std::unique_ptr<Durable> durable_;            // before engine_, which runs what it claimed
  std::unique_ptr<detail::Handlers> handlers_;  // before engine_: bodies ask for them until the engine is gone
  std::unique_ptr<detail::Engine> engine_;
};

/// Shuts several queues down together, inside one timeout; the sums of their reports.
Report shutdown_all(std::initializer_list<Queue*> queues, const ShutdownOptions& options = {});

// --- the process's own queue ---

/// Makes the default queue with these options. `invalid` if it is there already.
Result<void> start_default(QueueOptions options);
/// The process's own queue; it starts with the defaults on first use, and is never destroyed: at exit it stops
/// claiming, fires stop tokens, waits 2 s and logs what is left.
[[nodiscard]] Queue& default_queue();
/// Drains the default queue, if it was used at all; from then on it refuses.
Report shutdown(const ShutdownOptions& options = {});

/// Submits to the default queue.
template <Body F>
Task<output_of<F>> submit(F&& f) {
  return default_queue().submit(std::forward<F>(f));
}
template <Body F>
Task<output_of<F>> submit(F&& f, TaskOptions options) {
  return default_queue().submit(std::forward<F>(f), std::move(options));
}

}  // namespace v0
}  // namespace errand
