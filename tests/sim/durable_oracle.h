#pragma once
// What must be true of named tasks, kept by somebody who has not written the library: what was asked, what the store
// answered, which bodies began and how they ended. It knows none of the library's rules but by having them written
// down here once more, plainly.

#include <errand/store.h>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sim {

/// The expressions that schedules have here.
inline constexpr std::string_view kEveryFiveSeconds = "*/5 * * * * *";
inline constexpr std::string_view kEveryMinute = "* * * * *";
inline constexpr std::string_view kEveryHour = "0 * * * *";
inline constexpr std::string_view kEverySevenSeconds = "@every 7s";

/// How a body ended, and what it had been told by then.
struct Said {
  enum class What : unsigned char { returned, done, retry, threw, snooze, cancel, discard };
  What what = What::returned;
  errand::StopReason stop = errand::StopReason::none;
};

/// What is known of a task.
struct Known {
  std::string queue{};
  std::string payload{};
  std::string key{};
  std::uint16_t states = errand::kLiveStates;  // in which it holds on to its key
  std::optional<errand::WallTime> until{};     // from then on somebody else may have it
  bool holds = false;                          // it has its key, until somebody finds that it should not
  bool may_not_hold = false;                   // it has its key if another one that had it has been forgotten
  bool may_be_forgotten = false;               // it is over, and its retention as well
  std::string schedule{};
  int priority = 5;
  int max_attempts = 1;
  bool ephemeral = false;
  std::optional<errand::WallTime> expires_at{};
  errand::WallTime run_at{};
  std::optional<errand::TaskState> final{};  // unset: it waits or runs
  bool held = false;
  bool removed = false;  // nobody needs to find it any more
  int attempts = 0;
  int crashes = 0;
  std::uint64_t token = 0;  // of its claim in this life of the process; 0: it has none
  enum class Body : unsigned char { none, runs, over } body = Body::none;
  int lingering = 0;  // bodies that have ended it in a transaction, and run on
  Said said{};
  int retries = 0;  // by hand
  bool cancel_asked = false;
  bool never_begins = false;  // somebody was told that it is cancelled before it began
  // In line: since its enqueue, as its caller knows, and nothing was done to it since.
  enum class Stand : unsigned char { added, in_line, moved } stand = Stand::added;

  /// What its caller asked for.
  void is_as(const errand::NewTask& task);
};

[[nodiscard]] inline bool is_over(errand::TaskState state) {
  using enum errand::TaskState;
  return state == completed || state == cancelled || state == discarded;
}

class Oracle {
 public:
  using Task = std::pair<const std::uint64_t, Known>;

  // --- what the store is asked, and answers; what follows for a task is in durable_oracle_tasks.cc ---
  /// `faulty`: it may fail just now.
  void committed(const errand::Batch& batch, const errand::Result<errand::Committed>& committed, errand::WallTime now,
                 bool faulty);
  void changed(const errand::TaskFilter& filter, const errand::Change& change,
               const errand::Result<errand::Changed>& changed, errand::WallTime now, bool faulty);
  void tidied(const errand::Result<errand::Tidied>& tidied, errand::WallTime now, bool faulty);
  void paused(const std::string& queue, bool paused, bool done);
  /// In a transaction of somebody's own, that was committed.
  void added(const errand::NewTask& task, const errand::Result<errand::Added>& added, errand::WallTime now);
  /// The store was told the time, whatever came of it.
  void hears(errand::WallTime now) { latest_ = std::max(latest_, now); }
  /// `ended`: what it was to end as well.
  void transaction_failed(const std::vector<errand::NewTask>& tasks, errand::TaskId ended, bool faulty);
  /// A body has ended its task in a transaction of its own, that was committed.
  void completed(const errand::Finish& finish);

  // --- the same of schedules: durable_oracle_schedules.cc ---
  void put_schedule(const errand::NewSchedule& given, const errand::Result<errand::KeptSchedule>& kept,
                    errand::WallTime now, bool faulty);
  void removed_schedule(const std::string& queue, const std::string& name, const errand::Result<void>& removed,
                        bool faulty);
  /// `kept`: as it is afterwards, if that could be read.
  void paused_schedule(const std::string& queue, const std::string& name, bool paused, const errand::Result<void>& done,
                       const errand::Result<errand::KeptSchedule>& kept, bool faulty);
  void read_schedule(const std::string& queue, const std::string& name,
                     const errand::Result<errand::KeptSchedule>& kept, bool faulty);
  /// All that there are. `began`: as in looks_at(), and behind that: what is unsure of their runs is known by then.
  void looks_at_schedules(const std::vector<errand::Result<errand::KeptSchedule>>& all, bool began);
  /// One that has a slot by now, and nothing in its way; empty if there is none.
  [[nodiscard]] std::string overdue_schedule(errand::WallTime now) const;
  [[nodiscard]] std::vector<std::string> schedules_of(const std::string& queue) const;

