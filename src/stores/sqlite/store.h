#pragma once
// The store in a SQLite file.
//
//   life.cc         opening and closing; opening again after the disk failed
//   store.cc        transactions; what is looked up; tidying
//   commit.cc       a batch: what finished, notes
//   add.cc          a batch: new tasks
//   claim.cc        a batch: claims
//   line.cc         the lines that claims are taken from
//   change.cc       what is done to tasks from outside
//   transaction.cc  the caller's own transaction
//   crashes.cc      what was running when the last owner died
//   schedules.cc    schedules, and what their slots come to
//   backup.cc       a copy while it is in use
//   adopt.cc        what another store kept

#include <errand/sqlite.h>

#include <atomic>
#include <limits>
#include <map>
#include <set>
#include <thread>

#include "base/fair_mutex.h"
#include "base/file_lock.h"
#include "base/fork.h"
#include "base/listeners.h"
#include "base/running_file.h"
#include "sqlite/backup.h"
#include "sqlite/claims.h"
#include "sqlite/connection.h"
#include "sqlite/fence.h"
#include "sqlite/log.h"
#include "sqlite/newcomers.h"
#include "sqlite/rows.h"

namespace errand {
inline namespace v0 {
namespace sqlite {

class SqliteTasks final : public Store {
 public:
  /// `running`: where it is said who runs, if that is not to be PATH-running.
  [[nodiscard]] static Result<StorePtr> open(const std::string& path, const SqliteOptions& options,
                                             std::unique_ptr<RunningFile> running = nullptr);
  ~SqliteTasks() override;

  [[nodiscard]] StoreTraits traits() const noexcept override {
    return {.name = "sqlite", .durable = true, .exclusive = true};
  }
  Result<Committed> commit(const Batch& batch, WallTime now) override;
  Result<KeptTask> find(TaskId id, WallTime now) override;
  Result<std::vector<KeptTask>> list(const TaskFilter& filter, TaskId after, std::size_t limit, WallTime now) override;
  Result<std::vector<Damaged>> list_damaged(TaskId after, std::size_t limit) override;
  Result<std::vector<Counts>> counts(WallTime now) override;
  Result<Changed> change(const TaskFilter& filter, const Change& change, TaskId after, std::size_t limit,
                         WallTime now) override;
  Result<std::size_t> restore(std::string_view queue, std::span<const std::string> kinds) override;
  Result<void> set_paused(std::string_view queue, bool paused) override;
  Result<KeptSchedule> put_schedule(const NewSchedule& schedule, WallTime now) override;
  Result<void> remove_schedule(std::string_view queue, std::string_view name) override;
  Result<KeptSchedule> find_schedule(std::string_view queue, std::string_view name) override;
  Result<std::vector<Result<KeptSchedule>>> list_schedules(std::string_view queue) override;
  Result<void> pause_schedule(std::string_view queue, std::string_view name, bool paused) override;
  Result<Adopted> adopt(const Adoption& page, WallTime now) override;
  Result<Tidied> tidy(std::size_t limit, WallTime now) override;
  Result<void> may_wait() const override { return may_enter("commit"); }
  void listen(std::weak_ptr<StoreListener> listener) override { listeners_.add(std::move(listener)); }
  RunningSlot* take_running_slot() noexcept override { return running_ ? running_->take() : nullptr; }
  void give_back(RunningSlot* slot) noexcept override { running_->give_back(slot); }

  using Body = Callback<Result<void>(Transaction&)>;
  [[nodiscard]] Result<void> transaction(const Body& body, Duration limit);
  [[nodiscard]] Result<void> backup(const std::string& path);
  // For Transaction alone: REQUIRES that its body runs, so this thread holds mu_.
  [[nodiscard]] Result<void> run_sql(std::string_view sql, std::span<const detail::SqlArgument> values,
                                     std::vector<Row>* rows);
  [[nodiscard]] Result<Added> add_inside(const NewTask& task, WallTime now);
  [[nodiscard]] Result<void> finish_inside(const Finish& one, WallTime now);
  [[nodiscard]] void* handle();

 private:
  SqliteTasks(std::optional<FileLock> owner, std::unique_ptr<RunningFile> running, const SqliteOptions& options,
              std::unique_ptr<Connection> connection)
      : owner_(std::move(owner)),
        running_(std::move(running)),
        options_(options),
        path_(connection->path()),
        connection_(std::move(connection)) {}

  // A token is the life of the owner that gave it, and a number: it rises over restarts, and no claim has to be written
  // for that.
  static constexpr unsigned kLifeShift = 40;
  static constexpr std::int64_t kMostLives = std::int64_t{1} << (63 - kLifeShift);
  // No file comes to this by itself: what is taken in from elsewhere has ids up to 2^62, and there is room behind
  // those, and behind this one.
  static constexpr std::int64_t kMostNumber = INT64_MAX / 4 * 3;
  [[nodiscard]] static constexpr std::int64_t life_of(std::uint64_t token) noexcept {
    return static_cast<std::int64_t>(token >> kLifeShift);
  }

  // What an operation on one row came to: a database error ends the transaction, an item's own does not.
  using Status = std::optional<Error>;

  // life.cc
  [[nodiscard]] static Result<StorePtr> try_to_open(const std::string& path, const SqliteOptions& options,
                                                    std::unique_ptr<RunningFile> running);
  [[nodiscard]] Result<void> begin_life() ERRAND_REQUIRES(mu_);
  /// What the file says of itself, the number of its owner's life among it.
  [[nodiscard]] Result<std::int64_t> read_life() ERRAND_REQUIRES(mu_);
  /// Every operation begins with it. After a failure of the disk it gives the file another connection.
  [[nodiscard]] Result<void> ready(const std::string& what) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> open_again() ERRAND_REQUIRES(mu_);

  // store.cc
  /// Between the two everything happens or nothing. end() commits if `done` is no error, and returns what came of it.
  [[nodiscard]] Result<void> begin(const std::string& what, WallTime now) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> end(const std::string& what, Result<void> done, Awaited awaited = Awaited::yes)
      ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> keep_available(WallTime now) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> pass_by(std::int64_t number, const Error& error) ERRAND_REQUIRES(mu_);
  /// What was passed by so far and not logged yet, is.
  void tell_news() ERRAND_EXCLUDES(mu_);
  [[nodiscard]] Result<void> set_run_at(const KeptTask& task, WallTime run_at) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> note_removed() ERRAND_REQUIRES(mu_);
  void write_back(Awaited awaited) ERRAND_REQUIRES(mu_);
  void make_room() ERRAND_REQUIRES(mu_);
  [[nodiscard]] std::int64_t log_bytes() const ERRAND_REQUIRES(mu_);
  /// The task as it is seen: with its claim, and as of `now`.
  [[nodiscard]] KeptTask seen(KeptTask task, WallTime now) const ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<std::optional<KeptTask>> read(TaskId id) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> run(Statement& statement, const std::string& what) ERRAND_REQUIRES(mu_);
  /// `what` is done to the task of this number.
  [[nodiscard]] Result<void> run(Statement& statement, const char* what, std::int64_t number) ERRAND_REQUIRES(mu_);
  // Rows by their ids.
  struct Window {
    std::int64_t after = 0;
    std::int64_t last = std::numeric_limits<std::int64_t>::max();
  };
  [[nodiscard]] Result<std::vector<KeptTask>> matching(const TaskFilter& filter, Window window, std::size_t limit,
                                                       WallTime now, std::vector<Damaged>* damaged = nullptr)
      ERRAND_REQUIRES(mu_);
  /// `f` looks at one part after the other of what comes after an id, until it returns false; others work in between.
  template <class F>
  [[nodiscard]] Result<void> in_windows(const char* what, std::int64_t after, F f) ERRAND_EXCLUDES(mu_);
  [[nodiscard]] Result<void> count(Window window, WallTime now, std::map<std::string, Counts>& by_queue)
      ERRAND_REQUIRES(mu_);
  /// Takes in what `rows` has, by a statement that selects from errand_given; except for rows that are too large, which
  /// come back, in order.
  struct TooLarge {
    std::size_t row = 0;
    Error error;
  };
  [[nodiscard]] Result<std::vector<TooLarge>> insert(std::string_view sql, const Rows& rows) ERRAND_REQUIRES(mu_);

  // commit.cc: the Result is the database's, what it holds the item's own
  [[nodiscard]] Result<void> apply(const Batch& batch, WallTime now, Committed& committed) ERRAND_REQUIRES(mu_);
  /// What ends is not written before end_tasks().
  [[nodiscard]] Result<Status> finish(const Finish& finish, WallTime now) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> end_tasks(WallTime now) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> end_task(const Finish& finish, WallTime now) ERRAND_REQUIRES(mu_);
  /// Why the item of this task was not taken in; only once.
  [[nodiscard]] Status refusal(TaskId id) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> wait_again(const Finish& finish, const Claims::Claim& claim, WallTime now)
      ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> add_to_history(const Finish& finish) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<Status> note(const Note& note) ERRAND_REQUIRES(mu_);
  /// Of a task that waits; not where that is its line's.
  [[nodiscard]] Result<void> end_waiting(const KeptTask& task, TaskState to, WallTime now,
                                         std::optional<WallTime> prune_at) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> end_waiting(const KeptTask& task, const Finish& finish, WallTime now) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> settle_key(const Finish& finish, WallTime now) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> remove(std::int64_t number, bool tied) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> remove_ended(std::int64_t number) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> remove_from(std::string_view sql, std::int64_t number) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> untie(std::int64_t number, TaskState ended) ERRAND_REQUIRES(mu_);

  // add.cc
  /// What nothing ties is not written before insert_incoming().
  [[nodiscard]] Result<Result<Added>> add(NewTask& given, WallTime now) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> insert_incoming(WallTime now) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<std::optional<KeptTask>> holder(const std::string& key, WallTime now) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<std::optional<KeptTask>> keeper(const std::string& key, WallTime now) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> mark_key(std::int64_t number, std::string_view sql) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> take_key(KeptTask& task, WallTime now) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<Result<Added>> clash(const KeptTask& first, const NewTask& given, WallTime now)
      ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> tie(std::int64_t number, const NewTask& given, bool live, bool holds_key)
      ERRAND_REQUIRES(mu_);

  // claim.cc
  [[nodiscard]] Result<Claimed> claim(const ClaimRequest& request, WallTime now) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> claim_at(const ClaimRequest& request, int priority, WallTime now, Claimed& claimed)
      ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> take(const ClaimRequest& request, KeptTask&& task, bool in_line, WallTime now,
                                  Claimed& claimed) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> expire(const KeptTask& task, WallTime now) ERRAND_REQUIRES(mu_);

  // line.cc
  struct Place {
    std::string_view queue;
    int priority;
    WallTime run_at;
    std::int64_t number;
  };
  [[nodiscard]] static Place place_of(const KeptTask& task) {
    return {task.task.queue, task.task.priority, task.task.run_at, number_of(task.id)};
  }
  [[nodiscard]] Result<void> enter_line(const Place& place) ERRAND_REQUIRES(mu_) { return enter_lines({&place, 1}); }
  [[nodiscard]] Result<void> enter_lines(std::span<const Place> places) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> insert_places(std::span<const Place> places) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> leave_line(const Place& place) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> move_in_line(const Place& from, const Place& to) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> line_up_newcomers() ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> line_up_old_claims() ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> line_up_all() ERRAND_REQUIRES(mu_);

  // change.cc
  [[nodiscard]] Result<void> apply(std::span<const KeptTask> tasks, const Change& change, WallTime now,
                                   Changed& changed) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<bool> apply(const KeptTask& task, const Change& change, WallTime now) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<bool> may_begin_again(const KeptTask& task, WallTime now) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> begin_again(KeptTask task, WallTime now) ERRAND_REQUIRES(mu_);

  // transaction.cc
  /// Whoever is inside a transaction can't wait for its end.
  [[nodiscard]] Result<void> may_enter(const char* what) const;
  [[nodiscard]] Result<void> run_body(const Body& body, Duration limit) ERRAND_REQUIRES(mu_);
  void leave_body() ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> usable() ERRAND_REQUIRES(mu_);
  Error give_up(Error why) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Error too_late() const ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> failed_sql(int status, const std::string& what) ERRAND_REQUIRES(mu_);

  // crashes.cc
  [[nodiscard]] Result<std::int64_t> meta(std::string_view name) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> set_meta(std::string_view name, std::int64_t value) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> write_life(std::int64_t life) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> charge_crashes(std::int64_t last_running) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> charge(const RunningFile::Ran& ran) ERRAND_REQUIRES(mu_);

  // schedules.cc
  [[nodiscard]] Result<Result<Advanced>> advance(const Advance& advance, WallTime now) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> cancel_runs(const Advance& advance, WallTime now, Advanced& done) ERRAND_REQUIRES(mu_);
  /// The numbers of a schedule's live runs.
  [[nodiscard]] Result<std::vector<std::int64_t>> live_runs(std::string_view queue, std::string_view schedule)
      ERRAND_REQUIRES(mu_);
  /// What a task comes to whose slot has a run, or has been dealt with; else nothing.
  [[nodiscard]] Result<std::optional<Added>> dealt_with(const NewTask& given) ERRAND_REQUIRES(mu_);
  /// The number of the slot's run, if that is there.
  [[nodiscard]] Result<std::optional<std::int64_t>> run_of_slot(const NewTask& given) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> note_run(std::int64_t number, const NewTask& given) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<KeptSchedule> read_schedule(std::string_view queue, std::string_view name) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> count_runs(KeptSchedule& schedule) ERRAND_REQUIRES(mu_);

  // backup.cc
  [[nodiscard]] Result<bool> go_on_copying(std::uint64_t number, const std::string& what) ERRAND_REQUIRES(mu_);

  // adopt.cc
  struct Newest {
    std::int64_t number = 0;
    std::uint64_t token = 0;
  };
  [[nodiscard]] Result<void> apply(const Adoption& page, WallTime now, Adopted& adopted, Newest& newest)
      ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<Status> adopt(const KeptSchedule& schedule) ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<Status> adopt(const KeptTask& task, WallTime now) ERRAND_REQUIRES(mu_);

  // None of these two over a file layer of a test's own, unless the test brings the second one.
  std::optional<FileLock> owner_;
  const std::unique_ptr<RunningFile> running_;
  const SqliteOptions options_;
  const std::string path_;
  // Lock order: nothing is taken under it. Held over whole transactions: there is one writer. Fair, for in_windows().
  FairMutex mu_;
  std::unique_ptr<Connection> connection_ ERRAND_GUARDED_BY(mu_);  // null: could not be opened again so far
  std::unique_ptr<Copy> copy_ ERRAND_GUARDED_BY(mu_);  // of what connection_ has; null: no backup is under way
  std::uint64_t copies_ ERRAND_GUARDED_BY(mu_) = 0;    // that have begun: the number of the last one
  Claims claims_ ERRAND_GUARDED_BY(mu_);
  std::set<std::string, std::less<>> paused_ ERRAND_GUARDED_BY(mu_);
  std::int64_t last_number_ ERRAND_GUARDED_BY(mu_) = 0;
  std::int64_t removed_ ERRAND_GUARDED_BY(mu_) = 0;      // the highest number that was removed
  std::uint64_t last_token_ ERRAND_GUARDED_BY(mu_) = 0;  // of claims; versions of schedules are of these, too
  WallTime latest_ ERRAND_GUARDED_BY(mu_) = WallTime::min();
  std::int64_t lined_up_ ERRAND_GUARDED_BY(mu_) = 0;  // every task up to this one that waits is in its line
  // Of the transaction: what ends, and what is new, and not written yet; and what could not be.
  struct Ending {
    const Finish* finish;
    Claims::Claim claim;
  };
  std::vector<Ending> endings_ ERRAND_GUARDED_BY(mu_);
  struct Incoming {
    NewTask* task;
    std::int64_t number;
    WallTime run_at;  // as the row has it
    bool due;
    std::string tags;
    std::string metadata;

    [[nodiscard]] TaskState state() const noexcept { return due ? TaskState::available : TaskState::scheduled; }
  };
  class IncomingRows;
  std::vector<Incoming> incoming_ ERRAND_GUARDED_BY(mu_);
  std::vector<std::pair<TaskId, Error>> refused_ ERRAND_GUARDED_BY(mu_);
  // New tasks that are due, and not in their line before the claims have had their choice.
  Newcomers newcomers_ ERRAND_GUARDED_BY(mu_);
  std::set<std::int64_t> unreadable_ ERRAND_GUARDED_BY(mu_);  // rows that were come across, and can't be read
  std::vector<Error> news_ ERRAND_GUARDED_BY(mu_);            // of them, to be logged when mu_ is not held
  int log_pages_ ERRAND_GUARDED_BY(mu_) = 0;
  std::int64_t page_size_ ERRAND_GUARDED_BY(mu_) = 0;  // the file's own: whoever made it, or rebuilt it, chose it
  LogSpace log_space_ ERRAND_GUARDED_BY(mu_);
  // What these three were when the transaction began.
  struct {
    WallTime latest;
    std::int64_t removed;
    std::int64_t lined_up;
  } before_ ERRAND_GUARDED_BY(mu_) = {};

  Fence fence_ ERRAND_GUARDED_BY(mu_);
  // Who runs the body of a transaction. A thread looks for itself only, so no order is needed.
  std::atomic<std::thread::id> inside_{};
  const std::uint32_t forks_ = forks_so_far();  // more of them: this is the child's copy, and another process's store
  struct Doing {
    Duration limit{};
    std::optional<Error> failed{};   // nothing comes of it
    std::set<std::string> queues{};  // of tasks that it added or ended
  };
  Doing doing_ ERRAND_GUARDED_BY(mu_);

  Listeners listeners_;  // told without mu_
};

}  // namespace sqlite
}  // namespace v0
}  // namespace errand
