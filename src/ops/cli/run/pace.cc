#include "pace.h"

#include <poll.h>

#include <algorithm>

namespace errand::cli {

SteadyTime Pace::take_turn() {
  const MutexLock lock(mu_);
  const SteadyTime turn = std::max(clock_.mono(), next_);
  next_ = turn + delay_;
  return turn;
}

bool Pace::wait(const Event& stop) {
  if (delay_ == Duration::zero()) return true;
  const SteadyTime turn = take_turn();
  for (auto left = turn - clock_.mono(); left > Duration::zero(); left = turn - clock_.mono()) {
    const timespec time{static_cast<time_t>(left.count() / 1'000'000'000),
                        static_cast<long>(left.count() % 1'000'000'000)};
    pollfd set{stop.fd(), POLLIN, 0};
    if (::ppoll(&set, 1, &time, nullptr) > 0) return false;
  }
  return true;
}

}  // namespace errand::cli
