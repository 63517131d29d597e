// The states of a task: how it comes into the store, is claimed, ends, and is changed by hand.

#include "durable_oracle.h"

#include <algorithm>
#include <chrono>
#include <tuple>
#include <utility>

namespace sim {

using errand::TaskId;
using errand::TaskState;
using errand::WallTime;

namespace {

constexpr std::size_t kTold = 64;

}  // namespace

void Known::is_as(const errand::NewTask& task) {
  queue = task.queue;
  payload = task.payload;
  key = task.unique.key;
  states = task.unique.states;
  until = task.unique.until;
  schedule = task.schedule;
  priority = task.priority;
  max_attempts = task.max_attempts;
  ephemeral = task.ephemeral;
  expires_at = task.expires_at;
  run_at = task.run_at;
}

// One of several with the same payload, if it is a run of a schedule.
std::string Oracle::name_of(const errand::NewTask& task) {
  if (!task.slot) return task.payload;
  return task.payload + " at " + std::to_string(task.slot->time_since_epoch().count());
}

void Oracle::add(const errand::NewTask& task, const errand::Added& added, WallTime now) {
  tell(added.existed ? "is there already" : "is added", added.id);
  mix(added.id.value);
  mix(added.existed ? 2 : 1);
  if (const auto asked = unique_.find(task.payload); asked != unique_.end()) {
    if (std::pair(task.unique.states, task.unique.until) != asked->second)
      breaks("a task is to be unique in another way than its caller said");
  }
  if (task.slot && !add_slot(task, added)) return;
  Task* first = holder(task.unique.key, now);
  // Nobody knows whether it is there still, or has it.
  while (first != nullptr && (first->second.may_be_forgotten || first->second.may_not_hold) &&
         first->first != added.id.value) {
    first->second.holds = false;
    if (!std::exchange(first->second.may_not_hold, false)) first->second.removed = true;
    first = holder(task.unique.key, now);
  }
  if (added.existed) {
    count("duplicates");
    if (first == nullptr) {
      breaks("a task was taken for a duplicate of " + text(added.id) + ", and nobody has its key");
    } else {
      clashes(task, added, *first);
    }
    by_payload_[task.payload] = added.id.value;
    return;
  }
  if (first != nullptr) {
    breaks("two tasks have one unique key: " + text(TaskId{first->first}) + " and " + text(added.id));
  }
  Known known;
  known.is_as(task);
  // It waits.
  known.holds = !known.key.empty() && (known.states & errand::bit(TaskState::available)) != 0;
  if (!tasks_.emplace(added.id.value, std::move(known)).second) breaks(text(added.id) + " was given its number twice");
  by_payload_[task.payload] = added.id.value;
  note_run(task, added.id);
  count("tasks");
}

// As they stood in line: one that is claimed may find its key with one behind it that has expired and leaves it.
void Oracle::claim(const errand::Claimed& claimed, WallTime now) {
  const auto place = [&](TaskId id) {
    static const Known nobody{};
    const auto found = tasks_.find(id.value);
    const Known& task = found != tasks_.end() ? found->second : nobody;
    return std::tuple(task.priority, std::chrono::floor<std::chrono::microseconds>(task.run_at), id.value);
  };
  auto expired = claimed.expired.begin();
  for (const errand::KeptTask& task : claimed.tasks) {
    for (; expired != claimed.expired.end() && place(*expired) < place(task.id); ++expired) expire(*expired, now);
    claim(task);
  }
  for (; expired != claimed.expired.end(); ++expired) expire(*expired, now);
}

void Oracle::claim(const errand::KeptTask& row) {
  tell("is claimed", row.id);
  mix(row.id.value * 31 + row.token);
  Known* const task = find(row.id, "was claimed");
  if (task == nullptr) return;
  if (task->final) breaks(text(row.id) + ": it was claimed, and is over");
  if (task->token != 0) breaks(text(row.id) + ": it was claimed twice");
  if (task->held) breaks(text(row.id) + ": it was claimed, and is held");
  if (row.token <= last_token_) breaks(text(row.id) + ": the token of its claim does not rise");
  if (task->run_at > latest_) breaks(text(row.id) + ": it was claimed before its time");
  last_token_ = row.token;
  task->token = row.token;
  task->body = Known::Body::none;
  take_key(*task, now_);
  compare_key(*task, row, false);
}

// One completion for each token, and none for one that is not the last.
void Oracle::finish(const errand::Finish& finish, const errand::Result<void>& result) {
  tell(result ? "ends" : "its end is refused", finish.id);
  mix(finish.id.value ^ static_cast<std::uint64_t>(finish.to));
  mix(result ? 1 : 0);
  const auto found = tasks_.find(finish.id.value);
  Known* const task = found != tasks_.end() ? &found->second : nullptr;
  const bool stands = task != nullptr && task->token != 0 && task->token == finish.token;
  if (!result) {
    count("stale ends refused");
    if (stands) breaks(text(finish.id) + ": its end was refused, and its claim stood: " + result.error().message());
    return;
  }
  if (!stands) {
    breaks(text(finish.id) + ": a second end was accepted for a token, or one that is not its last");
    return;
  }
  if (finish.crashes != task->crashes) breaks(text(finish.id) + ": its end forgets its crashes");
  Next expected{finish.to, task->attempts};
  if (task->body == Known::Body::runs) breaks(text(finish.id) + ": it was ended while its body ran");
  if (task->body == Known::Body::over) {
    expected = next(*task);
    // The body knows the first reason to stop; a cancel behind a timeout counts all the same.
    if (task->said.stop == errand::StopReason::timed_out && task->cancel_asked && finish.to == TaskState::cancelled) {
      task->said.stop = errand::StopReason::cancelled;
      expected = next(*task);
    }
  } else if (finish.to != TaskState::available && finish.to != TaskState::cancelled &&
             !(finish.to == TaskState::discarded && task->expires_at)) {
    breaks(text(finish.id) + ": it has not begun, and is " + std::string(to_string(finish.to)));
  }
  if (finish.to != expected.to) {
    breaks(text(finish.id) + ": it should be " + std::string(to_string(expected.to)) + ", and is " +
           std::string(to_string(finish.to)));
  }
  if (finish.attempts != expected.attempts) {
    breaks(text(finish.id) + ": it has had " + std::to_string(expected.attempts) + " attempts, and " +
           std::to_string(finish.attempts) + " are counted");
  }
  count("ends " + std::string(to_string(finish.to)));
  task->token = 0;
  task->body = Known::Body::none;
  task->stand = Known::Stand::moved;
  task->attempts = expected.attempts;
  if (finish.to != TaskState::available) task->run_at = finish.run_at;
  if (is_over(finish.to)) ended(*task, finish.to);
  tell_again_later(finish);
}

void Oracle::completed(const errand::Finish& finish) {
  tell("is completed in a transaction", finish.id);
  mix(finish.id.value * 47);
  count("completed in transactions");
  latest_ = std::max(latest_, finish.run_at);
  now_ = finish.run_at;
  Known* const task = find(finish.id, "was completed");
  if (task == nullptr) return;
  if (task->token == 0 || task->token != finish.token || task->body != Known::Body::runs)
    breaks(text(finish.id) + ": it was completed in a transaction, and its body does not run under this token");
  if (finish.to != TaskState::completed || finish.attempts != task->attempts + 1 || finish.crashes != task->crashes)
    breaks(text(finish.id) + ": it was completed in a transaction, and that is not what the store was told");
  succeeded();
  task->attempts = finish.attempts;
  task->body = Known::Body::none;
  ++task->lingering;
  ended(*task, TaskState::completed);
  tell_again_later(finish);
}

// What follows an attempt.
Oracle::Next Oracle::next(const Known& task) {
  using What = Said::What;
  const int counted = task.attempts + 1;
  const bool cancelled = task.said.stop == errand::StopReason::cancelled;
  const bool timed_out = task.said.stop == errand::StopReason::timed_out;
  const bool shut_down = task.said.stop == errand::StopReason::shutting_down;
  const TaskState failed = counted >= task.max_attempts ? TaskState::discarded : TaskState::retryable;
  switch (task.said.what) {
    case What::done:
      return {TaskState::completed, counted};
    case What::cancel:
      return {TaskState::cancelled, counted};
    case What::discard:
      return {TaskState::discarded, counted};
    case What::snooze:
      if (cancelled) return {TaskState::cancelled, counted};
      return {TaskState::scheduled, task.attempts};
    case What::retry:
      return {cancelled ? TaskState::cancelled : failed, counted};
    case What::returned:
    case What::threw:
      break;
  }
  if (cancelled) return {TaskState::cancelled, counted};
  if (shut_down) return {TaskState::available, task.attempts};
  if (timed_out || task.said.what == What::threw) return {failed, counted};
  return {TaskState::completed, counted};
}

void Oracle::tell_again_later(const errand::Finish& finish) {
  told_.push_back(finish);
  if (told_.size() > kTold) told_.pop_front();
}

void Oracle::ended(Known& task, TaskState to) {
  task.final = to;
  task.token = 0;
  task.stand = Known::Stand::moved;
  if (to == TaskState::completed && task.ephemeral) task.removed = true;
  if (task.removed || (task.states & errand::bit(to)) == 0) task.holds = false;
  if (!task.removed) take_key(task, now_);
}

void Oracle::expire(TaskId id, WallTime now) {
  tell("expired", id);
  mix(id.value * 37);
  Known* const task = find(id, "expired");
  if (task == nullptr) return;
  count("expired");
  if (!task->expires_at || *task->expires_at > now) breaks(text(id) + ": it expired too early");
  if (task->final || task->token != 0) breaks(text(id) + ": it expired, and does not wait");
  ended(*task, TaskState::discarded);
}

void Oracle::change(Known& task, const errand::Change& change, WallTime now) {
  using What = errand::Change::What;
  const bool waits = !task.final && task.token == 0;
  count("changes");
  task.stand = Known::Stand::moved;
  switch (change.what) {
    case What::cancel:
      if (!waits) breaks("a task was cancelled in the store that does not wait there");
      ended(task, TaskState::cancelled);
      return;
    case What::retry:
      ++task.retries;
      task.never_begins = false;
      if (task.final) {
        task.attempts = 0;
        task.crashes = 0;
        task.final.reset();
      } else if (!waits) {
        breaks("a task was to try again while it ran");
      }
      task.run_at = now;
      return;
    case What::hold:
      if (!waits) breaks("a task was held that does not wait");
      task.held = true;
      return;
    case What::release:
      task.held = false;
      return;
    case What::edit:
      if (!waits) breaks("a task was edited that does not wait");
      if (change.priority) task.priority = *change.priority;
      if (change.payload) {
        task.payload = *change.payload;
        count("payloads set");
      }
      if (change.run_at) task.run_at = *change.run_at;
      return;
    case What::remove:
      if (!task.final) breaks("a task was removed that is not over");
      task.removed = true;
      task.holds = false;
      return;
  }
}

}  // namespace sim
