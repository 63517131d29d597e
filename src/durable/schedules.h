#pragma once
// The schedules of one queue that its store keeps: which slots have come, and what becomes of them.
//
//   next slot ──its time──► read again ──► take_turn() ──► Advance, in the next transaction ──► next slot
//                                │                             │ lease_lost: somebody was faster
//                                └─ queue_one, a run is live:  └──► read again
//                                   the slot waits here, and stays the next one in the store
//
// What a schedule says is read from the store each time that a slot is due, so that terms, pauses and runs are those of
// the moment, whoever made them. What is kept here is when to look.

#include <errand/schedule.h>
#include <errand/store.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "schedule/slots.h"

namespace errand {
inline namespace v0 {
namespace detail {
class Recurrences;
}
namespace durable {

/// Threads: any; take() and done() are for whoever leads.
class Schedules {
 public:
  /// `closures` has the names of the other tier's schedules.
  Schedules(Store& store, detail::Recurrences& closures, std::string queue);

  /// Reads which there are, and what they say. Where that fails, even for one of them, take() tries again.
  void load(WallTime now);
  /// Slots count from here on; until stop().
  void start();
  void stop();

  // --- the committer's side ---
  /// What becomes of the slots that are due by `now`.
  [[nodiscard]] std::vector<Advance> take(WallTime now);
  /// What the store made of that: a result for each, in order.
  void done(const std::vector<Result<Advanced>>& results, WallTime now);
  [[nodiscard]] std::optional<WallTime> next_due() const;
  /// An attempt of one of its runs is over: a slot that waits for it may come.
  void run_ended(const std::string& name);
  void look_again();

  // --- what is asked of them; each reads the store: schedule_calls.cc ---
  Result<void> put(const NewSchedule& schedule, WallTime now);
  Result<void> remove(const std::string& name);
  Result<void> pause(const std::string& name);
  /// What passed during the pause is left out.
  Result<void> resume(const std::string& name, WallTime now);
  [[nodiscard]] Result<ScheduleInfo> info(const std::string& name);
  [[nodiscard]] Result<std::vector<ScheduleInfo>> list();
  [[nodiscard]] Result<std::vector<WallTime>> next(const std::string& name, int count, WallTime now);
  /// A run of it, besides the slots.
  [[nodiscard]] Result<NewTask> extra_run(const std::string& name, WallTime now);

  /// Slots left out since the queue began.
  [[nodiscard]] std::uint64_t skipped() const;
  /// Whether all that there are could be read.
  [[nodiscard]] bool known() const;

 private:
  // A slot that waits until no run is live: Overlap::queue_one. It is the schedule's next one to the store.
  struct Waiting {
    WallTime slot{};
    WallTime last{};            // the newest slot that has been seen, and left out for it
    std::uint64_t skipped = 0;  // how many those are
  };
  struct Entry {
    KeptSchedule kept{};                   // as it was read last
    std::optional<Timetable> timetable{};  // unset: its times can't be read, and it has no slots
    std::optional<Waiting> waiting{};
    std::optional<WallTime> look_at{};  // when there is something to do; unset: never
    std::uint64_t ends = 0;             // of its runs, and whatever else may let the waiting slot come
    std::uint64_t ends_read = 0;        // those before it was read last
    bool is_away = false;               // it could not be read, and that was said
  };
  // What is to happen, and what is so once it has.
  struct Move {
    std::optional<Advance> advance{};
    std::optional<Waiting> waiting{};
  };
  using Entries = std::map<std::string, Entry, std::less<>>;

  /// Slots up to here have been dealt with. Unset: none will come.
  [[nodiscard]] static std::optional<WallTime> dealt_with(const KeptSchedule& kept);
  [[nodiscard]] static NewTask run_of(const NewSchedule& schedule, std::optional<WallTime> slot, WallTime now);
  [[nodiscard]] static Move move(const Entry& entry, WallTime now);
  [[nodiscard]] static std::optional<WallTime> next_slot(const Entry& entry);
  [[nodiscard]] ScheduleInfo info_of(const KeptSchedule& kept) const ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<KeptSchedule> read(const std::string& name);
  [[nodiscard]] std::optional<std::string> note(KeptSchedule kept) ERRAND_REQUIRES(mu_);
  void place(Entry& entry) ERRAND_REQUIRES(mu_);
  void reckon() ERRAND_REQUIRES(mu_);
  void forget(const std::string& name);

  Store& store_;
  detail::Recurrences& closures_;
  const std::string queue_;
  // Lock order: the last of all; no store call and no log line under it.
  mutable Mutex mu_;
  Entries entries_ ERRAND_GUARDED_BY(mu_);
  bool active_ ERRAND_GUARDED_BY(mu_) = false;
  std::optional<WallTime> load_at_ ERRAND_GUARDED_BY(mu_);   // when to try again to read which there are
  std::set<std::string> unreadable_ ERRAND_GUARDED_BY(mu_);  // what was said of those that could not be read
  std::optional<WallTime> due_ ERRAND_GUARDED_BY(mu_);       // the earliest look
  std::uint64_t skipped_ ERRAND_GUARDED_BY(mu_) = 0;         // that the store knows of
  // What take() gave last, without the runs, and what waits once that is done.
  std::vector<std::pair<Advance, std::optional<Waiting>>> in_flight_ ERRAND_GUARDED_BY(mu_);
};

}  // namespace durable
}  // namespace v0
}  // namespace errand
