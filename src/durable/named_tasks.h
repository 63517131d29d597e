#pragma once
// The named tasks of one queue: between its store and the engine's workers.
//
//   enqueue ──► committer ──► store
//                               │ claims, a few ahead of the workers
//                               ▼
//   live_ (claimed: posted to the engine, available or running) ──► Run::end ──► committer ──► store
//
//   named_tasks.cc  claims
//   handlers.cc     which kinds can be handled
//   life.cc         the beginning and the end of the queue
//   pause.cc        its pause
//   enqueue.cc      what is taken in
//   acceptance.cc   and by whom it is not waited for
//   run.cc          one attempt
//   by_id.cc        what is asked about tasks, and done to them
//   schedules.cc    which slots of schedules have come; schedule_calls.cc, schedule_handle.cc: what is asked of those
//   handle.cc       Task<T> of a named task

#include <errand/queue.h>

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <shared_mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "durable/hub.h"
#include "durable/schedules.h"
#include "engine/engine.h"
#include "engine/named.h"
#include "engine/named_handle.h"

namespace errand {
inline namespace v0 {
namespace detail {

class Run;
struct ScheduleHandle;

/// What is known of a kind: constant once it is there.
struct Kind {
  std::string name;  // empty: any
  Handler handler;
  HandlerOptions options;
};

/// As people are shown it, by what a store has.
[[nodiscard]] TaskInfo info_of(KeptTask&& task);
/// What is wrong with the name of a kind, if something is.
[[nodiscard]] std::optional<std::string> check_kind(std::string_view kind);
/// Of what is refused before it is posted.
[[nodiscard]] std::shared_ptr<AcceptanceState> refused_acceptance(Error error);

class NamedTasks final : public durable::Member,
                         public NamedSource,
                         public StoreListener,
                         public std::enable_shared_from_this<NamedTasks> {
 public:
  /// Throws std::invalid_argument where another queue of this process has the name on this store.
  NamedTasks(Engine& engine, StorePtr store);
  ~NamedTasks() override;

  // --- handlers.cc ---
  /// No kind: for any.
  void add_handler(std::optional<std::string> kind, Handler handler, HandlerOptions options);

  // --- life.cc ---
  /// Claims may begin.
  Result<void> start();
  /// The store is looked after while nobody calls step().
  Result<void> start_thread() { return hub_->start_thread(); }
  /// Tasks came in a transaction of somebody's own: whoever drives this queue by hand is told.
  void changed(std::span<const std::string> queues) noexcept override;
  /// Slots may come sooner than was known.
  void schedules_changed();
  /// The number of workers changed: with none, nothing is claimed.
  void workers_changed();
  /// Nothing new is taken in; nothing more is claimed, unless what is in memory alone is to be drained.
  void begin_close(Drain drain);
  /// What is claimed and has not begun goes back to the store; no ids: all of it.
  void give_back_claims(std::span<const TaskId> ids = {});
  /// Sees that what became of attempts is in the store, until `deadline`.
  void flush(SteadyTime deadline);
  /// The queue goes, and no body of it runs any more: what is left goes to the store, if that takes it at the first
  /// try, and handles say that it is gone.
  void close();

  // --- pause.cc ---
  /// It holds from here on, for the workers too. The store is told now, or when it is back.
  void set_paused(bool paused);
  [[nodiscard]] bool paused() const noexcept { return pause_.load(std::memory_order_acquire).is_on; }

  // NamedSource
  [[nodiscard]] bool idle() const override;
  [[nodiscard]] bool empty() const override;
  void stop_claims() override;
  [[nodiscard]] SteadyTime step() override;
  [[nodiscard]] TaskId task_of(std::uint64_t record_id) const override;

  // --- named_tasks.cc ---
  // Member
  void coming(const NewTask& task, WallTime now) override;
  bool wishes(ClaimRequest& request, WallTime now) override;
  void claimed(Claimed claimed) override;
  void finished(const Finish& finish, const Result<void>& result) override;
  void finished_elsewhere(const Finish& finish) override;
  void look_again() override;
  [[nodiscard]] const std::string& name() const noexcept override { return name_; }
  void expired(const std::vector<TaskId>& ids) override;
  void settled() override { engine_.note_progress(); }
  [[nodiscard]] std::optional<WallTime> next_due() const override;

  // --- enqueue.cc ---
  [[nodiscard]] Result<NamedDraft> enqueue(Result<Named> task, OutputReader reader);
  [[nodiscard]] std::vector<Result<NamedDraft>> enqueue(std::vector<Result<Named>> tasks, OutputReader reader);

  /// Does not wait for the store.
  [[nodiscard]] std::shared_ptr<AcceptanceState> post(Result<Named> task, OutputReader reader);
  /// For a transaction of the caller's own: a task as the store takes it; then draft() makes the handle.
  [[nodiscard]] Result<NewTask> prepare(Result<Named> task);

  /// A run of a schedule, besides its slots.
  [[nodiscard]] Result<void> add_run(NewTask run);

  // --- schedule_handle.cc ---
  // Member
  std::vector<Advance> slots(WallTime now) override;
  void advanced(std::vector<Result<Advanced>> results) override;

  [[nodiscard]] Result<std::shared_ptr<ScheduleHandle>> keep_every(Duration interval, Result<Named> task,
                                                                   ScheduleOptions options);
  [[nodiscard]] Result<std::shared_ptr<ScheduleHandle>> keep_cron(std::string_view expression, Result<Named> task,
                                                                  ScheduleOptions options);
  [[nodiscard]] Result<std::shared_ptr<ScheduleHandle>> schedule(std::string_view name);
  [[nodiscard]] std::vector<ScheduleInfo> schedules();
  Result<void> trigger(const std::string& name);
  [[nodiscard]] durable::Schedules& stored_schedules() noexcept { return schedules_; }

  // --- by_id.cc ---
  [[nodiscard]] Result<TaskInfo> info(TaskId id) const;
  [[nodiscard]] Result<KeptTask> kept(TaskId id) const;
  [[nodiscard]] Result<std::vector<TaskInfo>> list(TaskFilter filter, std::size_t limit, TaskId after) const;
  Result<void> cancel(TaskId id);
  Result<void> change_one(TaskId id, const Change& change, const char* what);
  Result<Changed> change(TaskFilter filter, Change change);
  Result<void> run_one(TaskId id);
  void add_to(Stats& stats) const;

  // --- handle.cc ---
  [[nodiscard]] NamedDraft draft(const Added& added, OutputReader reader);
  [[nodiscard]] Result<NamedDraft> handle_of(TaskId id, OutputReader reader);
  struct Watch {
    std::atomic<std::uint32_t> word{0};  // moves when the task ends, or is to be looked at; release and acquire
    bool inside = false;                 // by a worker of the queue, which runs what it finds meanwhile
  };
  /// Whether it is over; if not, `watch` is put on it. On a worker of the queue it is run here, if it can be.
  [[nodiscard]] bool ended_or_watched(TaskId id, std::shared_ptr<Watch>& watch);
  void unwatch(TaskId id, const std::shared_ptr<Watch>& watch);
  /// False after `until`, and where waiting here could never end.
  [[nodiscard]] bool wait(TaskId id, std::optional<SteadyTime> until);
  [[nodiscard]] bool never_ends_here(TaskId id) const;
  [[nodiscard]] bool alive() const {
    const std::shared_lock lock(alive_mutex_);
    return alive_;
  }
  /// What needs the queue; `otherwise` where that is gone.
  template <class Use>
  Result<void> with_queue(Use use, Error otherwise) const {
    const std::shared_lock lock(alive_mutex_);
    if (!alive_) return otherwise;
    return use();
  }

  // --- for Run ---
  /// Its body is next: it can't be given back any more.
  void began(Run& run);
  /// Its body has ended, or it goes back unstarted: it is not in hand any more.
  void over(Run& run);
  /// When a task of this kind may be forgotten that ends so now.
  [[nodiscard]] std::optional<WallTime> prune_at(const Kind* kind, TaskState state, WallTime now) const;
  [[nodiscard]] std::optional<WallTime> prune_at(std::string_view kind, TaskState state, WallTime now) const;

  Engine& engine() noexcept { return engine_; }
  durable::Hub& hub() noexcept { return *hub_; }
  durable::Committer& committer() noexcept { return hub_->committer; }

 private:
  struct Live {
    std::uint64_t record = 0;  // the engine's number; 0: not posted yet
    std::uint64_t token = 0;
    Run* run = nullptr;
    bool running = false;
    bool cancelled = false;
    bool suspect = false;  // it is the one in hand
  };
  // Tasks that are waited for, or have an on_finish.
  struct Watched {
    std::vector<std::shared_ptr<Watch>> watches{};
    std::vector<Callback<void(const TaskInfo&)>> callbacks{};
  };

  [[nodiscard]] Result<std::shared_ptr<ScheduleHandle>> keep(NewSchedule schedule, Result<Named> task,
                                                             ScheduleOptions options, WallTime now);
  [[nodiscard]] std::shared_ptr<ScheduleHandle> stored_handle(std::string name);
  // What is in hand of a task that is to be cancelled.
  struct InHand {
    bool is = false;    // it is claimed here
    bool told = false;  // its run was ended, or asked to stop
  };
  InHand stop_in_hand(TaskId id);
  bool is_to_end(TaskId id);
  void hold(std::vector<std::unique_ptr<Run>>& runs) ERRAND_REQUIRES(mu_);
  void post(std::vector<std::unique_ptr<Run>> runs) ERRAND_EXCLUDES(post_mutex_);
  void post_suspects();
  void begin_drain();
  /// Whether the store says what is said here; an error where it does not answer.
  [[nodiscard]] Result<bool> settle_pause();
  [[nodiscard]] Result<void> tell_pause();
  void keep_what_was_read(const std::vector<Counts>& counts) ERRAND_EXCLUDES(pause_mutex_);
  void restore();
  [[nodiscard]] Result<std::vector<std::string>> with_those_of_any(std::vector<std::string> names) const;
  void ended(TaskId id, TaskState to);
  void cancel_late(TaskId id);
  bool end_without(const Finish& finish, const Error& error);
  [[nodiscard]] std::shared_ptr<const Kind> kind_of(std::string_view name) const ERRAND_REQUIRES(mu_);
  // While something that is taken in is on its way, the queue is not idle, and if it drains it waits for that.
  class Entrance {
   public:
    // Sequentially consistent, as new_task() and begin_close(): either that call sees that the queue closes, or idle()
    // sees this.
    explicit Entrance(NamedTasks& tasks) noexcept : tasks_(tasks) {
      tasks_.entering_.fetch_add(1, std::memory_order_seq_cst);
    }
    ~Entrance() {
      tasks_.entering_.fetch_sub(1, std::memory_order_seq_cst);
      tasks_.engine_.note_progress();
    }
    Entrance(const Entrance&) = delete;
    Entrance& operator=(const Entrance&) = delete;

   private:
    NamedTasks& tasks_;
  };
  [[nodiscard]] Error refusal(std::string_view kind, const Error& why) const;
  [[nodiscard]] Result<NewTask> new_task(Named&& named, WallTime now);
  class OnItsWay;
  void took_in(const Result<Added>& result, Callback<void(const TaskInfo&)> on_finish);
  /// The queue may be gone: all that the handle does then is to say so.
  [[nodiscard]] static NamedDraft draft_of(std::weak_ptr<NamedTasks> home, std::shared_ptr<Clock> clock,
                                           const Added& added, OutputReader reader);
  struct Watching;
  [[nodiscard]] std::shared_ptr<Watch> watch(TaskId id, bool inside);
  [[nodiscard]] bool watches(TaskId id, const std::shared_ptr<Watch>& watch) const;
  void wake(Watch& watch);
  void wake_watchers(TaskId id);
  void wake_those_inside();
  [[nodiscard]] Worker* own_worker() const;
  void step_by_hand(const Worker* own);
  [[nodiscard]] std::uint64_t record_of_unstarted(TaskId id) const;
  [[nodiscard]] bool help(TaskId id, Worker& own, bool is_available);
  [[nodiscard]] bool never_begins_here(TaskId id, const Worker& own) const;
  [[nodiscard]] bool is_over(TaskId id) const;
  void watch_end(TaskId id, Callback<void(const TaskInfo&)> callback);
  void look_later(TaskId id);
  [[nodiscard]] bool look_for_end(TaskId id);
  void look_for_unsure_ends();
  [[nodiscard]] TaskInfo seen(KeptTask&& task) const;
  [[nodiscard]] std::size_t target() const ERRAND_REQUIRES(mu_);
  [[nodiscard]] std::size_t room() const ERRAND_REQUIRES(mu_);
  void leave_ready(const Run& run) ERRAND_REQUIRES(mu_);
  void make_way_for(const NewTask& task);
  [[nodiscard]] bool has_stopped();
  [[nodiscard]] bool has_available() const;
  struct Part {
    TaskFilter filter;
    Change change;
  };
  [[nodiscard]] std::vector<Part> parts_of(const TaskFilter& filter, const Change& change);
  [[nodiscard]] Result<void> change_held(const TaskFilter& filter, const Change& change, Changed& all);
  [[nodiscard]] Result<void> change_matching(const std::vector<Part>& parts, Changed& all);
  [[nodiscard]] Result<void> change_pages(const Part& part, std::unordered_set<std::uint64_t>& met, Changed& all);
  [[nodiscard]] bool is_better_than_ready(const KeptTask& task) const ERRAND_REQUIRES(mu_);
  void wish_again();

  Engine& engine_;
  const std::string name_;
  const std::shared_ptr<durable::Hub> hub_;
  const bool durable_;
  const bool exclusive_;
  durable::Schedules schedules_;
  // As it is here; and whether the store says the same, has not been asked yet, or is still to be told.
  enum class StorePause : unsigned char { settled, unread, untold };
  struct Pause {
    bool is_on = false;
    StorePause store = StorePause::unread;
  };
  // Release and acquire: whoever sees a pause end sees what came before.
  std::atomic<Pause> pause_{Pause{}};
  // Somebody asks the store, or tells it. Acquire and release: the next one comes after it.
  std::atomic<bool> tells_pause_{false};
  Mutex pause_mutex_;                 // held while pause_ and the engine's own come to say something else
  std::atomic<bool> closing_{false};  // sequentially consistent with the next one: see Entrance
  std::atomic<int> entering_{0};      // calls that take tasks in
  std::atomic<std::uint64_t> enqueued_{0};
  std::atomic<std::size_t> watching_{0};  // entries of watched_, so that an end need not look there

  // Handles of the queue's tasks may outlive it. Shared to use the engine, exclusive to end it.
  mutable std::shared_mutex alive_mutex_;
  bool alive_ = true;  // guarded by it

  // Held while a run is posted, so that none is once claims have stopped. Lock order: before the engine's and mu_.
  Mutex post_mutex_;
  bool stopped_ ERRAND_GUARDED_BY(post_mutex_) = false;
  bool listens_ = false;  // start() only
  // Lock order: the last of all; nothing is called under it but the clock.
  mutable Mutex mu_;
  std::map<std::string, std::shared_ptr<const Kind>, std::less<>> kinds_ ERRAND_GUARDED_BY(mu_);
  std::shared_ptr<const std::vector<std::string>> names_ ERRAND_GUARDED_BY(mu_);  // of kinds_, for claims
  std::shared_ptr<const std::vector<std::string>> claiming_names_;                // those of the claim on its way
  // Kinds that have a handler by now, and may have tasks in the store that were set aside for want of it; empty: any.
  std::vector<std::string> to_restore_ ERRAND_GUARDED_BY(mu_);
  bool any_kind_ ERRAND_GUARDED_BY(mu_) = false;
  bool claiming_ ERRAND_GUARDED_BY(mu_) = false;
  int holds_ ERRAND_GUARDED_BY(mu_) = 0;     // somebody changes tasks, and nothing is claimed meanwhile
  bool more_ ERRAND_GUARDED_BY(mu_) = true;  // there may be more to claim
  // That was said while a claim was on its way, whose answer does not know of it.
  bool again_ ERRAND_GUARDED_BY(mu_) = false;
  bool better_ ERRAND_GUARDED_BY(mu_) = false;  // there may be something better than the worst that is claimed
  bool asked_for_better_ ERRAND_GUARDED_BY(mu_) = false;  // by the claim on its way, and for nothing else
  std::optional<WallTime> next_due_ ERRAND_GUARDED_BY(mu_);
  std::size_t coming_[10] ERRAND_GUARDED_BY(mu_) = {};  // due tasks in the transaction to come, by priority
  std::size_t ready_[10] ERRAND_GUARDED_BY(mu_) = {};   // claimed and not begun, by priority
  std::size_t ready_in_all_ ERRAND_GUARDED_BY(mu_) = 0;
  std::size_t ready_bytes_ ERRAND_GUARDED_BY(mu_) = 0;  // of their payloads
  std::size_t ahead_ ERRAND_GUARDED_BY(mu_) = 0;        // how many are claimed ahead
  std::size_t usual_bytes_ ERRAND_GUARDED_BY(mu_);      // of a payload, by the last claim
  std::unordered_map<std::uint64_t, Live> live_ ERRAND_GUARDED_BY(mu_);
  std::set<std::pair<std::string, std::uint64_t>> keys_in_hand_ ERRAND_GUARDED_BY(mu_);  // unique keys of those
  // Runs of schedules whose attempts are over, by task, until the store knows.
  std::unordered_map<std::uint64_t, std::string> ended_runs_ ERRAND_GUARDED_BY(mu_);
  // Tasks that are to be cancelled, and whose bodies were over before the store knew.
  std::unordered_set<std::uint64_t> late_cancels_ ERRAND_GUARDED_BY(mu_);
  std::deque<std::unique_ptr<Run>> suspects_ ERRAND_GUARDED_BY(mu_);  // claimed, each waits for its turn to be alone
  std::unordered_map<std::uint64_t, Watched> watched_ ERRAND_GUARDED_BY(mu_);
  // Of these, tasks that may have ended before that, which could not be read.
  std::vector<TaskId> unsure_ ERRAND_GUARDED_BY(mu_);
  int inside_ ERRAND_GUARDED_BY(mu_) = 0;  // of the watches, those of workers of the queue
};

}  // namespace detail
}  // namespace v0
}  // namespace errand
