#pragma once
// What the queue's tests share: a queue that is driven by hand, and gates between threads.

#include <errand/errand.h>
#include <errand/testing.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/gate.h"

using namespace std::chrono_literals;

// A queue whose tasks run in dispatch(), and whose time the test moves.
struct Manual {
  explicit Manual(errand::QueueOptions options = {}) : queue(by_hand(std::move(options), clock)) {}

  static errand::QueueOptions by_hand(errand::QueueOptions options, const std::shared_ptr<errand::ManualClock>& clock) {
    options.drive = errand::Drive::manual;
    options.clock = clock;
    return options;
  }
  void advance(errand::Duration by) {
    clock->advance(by);
    queue.dispatch();
  }

  std::shared_ptr<errand::ManualClock> clock = std::make_shared<errand::ManualClock>();
  errand::Queue queue;
};

// Moves the clock as soon as so many threads wait on it; false if they never do.
inline bool advance_when_waiting(errand::ManualClock& clock, int threads, errand::Duration by) {
  const auto until = errand::real_clock()->mono() + kSoon;
  while (clock.waiting() < threads && errand::real_clock()->mono() < until) std::this_thread::yield();
  const bool all_wait = clock.waiting() >= threads;
  clock.advance(by);
  return all_wait;
}

// Calls `wait`, which is to wait on the clock beside `others`, and moves the clock when it does.
template <class Wait>
auto while_time_passes(errand::ManualClock& clock, errand::Duration by, Wait wait, int others = 0) {
  std::thread mover([&] { EXPECT_TRUE(advance_when_waiting(clock, others + 1, by)); });
  auto said = wait();
  mover.join();
  return said;
}

// std::move for what is refused, and therefore not moved from. (A linter takes std::move at its word.)
template <class F>
F&& offer(F& f) {
  return static_cast<F&&>(f);
}

// Counts up, and waits for a number.
class Counter {
 public:
  void add(int by = 1) {
    const std::lock_guard lock(mu_);
    count_ += by;
    changed_.notify_all();
  }
  bool reaches(int count) {
    std::unique_lock lock(mu_);
    return changed_.wait_for(lock, kSoon, [&] { return count_ >= count; });
  }
  int count() {
    const std::lock_guard lock(mu_);
    return count_;
  }

 private:
  std::mutex mu_;
  std::condition_variable changed_;
  int count_ = 0;
};

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
