#pragma once
// Sleeping on a word of memory. The platform's part is in linux/futex.cc.
//
// Whoever is to sleep loads the word with acquire, and then looks whether there is reason to; whoever takes the reason
// away does so, and then moves the word with release. So a word that has moved shows what it moved for, and one that
// moves after the look keeps its sleeper from falling asleep.

#include <errand/clock.h>

namespace errand {
inline namespace v0 {

enum class FutexClock { none, mono, wall };

/// Sleeps while `word` is `expected`, at most until `at` (since the clock's epoch); may return early for no reason.
void futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected, FutexClock clock, Duration at);
void futex_wake(const std::atomic<std::uint32_t>& word, int count);

}  // namespace v0
}  // namespace errand
