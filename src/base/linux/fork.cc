#include "base/fork.h"

#include <errand/result.h>
#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <ranges>
#include <span>

namespace errand {
inline namespace v0 {

namespace {

struct Forks {
  struct Entry {
    Layer layer;
    PerProcess* thing;
  };
  // Taken before the things' own: of two threads that fork one comes after the other, and no thing comes in between.
  Mutex mu;
  std::array<Entry, 16> entries ERRAND_GUARDED_BY(mu){};  // in the order in which they are locked
  std::size_t size ERRAND_GUARDED_BY(mu) = 0;
  std::atomic<std::uint32_t> count{0};  // relaxed: a child has one thread when it is written
};
constinit Forks forks;

std::span<Forks::Entry> entries() ERRAND_REQUIRES(forks.mu) {
  return std::span(forks.entries).first(forks.size);
}

void before_fork() noexcept ERRAND_AROUND_FORK {
  forks.mu.lock();
  for (const auto& entry : entries()) entry.thing->mu.lock();
}

void in_parent() noexcept ERRAND_AROUND_FORK {
  for (const auto& entry : entries() | std::views::reverse) entry.thing->mu.unlock();
  forks.mu.unlock();
}

// The lower layers first, and unlocked by then: what an upper one does may call them.
void in_child() noexcept ERRAND_AROUND_FORK {
  forks.count.fetch_add(1, std::memory_order_relaxed);
  for (const auto& entry : entries() | std::views::reverse) {
    entry.thing->in_child();
    entry.thing->mu.unlock();
  }
  forks.mu.unlock();
}

// Once, and as early as can be. A fork calls what was registered last first, and in its two processes the other way
// round: so what a program registers in main() may use queues and stores in all three places, and its locks come before
// those here, as they do where its threads call a queue under them.
void watch_forks() {
  [[maybe_unused]] static const bool watched = [] {
    const int failed = pthread_atfork(&before_fork, &in_parent, &in_child);
    ERRAND_ASSERT(failed == 0);
    return true;
  }();
}
[[maybe_unused]] const bool watched_early = (watch_forks(), true);  // forks count, if nothing else is to be seen to

}  // namespace

void at_fork(Layer layer, PerProcess& thing) {
  watch_forks();
  MutexLock lock(forks.mu);
  ERRAND_ASSERT(forks.size < forks.entries.size());
  ++forks.size;
  const auto end = entries().end() - 1;
  const auto at = std::ranges::upper_bound(entries().begin(), end, layer, {}, &Forks::Entry::layer);
  std::move_backward(at, end, end + 1);
  *at = {layer, &thing};
}

std::uint32_t forks_so_far() noexcept {
  return forks.count.load(std::memory_order_relaxed);
}

}  // namespace v0
}  // namespace errand
