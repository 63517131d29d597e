#include "durable/named_tasks.h"

#include <algorithm>
#include <stdexcept>

#include "base/log.h"
#include "base/time.h"
#include "durable/run.h"

namespace errand {
inline namespace v0 {
namespace detail {

namespace {

using namespace std::chrono_literals;

// So many are claimed ahead of each worker at least, so that it finds the next one when it is done with one.
constexpr std::size_t kAheadPerWorker = 4;
constexpr std::size_t kLeastAhead = 16;
constexpr std::size_t kMostAhead = 4096;
constexpr std::size_t kPage = 1000;

constexpr Duration kKeepInMemory = 1h;
constexpr Duration kKeepCompleted = 24h;
constexpr Duration kKeepDiscarded = 7 * 24h;

std::invalid_argument bad_handler(const std::string& queue, const std::string& kind, const std::string& why) {
  return std::invalid_argument("queue \"" + queue + "\": handler for \"" + (kind.empty() ? "any kind" : kind) +
                               "\": " + why);
}

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
      names_(std::make_shared<std::vector<std::string>>()) {
  // What a pause said before a restart still holds.
  if (auto counts = store->counts(committer().now())) {
    for (const Counts& one : *counts) {
      if (one.queue == name_) paused_.store(one.paused, std::memory_order_release);
    }
  }
  if (!hub_->join(*this, name_)) {
    throw std::invalid_argument("queue \"" + name_ + "\": this process has a queue of this name on this store already");
  }
}

NamedTasks::~NamedTasks() {
  if (alive()) hub_->leave(*this, name_);
}

// --- handlers --------------------------------------------------------------------------------------------------------

void NamedTasks::add_handler(std::string kind, Handler handler, HandlerOptions options) {
  if (options.max_attempts && *options.max_attempts < 1 && *options.max_attempts != unlimited)
    throw bad_handler(name_, kind, "max_attempts: expected 1 or more, or unlimited");
  if (options.retry) {
    if (auto ok = options.retry->check(); !ok) throw bad_handler(name_, kind, ok.error().message());
  }
  for (const auto& limit : {options.timeout, options.keep_completed, options.keep_cancelled, options.keep_discarded}) {
    if (limit && *limit <= Duration::zero()) throw bad_handler(name_, kind, "times: expected more than zero");
  }
  std::vector<std::string> names = std::move(options.aliases);
  names.insert(names.begin(), kind);
  const auto made = std::make_shared<const Kind>(Kind{kind, std::move(handler), std::move(options)});
  {
    MutexLock lock(mu_);
    for (const std::string& name : names) {
      if (kinds_.find(name) != kinds_.end()) throw bad_handler(name_, name, "there is one already");
    }
    auto all = std::make_shared<std::vector<std::string>>(*names_);
    for (const std::string& name : names) {
      kinds_.emplace(name, made);
      if (!name.empty()) all->push_back(name);
    }
    std::sort(all->begin(), all->end());
    names_ = std::move(all);
    any_kind_ = any_kind_ || kind.empty();
  }
  // Tasks of this kind that came when nobody had a handler for it are claimed from now on; also those that a claim set
  // aside which was on its way, and knew nothing of it.
  committer().see_out_round();
  {
    MutexLock lock(mu_);
    to_restore_.insert(to_restore_.end(), names.begin(), names.end());
  }
  if (auto restored = restore(); !restored) log(LogLevel::error, name_, restored.error().message());
  wish_again();
}

Result<void> NamedTasks::restore() {
  std::vector<std::string> names;
  {
    MutexLock lock(mu_);
    names.swap(to_restore_);
  }
  if (names.empty()) return {};
  auto kinds = with_those_of_any(names);
  if (kinds) {
    auto restored = hub_->store->restore(name_, *kinds);
    if (restored) return {};
    kinds = restored.error();
  }
  // With the next transaction, then.
  MutexLock lock(mu_);
  to_restore_.insert(to_restore_.end(), names.begin(), names.end());
  return kinds.error();
}

// A store restores kinds by their names. Where the handler of any kind is among them, these are those of the tasks that
// were set aside.
Result<std::vector<std::string>> NamedTasks::with_those_of_any(std::vector<std::string> names) const {
  if (std::erase(names, std::string()) == 0) return names;
  const WallTime now = hub_->committer.now();
  const auto counts = hub_->store->counts(now);
  if (!counts) return counts.error();
  if (std::none_of(counts->begin(), counts->end(),
                   [&](const Counts& one) { return one.queue == name_ && one.no_handler != 0; }))
    return names;
  TaskFilter filter;
  filter.queue = name_;
  for (TaskId after{};;) {
    const auto page = hub_->store->list(filter, after, kPage, now);
    if (!page) return page.error();
    for (const KeptTask& task : *page) {
      if (task.aside == Aside::no_handler) names.push_back(task.task.kind);
    }
    if (page->size() < kPage) break;
    after = page->back().id;
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::shared_ptr<const Kind> NamedTasks::kind_of(std::string_view name) const {
  auto found = kinds_.find(name);
  if (found == kinds_.end()) found = kinds_.find("");
  return found != kinds_.end() ? found->second : nullptr;
}

std::optional<WallTime> NamedTasks::prune_at(const Kind* kind, TaskState state, WallTime now) const {
  const HandlerOptions none;
  const HandlerOptions& options = kind != nullptr ? kind->options : none;
  std::optional<Duration> keep = options.keep_completed;
  if (state == TaskState::cancelled && options.keep_cancelled) keep = options.keep_cancelled;
  if (state == TaskState::discarded) keep = options.keep_discarded;
  if (!keep) keep = !durable_ ? kKeepInMemory : state == TaskState::discarded ? kKeepDiscarded : kKeepCompleted;
  return saturating_add(now, *keep);
}

// --- the queue's life ------------------------------------------------------------------------------------------------

Result<void> NamedTasks::start() {
  {
    MutexLock lock(mu_);
    if (closing_.load(std::memory_order_acquire)) return {};  // the engine says so
    claiming_ = true;
  }
  if (engine_.options.drive == Drive::threads) {
    if (auto started = hub_->start_thread(); !started) return started;
  }
  wish_again();
  return {};
}

void NamedTasks::workers_changed() {
  if (engine_.workers() == 0) {
    give_back_claims();
  } else {
    wish_again();
  }
}

void NamedTasks::wish_again() {
  {
    MutexLock lock(mu_);
    more_ = true;
  }
  committer().wish();
  wake_those_inside();
}

Result<void> NamedTasks::set_paused(bool paused) {
  if (auto set = hub_->store->set_paused(name_, paused); !set) return set;
  paused_.store(paused, std::memory_order_release);
  if (paused) {
    give_back_claims();
  } else {
    wish_again();
  }
  return {};
}

// In memory what waits is drained as closures are. What a durable store keeps is safe there, and the next start's.
void NamedTasks::begin_close(Drain drain) {
  // Once: what has stopped claiming is not to begin again.
  if (closing_.exchange(true, std::memory_order_seq_cst)) return;
  // A pause of a store that somebody else has is that one's to end.
  const bool keeps = durable_ || (paused() && engine_.options.store != nullptr);
  if (!keeps && (drain == Drain::due || drain == Drain::queued)) {
    begin_drain();
    return;
  }
  stop_claims();
  give_back_claims();
}

// A queue that is paused, or was never started, still owes what it is to drain.
void NamedTasks::begin_drain() {
  if (auto resumed = hub_->store->set_paused(name_, false); !resumed)
    log(LogLevel::error, name_, resumed.error().message());
  paused_.store(false, std::memory_order_release);
  {
    MutexLock lock(mu_);
    claiming_ = true;
  }
  if (engine_.options.drive == Drive::threads) {
    if (auto started = hub_->start_thread(); !started) log(LogLevel::error, name_, started.error().message());
  }
  wish_again();
}

void NamedTasks::stop_claims() {
  {
    MutexLock posting(post_mutex_);
    stopped_ = true;
    MutexLock lock(mu_);
    claiming_ = false;
  }
  wake_those_inside();
}

void NamedTasks::give_back_claims() {
  std::vector<std::uint64_t> records;
  std::deque<std::unique_ptr<Run>> suspects;
  {
    MutexLock lock(mu_);
    for (const auto& [id, live] : live_) {
      if (!live.running && live.record != 0) records.push_back(live.record);
    }
    suspects.swap(suspects_);
  }
  for (auto& run : suspects) run.release()->give_back();
  // One that begins meanwhile is left alone: it only learns that it is to stop for the shutdown's sake, later.
  for (const std::uint64_t record : records) engine_.take_out_named(record);
}

void NamedTasks::flush(SteadyTime deadline) {
  const std::atomic<std::uint32_t> nobody{0};
  const std::shared_ptr<Clock>& clock = hub_->clock;
  for (;;) {
    if (committer().sync()) return;
    const SteadyTime again = saturating_add(clock->mono(), 100ms);
    // What is not in the store is run once more at the next start; it is not lost.
    if (again >= deadline) return;
    if (!clock->skip_to(again)) clock->wait(nobody, 0, {again, {}});
  }
}

void NamedTasks::close(SteadyTime deadline) {
  flush(deadline);
  hub_->leave(*this, name_);
  const std::unique_lock lock(alive_mutex_);
  alive_ = false;
  std::unordered_map<std::uint64_t, Watched> watched;
  {
    MutexLock inner(mu_);
    watched.swap(watched_);
    watching_.store(0, std::memory_order_release);
  }
  for (auto& [id, one] : watched) {
    for (const auto& watch : one.watches) wake(*watch);
  }
  note_named_end(*hub_->clock);
}

// --- claims ----------------------------------------------------------------------------------------------------------

std::size_t NamedTasks::target() const {
  const auto workers = static_cast<std::size_t>(std::max(engine_.workers(), 1));
  return std::max({ahead_, kLeastAhead, kAheadPerWorker * workers});
}

void NamedTasks::coming(const NewTask& task, WallTime now) {
  MutexLock lock(mu_);
  if (task.run_at <= now) {
    ++coming_[task.priority];
  } else {
    lower(next_due_, std::optional(task.run_at));
  }
}

bool NamedTasks::wishes(ClaimRequest& request, WallTime now) {
  post_suspects();
  static_cast<void>(restore());
  const bool nobody = engine_.options.drive == Drive::threads && engine_.workers() == 0;
  MutexLock lock(mu_);
  std::size_t coming = 0;
  std::size_t urgent = 0;  // of the coming ones, those that come before something that is claimed already
  int worst = 9;
  while (worst > 0 && ready_[worst] == 0) --worst;
  for (int priority = 0; priority < 10; ++priority) {
    coming += coming_[priority];
    if (priority < worst) urgent += coming_[priority];
    coming_[priority] = 0;
  }
  if (next_due_ && *next_due_ <= now) {
    more_ = true;
    next_due_.reset();
  }
  const bool claims = claiming_ && holds_ == 0 && !paused() && !nobody && (any_kind_ || !names_->empty());
  const std::size_t most = target();
  const std::size_t room = most > ready_in_all_ ? most - ready_in_all_ : 0;
  std::size_t limit = 0;
  if (claims && more_) {
    if (2 * ready_in_all_ <= most) limit = room;
  } else if (claims) {
    limit = std::min(room, coming);
  }
  if (claims) limit = std::max(limit, urgent);
  if (limit == 0) {
    more_ = more_ || coming > 0;
    return false;
  }
  claiming_names_ = names_;
  request = {.queue = name_, .kinds = *claiming_names_, .any_kind = any_kind_, .limit = limit};
  return true;
}

void NamedTasks::claimed(Claimed claimed) {
  std::vector<std::unique_ptr<Run>> runs;
  {
    MutexLock lock(mu_);
    // They ran out before more came: the next claim is a larger one.
    if (more_ && ready_in_all_ == 0 && claimed.more) ahead_ = std::min(2 * target(), kMostAhead);
    more_ = claimed.more;
    lower(next_due_, claimed.next_due);
    for (KeptTask& task : claimed.tasks) {
      auto kind = kind_of(task.task.kind);
      ERRAND_ASSERT(kind != nullptr);  // it was asked for
      runs.push_back(std::make_unique<Run>(*this, std::move(task), std::move(kind)));
    }
  }
  for (const TaskId id : claimed.expired) ended(id, nullptr);
  for (auto& run : runs) {
    {
      MutexLock lock(mu_);
      live_[run->id.value] = {.token = run->token(), .run = run.get()};
      ++ready_[run->priority()];
      ++ready_in_all_;
      if (run->suspect()) {
        suspects_.push_back(std::move(run));
        continue;
      }
    }
    post(std::move(run));
  }
  post_suspects();
  wake_those_inside();
  engine_.note_progress();
}

void NamedTasks::post(std::unique_ptr<Run> run) {
  const TaskId id = run->id;
  const std::uint64_t token = run->token();
  std::uint64_t record = 0;
  {
    MutexLock posting(post_mutex_);
    if (!stopped_) record = engine_.post_named(*run, run->priority());
  }
  if (record == 0) {
    run.release()->give_back();
    return;
  }
  run.release();  // the engine's, and perhaps over by now
  bool cancelled = false;
  {
    MutexLock lock(mu_);
    const auto found = live_.find(id.value);
    if (found == live_.end() || found->second.token != token) return;
    found->second.record = record;
    cancelled = found->second.cancelled;
  }
  if (cancelled) static_cast<void>(engine_.cancel(TaskId{record}));
  wake_watchers(id);
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
  }
  post(std::move(run));
}

void NamedTasks::began(Run& run) {
  bool low = false;
  {
    MutexLock lock(mu_);
    const auto found = live_.find(run.id.value);
    if (found != live_.end()) found->second.running = true;
    --ready_[run.priority()];
    --ready_in_all_;
    low = more_ && claiming_ && 2 * ready_in_all_ <= target();
  }
  if (low) committer().wish();
}

void NamedTasks::over(Run& run) {
  bool suspect = false;
  {
    MutexLock lock(mu_);
    const auto found = live_.find(run.id.value);
    if (found == live_.end() || found->second.token != run.token()) return;
    suspect = found->second.suspect;
    if (!found->second.running) {
      --ready_[run.priority()];
      --ready_in_all_;
    }
    live_.erase(found);
  }
  if (!suspect) return;
  hub_->end_suspect();
  committer().wish();
}

void NamedTasks::finished(const Finish& finish, const Result<void>& result) {
  if (!result && is_over(finish.id)) {
    // The body ended it itself, in a transaction of its own.
    ended(finish.id, nullptr);
  } else if (!result) {
    // Another process has it by now, and what became of it is that one's to say.
    log(LogLevel::warning, name_, result.error().message());
  } else if (is_final(finish.to)) {
    ended(finish.id, &finish);
  } else {
    {
      MutexLock lock(mu_);
      if (finish.to == TaskState::available || finish.run_at <= committer().now()) {
        more_ = true;
      } else {
        lower(next_due_, std::optional(finish.run_at));
      }
    }
    wake_watchers(finish.id);
  }
  bool low = false;
  {
    MutexLock lock(mu_);
    low = more_ && claiming_ && 2 * ready_in_all_ <= target();
  }
  if (low) committer().wish();
}

void NamedTasks::expired(const std::vector<TaskId>& ids) {
  for (const TaskId id : ids) ended(id, nullptr);
  engine_.note_progress();
}

void NamedTasks::look_again() {
  MutexLock lock(mu_);
  more_ = true;
}

std::optional<WallTime> NamedTasks::next_due() const {
  MutexLock lock(mu_);
  return claiming_ && holds_ == 0 && !paused() ? next_due_ : std::nullopt;
}

// --- what the engine asks --------------------------------------------------------------------------------------------

bool NamedTasks::idle() const {
  const bool closing = closing_.load(std::memory_order_acquire);
  // Before the rest: what it was to bring is here when it is not seen any more.
  if (closing && entering_.load(std::memory_order_seq_cst) != 0) return false;
  const std::uint64_t delivered = hub_->committer.delivered();
  {
    MutexLock lock(mu_);
    if (!live_.empty()) return false;
    // What waits when the queue has stopped claiming, to end, is the store's.
    const bool handles = (any_kind_ || !names_->empty()) && (claiming_ || !closing);
    if (handles && more_) return false;
    if (handles && next_due_ && *next_due_ <= hub_->committer.now()) return false;
  }
  return hub_->committer.endings() == delivered;
}

bool NamedTasks::empty() const {
  if (durable_) return idle();
  {
    MutexLock lock(mu_);
    if (next_due_) return false;
  }
  return idle();
}

SteadyTime NamedTasks::step() {
  const WaitUntil until = hub_->step();
  const SteadyTime now = hub_->clock->mono();
  SteadyTime due = until.mono.value_or(SteadyTime::max());
  if (until.wall) {
    const Duration left = std::max(*until.wall - hub_->clock->now(), Duration::zero());
    due = std::min(due, saturating_add(now, left));
  }
  return due;
}

TaskId NamedTasks::task_of(std::uint64_t record_id) const {
  MutexLock lock(mu_);
  for (const auto& [id, live] : live_) {
    if (live.record == record_id) return TaskId{id};
  }
  return {};
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