  // --- what callers hear: durable_oracle_callers.cc ---
  /// A payload that nobody had before.
  [[nodiscard]] std::string asks();
  /// In which way the task with this payload is to be the only one.
  void asks_to_be_unique(const std::string& payload, const errand::Unique& unique, errand::WallTime now);
  void accepted(const std::string& payload, errand::TaskId id, bool existed, bool in_line);
  void refused(const std::string& payload, const errand::Error& error, bool faulty);
  /// Tasks of this queue may be given back and claimed anew: nothing is said of their order.
  void stirs(const std::string& queue);
  /// Returns how often the task was tried again by hand before.
  [[nodiscard]] int asks_to_cancel(errand::TaskId id);
  void cancelled(errand::TaskId id, int retries);
  void watches(errand::TaskId id, std::uint64_t number);
  void on_finish(std::uint64_t number, const errand::TaskInfo& info);
  void stopped_waiting(errand::TaskId id, bool over);

  // --- what workers do: durable_oracle_bodies.cc ---
  void taken(errand::TaskId id, bool paused);
  void begins(errand::TaskId id, std::string_view payload, int number, errand::WallTime now);
  void ends(errand::TaskId id, Said said);
  /// The end of a body that had ended its task in a transaction: whatever it says.
  void ends_late(errand::TaskId id);

  // --- closures, which end with the process: durable_oracle_closures.cc ---
  /// `in_line`: it waits for nothing but a worker.
  void submitted(errand::TaskId id, const std::string& queue, int priority, bool in_line);
  void closure_taken(errand::TaskId id, bool paused);
  void closure_begins(errand::TaskId id);
  /// What its body has said that it is to be.
  void closure_says(errand::TaskId id, errand::TaskState state);
  void closure_cancelled(errand::TaskId id);
  void closure_ended(errand::TaskId id, errand::TaskState state);
  /// Their queues are gone.
  void closures_are_over();
  /// Those that are not over.
  [[nodiscard]] std::vector<errand::TaskId> closures_of(const std::string& queue) const;

  // --- lives of the process: durable_oracle_lives.cc ---
  enum class Death : unsigned char { kill, power_cut, close };
  void died(Death how);
  /// All that there is in the store. `began`: a new life has just begun.
  void looks_at(const std::vector<errand::KeptTask>& rows, bool began);
  /// The store was in memory.
  void forgets();
  /// Nobody is at work any more: who is to hear of an end has heard.
  void all_told();

  [[nodiscard]] std::size_t unfinished() const;
  [[nodiscard]] bool is_final(errand::TaskId id) const;
  [[nodiscard]] bool suspect_runs() const;
  [[nodiscard]] bool is_paused(const std::string& queue) const { return paused_.contains(queue); }
  [[nodiscard]] const std::map<std::uint64_t, Known>& tasks() const noexcept { return tasks_; }
  /// Ends that were told before: told again, none may count.
  [[nodiscard]] const std::deque<errand::Finish>& told() const noexcept { return told_; }
  /// Some operation that failed may have happened all the same, as far as a next life can see.
  [[nodiscard]] bool is_unsure() const noexcept {
    return !maybe_added_.empty() || !maybe_touched_.empty() || maybe_any_;
  }

  /// The first promise that was broken.
  [[nodiscard]] const std::string& broken() const noexcept { return broken_; }
  void breaks(const std::string& what);
  [[nodiscard]] std::uint64_t trace() const noexcept { return trace_; }
  void mix(std::uint64_t value) noexcept { trace_ = (trace_ ^ value) * 0x100000001b3; }
  /// What has happened, by kind: a simulation in which it never does shows nothing.
  [[nodiscard]] const std::map<std::string, std::uint64_t>& counts() const noexcept { return counts_; }
  void count(const std::string& what, std::uint64_t times = 1) { counts_[what] += times; }
  /// Tells what happens, for whoever looks into a seed.
  bool tells = false;

 private:
  struct Watch {
    errand::TaskId id{};
    int calls = 0;
  };
  struct Closure {
    std::string queue{};
    int priority = 5;
    bool in_line = false;
    bool begun = false;
    bool cancelled = false;  // before it began
    bool over = false;
    errand::TaskState says = errand::TaskState::running;
  };
  struct Next {
    errand::TaskState to;
    int attempts;
  };

