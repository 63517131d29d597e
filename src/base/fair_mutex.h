#pragma once
// A mutex that goes to whoever has waited for it longest.
//
// Of a plain one, whoever lets go of it and wants it again at once has it before a sleeper is awake. Where one thread
// takes it again and again for milliseconds, all others would wait until that one has had enough.
//
// It has to outlive unlock(), which looks at it once more when the next one may have it already.

#include <atomic>
#include <climits>
#include <cstdint>

#include "base/futex.h"
#include "base/mutex.h"

namespace errand {
inline namespace v0 {

class ERRAND_ATTRIBUTE(capability("mutex")) FairMutex {
 public:
  // Sequentially consistent, here and below: either this one sees that its turn has come, or whoever moves the turn
  // sees that somebody waits. It also is the acquire of what was done under the mutex before.
  void lock() ERRAND_ATTRIBUTE(acquire_capability()) {
    const std::uint32_t mine = next_.fetch_add(1, std::memory_order_seq_cst);
    for (;;) {
      const std::uint32_t turn = turn_.load(std::memory_order_seq_cst);
      if (turn == mine) return;
      futex_wait(turn_, turn, FutexClock::none, {});
    }
  }
  void unlock() ERRAND_ATTRIBUTE(release_capability()) {
    const std::uint32_t turn = turn_.fetch_add(1, std::memory_order_seq_cst) + 1;
    // All of them, since nobody knows which one it is; as a rule there are one or two.
    if (next_.load(std::memory_order_seq_cst) != turn) futex_wake(turn_, INT_MAX);
  }
  /// For the analysis, where somebody further out holds it and that can't be seen.
  void assert_held() const ERRAND_ATTRIBUTE(assert_capability(this)) {}

 private:
  std::atomic<std::uint32_t> next_{0};  // who comes next has this number
  std::atomic<std::uint32_t> turn_{0};  // whose turn it is
};

class ERRAND_ATTRIBUTE(scoped_lockable) FairLock {
 public:
  explicit FairLock(FairMutex& mu) ERRAND_ATTRIBUTE(acquire_capability(mu)) : mu_(mu) { mu_.lock(); }
  ~FairLock() ERRAND_ATTRIBUTE(release_capability()) { mu_.unlock(); }
  FairLock(const FairLock&) = delete;
  FairLock& operator=(const FairLock&) = delete;

 private:
  FairMutex& mu_;
};

}  // namespace v0
}  // namespace errand
