#pragma once
/// Where named tasks are kept: the seam between the durable tier and memory, SQLite, PostgreSQL, or a store of one's
/// own.
///
/// A queue decides, a store applies. Whether a failed task gets another attempt is settled by decide(); the store is
/// told what became of it, and makes that so if the claim still stands. A store speaks of tasks and of moments, and
/// never reads a clock.

#include <errand/clock.h>
#include <errand/result.h>
#include <errand/schedule_policy.h>
#include <errand/task.h>
#include <errand/task_id.h>
#include <errand/task_state.h>
#include <errand/unique.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace errand {
inline namespace v0 {

/// Whether the task waits for its turn or its time. Blocked tasks have no time to wait for.
[[nodiscard]] constexpr bool is_waiting(TaskState state) noexcept {
  return state == TaskState::scheduled || state == TaskState::available || state == TaskState::retryable;
}

/// How much is kept of what a task could say without end.
inline constexpr std::size_t kKeptAttempts = 8;
inline constexpr std::size_t kKeptLogLines = 32;

/// How long a discarded task is kept where nobody says otherwise. A store goes by this where it discards one of its own
/// accord, which has expired or crashed too often: no queue is there to be asked then.
inline constexpr Duration kKeepDiscarded = std::chrono::hours(7 * 24);

/// A task whose process dies this often while its body runs ends discarded.
inline constexpr int kMostCrashes = 3;

/// A key that at most one task has at a time. The store enforces it, for tasks that come together as well.
struct UniqueKey {
  std::string key{};  ///< empty: none; made of whatever makes two tasks the same, queue and kind included
  /// In which states a task holds on to its key; one that ends in another lets go of it, and of one that runs or waits
  /// in another the next task takes it. It has its key as it is added, and where it does not, it takes it as it is
  /// claimed, as it ends and as it is tried again by hand, in a state of these, if the key is free then. Where nobody
  /// has a key as somebody asks for it, the first task that runs and could have it does. The waiting states go
  /// together: either all are in it, or none.
  std::uint16_t states = kLiveStates;
  /// From then on another task may have the key, whatever the state, and it is not taken any more; unset: no limit.
  std::optional<WallTime> until{};
  OnClash on_clash = OnClash::keep;
};

/// A named task, as it was enqueued. The queue has checked it: texts are valid UTF-8 without NUL, numbers are in range,
/// sizes are within the limits.
struct NewTask {
  std::string queue{};
  std::string kind{};
  std::string payload{};  ///< any bytes
  std::string content_type{};
  int priority = kNormal;
  WallTime run_at{};      ///< available from then on; the moment of the enqueue for a task without a delay
  int max_attempts = 20;  ///< or `unlimited`
  std::string retry{};    ///< the task's own policy, as the queue writes it; empty: its kind's
  std::optional<Duration> timeout{};
  std::optional<Duration> max_elapsed{};
  std::optional<WallTime> expires_at{};  ///< no attempt begins after this
  bool ephemeral = false;                ///< gone when it completes
  std::string name{};
  std::vector<std::string> tags{};
  Metadata metadata{};
  UniqueKey unique{};
  std::string schedule{};          ///< the schedule, by its name in the same queue, that this is a run of
  std::optional<WallTime> slot{};  ///< whose only run it is, ever; unset: it is one besides the slots
};

/// When a task that ends in `state` and has its unique key there may be forgotten, where `prune_at` is what its kind
/// says: not before another one may have the key. Unset: never.
[[nodiscard]] inline std::optional<WallTime> kept_until(const NewTask& task, TaskState state,
                                                        std::optional<WallTime> prune_at) noexcept {
  const bool keeps = !task.unique.key.empty() && (task.unique.states & bit(state)) != 0;
  if (!keeps || !prune_at || !task.unique.until) return keeps ? std::nullopt : prune_at;
  return *prune_at < *task.unique.until ? task.unique.until : prune_at;
}

/// An error as it is kept: clean text (core/text.h), and its code.
struct KeptError {
  Code code = Code::failed;
  std::string text{};

  bool operator==(const KeptError&) const = default;
};

/// One attempt that failed.
struct KeptAttempt {
  int number = 0;
  WallTime started_at{};
  Duration took{};
  KeptError error{};

  bool operator==(const KeptAttempt&) const = default;
};

/// Why claims pass a waiting task by.
enum class Aside : unsigned char {
  no,
  held,        ///< somebody holds it, until it is released
  no_handler,  ///< nobody who asked for its queue's tasks had a handler for its kind
};

/// A task as it is kept.
///
/// A task whose time has come is available, whichever waiting state it was put in: stores give the state as of the
/// `now` that they are asked with. To a store a claimed task is running; that its body has not begun is known to the
/// queue that claimed it, and that one shows it as available.
struct KeptTask {
  TaskId id{};
  TaskState state{};
  NewTask task{};
  Aside aside = Aside::no;
  int attempts = 0;         ///< begun, less those given back
  int crashes = 0;          ///< of the attempts, those that ended with their process
  std::uint64_t token = 0;  ///< of its last claim
  WallTime created_at{};
  std::optional<WallTime> first_started_at{};
  std::optional<WallTime> started_at{};  ///< of the last attempt
  std::optional<WallTime> finished_at{};
  std::optional<WallTime> prune_at{};
  std::optional<KeptError> last_error{};
  std::vector<KeptAttempt> history{};  ///< the last kKeptAttempts that failed, oldest first
  std::string output{};
  std::string output_type{};  ///< the output's content type; empty: there is no output
  std::uint64_t progress_done = 0;
  std::uint64_t progress_total = 0;
  std::string progress_note{};
  std::vector<std::string> log{};
  bool cancel_requested = false;  ///< running, and asked to stop
  bool holds_key = false;         ///< no other task can have its unique key
};

/// What became of a claimed task. Applied only while `token` is the one of its last claim and it is running; else
/// `lease_lost`, and nothing changes.
struct Finish {
  TaskId id{};
  std::uint64_t token = 0;
  TaskState to = TaskState::completed;  ///< final, or scheduled, retryable, available (given back)
  WallTime run_at{};                    ///< where it waits again: from when on it is available
  int attempts = 0;                     ///< as they count from now on
  int crashes = 0;
  std::optional<WallTime> started_at{};  ///< of this attempt; unset where no body began
  std::optional<KeptError> error{};      ///< becomes the last one
  std::optional<KeptAttempt> failed{};   ///< joins the history
  std::string output{};
  std::string output_type{};
  /// Final: when it may be forgotten; unset: never. Not so soon where it has its key longer, see kept_until().
  std::optional<WallTime> prune_at{};
};

/// What a running attempt says of itself. Guarded by its token, as Finish is.
struct Note {
  TaskId id{};
  std::uint64_t token = 0;
  std::optional<std::uint64_t> progress_done{};
  std::optional<std::uint64_t> progress_total{};
  std::optional<std::string> progress_note{};
  std::vector<std::string> log{};      ///< lines to add; the last kKeptLogLines are kept
  std::optional<Metadata> metadata{};  ///< in place of what there is
};

/// Asks for waiting tasks of one queue: those whose time has come, by priority, then run_at, then id.
struct ClaimRequest {
  std::string_view queue{};
  /// Kinds that can be handled, sorted. What comes first and is of another kind is set aside (Aside::no_handler).
  std::span<const std::string> kinds{};
  bool any_kind = false;  ///< all can be
  std::size_t limit = 0;
  int below = 10;  ///< priorities that are smaller than this; nothing is said of the others
};

struct Claimed {
  std::vector<KeptTask> tasks{};  ///< running from now on; each has its token
  std::vector<TaskId> expired{};  ///< came too late, and were discarded
  bool more = false;              ///< there are more by now
  /// When it is worth asking again, if nothing is enqueued or changed; unset: it is not. Never too late, and at most
  /// once too soon. Where there are more by now, it is when a task of a better priority than these will be due.
  std::optional<WallTime> next_due{};
};

/// What became of a NewTask.
struct Added {
  TaskId id{};
  /// Nothing was added: a task with its unique key, or the run of its slot, was there, and `id` is that one's; or its
  /// slot had been dealt with, and there is no run of it, or none any more: then `id` is 0.
  bool existed = false;
  bool replaced = false;  ///< the one with its unique key has the new payload and time
};

/// A schedule, as it was registered. A store reads neither expressions nor zones: its queue says which slot comes next.
struct NewSchedule {
  std::string queue{};
  std::string name{};       ///< unique in its queue
  std::string cron{};       ///< a cron expression; empty: `interval` counts
  Duration interval{};      ///< slots are anchor + k * interval; zero: `cron` counts
  WallTime anchor{};        ///< for intervals, "@every" as well
  std::string time_zone{};  ///< as ScheduleOptions; so are the next six
  Dst dst = Dst::after;
  Overlap overlap = Overlap::queue_one;
  Missed missed = Missed::latest;
  int catch_up_cap = 100;
  std::optional<Duration> catch_up_window{};
  Duration jitter{};
  bool paused = false;
  std::optional<WallTime> next{};  ///< the first slot that nobody has dealt with; unset: none will come
  /// What its runs are made of. Its queue and schedule are those of this schedule, and it has no moments: run_at,
  /// expires_at, slot and the end of a unique key belong to each run, and are not kept.
  NewTask task{};
};

/// A schedule as it is kept.
struct KeptSchedule {
  NewSchedule schedule{};
  std::uint64_t version = 0;  ///< another one after each put, pause and Advance; none comes twice in a store
  WallTime created_at{};
  std::optional<WallTime> last{};  ///< slots up to here have been dealt with; only ever rises
  TaskId last_run{};               ///< the task that was added last, slot or not; it may be gone
  std::uint64_t runs = 0;          ///< tasks that were added
  std::uint64_t skipped = 0;       ///< slots that were left out
  std::size_t waiting = 0;         ///< of its runs, those that wait now
  std::size_t running = 0;         ///< and those that run
};

/// Slots of a schedule that have come, and what becomes of them. Applied only while `version` is the schedule's; else
/// `lease_lost`, or `not_found` where the schedule is gone, and nothing changes. A run whose slot has one, or was dealt
/// with before, is left out, and its Added says so; all else is done.
struct Advance {
  std::string queue{};
  std::string schedule{};
  std::uint64_t version = 0;
  std::optional<WallTime> until{};     ///< the newest slot that is dealt with here; unset: none is
  std::optional<WallTime> next{};      ///< the one that comes after it; unset: none will
  std::uint64_t skipped = 0;           ///< how many were left out
  std::vector<NewTask> runs{};         ///< by slot, oldest first; queue and schedule as above
  bool cancel_earlier = false;         ///< its live runs are cancelled first, where one of these is to be added
  std::optional<WallTime> prune_at{};  ///< of those that end with that, as in Finish
};

struct Advanced {
  std::vector<Result<Added>> runs{};
  std::vector<TaskId> cancelled{};  ///< waited, and are over
  std::vector<TaskId> running{};    ///< run, and were asked to stop: whoever has them is to be told
  std::uint64_t version = 0;        ///< the schedule's from now on
};

/// Everything that is to happen in one transaction, in this order.
struct Batch {
  std::span<const Note> notes{};
  std::span<const Finish> finished{};
  std::span<NewTask> added{};  ///< a store may move what it keeps out of them
  std::span<const Advance> advanced{};
  std::span<const ClaimRequest> claims{};
};

/// A result for each item of a Batch.
struct Committed {
  std::vector<Result<void>> notes{};
  std::vector<Result<void>> finished{};
  std::vector<Result<Added>> added{};
  std::vector<Result<Advanced>> advanced{};
  std::vector<Claimed> claims{};
};

/// Which tasks are meant. Unset fields ask for nothing; an empty vector means any.
struct TaskFilter {
  std::vector<TaskId> ids{};
  std::string queue{};
  std::string kind{};
  std::string name{};
  std::string tag{};
  std::string schedule{};  ///< its runs
  std::optional<TaskState> state{};
  std::optional<int> priority{};
  bool all = false;  ///< for changes: with nothing set above, every task is meant

  [[nodiscard]] bool empty() const noexcept {
    return ids.empty() && queue.empty() && kind.empty() && name.empty() && tag.empty() && schedule.empty() && !state &&
           !priority;
  }
};

/// What is to be done to tasks from outside.
struct Change {
  enum class What : unsigned char {
    cancel,   ///< waiting: ends cancelled; running: is asked to stop
    retry,    ///< waiting: available now; final: a new life, attempts counted from 1
    hold,     ///< waiting: claims pass it by
    release,  ///< undoes hold
    remove,   ///< final: forgotten
    edit,     ///< waiting: another priority, time or payload
  };
  What what = What::cancel;
  std::optional<int> priority{};
  std::optional<WallTime> run_at{};
  std::optional<std::string> payload{};
  std::optional<WallTime> prune_at{};  ///< cancel: as in Finish
};

struct Changed {
  std::vector<TaskId> ids{};      ///< done
  std::vector<TaskId> running{};  ///< cancel: run, and were asked to stop: whoever has them is to be told
  std::vector<TaskId> refused{};  ///< matched, and are in a state in which it can't be done
};

/// What another store kept, as its find(), list() and list_schedules() gave it. Whoever brings it has checked that it
/// could be so: what NewTask asks for, ids of stores up to 2^62, tokens up to 2^62, finished_at of those that are
/// final.
struct Adoption {
  std::span<const std::string> paused{};  ///< queues
  std::span<const KeptSchedule> schedules{};
  std::span<const KeptTask> tasks{};
};

/// What became of each: an error says what was there already.
struct Adopted {
  std::vector<Result<void>> schedules{};
  std::vector<Result<void>> tasks{};
};

/// How many tasks of a queue are in which state.
struct Counts {
  std::string queue{};
  std::size_t scheduled = 0;
  std::size_t available = 0;
  std::size_t running = 0;
  std::size_t retryable = 0;
  std::size_t completed = 0;
  std::size_t cancelled = 0;
  std::size_t discarded = 0;
  std::size_t held = 0;        ///< of those that wait
  std::size_t no_handler = 0;  ///< of those that wait
  bool paused = false;
};

/// A task that is there, and that nobody can read for what its row says.
struct Damaged {
  TaskId id{};
  Error why;  ///< names it
};

/// What tidying up came across.
struct Tidied {
  std::vector<TaskId> expired{};  ///< discarded
  std::size_t pruned = 0;
  bool more = false;  ///< the limit was reached
};

/// Facts that tell stores apart.
struct StoreTraits {
  std::string_view name{};  ///< "memory", "sqlite": for messages
  bool durable = false;     ///< what a call reported survives a crash of the process
  bool exclusive = false;   ///< nobody outside of this process claims from it, and a claim writes nothing
};

/// Hears of what nobody's commit() brought: tasks that came by somebody's own transaction, or by adopt().
class StoreListener {
 public:
  virtual ~StoreListener() = default;
  /// Something is new in these queues: it is time to look again. Called after it is durable, by the thread that did it,
  /// with no lock of the store's held; so the store may be called. May come for no reason.
  virtual void changed(std::span<const std::string> queues) noexcept = 0;
};

/// Which task a worker runs, in memory that outlives the process. RunningBody writes it; a cache line of its own.
struct alignas(64) RunningSlot {
  std::uint64_t id = 0;         ///< of the task; 0: none
  std::int64_t started_at = 0;  ///< nanoseconds, as WallTime has them
};

/// Kept by every store, and checked by tests/store_contract:
///   S1  A task runs under at most one claim, and each claim's token is larger than all before it, restarts included.
///   S2  A Finish or a Note applies only while its token is current; else `lease_lost`, and nothing changes.
///   S3  What a call reported survives a crash, if traits().durable; of a call that never returned, each transaction is
///       there as a whole or not at all.
///   S4  `now` is the only clock, in whole microseconds. It may go back.
///   S5  A call that returns an error has changed nothing. An item's own error leaves the rest of its batch alone.
///   S6  Times are kept in microseconds: what makes a task run or expire is rounded up, so that nothing comes early.
///   S7  A slot, which is a queue, a schedule and a moment, has one task at most, and one that was dealt with stays so,
///       whatever the clock says, and whether its task has been forgotten or not.
///
/// Errors:  `unavailable` where trying again may help, `store_full` where no room is left; the code says what else it
///          is. Messages begin with the store's name and what was tried.
/// Threads: every member may be called from any thread.
class Store {
 public:
  virtual ~Store() = default;

  [[nodiscard]] virtual StoreTraits traits() const noexcept = 0;

  /// One transaction, durable when this returns.
  [[nodiscard]] virtual Result<Committed> commit(const Batch& batch, WallTime now) = 0;

  /// Everything known of a task, or `not_found`.
  [[nodiscard]] virtual Result<KeptTask> find(TaskId id, WallTime now) = 0;
  /// Tasks that match, by id, behind `after`; at most `limit`. One that nobody can read keeps nobody from the others:
  /// it is left out. Only where `ids` asks for it, it is an error.
  [[nodiscard]] virtual Result<std::vector<KeptTask>> list(const TaskFilter& filter, TaskId after, std::size_t limit,
                                                           WallTime now) = 0;
  /// Those that list() leaves out, by id, behind `after`; at most `limit`. Looks at every task that there is. A store
  /// that stands before another one has to ask that, so nothing is said here for stores that never have any.
  [[nodiscard]] virtual Result<std::vector<Damaged>> list_damaged(TaskId after, std::size_t limit) = 0;
  /// By queue, for every queue with tasks or a pause.
  [[nodiscard]] virtual Result<std::vector<Counts>> counts(WallTime now) = 0;

  /// One transaction over the first `limit` tasks that match, by id, behind `after`.
  [[nodiscard]] virtual Result<Changed> change(const TaskFilter& filter, const Change& change, TaskId after,
                                               std::size_t limit, WallTime now) = 0;
  /// Tasks set aside for want of a handler for these kinds wait again.
  [[nodiscard]] virtual Result<std::size_t> restore(std::string_view queue, std::span<const std::string> kinds) = 0;
  /// While a queue is paused, claims for it find nothing. It lasts over restarts.
  [[nodiscard]] virtual Result<void> set_paused(std::string_view queue, bool paused) = 0;

  /// Makes a schedule, or gives the one of this queue and name other terms. Where `cron`, `interval`, `time_zone` and
  /// `dst` are as before, its anchor and its next slot stay, if it has one; `paused` counts for new ones alone. What
  /// has happened so far stays either way.
  [[nodiscard]] virtual Result<KeptSchedule> put_schedule(const NewSchedule& schedule, WallTime now) = 0;
  /// Or `not_found`. Its runs stay, and keep their slots; all else begins anew with another schedule of its name.
  [[nodiscard]] virtual Result<void> remove_schedule(std::string_view queue, std::string_view name) = 0;
  /// Or `not_found`.
  [[nodiscard]] virtual Result<KeptSchedule> find_schedule(std::string_view queue, std::string_view name) = 0;
  /// Those of one queue, or of all where it is empty, by queue and name. An error in the place of one that nobody can
  /// read: it says which.
  [[nodiscard]] virtual Result<std::vector<Result<KeptSchedule>>> list_schedules(std::string_view queue) = 0;
  /// Or `not_found`. That a paused one's slots pass without a run is its queue's business.
  [[nodiscard]] virtual Result<void> pause_schedule(std::string_view queue, std::string_view name, bool paused) = 0;

  /// Takes in what another store kept, as it was, in one transaction: first what is paused, then schedules, then tasks.
  /// A task that ran is available: its claim is void here. Ids and tokens that are given afterwards are larger than
  /// all that came; versions of schedules are this store's own.
  /// `invalid` for a schedule whose name is taken, and for a task whose id or slot is, or, where it holds its unique
  /// key, that; unless the other one's time for that is over, which ends it here as well.
  [[nodiscard]] virtual Result<Adopted> adopt(const Adoption& page, WallTime now) = 0;

  /// Discards what expired and forgets what may be forgotten, at most `limit` of each.
  [[nodiscard]] virtual Result<Tidied> tidy(std::size_t limit, WallTime now) = 0;

  /// An error where this thread would wait for itself: inside of a transaction of its own.
  [[nodiscard]] virtual Result<void> may_wait() const { return {}; }
  /// Tells it from now on, as long as it is alive.
  virtual void listen(std::weak_ptr<StoreListener> listener) = 0;
  /// For RunningBody. An empty slot until it is given back, at the latest when the store ends. Null from a store that
  /// can't tell what was running when its process died, and where no slot is left.
  [[nodiscard]] virtual RunningSlot* take_running_slot() noexcept { return nullptr; }
  virtual void give_back(RunningSlot*) noexcept {}
};

using StorePtr = std::shared_ptr<Store>;

/// By which a worker tells the store whose body it runs, so that the task is charged if the process dies in it: one
/// attempt and one crash more, and a failed attempt in its history; at kMostCrashes it ends discarded. One object for
/// each worker, and one more for a body inside another one.
///
/// Costs a few stores into memory: no lock, no system call, no write to the disk by the caller.
/// Charged is each task whose body began and was not over when the process crashed or was killed. Not charged: what was
/// claimed and not begun, and everything after a power cut or a reboot. A task whose body was over and whose Finish was
/// not yet committed runs again as if it had never begun.
///
/// Threads: one at a time.
class RunningBody {
 public:
  /// Where the store has no slot to give, nobody is blamed for what runs here.
  explicit RunningBody(StorePtr store) noexcept
      : store_(std::move(store)), slot_(store_ ? store_->take_running_slot() : nullptr) {}
  RunningBody(RunningBody&& other) noexcept
      : store_(std::move(other.store_)), slot_(std::exchange(other.slot_, nullptr)) {}
  RunningBody& operator=(RunningBody&&) = delete;
  ~RunningBody() {
    if (slot_ != nullptr) store_->give_back(slot_);
  }

  /// Just before the body. The task is claimed, and `started_at` is what its Finish will say.
  void begins(TaskId id, WallTime started_at) noexcept {
    if (slot_ == nullptr) return;
    std::atomic_ref(slot_->started_at).store(started_at.time_since_epoch().count(), std::memory_order_relaxed);
    std::atomic_ref(slot_->id).store(id.value, std::memory_order_release);
    // Whoever reads it does so after the end of this process, and sees its stores in their order; only the compiler has
    // to be kept from moving the body before them.
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  /// Just behind the body, and before its Finish is handed to the store: a task that has been finished is not to be
  /// charged when it waits again.
  void is_over() noexcept {
    if (slot_ == nullptr) return;
    std::atomic_ref(slot_->id).store(0, std::memory_order_release);
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }

  /// False: nobody is blamed for what runs here.
  explicit operator bool() const noexcept { return slot_ != nullptr; }

 private:
  StorePtr store_;
  RunningSlot* slot_;
};

/// Keeps everything in memory, and forgets it with the process: what named tasks have that were given no store, and the
/// model that other stores are tested against. At most `keep` finished tasks are kept of each final state in each
/// queue, and those that keep their unique key from others; the oldest go first, however long their kinds would keep
/// them.
[[nodiscard]] StorePtr open_memory(std::size_t keep = 10'000);

}  // namespace v0
}  // namespace errand
