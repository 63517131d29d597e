// Lives of the process: what a death leaves, and what the store has to say of it to the next life.

#include "durable_oracle.h"

#include <algorithm>

namespace sim {

using errand::TaskId;
using errand::TaskState;
using errand::WallTime;

namespace {

constexpr int kCrashes = 3;  // then it is over

bool waits_in(TaskState state) {
  return state == TaskState::scheduled || state == TaskState::available || state == TaskState::retryable;
}

}  // namespace

void Oracle::died(Death how) {
  tell(how == Death::kill    ? "the process is killed"
       : how == Death::close ? "the process ends"
                             : "the power is cut",
       {});
  count(how == Death::kill ? "kills" : how == Death::power_cut ? "power cuts" : "closes");
  mix(static_cast<std::uint64_t>(how) + 100);
  for (auto& [id, task] : tasks_) {
    // A body that has ended its task runs on; if that has another life by now, it is the task's body all the same.
    const bool ran = task.body == Known::Body::runs || (task.lingering > 0 && !task.final);
    if (how == Death::kill && ran) {
      ++task.attempts;
      ++task.crashes;
      count("crashes charged");
      if (task.crashes >= kCrashes) {
        const bool held = task.holds;
        ended(task, TaskState::discarded);
        // Nobody knows when it died, and so whether its time for its key was over.
        task.may_not_hold = !held && task.until;
        count("crashed too often");
      }
    }
    task.token = 0;
    task.body = Known::Body::none;
    task.lingering = 0;
    task.stand = Known::Stand::moved;
    task.never_begins = false;
  }
  by_payload_.clear();
  watches_.clear();
  closures_.clear();
  unique_.clear();
  for (auto& [key, schedule] : schedules_) schedule.live_seen.clear();
}

void Oracle::forgets() {
  tasks_.clear();
  slots_.clear();
  schedules_.clear();
  paused_.clear();
  told_.clear();
  last_token_ = 0;
  latest_ = WallTime::min();
  succeeded();
}

void Oracle::looks_at(const std::vector<errand::KeptTask>& rows, bool began) {
  mix(rows.size());
  std::set<std::uint64_t> found;
  std::map<std::string, std::uint64_t> holders;
  for (const errand::KeptTask& row : rows) {
    found.insert(row.id.value);
    auto known = tasks_.find(row.id.value);
    if (known == tasks_.end()) {
      if (began && maybe_added_.contains(name_of(row.task))) {
        adopt(row);
      } else {
        breaks(text(row.id) + " is a ghost: nobody asked for it, or it was refused");
      }
    } else {
      compare(*known, row, began);
    }
    if (!row.holds_key) continue;
    const auto [first, is_first] = holders.emplace(row.task.unique.key, row.id.value);
    if (!is_first) breaks(text(TaskId{first->second}) + " and " + text(row.id) + " have one unique key");
  }
  for (auto& [id, task] : tasks_) {
    if (found.contains(id)) continue;
    if (began && maybe_touched_.contains(id)) {
      task.removed = true;
      if (!task.final) task.final = TaskState::completed;
    }
    // Cancelled ones may be forgotten after a day.
    if (!task.removed && task.final != TaskState::cancelled && task.final != TaskState::discarded)
      breaks(text(TaskId{id}) + " is lost");
    task.removed = true;
    task.holds = false;
  }
}

void Oracle::compare(Task& known, const errand::KeptTask& row, bool began) {
  Known& task = known.second;
  const std::string who = text(row.id);
  // A new task may have replaced it, too.
  const bool touched = maybe_touched_.contains(row.id.value) || maybe_added_.contains(name_of(row.task));
  const bool may_have_expired = maybe_any_ && task.expires_at && row.state == TaskState::discarded && !task.final;
  if (began && (touched || may_have_expired)) {
    adopt(row);
    return;
  }
  const std::string state(to_string(row.state));
  if (task.removed) breaks(who + ": it is there, and was removed");
  if (task.final ? row.state != *task.final : is_over(row.state)) {
    breaks(who + ": the store says " + state + ", and it " +
           (task.final ? "ended " + std::string(to_string(*task.final)) : std::string("has not ended")));
  }
  if (!task.final && (row.state == TaskState::running) != (task.token != 0)) breaks(who + ": the store says " + state);
  if (!task.final && row.state != TaskState::running && !waits_in(row.state)) breaks(who + ": it does not wait");
  if (row.attempts != task.attempts) {
    breaks(who + ": it has had " + std::to_string(task.attempts) + " attempts, and the store says " +
           std::to_string(row.attempts));
  }
  if (row.crashes != task.crashes) {
    breaks(who + ": it has crashed " + std::to_string(task.crashes) + " times, and the store says " +
           std::to_string(row.crashes));
  }
  if (row.task.payload != task.payload) breaks(who + ": it has another payload");
  if (row.task.priority != task.priority) breaks(who + ": it has another priority");
  if ((row.aside == errand::Aside::held) != task.held) breaks(who + ": held, or not");
  compare_key(task, row, began);
  task.run_at = std::min(task.run_at, row.task.run_at);  // the clock was set back, and it was to stay available
  if (began) task.run_at = row.task.run_at;
}

// What a task of an operation that failed has come to is what its row says.
void Oracle::adopt(const errand::KeptTask& row) {
  count("found after a failure");
  Known& task = tasks_[row.id.value];
  task.is_as(row.task);
  task.holds = row.holds_key;
  task.held = row.aside == errand::Aside::held;
  task.attempts = row.attempts;
  task.crashes = row.crashes;
  task.final.reset();
  if (is_over(row.state)) task.final = row.state;
  if (row.task.slot) {
    slots_[{row.task.queue, row.task.schedule, row.task.slot->time_since_epoch().count()}] = row.id.value;
  }
}

}  // namespace sim
