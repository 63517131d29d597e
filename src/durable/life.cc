// The beginning and the end of a queue's named tasks, and what the engine asks meanwhile.

#include <algorithm>

#include "base/log.h"
#include "base/time.h"
#include "durable/named_tasks.h"
#include "durable/run.h"

namespace errand {
inline namespace v0 {
namespace detail {

namespace {

constexpr std::size_t kLookedAtOnce = 1000;

}  // namespace

using namespace std::chrono_literals;

Result<void> NamedTasks::start() {
  {
    MutexLock lock(mu_);
    if (closing_.load(std::memory_order_acquire)) return {};  // the engine says so
    claiming_ = true;
  }
  // What was put there since the queue was made.
  schedules_.load(committer().now());
  schedules_.start();
  if (engine_.options.drive == Drive::threads) {
    if (auto started = hub_->start_thread(); !started) return started;
  } else if (engine_.options.on_wake && !std::exchange(listens_, true)) {
    hub_->store->listen(weak_from_this());  // after the hub, which looks again first
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
    more_ = again_ = better_ = true;
  }
  committer().wish();
  wake_those_inside();
}

// It sleeps until what it was told last. Where nobody looks after the store this thread does, as one that enqueues
// would: when it is to be woken next is known then.
void NamedTasks::changed(std::span<const std::string> queues) noexcept {
  if (std::find(queues.begin(), queues.end(), name_) == queues.end()) return;
  static_cast<void>(with_queue(
      [&]() -> Result<void> {
        static_cast<void>(hub_->step());
        engine_.wake_driver();
        return {};
      },
      Error(Code::gone, "")));
}

void NamedTasks::schedules_changed() {
  committer().wish();
  engine_.wake_driver();
}

// In memory what waits is drained as closures are. What a durable store keeps is safe there, and the next start's.
void NamedTasks::begin_close(Drain drain) {
  // Once: what has stopped claiming is not to begin again.
  if (closing_.exchange(true, std::memory_order_seq_cst)) return;
  schedules_.stop();
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
  set_paused(false);
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

bool NamedTasks::has_stopped() {
  MutexLock posting(post_mutex_);
  return stopped_;
}

void NamedTasks::give_back_claims(std::span<const TaskId> ids) {
  std::vector<std::uint64_t> records;
  std::vector<std::unique_ptr<Run>> suspects;
  const auto take = [&](const Live& live) {
    if (!live.running && live.record != 0) records.push_back(live.record);
  };
  const auto is_meant = [&](const auto& run) {
    return run != nullptr && (ids.empty() || std::find(ids.begin(), ids.end(), run->id) != ids.end());
  };
  {
    MutexLock lock(mu_);
    if (ids.empty()) {
      for (const auto& [id, live] : live_) take(live);
    }
    for (const TaskId id : ids) {
      if (const auto live = live_.find(id.value); live != live_.end()) take(live->second);
    }
    for (auto& run : suspects_) {
      if (is_meant(run)) suspects.push_back(std::move(run));
    }
    std::erase(suspects_, nullptr);
  }
  for (auto& run : suspects) run.release()->give_back();
  // One that begins meanwhile is left alone: it only learns that it is to stop for the shutdown's sake, later.
  for (const std::uint64_t record : records) engine_.take_out_named(record);
}

void NamedTasks::flush(SteadyTime deadline) {
  // A round may have to wait for somebody's transaction, and this thread is not to be the one to wait for longer.
  const bool attended = committer().attended();
  const std::atomic<std::uint32_t> nobody{0};
  const std::shared_ptr<Clock>& clock = hub_->clock;
  for (;;) {
    if (attended) committer().hurry();
    const auto is_over = [this] { return committer().settled() || committer().trouble(); };
    if (attended ? engine_.wait_until(deadline, is_over) && committer().settled() : committer().sync().has_value())
      return;
    const SteadyTime again = saturating_add(clock->mono(), 100ms);
    // What is not in the store is run once more at the next start; it is not lost.
    if (again >= deadline) return;
    if (!clock->skip_to(again)) clock->wait(nobody, 0, {again, {}});
  }
}

void NamedTasks::close() {
  // A body that ignored its stop token has come to its end since the flush, and nobody has waited for the store's
  // thread to see that; nor for it to tell the store of a pause.
  const bool knows_pause = pause_.load(std::memory_order_acquire).store != StorePause::untold;
  if (!committer().settled() || !knows_pause) static_cast<void>(committer().sync());
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

// --- what the engine asks --------------------------------------------------------------------------------------------

bool NamedTasks::idle() const {
  const bool closing = closing_.load(std::memory_order_acquire);
  // Before the rest: what it was to bring is here when it is not seen any more.
  if (entering_.load(std::memory_order_seq_cst) != 0) return false;
  const std::uint64_t delivered = hub_->committer.delivered();
  bool unclaimed = false;
  {
    MutexLock lock(mu_);
    if (!live_.empty()) return false;
    // What waits when the queue has stopped claiming, to end, is the store's.
    const bool handles = (any_kind_ || !names_->empty()) && (claiming_ || !closing);
    const bool nobody = engine_.options.drive == Drive::threads && engine_.workers() == 0;
    unclaimed = handles && more_ && (paused() || nobody);
    if (handles && more_ && !unclaimed) return false;
    if (handles && next_due_ && *next_due_ <= hub_->committer.now()) return false;
  }
  if (unclaimed && has_available()) return false;
  return hub_->committer.endings() == delivered;
}

// Asked where nothing is claimed, and so nobody finds out.
bool NamedTasks::has_available() const {
  TaskFilter filter;
  filter.queue = name_;
  filter.state = TaskState::available;
  for (TaskId after{};;) {
    const auto page = hub_->store->list(filter, after, kLookedAtOnce, hub_->committer.now());
    if (!page) return true;
    if (std::any_of(page->begin(), page->end(), [](const KeptTask& task) { return task.aside == Aside::no; }))
      return true;
    if (page->size() < kLookedAtOnce) return false;
    after = page->back().id;
  }
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
  // What comes before all that is claimed is claimed a few at a time, and has to be before any of that runs; as many
  // times as there is room for.
  constexpr int kMostSteps = 256;
  const auto is_due = [&](const WaitUntil& until) { return until.mono && *until.mono <= hub_->clock->mono(); };
  WaitUntil until = hub_->step();
  for (int i = 1; i < kMostSteps && is_due(until); ++i) until = hub_->step();
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
