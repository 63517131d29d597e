#pragma once
// A least distance between two starts.

#include "descriptor.h"

#include <errand/clock.h>

#include "base/mutex.h"

namespace errand::cli {

/// Threads: any; those who wait get their turns in the order in which they came.
class Pace {
 public:
  Pace(Duration delay, Clock& clock) : delay_(delay), clock_(clock) {}
  /// Waits until it is this caller's turn; false if `stop` was set before.
  [[nodiscard]] bool wait(const Event& stop) ERRAND_EXCLUDES(mu_);

 private:
  [[nodiscard]] SteadyTime take_turn() ERRAND_EXCLUDES(mu_);

  const Duration delay_;
  Clock& clock_;
  Mutex mu_;
  SteadyTime next_ ERRAND_GUARDED_BY(mu_){};
};

}  // namespace errand::cli
