#include "base/seed.h"

#include <errand/clock.h>

#include <sys/random.h>

namespace errand {
inline namespace v0 {

std::uint64_t system_seed() noexcept {
  std::uint64_t seed = 0;
  if (getrandom(&seed, sizeof seed, 0) == sizeof seed) return seed;
  return static_cast<std::uint64_t>(real_clock()->now().time_since_epoch().count());
}

}  // namespace v0
}  // namespace errand
