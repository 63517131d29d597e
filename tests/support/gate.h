#pragma once
// What tests of several programs wait with.

#include <chrono>
#include <condition_variable>
#include <mutex>

// How long a test waits for what is bound to happen.
inline constexpr std::chrono::seconds kSoon{20};

// Opens once, for all who wait.
class Gate {
 public:
  void open() {
    const std::lock_guard lock(mu_);
    open_ = true;
    changed_.notify_all();
  }
  // False if nobody opens it.
  bool wait() {
    std::unique_lock lock(mu_);
    return changed_.wait_for(lock, kSoon, [this] { return open_; });
  }

 private:
  std::mutex mu_;
  std::condition_variable changed_;
  bool open_ = false;
};
