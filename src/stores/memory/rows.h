#pragma once
// The memory store's tasks, and the orders in which they are looked for.

#include <errand/store.h>

#include <list>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>

namespace errand {
inline namespace v0 {
namespace memory {

/// Tasks by id, and sorted for claims, expiry, retention, unique keys and slots. A task is changed by taking it out of
/// its orders, changing it, and putting it back, so that the two never differ.
class Rows {
 public:
  using Id = std::uint64_t;
  /// One queue's tasks that can be claimed, as they come: priority, run_at, id.
  using Line = std::set<std::tuple<int, WallTime, Id>>;
  /// Queue, schedule, and the moment.
  using Slot = std::tuple<std::string, std::string, WallTime>;

  /// `keep`: how many tasks of a queue that ended in one state outlive a trim().
  explicit Rows(std::size_t keep) noexcept : keep_(keep) {}

  /// Whether its time is over.
  [[nodiscard]] static bool is_over(const UniqueKey& unique, WallTime now) noexcept;
  [[nodiscard]] static bool has_slot(const NewTask& given) noexcept { return given.slot && !given.schedule.empty(); }

  /// It has its key if it says so, and its state lets it. REQUIRES: then nobody else has.
  KeptTask& add(KeptTask task);
  void erase(Id id);
  /// Erases what ended first where more is kept than may be.
  void trim();
  [[nodiscard]] KeptTask* find(Id id);
  template <class F>
  void change(KeptTask& task, F f) {
    leave_orders(task);
    f(task);
    if (is_final(task.state) && !may_have_key(task)) drop_key(task);
    enter_orders(task);
  }

  [[nodiscard]] const std::map<Id, KeptTask>& all() const noexcept { return tasks_; }
  [[nodiscard]] Line& line(std::string_view queue);
  /// The task that has this unique key, or null. One whose state does not hold on to it loses it here, one whose time
  /// for it is over gives it up, and then one that runs and could have it takes it.
  [[nodiscard]] KeptTask* holder(const std::string& key, WallTime now);
  /// It has its key from now on, if that is free, its own time for it is not over, and its state lets it.
  void take_key(KeptTask& task, WallTime now);
  /// The live runs of a schedule.
  [[nodiscard]] const std::set<Id>& runs(const std::string& queue, const std::string& schedule) const;
  /// The run of the slot that this task is for, or null.
  [[nodiscard]] KeptTask* run_of_slot(const NewTask& given);
  /// Waiting tasks with an end, and final ones with a day to be forgotten, by that moment.
  [[nodiscard]] const std::set<std::pair<WallTime, Id>>& expiring() const noexcept { return expiring_; }
  [[nodiscard]] const std::set<std::pair<WallTime, Id>>& prunable() const noexcept { return prunable_; }

 private:
  [[nodiscard]] static bool may_have_key(const KeptTask& task) noexcept;
  /// It may never have the key again, whatever its state.
  void give_up_key(KeptTask& task);
  [[nodiscard]] static Slot slot_of(const NewTask& given);
  void drop_key(KeptTask& task);
  [[nodiscard]] KeptTask* keeper(const std::string& key, WallTime now);
  void get_key(KeptTask& task);
  void enter_orders(KeptTask& task);
  void leave_orders(KeptTask& task);

  const std::size_t keep_;
  std::map<Id, KeptTask> tasks_;
  std::map<std::string, Line, std::less<>> lines_;
  std::set<std::pair<WallTime, Id>> expiring_;
  std::set<std::pair<WallTime, Id>> prunable_;
  // By queue and final state, as they ended, those that do not stand for their unique key. Not by when they ended,
  // since the clock may go back.
  using Ended = std::list<Id>;
  std::map<std::string, std::map<TaskState, Ended>> ended_;
  std::unordered_map<Id, std::pair<Ended*, Ended::iterator>> among_ended_;
  bool crowded_ = false;  // more than keep_ are in one of these
  std::unordered_map<std::string, Id> keys_;
  std::unordered_map<std::string, std::set<Id>> without_key_;  // run, and could have theirs
  std::map<std::pair<std::string, std::string>, std::set<Id>> runs_;
  std::map<Slot, Id> slots_;
};

}  // namespace memory
}  // namespace v0
}  // namespace errand
