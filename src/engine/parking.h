#pragma once
// Where workers sleep when there is nothing to do, and how they are woken.
//
// A submit only loads one word (wakeable()). The worker that wants to sleep enlists, pays for a barrier that all other
// threads feel, and looks once more; so either the submit sees it enlisted, or it sees the submit's task.
// One wake is on its way at a time: the worker it reaches wakes the next one when it takes something, or leaves.

#include <errand/clock.h>

#include <vector>

#include "base/mutex.h"

namespace errand {
inline namespace v0 {
namespace detail {

/// One worker's place to sleep. The word is 1 once it has been woken. Relaxed: it is written and asked under
/// Parking::mu_; only the system looks at it without, before it lets the worker sleep.
struct Berth {
  std::atomic<std::uint32_t> woken{0};
};

class Parking {
 public:
  explicit Parking(Clock& clock) : clock_(clock) {}

  /// Whether wake_one() would find somebody. Relaxed: the sleeper's barrier orders it.
  [[nodiscard]] bool wakeable() const noexcept { return wakeable_.load(std::memory_order_relaxed) != 0; }
  [[nodiscard]] std::size_t parked() const noexcept { return parked_.load(std::memory_order_relaxed); }

  /// Wakes one sleeper, unless a wake is on its way already.
  void wake_one();
  void wake_all();

  /// Announces that `berth` is about to sleep. Look for work after a heavy barrier; then sleep() or give_up().
  void enlist(Berth& berth);
  /// True if a wake was on its way here: it was spent.
  bool give_up(Berth& berth);
  /// Sleeps until woken or `until`. Then the berth is no longer enlisted.
  void sleep(Berth& berth, const WaitUntil& until);

 private:
  void delist(Berth& berth) ERRAND_REQUIRES(mu_);
  void publish() ERRAND_REQUIRES(mu_);

  Clock& clock_;
  // Written under mu_. Relaxed, as wakeable() says; what a woken worker is to find is behind mu_, or behind a barrier.
  std::atomic<std::size_t> wakeable_{0};  // sleepers, or 0 while a wake is on its way
  std::atomic<std::size_t> parked_{0};
  Mutex mu_;
  std::vector<Berth*> berths_ ERRAND_GUARDED_BY(mu_);  // the last to come is the first to go: its cache is warm
  int on_the_way_ ERRAND_GUARDED_BY(mu_) = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace errand
