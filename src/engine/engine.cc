#include "engine/engine.h"

#include <algorithm>

#include "base/fork.h"
#include "base/seed.h"
#include "engine/observers.h"
#include "engine/options.h"
#include "engine/recurrences.h"

namespace errand {
inline namespace v0 {
namespace detail {

namespace {

// --- what outlives a queue, and what a fork has to know --------------------------------------------------------------

struct Process final : PerProcess {
  // Other threads' locks may be held for ever, and nothing of the queues can work: they only say so. Relaxed: threads
  // that the child starts later see all of this.
  void in_child() noexcept ERRAND_REQUIRES(mu) override {
    for (Engine* engine : engines) {
      engine->intake.store(Intake::forked, std::memory_order_relaxed);
      engine->pool.forked.store(true, std::memory_order_relaxed);
    }
    for (const auto& pool : left) pool->forked.store(true, std::memory_order_relaxed);
    engines.clear();
  }
  std::vector<Engine*> engines ERRAND_GUARDED_BY(mu);
  std::vector<std::shared_ptr<PagePool>> left ERRAND_GUARDED_BY(mu);  // pools with handles and without a queue
  std::uint64_t next_uid ERRAND_GUARDED_BY(mu) = 1;
};

Process& process() {
  static Process& process = make_per_process<Process>(Layer::engine);
  return process;
}
[[maybe_unused]] const Process& process_made_early = process();

std::vector<std::shared_ptr<PagePool>> take_unpinned() {
  std::vector<std::shared_ptr<PagePool>> gone;
  MutexLock lock(process().mu);
  auto& left = process().left;
  const auto first = std::partition(left.begin(), left.end(), [](const auto& pool) { return pool->any_pinned(); });
  gone.assign(std::make_move_iterator(first), std::make_move_iterator(left.end()));
  left.erase(first, left.end());
  return gone;
}

std::uint64_t new_uid() {
  take_unpinned();
  MutexLock lock(process().mu);
  return process().next_uid++;
}

void enlist(Engine& engine) {
  MutexLock lock(process().mu);
  process().engines.push_back(&engine);
}

Intake intake_for(const QueueOptions& options, bool line) {
  if (line || options.capacity != 0) return Intake::careful;
  return options.order == Order::depth_first ? Intake::depth_first : Intake::plain;
}

}  // namespace

void unregister(Engine& engine) {
  MutexLock lock(process().mu);
  std::erase(process().engines, &engine);
}

void leave_to_handles(std::shared_ptr<PagePool> pool) {
  {
    MutexLock lock(process().mu);
    process().left.push_back(std::move(pool));
  }
  take_unpinned();
}

Engine::Engine(QueueOptions given)
    : uid(new_uid()),
      options([&] {
        if (!given.clock) given.clock = real_clock();
        if (!given.seed) given.seed = system_seed();
        if (!given.workers) given.workers = usable_cpus();
        return std::move(given);
      }()),
      clock(options.clock),
      ticks(clock),
      pool_owner(std::make_shared<PagePool>(*options.seed, options.retention.count, clock)),
      pool(*pool_owner),
      producers(std::make_shared<Producers>(pool_owner)),
      parking(*clock),
      timers(*clock),
      recurrences(std::make_unique<Recurrences>(*this)),
      observers(std::make_unique<Observers>(clock, observed)),
      line(make_line(options)),
      all_workers(static_cast<std::atomic<Worker*>*>(std::calloc(kMaxWorkers, sizeof(std::atomic<Worker*>)))),
      wanted_(*options.workers),
      finished_{FinishedRing(options.retention.count), FinishedRing(options.retention.count),
                FinishedRing(options.retention.count)},
      began_(ticks.stamp()),
      seeds_(*options.seed ^ 0x5eed) {
  ERRAND_ASSERT(all_workers != nullptr);
  intake.store(intake_for(options, line != nullptr), std::memory_order_relaxed);
  enlist(*this);  // what a fork finds is complete
  pool.engine.store(this, std::memory_order_release);
  if (options.start) log_failure(start());
}

void Engine::forget_threads() {
  timer_thread_.forget();
  closer_.forget();
  for (Post& post : posts_) post.thread.forget();
}

void CancelOnStop::operator()() const {
  static_cast<void>(engine->cancel(TaskId{id}, StopReason::caller));
}

// --- what templates in the public headers call -----------------------------------------------------------------------

Draft begin(Engine& engine) {
  return engine.begin();
}
Draft begin(Engine& engine, TaskOptions& options) {
  return engine.begin(options);
}
Draft begin_in(Engine& engine, Duration delay) {
  return engine.begin_in(delay);
}
void publish(Engine& engine, Draft draft, const Ops& ops) noexcept {
  engine.publish(draft, ops);
}
void abandon(Engine& engine, Draft draft) noexcept {
  engine.abandon(draft);
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
