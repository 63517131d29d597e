#pragma once
// The standard mutex with annotations that clang's -Wthread-safety checks.

#include <mutex>

#include "base/cpu.h"

#if defined(__clang__)
#define ERRAND_ATTRIBUTE(x) __attribute__((x))
#else
#define ERRAND_ATTRIBUTE(x)
#endif

#define ERRAND_GUARDED_BY(m) ERRAND_ATTRIBUTE(guarded_by(m))
#define ERRAND_REQUIRES(...) ERRAND_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define ERRAND_EXCLUDES(...) ERRAND_ATTRIBUTE(locks_excluded(__VA_ARGS__))
// For functions around a fork: a lock that one of them takes another one gives back, or nobody can.
#define ERRAND_AROUND_FORK ERRAND_ATTRIBUTE(no_thread_safety_analysis)

namespace errand {
inline namespace v0 {

class ERRAND_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  /// Tries for about a microsecond before it sleeps: what is done under these locks takes less, as a rule, and a thread
  /// that sleeps costs the one that lets it go a system call.
  void lock() ERRAND_ATTRIBUTE(acquire_capability()) {
    if (mu_.try_lock()) [[likely]]
      return;
    for (int i = 0; i < kTries; ++i) {
      for (int j = 0; j < kRelaxes; ++j) relax_cpu();
      if (mu_.try_lock()) return;
    }
    mu_.lock();
  }
  void unlock() ERRAND_ATTRIBUTE(release_capability()) { mu_.unlock(); }
  bool try_lock() ERRAND_ATTRIBUTE(try_acquire_capability(true)) { return mu_.try_lock(); }
  /// For the analysis, where somebody further out holds it and that can't be seen.
  void assert_held() const ERRAND_ATTRIBUTE(assert_capability(this)) {}

 private:
  static constexpr int kTries = 16;
  static constexpr int kRelaxes = 4;

  std::mutex mu_;
};

class ERRAND_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mu) ERRAND_ATTRIBUTE(acquire_capability(mu)) : mu_(mu) { mu_.lock(); }
  ~MutexLock() ERRAND_ATTRIBUTE(release_capability()) { mu_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mu_;
};

}  // namespace v0
}  // namespace errand
