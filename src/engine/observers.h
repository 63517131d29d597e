#pragma once
// Observers of a queue: each has a bounded buffer, and what finds it full is counted and dropped.

#include <errand/queue.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <vector>

#include "base/mutex.h"

namespace errand {
inline namespace v0 {

struct Observer::State {
  State(std::size_t capacity, std::shared_ptr<Clock> clock) : capacity(capacity), clock(std::move(clock)) {}

  const std::size_t capacity;
  const std::shared_ptr<Clock> clock;
  // Moves with each event, after it is in the buffer: release, and acquire before a look. Observers sleep on it.
  std::atomic<std::uint32_t> word{0};
  Mutex mu;
  std::deque<TaskEvent> events ERRAND_GUARDED_BY(mu);
  std::uint64_t dropped ERRAND_GUARDED_BY(mu) = 0;
};

namespace detail {

class Observers {
 public:
  /// `observed`: kept up to date, for a look before each event.
  Observers(std::shared_ptr<Clock> clock, std::atomic<bool>& observed)
      : clock_(std::move(clock)), observed_(observed) {}

  [[nodiscard]] Observer add_observer(std::size_t capacity) {
    auto state = std::make_shared<Observer::State>(capacity, clock_);
    MutexLock lock(mu_);
    all_.push_back(state);
    observed_.store(true, std::memory_order_release);
    return Observer(std::move(state));
  }

  void add(const TaskEvent& event) {
    MutexLock lock(mu_);
    std::erase_if(all_, [](const auto& weak) { return weak.expired(); });
    for (const auto& weak : all_) {
      if (const auto state = weak.lock()) add_to(*state, event);
    }
    if (all_.empty()) observed_.store(false, std::memory_order_release);
  }

  [[nodiscard]] std::uint64_t dropped() const {
    MutexLock lock(mu_);
    return dropped_;
  }

 private:
  void add_to(Observer::State& state, const TaskEvent& event) ERRAND_REQUIRES(mu_) {
    {
      MutexLock lock(state.mu);
      if (state.events.size() >= state.capacity) {
        ++state.dropped;
        ++dropped_;
        return;
      }
      state.events.push_back(event);
    }
    state.word.fetch_add(1, std::memory_order_release);
    clock_->wake(state.word, 1);
  }

  const std::shared_ptr<Clock> clock_;
  // Lock order: mu_, then an observer's.
  mutable Mutex mu_;
  // Written under mu_. Release: the observer is listed before whoever sees this comes with an event.
  std::atomic<bool>& observed_;
  std::vector<std::weak_ptr<Observer::State>> all_ ERRAND_GUARDED_BY(mu_);
  std::uint64_t dropped_ ERRAND_GUARDED_BY(mu_) = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace errand
