#include "durable/hub.h"

#include <algorithm>
#include <climits>
#include <iterator>
#include <map>

#include "base/fork.h"
#include "base/log.h"
#include "base/time.h"

namespace errand {
inline namespace v0 {
namespace durable {

namespace {

// Retention is a matter of hours: what expires or may be forgotten is looked for this often, a page at a time.
constexpr Duration kTidyEvery = std::chrono::seconds(30);
constexpr std::size_t kTidyAtOnce = 1000;

struct Registry final : PerProcess {
  // The hubs are the parent's, as their threads are: a queue that the child makes gets one of its own.
  void in_child() noexcept ERRAND_REQUIRES(mu) override {
    hubs.clear();
    left.clear();
  }
  std::map<const Store*, std::weak_ptr<Hub>> hubs ERRAND_GUARDED_BY(mu);
  // What became of attempts whose store was away until their hub was gone: for its next one, if it is to have another.
  struct Left {
    std::weak_ptr<Store> store;
    std::vector<Finish> endings;
  };
  std::map<const Store*, Left> left ERRAND_GUARDED_BY(mu);
};

Registry& registry() {
  static Registry& registry = make_per_process<Registry>(Layer::durable);
  return registry;
}
[[maybe_unused]] const Registry& registry_made_early = registry();

}  // namespace

std::shared_ptr<Hub> Hub::of(const StorePtr& store, const std::shared_ptr<Clock>& clock, std::uint64_t seed) {
  Registry& all = registry();
  std::shared_ptr<Hub> hub;  // if nothing comes of it, it goes when the lock has
  MutexLock lock(all.mu);
  std::erase_if(all.hubs, [](const auto& entry) { return entry.second.expired(); });
  std::erase_if(all.left, [](const auto& entry) { return entry.second.store.expired(); });
  std::weak_ptr<Hub>& entry = all.hubs[store.get()];
  hub = entry.lock();
  if (hub == nullptr) {
    entry = hub = std::make_shared<Hub>(store, clock, seed);
    if (auto left = all.left.extract(store.get())) hub->committer.adopt_endings(std::move(left.mapped().endings));
    store->listen(hub);
  }
  return hub;
}

Hub::Hub(StorePtr store, std::shared_ptr<Clock> clock, std::uint64_t seed)
    : store(std::move(store)), clock(std::move(clock)), committer(*this->store, this->clock, seed) {}

Hub::~Hub() {
  stops_.store(true, std::memory_order_release);
  committer.word().fetch_add(1, std::memory_order_release);
  clock->wake(committer.word(), INT_MAX);
  {
    MutexLock lock(mu_);
    if (thread_.joinable()) thread_.join();
  }
  std::vector<Finish> endings = committer.take_endings();
  // A store that goes with this one says at its next open that they wait.
  if (endings.empty() || store.use_count() == 1) return;
  Registry& all = registry();
  std::shared_ptr<Hub> next;  // goes when the lock has
  MutexLock lock(all.mu);
  if (const auto found = all.hubs.find(store.get()); found != all.hubs.end()) next = found->second.lock();
  if (next != nullptr) {
    next->committer.adopt_endings(std::move(endings));
    return;
  }
  Registry::Left& left = all.left[store.get()];
  left.store = store;
  left.endings.insert(left.endings.end(), std::make_move_iterator(endings.begin()),
                      std::make_move_iterator(endings.end()));
}

bool Hub::join(Member& member, const std::string& queue) {
  {
    MutexLock lock(mu_);
    if (!names_.insert(queue).second) return false;
  }
  committer.attach(member);
  return true;
}

void Hub::leave(Member& member, const std::string& queue) {
  committer.detach(member);
  MutexLock lock(mu_);
  names_.erase(queue);
}

Result<void> Hub::start_thread() {
  MutexLock lock(mu_);
  if (thread_.joinable()) return {};
  auto thread = Thread::start("errand/store", [this] { run(); });
  if (!thread) return thread.error();
  thread_ = std::move(*thread);
  committer.attend();
  return {};
}

void Hub::run() {
  while (!stops_.load(std::memory_order_acquire)) {
    // Before the step: what comes from here on moves it.
    const std::uint32_t seen = committer.word().load(std::memory_order_acquire);
    WaitUntil until = step();
    until.mono = std::min(until.mono.value_or(SteadyTime::max()), tidy_at_.load(std::memory_order_relaxed));
    clock->wait(committer.word(), seen, until);
  }
}

WaitUntil Hub::step() {
  tidy();
  return committer.step();
}

void Hub::tidy() {
  if (!committer.may_wait()) return;
  const SteadyTime now = clock->mono();
  SteadyTime at = tidy_at_.load(std::memory_order_relaxed);
  // Of those who step at the same time one does it.
  if (now < at || !tidy_at_.compare_exchange_strong(at, saturating_add(now, kTidyEvery), std::memory_order_relaxed))
    return;
  auto tidied = store->tidy(kTidyAtOnce, committer.now());
  // An error is the committer's to tell: it meets the same store.
  if (!tidied) return;
  if (!tidied->expired.empty()) committer.expired(std::move(tidied->expired));
  // More is left for the next step, so that commits fit in between.
  if (tidied->more) tidy_at_.store(now, std::memory_order_relaxed);
}

bool Hub::begin_suspect() {
  return !suspect_runs_.exchange(true, std::memory_order_acq_rel);
}

void Hub::end_suspect() {
  suspect_runs_.store(false, std::memory_order_release);
}

}  // namespace durable
}  // namespace v0
}  // namespace errand
