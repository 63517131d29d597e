#include "durable/named_tasks.h"

#include <algorithm>
#include <stdexcept>

#include "base/log.h"
#include "base/time.h"
#include "core/text.h"
#include "durable/run.h"

namespace errand {
inline namespace v0 {
namespace detail {

namespace {

// So many are claimed ahead of each worker at least, so that it finds the next one when it is done with one.
constexpr std::size_t kAheadPerWorker = 4;
constexpr std::size_t kLeastAhead = 16;
constexpr std::size_t kMostAhead = 4096;
constexpr std::size_t kMostAheadBytes = std::size_t{64} << 20;
// Of a payload, as long as nobody knows.
constexpr std::size_t kUsualBytes = 64 << 10;
// At what could not be read, or restored.
constexpr Duration kLookAgain = std::chrono::seconds(1);

template <class T>
void lower(std::optional<T>& least, const std::optional<T>& value) {
  if (value && (!least || *value < *least)) least = value;
}

}  // namespace

NamedTasks::NamedTasks(Engine& engine, StorePtr store)
    : engine_(engine),
      name_(engine.options.name),
      hub_(durable::Hub::of(store, engine.clock, engine.options.seed.value_or(engine.uid))),
      durable_(store->traits().durable),
      exclusive_(store->traits().exclusive),
      schedules_(*store, *engine.recurrences, name_),
      names_(std::make_shared<std::vector<std::string>>()),
      usual_bytes_(kUsualBytes) {
  // A store that is away is asked again before the first claim.
  static_cast<void>(settle_pause());
  if (!hub_->join(*this, name_)) {
    throw std::invalid_argument("queue \"" + name_ + "\": this process has a queue of this name on this store already");
  }
  // Before anybody can give their names to others.
  schedules_.load(committer().now());
}

NamedTasks::~NamedTasks() {
  if (alive()) hub_->leave(*this, name_);
}

// What nobody else can claim, and is claimed without a write, is in as good a place here as in the store.
std::size_t NamedTasks::target() const {
  if (exclusive_) return kMostAhead;
  const auto workers = static_cast<std::size_t>(std::max(engine_.workers(), 1));
  return std::max({ahead_, kLeastAhead, kAheadPerWorker * workers});
}

std::size_t NamedTasks::room() const {
  const std::size_t most = target();
  if (ready_in_all_ >= most || ready_bytes_ >= kMostAheadBytes) return 0;
  return std::min(most - ready_in_all_, (kMostAheadBytes - ready_bytes_) / std::max<std::size_t>(usual_bytes_, 1) + 1);
}

bool NamedTasks::is_better_than_ready(const KeptTask& task) const {
  return std::any_of(ready_ + task.task.priority + 1, std::end(ready_), [](std::size_t count) { return count > 0; });
}

void NamedTasks::leave_ready(const Run& run) {
  --ready_[run.priority()];
  --ready_in_all_;
  ready_bytes_ -= run.payload().size();
}

void NamedTasks::coming(const NewTask& task, WallTime now) {
  make_way_for(task);
  MutexLock lock(mu_);
  if (task.run_at <= now) {
    ++coming_[task.priority];
  } else {
    lower(next_due_, std::optional(task.run_at));
  }
}

// The task that has its key may be claimed here, and wait all the same: then the store is to have it, to replace it, or
// to see whether it has its key as it waits.
void NamedTasks::make_way_for(const NewTask& task) {
  if (task.unique.key.empty()) return;
  std::vector<TaskId> ids;
  {
    MutexLock lock(mu_);
    const std::string& key = task.unique.key;
    for (auto found = keys_in_hand_.lower_bound({key, 0}); found != keys_in_hand_.end() && found->first == key;
         ++found) {
      const auto live = live_.find(found->second);
      if (live == live_.end() || live->second.running) continue;
      const std::uint16_t states = live->second.run->unique().states;
      const bool has_it_waiting = (states & kWaitingStates) != 0;
      const bool has_it_running = (states & bit(TaskState::running)) != 0;
      const bool is_replaced = has_it_waiting && replaces(task.unique.on_clash);
      if (is_replaced || has_it_waiting != has_it_running) ids.push_back(TaskId{found->second});
    }
  }
  if (!ids.empty()) give_back_claims(ids);
}

bool NamedTasks::wishes(ClaimRequest& request, WallTime now) {
  post_suspects();
  // Why not, if not, is the committer's to tell: it meets the same store.
  const bool knows_pause = settle_pause().value_or(false);
  restore();
  look_for_unsure_ends();
  const bool nobody = engine_.options.drive == Drive::threads && engine_.workers() == 0;
  MutexLock lock(mu_);
  std::size_t coming = 0;
  std::size_t urgent = 0;  // of the coming ones, those that come before something that is claimed already
  // The worst that is claimed; or, where as many as are wanted are better than that, the worst of those.
  int worst = 0;
  std::size_t better = 0;
  for (int priority = 0; priority < 10; ++priority) {
    if (ready_[priority] > 0 && better < target()) worst = priority;
    better += ready_[priority];
  }
  for (int priority = 0; priority < 10; ++priority) {
    coming += coming_[priority];
    if (priority < worst) urgent += coming_[priority];
    coming_[priority] = 0;
  }
  if (next_due_ && *next_due_ <= now) {
    more_ = better_ = true;
    next_due_.reset();
  }
  const bool claims =
      claiming_ && holds_ == 0 && knows_pause && !paused() && !nobody && (any_kind_ || !names_->empty());
  std::size_t limit = 0;
  if (claims && more_) {
    if (2 * ready_in_all_ <= target()) limit = room();
  } else if (claims && coming > 0) {
    // More than are known to come: others that somebody's own transaction has added must not take their places.
    limit = std::min(room(), coming + kLeastAhead);
  }
  // Those are claimed however much is claimed already; one after the other, if need be.
  asked_for_better_ = claims && limit == 0 && worst > 0 && (better_ || urgent > 0);
  const std::size_t most_urgent = std::min(urgent, target());
  if (asked_for_better_) {
    limit = most_urgent + kLeastAhead;
    more_ = more_ || coming > urgent;
  } else if (claims) {
    limit = std::max(limit, most_urgent);
  }
  if (limit == 0) {
    more_ = more_ || coming > 0;
    return false;
  }
  again_ = better_ = false;
  claiming_names_ = names_;
  request = {.queue = name_, .kinds = *claiming_names_, .any_kind = any_kind_, .limit = limit};
  if (asked_for_better_) request.below = worst;
  return true;
}

void NamedTasks::claimed(Claimed claimed) {
  std::vector<std::unique_ptr<Run>> runs;
  bool wishes = false;
  {
    MutexLock lock(mu_);
    // They ran out before more came: the next claim is a larger one.
    if (more_ && ready_in_all_ == 0 && claimed.more) ahead_ = std::min(2 * target(), kMostAhead);
    if (asked_for_better_) {
      better_ = better_ || claimed.more;
    } else {
      more_ = claimed.more || again_;
      better_ = better_ || (claimed.more && !claimed.tasks.empty() && is_better_than_ready(claimed.tasks.back()));
    }
    lower(next_due_, claimed.next_due);
    std::size_t bytes = 0;
    for (const KeptTask& task : claimed.tasks) bytes += task.task.payload.size();
    if (!claimed.tasks.empty()) usual_bytes_ = bytes / claimed.tasks.size();
    wishes = better_;
    runs.reserve(claimed.tasks.size());
    for (KeptTask& task : claimed.tasks) {
      auto kind = kind_of(task.task.kind);
      ERRAND_ASSERT(kind != nullptr);  // it was asked for
      runs.push_back(std::make_unique<Run>(*this, std::move(task), std::move(kind)));
    }
    // Before the lock goes: between nothing more to claim and these in hand nobody is to find the queue idle.
    hold(runs);
  }
  for (const TaskId id : claimed.expired) ended(id, TaskState::discarded);
  post(std::move(runs));
  post_suspects();
  // The pause, or the end, came while this was on its way: whoever brought it did not see these.
  if (paused() || has_stopped()) give_back_claims();
  if (wishes) committer().wish();
  wake_those_inside();
  engine_.note_progress();
}

// From here on they are the queue's. Those that are to run alone are set apart.
void NamedTasks::hold(std::vector<std::unique_ptr<Run>>& runs) {
  for (auto& run : runs) {
    live_[run->id.value] = {.token = run->token(), .run = run.get()};
    if (!run->unique().key.empty()) keys_in_hand_.emplace(run->unique().key, run->id.value);
    ++ready_[run->priority()];
    ++ready_in_all_;
    ready_bytes_ += run->payload().size();
    if (run->suspect()) suspects_.push_back(std::move(run));
  }
  std::erase(runs, nullptr);
}

void NamedTasks::post(std::vector<std::unique_ptr<Run>> runs) {
  struct Posted {
    TaskId id;
    std::uint64_t token;
    std::uint64_t record;
  };
  std::vector<Posted> posted;
  posted.reserve(runs.size());
  // It may have waited in the store before.
  const WallTime now = committer().now();
  const auto waited = [&](const Run& run) {
    return std::max(now - std::max(run.run_at(), WallTime{}), Duration::zero());
  };
  {
    MutexLock posting(post_mutex_);
    for (auto& run : runs) {
      const Posted one{run->id, run->token(), stopped_ ? 0 : engine_.post_named(*run, run->priority(), waited(*run))};
      if (one.record == 0) continue;
      posted.push_back(one);
      static_cast<void>(run.release());  // the engine's, and perhaps over by now
    }
  }
  for (auto& run : runs) {
    if (run != nullptr) run.release()->give_back();
  }
  std::vector<std::uint64_t> cancelled;
  {
    MutexLock lock(mu_);
    for (const Posted& one : posted) {
      const auto found = live_.find(one.id.value);
      if (found == live_.end() || found->second.token != one.token) continue;
      found->second.record = one.record;
      if (found->second.cancelled) cancelled.push_back(one.record);
    }
  }
  for (const std::uint64_t record : cancelled) static_cast<void>(engine_.cancel(TaskId{record}));
  for (const Posted& one : posted) wake_watchers(one.id);
}

// The next one whose attempts ended with their process, if none is in hand anywhere on this store.
void NamedTasks::post_suspects() {
  std::unique_ptr<Run> run;
  {
    MutexLock lock(mu_);
    if (suspects_.empty() || !hub_->begin_suspect()) return;
    run = std::move(suspects_.front());
    suspects_.pop_front();
    live_[run->id.value].suspect = true;
    run->be_alone();
  }
  std::vector<std::unique_ptr<Run>> one;
  one.push_back(std::move(run));
  post(std::move(one));
}

void NamedTasks::began(Run& run) {
  bool low = false;
  {
    MutexLock lock(mu_);
    const auto found = live_.find(run.id.value);
    if (found != live_.end()) found->second.running = true;
    leave_ready(run);
    low = more_ && claiming_ && 2 * ready_in_all_ <= target();
  }
  if (low) committer().wish();
}

void NamedTasks::over(Run& run) {
  {
    MutexLock lock(mu_);
    const auto found = live_.find(run.id.value);
    // Else its body has ended it in a transaction, and it is claimed for another life by now.
    if (found != live_.end() && found->second.token == run.token()) {
      if (!found->second.running) leave_ready(run);
      live_.erase(found);
      if (!run.schedule().empty()) ended_runs_.insert_or_assign(run.id.value, run.schedule());
      if (!run.unique().key.empty()) keys_in_hand_.erase({run.unique().key, run.id.value});
    }
  }
  // Who calls this posts an end: in the round that takes it each queue asks whether its next one may run.
  if (run.alone()) hub_->end_suspect();
}

void NamedTasks::finished(const Finish& finish, const Result<void>& result) {
  if (!result && is_over(finish.id)) {
    // The body ended it itself, in a transaction of its own.
    ended(finish.id, TaskState::completed);
  } else if (!result && result.error().code() != Code::lease_lost) {
    if (end_without(finish, result.error())) return;
  } else if (!result) {
    // Another process has it by now, and what became of it is that one's to say; or its body ended it, and the store
    // does not say so now.
    log(LogLevel::warning, name_, result.error().message());
    look_later(finish.id);
  } else if (is_final(finish.to)) {
    ended(finish.id, finish.to);
  } else {
    {
      MutexLock lock(mu_);
      if (finish.to == TaskState::available || finish.run_at <= committer().now()) {
        more_ = better_ = true;
      } else {
        lower(next_due_, std::optional(finish.run_at));
      }
    }
    wake_watchers(finish.id);
  }
  bool low = false;
  bool cancels = false;
  std::string schedule;
  {
    MutexLock lock(mu_);
    cancels = late_cancels_.erase(finish.id.value) != 0 && !is_final(finish.to);
    low = (more_ && claiming_ && 2 * ready_in_all_ <= target()) || better_;
    if (auto run = ended_runs_.extract(finish.id.value)) schedule = std::move(run.mapped());
  }
  if (cancels) cancel_late(finish.id);
  if (!schedule.empty()) schedules_.run_ended(schedule);
  if (low) committer().wish();
}

void NamedTasks::finished_elsewhere(const Finish& finish) {
  if (is_final(finish.to)) {
    ended(finish.id, finish.to);
  } else {
    wake_watchers(finish.id);
  }
  // It may be one of this queue's name, and a run that a slot waits for.
  look_again();
  committer().wish();
}

// The next run of its schedule takes its place, and what became of its attempt was on its way to the store: by now it
// waits again there, or is claimed once more.
void NamedTasks::cancel_late(TaskId id) {
  const WallTime now = committer().now();
  const auto task = kept(id);
  if (!task) return log(LogLevel::error, name_, task.error().message());
  const Change cancel{.what = Change::What::cancel, .prune_at = prune_at(task->task.kind, TaskState::cancelled, now)};
  const auto done = hub_->store->change({.ids = {id}}, cancel, {}, 1, now);
  if (!done) return log(LogLevel::error, name_, done.error().message());
  for (const TaskId one : done->ids) ended(one, TaskState::cancelled);
  for (const TaskId one : done->running) static_cast<void>(stop_in_hand(one));
}

// The store has the claim still, and does not take what the body left: so the task ends without it. Whatever a store
// may find wrong with that, it is not what somebody's body said. False: the store did not take that either.
bool NamedTasks::end_without(const Finish& finish, const Error& error) {
  log(LogLevel::error, name_, error.message());
  if (finish.to == TaskState::discarded && finish.output_type.empty() && !finish.failed) {
    wake_watchers(finish.id);
    return false;
  }
  Finish bare;
  bare.id = finish.id;
  bare.token = finish.token;
  bare.to = TaskState::discarded;
  bare.attempts = finish.attempts;
  bare.crashes = finish.crashes;
  bare.started_at = finish.started_at;
  bare.error = KeptError{error.code(), clean_text(error.message())};
  const auto task = kept(finish.id);
  const std::string kind = task ? task->task.kind : std::string();
  bare.prune_at = prune_at(kind, TaskState::discarded, committer().now());
  committer().ending();
  committer().finish(*this, std::move(bare));
  return true;
}

void NamedTasks::expired(const std::vector<TaskId>& ids) {
  for (const TaskId id : ids) ended(id, TaskState::discarded);
  engine_.note_progress();
}

void NamedTasks::look_again() {
  schedules_.look_again();
  MutexLock lock(mu_);
  more_ = better_ = true;
}

std::optional<WallTime> NamedTasks::next_due() const {
  std::optional<WallTime> due = schedules_.next_due();
  MutexLock lock(mu_);
  if (claiming_ && holds_ == 0 && !paused()) lower(due, next_due_);
  const bool knows_pause = pause_.load(std::memory_order_acquire).store == StorePause::settled;
  if (!unsure_.empty() || !to_restore_.empty() || !knows_pause)
    lower(due, std::optional(saturating_add(hub_->committer.now(), kLookAgain)));
  return due;
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
