#include "durable_oracle.h"

#include <algorithm>
#include <cstdio>
#include <tuple>

namespace sim {

using errand::TaskId;
using errand::TaskState;
using errand::WallTime;

namespace {

constexpr std::size_t kTold = 64;
constexpr int kCrashes = 3;  // then it is over

bool is_over(TaskState state) {
  return state == TaskState::completed || state == TaskState::cancelled || state == TaskState::discarded;
}

bool waits_in(TaskState state) {
  return state == TaskState::scheduled || state == TaskState::available || state == TaskState::retryable;
}

// Whether two slots are of one schedule.
template <class Slot>
bool is_of(const Slot& a, const Slot& b) {
  return std::get<0>(a) == std::get<0>(b) && std::get<1>(a) == std::get<1>(b);
}

}  // namespace

void Oracle::breaks(const std::string& what) {
  if (broken_.empty()) broken_ = what;
}

std::string Oracle::text(TaskId id) const {
  return "task " + std::to_string(id.value & ~(std::uint64_t{1} << 63));
}

void Oracle::tell(const char* what, TaskId id) const {
  if (tells) std::fprintf(stderr, "%s: %s\n", text(id).c_str(), what);
}

Known* Oracle::find(TaskId id, const char* what) {
  const auto found = tasks_.find(id.value);
  if (found != tasks_.end()) return &found->second;
  breaks(text(id) + " " + what + ", and nobody asked for it");
  return nullptr;
}

// --- what the store is asked, and answers ----------------------------------------------------------------------------

void Oracle::succeeded() {
  maybe_added_.clear();
  maybe_touched_.clear();
  maybe_any_ = false;
}

void Oracle::committed(const errand::Batch& batch, const errand::Result<errand::Committed>& committed, WallTime now,
                       bool faulty) {
  mix(batch.added.size() * 64 + batch.finished.size() + (committed ? 1u << 20 : 0));
  mix(static_cast<std::uint64_t>(now.time_since_epoch().count()));
  latest_ = std::max(latest_, now);
  if (!committed) {
    count("commits failed");
    if (!faulty) breaks("a commit failed, and the store was well: " + committed.error().message());
    for (const errand::NewTask& task : batch.added) maybe_added_[name_of(task)] = task;
    for (const errand::Advance& advance : batch.advanced) {
      for (const errand::NewTask& task : advance.runs) maybe_added_[name_of(task)] = task;
      if (!advance.cancel_earlier) continue;
      for (const auto& [id, task] : tasks_) {
        if (task.queue == advance.queue && task.schedule == advance.schedule) maybe_touched_.insert(id);
      }
    }
    for (const errand::Finish& finish : batch.finished) maybe_touched_.insert(finish.id.value);
    maybe_any_ = true;
    return;
  }
  succeeded();
  if (batch.added.size() > 1) count("commits of several tasks");
  for (std::size_t i = 0; i < batch.finished.size(); ++i) finish(batch.finished[i], committed->finished[i]);
  for (std::size_t i = 0; i < batch.added.size(); ++i) added(batch.added[i], committed->added[i], now);
  for (std::size_t i = 0; i < batch.advanced.size(); ++i) advance(batch.advanced[i], committed->advanced[i], now);
  for (const errand::Claimed& claimed : committed->claims) {
    for (const TaskId id : claimed.expired) expire(id, now);
    for (const errand::KeptTask& task : claimed.tasks) claim(task);
  }
}

void Oracle::transaction_failed(const std::vector<errand::NewTask>& tasks, TaskId ended, bool faulty) {
  if (!faulty) breaks("a transaction failed, and the store was well");
  for (const errand::NewTask& task : tasks) maybe_added_[name_of(task)] = task;
  if (ended) maybe_touched_.insert(ended.value);
  maybe_any_ = true;
}

void Oracle::completed(const errand::Finish& finish) {
  tell("is completed in a transaction", finish.id);
  mix(finish.id.value * 47);
  count("completed in transactions");
  latest_ = std::max(latest_, finish.run_at);
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
  told_.push_back(finish);
  if (told_.size() > kTold) told_.pop_front();
}

void Oracle::added(const errand::NewTask& task, const errand::Result<errand::Added>& added, WallTime now) {
  latest_ = std::max(latest_, now);
  if (!added) {
    mix(static_cast<std::uint64_t>(added.error().code()));
    const bool clash = task.unique.on_clash == errand::OnClash::refuse && holder(task.unique.key, now) != nullptr;
    if (!clash) breaks("a task was refused by the store: " + added.error().message());
    return;
  }
  succeeded();
  add(task, *added, now);
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
  if (task.slot) {
    const Slot slot{task.queue, task.schedule, task.slot->time_since_epoch().count()};
    const auto had = slots_.find(slot);
    if (!added.existed && had != slots_.end()) {
      breaks("a slot has two tasks, " + text(TaskId{had->second}) + " and " + text(added.id));
    }
    // Those before the newest one count as done, too.
    const auto newest = std::max_element(slots_.begin(), slots_.end(), [&](const auto& a, const auto& b) {
      return std::pair(is_of(a.first, slot), a.first) < std::pair(is_of(b.first, slot), b.first);
    });
    const bool late = newest != slots_.end() && is_of(newest->first, slot) && slot < newest->first;
    if (added.existed && had == slots_.end() && !late) breaks("a slot is taken for done that never was");
    if (added.existed) {
      count("slots that were done");
      return;
    }
    slots_[slot] = added.id.value;
  }
  Task* const first = holder(task.unique.key, now);
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
  if (first != nullptr && first->second.may_be_forgotten) {
    first->second.holds = false;
    first->second.removed = true;
  } else if (first != nullptr) {
    breaks("two tasks have one unique key: " + text(TaskId{first->first}) + " and " + text(added.id));
  }
  Known known;
  known.queue = task.queue;
  known.payload = task.payload;
  known.key = task.unique.key;
  known.states = task.unique.states;
  known.until = task.unique.until;
  // It waits.
  known.holds = !known.key.empty() && (known.states & errand::bit(TaskState::available)) != 0;
  known.schedule = task.schedule;
  known.priority = task.priority;
  known.max_attempts = task.max_attempts;
  known.ephemeral = task.ephemeral;
  known.expires_at = task.expires_at;
  known.run_at = task.run_at;
  if (!tasks_.emplace(added.id.value, std::move(known)).second) breaks(text(added.id) + " was given its number twice");
  by_payload_[task.payload] = added.id.value;
  note_run(task, added.id);
  count("tasks");
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
  told_.push_back(finish);
  if (told_.size() > kTold) told_.pop_front();
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

void Oracle::ended(Known& task, TaskState to) {
  task.final = to;
  task.token = 0;
  task.stand = Known::Stand::moved;
  if (to == TaskState::completed && task.ephemeral) task.removed = true;
  if (task.removed || (task.states & errand::bit(to)) == 0) task.holds = false;
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

void Oracle::tidied(const errand::Result<errand::Tidied>& tidied, WallTime now, bool faulty) {
  latest_ = std::max(latest_, now);
  if (!tidied) {
    if (!faulty) breaks("tidying failed, and the store was well: " + tidied.error().message());
    maybe_any_ = true;
    return;
  }
  succeeded();
  for (const TaskId id : tidied->expired) expire(id, now);
  if (tidied->pruned == 0) return;
  count("forgotten", tidied->pruned);
  for (auto& [id, task] : tasks_) {
    if (task.final && (!task.holds || (task.until && *task.until <= now))) task.may_be_forgotten = true;
  }
}

void Oracle::paused(const std::string& queue, bool paused, bool done) {
  mix(paused ? 5 : 6);
  // What failed may be in the store all the same, and then nobody knows.
  if (paused && done) {
    paused_.insert(queue);
  } else {
    paused_.erase(queue);
  }
}

void Oracle::changed(const errand::TaskFilter& filter, const errand::Change& change,
                     const errand::Result<errand::Changed>& changed, WallTime now, bool faulty) {
  mix(static_cast<std::uint64_t>(change.what) + (changed ? 16 : 0));
  latest_ = std::max(latest_, now);
  if (!changed) {
    if (!faulty) breaks("a change failed, and the store was well: " + changed.error().message());
    for (const TaskId id : filter.ids) maybe_touched_.insert(id.value);
    if (filter.ids.empty()) {
      for (const auto& [id, task] : tasks_) maybe_touched_.insert(id);
    }
    return;
  }
  succeeded();
  for (const TaskId id : changed->ids) {
    mix(id.value);
    tell("is changed", id);
    Known* const task = find(id, "was changed");
    if (task == nullptr) continue;
    if (change.what == errand::Change::What::retry) retry(id, *task, now);
    this->change(*task, change, now);
  }
  for (const TaskId id : changed->refused) refused_change(id, change);
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

// --- what callers hear -----------------------------------------------------------------------------------------------

std::string Oracle::asks() {
  return "t" + std::to_string(++asked_);
}

void Oracle::accepted(const std::string& payload, TaskId id, bool existed, bool in_line) {
  tell(in_line ? "is accepted in line" : "is accepted", id);
  mix(id.value + (existed ? 1 : 0));
  count("accepted");
  const auto found = by_payload_.find(payload);
  if (found == by_payload_.end() || found->second != id.value) {
    breaks(text(id) + " was accepted, and is not in the store");
    return;
  }
  Known* const task = find(id, "was accepted");
  if (task == nullptr || existed || task->final) return;
  // One with a key goes back to the store while another one with that key is on its way, to be replaced.
  if (task->stand == Known::Stand::added && in_line && task->key.empty()) task->stand = Known::Stand::in_line;
}

void Oracle::refused(const std::string& payload, const errand::Error& error, bool faulty) {
  mix(static_cast<std::uint64_t>(error.code()));
  count("refused");
  if (by_payload_.contains(payload)) breaks("an enqueue failed, and its task is in the store: " + error.message());
  if (!faulty && error.code() != errand::Code::duplicate)
    breaks("an enqueue failed, and the store was well: " + error.message());
}

void Oracle::stirs(const std::string& queue) {
  for (auto& [id, task] : tasks_) {
    if (task.queue == queue) task.stand = Known::Stand::moved;
  }
}

int Oracle::asks_to_cancel(TaskId id) {
  Known& task = tasks_.at(id.value);
  task.cancel_asked = true;
  return task.retries;
}

void Oracle::cancelled(TaskId id, int retries) {
  tell("its cancel returns", id);
  mix(id.value * 3);
  Known* const task = find(id, "was cancelled");
  if (task == nullptr || task->body != Known::Body::none || task->retries != retries) return;
  task->never_begins = true;
}

void Oracle::watches(TaskId id, std::uint64_t number) {
  watches_[number].id = id;
}

void Oracle::on_finish(std::uint64_t number, const errand::TaskInfo& info) {
  mix(number * 41 + static_cast<std::uint64_t>(info.state));
  count("on_finish");
  Watch& watch = watches_[number];
  if (++watch.calls > 1) breaks(text(info.id) + ": on_finish was called twice");
  const auto found = tasks_.find(info.id.value);
  if (found == tasks_.end() || !is_over(info.state)) breaks(text(info.id) + ": on_finish of a task that is not over");
}

void Oracle::stopped_waiting(TaskId id, bool over) {
  mix(id.value * 43 + (over ? 1 : 0));
  count(over ? "waits that ended" : "waits that took too long");
  const auto found = tasks_.find(id.value);
  if (found == tasks_.end()) return;
  if (over && !found->second.final) breaks(text(id) + ": a wait for it is over, and it is not");
  if (!over && found->second.final) breaks(text(id) + ": it is over, and who waited was not told");
}

// --- what workers do -------------------------------------------------------------------------------------------------

// A worker takes it from its line. Nothing better may stand there.
void Oracle::taken(TaskId id, bool paused) {
  tell("is taken by a worker", id);
  mix(id.value * 5);
  Known* const task = find(id, "was taken by a worker");
  if (task == nullptr) return;
  if (paused) breaks(text(id) + ": a worker took it, and its queue is paused");
  if (task->token == 0) breaks(text(id) + ": a worker took it, and nobody has claimed it");
  task->stand = Known::Stand::moved;
  for (const auto& [number, other] : tasks_) {
    if (other.stand != Known::Stand::in_line || other.queue != task->queue || other.priority >= task->priority)
      continue;
    breaks(text(id) + " of priority " + std::to_string(task->priority) + " was taken before " + text(TaskId{number}) +
           " of priority " + std::to_string(other.priority));
  }
}

void Oracle::begins(TaskId id, std::string_view payload, int number, WallTime now) {
  tell("its body begins", id);
  mix(id.value * 7 + static_cast<std::uint64_t>(number));
  count("bodies");
  Known* const task = find(id, "began");
  if (task == nullptr) return;
  if (task->final) breaks(text(id) + ": it began, and is over");
  if (task->token == 0) breaks(text(id) + ": it began, and nobody has claimed it");
  if (task->body != Known::Body::none) breaks(text(id) + ": it began twice under one claim");
  if (task->payload != payload) breaks(text(id) + ": its body was given another payload");
  if (task->never_begins) breaks(text(id) + ": it began, and had been cancelled before");
  if (task->expires_at && *task->expires_at <= now) breaks(text(id) + ": it began after it had expired");
  if (number != task->attempts + 1) {
    breaks(text(id) + ": this is attempt " + std::to_string(task->attempts + 1) + ", and is called " +
           std::to_string(number));
  }
  if (task->crashes > 0) {
    count("suspects' bodies");
    if (suspect_runs()) breaks(text(id) + ": it began beside another suspect");
  }
  task->body = Known::Body::runs;
}

void Oracle::ends(TaskId id, Said said) {
  tell("its body ends", id);
  mix(id.value * 11 + static_cast<std::uint64_t>(said.what) * 16 + static_cast<std::uint64_t>(said.stop));
  count("stops " + std::string(to_string(said.stop)));
  Known* const task = find(id, "ended");
  if (task == nullptr) return;
  task->body = Known::Body::over;
  task->said = said;
}

void Oracle::ends_late(TaskId id) {
  tell("the body that completed it ends", id);
  mix(id.value * 53);
  if (Known* const task = find(id, "ended")) --task->lingering;
}

bool Oracle::is_final(TaskId id) const {
  const auto found = tasks_.find(id.value);
  return found != tasks_.end() && found->second.final.has_value();
}

bool Oracle::suspect_runs() const {
  return std::any_of(tasks_.begin(), tasks_.end(),
                     [](const Task& task) { return task.second.crashes > 0 && task.second.body == Known::Body::runs; });
}

std::size_t Oracle::unfinished() const {
  return static_cast<std::size_t>(
      std::count_if(tasks_.begin(), tasks_.end(), [](const Task& task) { return !task.second.final; }));
}

// --- lives of the process --------------------------------------------------------------------------------------------

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
        ended(task, TaskState::discarded);
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

// What a task of an operation that failed has come to is what its row says.
void Oracle::adopt(const errand::KeptTask& row) {
  count("found after a failure");
  Known& task = tasks_[row.id.value];
  task.queue = row.task.queue;
  task.payload = row.task.payload;
  task.key = row.task.unique.key;
  task.states = row.task.unique.states;
  task.until = row.task.unique.until;
  task.holds = row.holds_key;
  task.schedule = row.task.schedule;
  task.priority = row.task.priority;
  task.max_attempts = row.task.max_attempts;
  task.ephemeral = row.task.ephemeral;
  task.expires_at = row.task.expires_at;
  task.run_at = row.task.run_at;
  task.held = row.aside == errand::Aside::held;
  task.attempts = row.attempts;
  task.crashes = row.crashes;
  task.final.reset();
  if (is_over(row.state)) task.final = row.state;
  if (row.task.slot) {
    slots_[{row.task.queue, row.task.schedule, row.task.slot->time_since_epoch().count()}] = row.id.value;
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
  if (began) succeeded();
}

void Oracle::all_told() {
  for (const auto& [number, watch] : watches_) {
    const auto found = tasks_.find(watch.id.value);
    if (!watch.id || found == tasks_.end() || !found->second.final) continue;
    if (watch.calls != 1) breaks(text(watch.id) + ": it is over, and its on_finish was never called");
  }
}

}  // namespace sim
