#include "engine/timekeeper.h"

#include <algorithm>

namespace errand {
inline namespace v0 {
namespace detail {

namespace {

std::int64_t ns(SteadyTime t) {
  return t.time_since_epoch().count();
}
std::int64_t ns(WallTime t) {
  return t.time_since_epoch().count();
}

// Which wheel a moment is in is the lowest bit of its time. The rest is rounded up, since nothing may come early; and
// the wall's wheel is asked for what is due by `now | 1`, so that the bit does not make anything late.
constexpr std::int64_t tag(Moment at) {
  const std::int64_t even = at.ns >= INT64_MAX - 1 ? INT64_MAX - 1 : (at.ns + 1) & ~std::int64_t{1};
  return at.wall ? even | 1 : even;
}
constexpr Moment untagged(std::int64_t due) {
  return {(due & 1) != 0, due & ~std::int64_t{1}};
}
constexpr bool is_wall(const TimerNode& timer) {
  return (timer.due & 1) != 0;
}

// How many moments are moved ahead under the lock at once, beside those that are collected and when there is nothing
// else to do: some 50 ns each.
constexpr std::size_t kSpreadBeside = 8;
constexpr std::size_t kSpreadAtOnce = 32;

// In Timekeeper::waiting_.
constexpr std::uint64_t counted_as(std::uint64_t word) {
  if (raw_state(word) == raw(TaskState::scheduled)) return 1;
  if (raw_state(word) == raw(TaskState::retryable)) return std::uint64_t{1} << 32;
  return 0;
}

std::int64_t saturating_sum(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return b < 0 ? INT64_MIN : INT64_MAX;
  return sum;
}

}  // namespace

Timekeeper::Timekeeper(const Clock& clock) : clock_(clock), mono_(ns(clock.mono())), wall_(ns(clock.now())) {}

std::int64_t Timekeeper::as_mono(Moment at) const {
  if (!at.wall) return at.ns;
  return saturating_sum(ns(clock_.mono()), at.ns - ns(clock_.now()));
}

bool Timekeeper::arm(Record& record, std::uint64_t& word, std::uint64_t state, Moment at, Wake& wake) {
  TimerNode& timer = PagePool::cold(record).timer;
  const std::int64_t mono = as_mono(at);
  MutexLock lock(mu_);
  std::uint64_t seen = word;
  std::uint64_t next = with_state(word, state);
  // Before it can be seen, and taken out again: no count is ever below zero.
  entered(next);
  // Release: the cold line. A waiter may have set its flag, and nothing else may have changed.
  while (!record.word.compare_exchange_weak(seen, next, std::memory_order_acq_rel)) {
    if ((seen & ~kWaiter) != (word & ~kWaiter)) {
      left(next);
      return false;
    }
    next = with_state(seen, state);
  }
  word = next;
  // It may have one: a heartbeat and the end of the timeout both set a grace.
  if (timer.linked()) (is_wall(timer) ? wall_ : mono_).remove(timer);
  timer.due = tag(at);
  (at.wall ? wall_ : mono_).insert(timer);
  if (mono < next_mono_.load(std::memory_order_relaxed)) next_mono_.store(mono, std::memory_order_relaxed);
  wake = wake_for(mono);
  return true;
}

Timekeeper::Wake Timekeeper::wake_for(std::int64_t mono) {
  return {mono < watcher_until_, mono < backed_up_};
}

void Timekeeper::disarm(Record& record) {
  TimerNode& timer = PagePool::cold(record).timer;
  MutexLock lock(mu_);
  if (!timer.linked()) return;
  (is_wall(timer) ? wall_ : mono_).remove(timer);
}

Timekeeper::Collected Timekeeper::collect(std::span<Due> out, SteadyTime now, WallTime wall_now) {
  Collected collected;
  MutexLock lock(mu_);
  if (ns(wall_now) < wall_seen_) wall_.rebuild(ns(wall_now) | 1);
  wall_seen_ = ns(wall_now);
  collect_from(mono_, ns(now), out, collected);
  collect_from(wall_, ns(wall_now) | 1, out, collected);
  // Where nobody is ever idle.
  mono_.spread_ahead(kSpreadBeside + collected.count);
  wall_.spread_ahead(kSpreadBeside + collected.count);
  collected.upkeep = upkeep_ <= ns(now);
  if (collected.upkeep) upkeep_ = INT64_MAX;
  publish_next();
  return collected;
}

bool Timekeeper::spread_ahead() {
  MutexLock lock(mu_);
  return mono_.spread_ahead(kSpreadAtOnce) || wall_.spread_ahead(kSpreadAtOnce);
}

void Timekeeper::collect_from(Wheel& wheel, std::int64_t now, std::span<Due> out, Collected& collected) {
  std::size_t& n = collected.count;
  if (n == out.size()) {
    collected.more = true;
    return;
  }
  Wheel::Due due = wheel.advance(now, out.size() - n);
  const std::size_t first = n;
  // Their lines are asked for together, and then there are: one after the other each would be waited for.
  while (TimerNode* node = Wheel::pop(due.first)) {
    Record& record = PagePool::record_of(*node);
    __builtin_prefetch(&record, 1);
    out[n++] = {&record, 0, untagged(node->due)};
  }
  // Under the lock, so that the record can't have ended, and begun another life, since its moment was taken away.
  for (Due& one : out.subspan(first, n - first)) one.word = one.record->word.load(std::memory_order_acquire);
  collected.more = collected.more || due.more;
}

namespace {

// What the two wheels say, and the next slot of a schedule.
WaitUntil earliest_of(std::int64_t mono, std::int64_t wall, WaitUntil next) {
  if (mono != INT64_MAX) {
    const SteadyTime at{Duration(mono)};
    next.mono = next.mono ? std::min(*next.mono, at) : at;
  }
  if (wall != INT64_MAX) {
    const WallTime at{Duration(wall & ~std::int64_t{1})};
    next.wall = next.wall ? std::min(*next.wall, at) : at;
  }
  return next;
}

}  // namespace

WaitUntil Timekeeper::next_locked() const {
  return earliest_of(std::min(mono_.next_due(), upkeep_), wall_.next_due(), slots_);
}

void Timekeeper::publish_next() {
  const WaitUntil next = next_locked();
  std::int64_t mono = next.mono ? ns(*next.mono) : INT64_MAX;
  if (next.wall) mono = std::min(mono, as_mono({true, ns(*next.wall)}));
  next_mono_.store(mono, std::memory_order_relaxed);
}

WaitUntil Timekeeper::next() const {
  MutexLock lock(mu_);
  return earliest_of(mono_.earliest_due(), wall_.earliest_due(), slots_);
}

bool Timekeeper::overdue(Duration by) const {
  const SteadyTime mono = clock_.mono() - by;
  const WallTime wall = clock_.now() - by;
  const auto is_over = [&](const WaitUntil& next) {
    return (next.mono && *next.mono < mono) || (next.wall && *next.wall < wall);
  };
  {
    // Cheap, and never later than what is exact.
    MutexLock lock(mu_);
    if (!is_over(next_locked())) return false;
  }
  return is_over(next());
}

std::optional<WaitUntil> Timekeeper::keep_watch(const void* sleeper) {
  MutexLock lock(mu_);
  publish_next();
  const std::int64_t until = next_mono_.load(std::memory_order_relaxed);
  if (until == INT64_MAX || until >= watcher_until_) return std::nullopt;
  watcher_ = sleeper;
  watcher_until_ = until;
  return next_locked();
}

void Timekeeper::watch_over(const void* sleeper) {
  MutexLock lock(mu_);
  if (watcher_ != sleeper) return;
  watcher_ = nullptr;
  watcher_until_ = INT64_MAX;
}

WaitUntil Timekeeper::back_up(Duration grace) {
  MutexLock lock(mu_);
  publish_next();
  backed_up_ = next_mono_.load(std::memory_order_relaxed);
  WaitUntil until = next_locked();
  if (until.mono) *until.mono = SteadyTime(Duration(saturating_sum(ns(*until.mono), grace.count())));
  if (until.wall) *until.wall = WallTime(Duration(saturating_sum(ns(*until.wall), grace.count())));
  return until;
}

void Timekeeper::entered(std::uint64_t word) noexcept {
  if (const std::uint64_t one = counted_as(word); one != 0) waiting_.fetch_add(one, std::memory_order_release);
}

void Timekeeper::left(std::uint64_t word) noexcept {
  if (const std::uint64_t one = counted_as(word); one != 0) waiting_.fetch_sub(one, std::memory_order_release);
}

Timekeeper::Wake Timekeeper::note(Moment at) {
  const std::int64_t mono = as_mono(at);
  MutexLock lock(mu_);
  if (mono < next_mono_.load(std::memory_order_relaxed)) next_mono_.store(mono, std::memory_order_relaxed);
  return wake_for(mono);
}

Timekeeper::Wake Timekeeper::plan_upkeep(SteadyTime at) {
  MutexLock lock(mu_);
  upkeep_ = ns(at);
  if (upkeep_ < next_mono_.load(std::memory_order_relaxed)) next_mono_.store(upkeep_, std::memory_order_relaxed);
  return wake_for(upkeep_);
}

void Timekeeper::set_slots(WaitUntil next) {
  MutexLock lock(mu_);
  slots_ = next;
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
