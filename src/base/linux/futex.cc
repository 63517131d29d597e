#include "base/futex.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

namespace errand {
inline namespace v0 {

void futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected, FutexClock clock, Duration at) {
  static_assert(sizeof(word) == sizeof(std::uint32_t));
  const std::int64_t ns = std::max<std::int64_t>(at.count(), 0);
  const timespec ts{static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
  const int op = FUTEX_WAIT_BITSET_PRIVATE | (clock == FutexClock::wall ? FUTEX_CLOCK_REALTIME : 0);
  syscall(SYS_futex, &word, op, expected, clock == FutexClock::none ? nullptr : &ts, nullptr, FUTEX_BITSET_MATCH_ANY);
}

void futex_wake(const std::atomic<std::uint32_t>& word, int count) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

}  // namespace v0
}  // namespace errand