  // What is kept of a schedule, and what runs of it were seen since its version is this one.
  struct KnownSchedule {
    errand::NewSchedule terms{};
    std::uint64_t version = 0;
    std::optional<errand::WallTime> last{};
    errand::TaskId last_run{};
    std::uint64_t runs = 0;
    std::uint64_t skipped = 0;
    std::set<std::size_t> live_seen{};
  };
  using ScheduleKey = std::pair<std::string, std::string>;
  struct Live {
    std::size_t waiting = 0;
    std::size_t running = 0;
  };

  void add(const errand::NewTask& task, const errand::Added& added, errand::WallTime now);
  [[nodiscard]] bool add_slot(const errand::NewTask& task, const errand::Added& added);
  void clashes(const errand::NewTask& task, const errand::Added& added, Task& holder);
  [[nodiscard]] Task* keeper(const std::string& key, errand::WallTime now);
  [[nodiscard]] Task* holder(const std::string& key, errand::WallTime now);
  void take_key(Known& task, errand::WallTime now);
  [[nodiscard]] bool is_key_in_doubt(const std::string& key) const;
  void compare_key(Known& task, const errand::KeptTask& row, bool began);
  void retry(errand::TaskId id, Known& task, errand::WallTime now);
  void refused_change(errand::TaskId id, const errand::Change& change);
  void advance(const errand::Advance& advance, const errand::Result<errand::Advanced>& result, errand::WallTime now);
  void check_slots(const errand::Advance& advance, const KnownSchedule& schedule, errand::WallTime now);
  void cancel_earlier_runs(const errand::Advance& advance, const errand::Advanced& done);
  void note_run(const errand::NewTask& task, errand::TaskId id);
  void compare_schedule(const KnownSchedule& known, const errand::KeptSchedule& kept);
  void adopt_schedule(const errand::KeptSchedule& kept);
  [[nodiscard]] Live live_runs(const ScheduleKey& key) const;
  [[nodiscard]] static std::string name_of(const errand::NewTask& task);
  void finish(const errand::Finish& finish, const errand::Result<void>& result);
  void claim(const errand::Claimed& claimed, errand::WallTime now);
  void claim(const errand::KeptTask& task);
  void expire(errand::TaskId id, errand::WallTime now);
  void change(Known& task, const errand::Change& change, errand::WallTime now);
  void tell_again_later(const errand::Finish& finish);
  void ended(Known& task, errand::TaskState to);
  [[nodiscard]] static Next next(const Known& task);
  void succeeded();
  void compare(Task& task, const errand::KeptTask& row, bool began);
  void adopt(const errand::KeptTask& row);
  [[nodiscard]] Known* find(errand::TaskId id, const char* what);
  [[nodiscard]] Closure* find_closure(errand::TaskId id, const char* what);
  void comes_before_others(const std::string& queue, int priority, const std::string& who);
  [[nodiscard]] std::string text(errand::TaskId id) const;
  void tell(const char* what, errand::TaskId id) const;
  void tell_schedule(const char* what, const ScheduleKey& key) const;

  std::map<std::uint64_t, Known> tasks_{};
  std::map<std::string, std::uint64_t> by_payload_{};  // of this life's asks: what came into the store
  std::uint64_t asked_ = 0;
  std::uint64_t last_token_ = 0;
  std::set<std::string> paused_{};
  std::map<std::uint64_t, Watch> watches_{};     // of this life
  std::map<std::uint64_t, Closure> closures_{};  // likewise
  std::deque<errand::Finish> told_{};
  using Slot = std::tuple<std::string, std::string, std::int64_t>;
  std::map<Slot, std::uint64_t> slots_{};
  std::map<ScheduleKey, KnownSchedule> schedules_{};
  // As their callers said it: the states in which they hold on to their keys, and until when.
  std::map<std::string, std::pair<std::uint16_t, std::optional<errand::WallTime>>> unique_{};
  // Of operations that failed since the last one that succeeded.
  std::map<std::string, errand::NewTask> maybe_added_{};
  std::set<std::uint64_t> maybe_touched_{};
  bool maybe_any_ = false;
  errand::WallTime latest_ = errand::WallTime::min();  // the latest moment that the store was told
  errand::WallTime now_ = errand::WallTime::min();     // the last one
  std::string broken_{};
  std::uint64_t trace_ = 0xcbf29ce484222325;
  std::map<std::string, std::uint64_t> counts_{};
};

}  // namespace sim
