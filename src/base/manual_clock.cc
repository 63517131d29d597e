#include <errand/testing.h>

#include <algorithm>
#include <climits>
#include <map>

#include "base/futex.h"
#include "base/mutex.h"

namespace errand {
inline namespace v0 {

struct ManualClock::State {
  explicit State(WallTime now) : wall(now.time_since_epoch().count()), mono(1'000'000'000) {}

  // Release and acquire: who sees a moment sees what was done before it came.
  std::atomic<std::int64_t> wall;
  std::atomic<std::int64_t> mono;
  // Waiters sleep on a word of the clock's own, which every move and every wake changes: few threads wait in tests, and
  // all of them look again. Sequentially consistent: whoever wakes changes the word that is waited on, then this one;
  // who waits looks at this one, then at the word.
  std::atomic<std::uint32_t> moves{0};
  std::atomic<int> waiting{0};  // release and acquire: who is counted has looked at `moves`

  void tell_all() {
    moves.fetch_add(1, std::memory_order_seq_cst);
    futex_wake(moves, INT_MAX);
  }
};

ManualClock::ManualClock(WallTime now) : state_(std::make_unique<State>(now)) {}
ManualClock::~ManualClock() = default;

WallTime ManualClock::now() const noexcept {
  return WallTime(Duration(state_->wall.load(std::memory_order_acquire)));
}
SteadyTime ManualClock::mono() const noexcept {
  return SteadyTime(Duration(state_->mono.load(std::memory_order_acquire)));
}

void ManualClock::wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected, const WaitUntil& until) {
  const std::uint32_t seen = state_->moves.load(std::memory_order_seq_cst);
  // After that load: a wake from here on changes the word waited on, and the sleep does not begin.
  if (word.load(std::memory_order_seq_cst) != expected) return;
  if ((until.mono && *until.mono <= mono()) || (until.wall && *until.wall <= now())) return;
  state_->waiting.fetch_add(1, std::memory_order_release);
  futex_wait(state_->moves, seen, FutexClock::none, {});
  state_->waiting.fetch_sub(1, std::memory_order_release);
}

void ManualClock::wake(const std::atomic<std::uint32_t>&, int) {
  state_->tell_all();
}

bool ManualClock::skip_to(SteadyTime at) {
  if (at > mono()) advance(at - mono());
  return true;
}

void ManualClock::advance(Duration by) {
  ERRAND_ASSERT(by >= Duration::zero());
  state_->wall.fetch_add(by.count(), std::memory_order_release);
  state_->mono.fetch_add(by.count(), std::memory_order_release);
  state_->tell_all();
}

void ManualClock::set_now(WallTime now) {
  state_->wall.store(now.time_since_epoch().count(), std::memory_order_release);
  state_->tell_all();
}

int ManualClock::waiting() const {
  return state_->waiting.load(std::memory_order_acquire);
}

}  // namespace v0
}  // namespace errand
