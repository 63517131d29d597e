#include "engine/recurrence.h"

#include <algorithm>

namespace errand {
inline namespace v0 {
namespace detail {

void Recurrence::begin(WallTime from) {
  MutexLock lock(mu_);
  last_ = options.first == First::now ? from - Duration(1) : from;
  next_slot_ = timetable.next(last_);
}

Recurrence::Step Recurrence::step(WallTime now) {
  Step step;
  MutexLock lock(mu_);
  if (ended_ || !next_slot_) return step;
  const SlotRules rules{.missed = {.missed = options.missed,
                                   .at_most = static_cast<std::size_t>(options.catch_up_cap),
                                   .window = options.catch_up_window,
                                   .spread = spread()},
                        .overlap = options.overlap,
                        .paused = paused_};
  const Turn turn = take_turn(timetable, last_, now, rules, static_cast<int>(live_.size()) + starting_, waiting_ != 0);
  if (!turn.last) return step;
  last_ = *turn.last;
  last_slot_ = turn.last;
  next_slot_ = timetable.next(last_);
  if (turn.cancels) step.cancels = live_;
  if (turn.waits) ++waiting_;
  step.starts = static_cast<int>(turn.starts.size());
  step.skipped = turn.skipped;
  starting_ += step.starts;
  skipped_ += turn.skipped;
  return step;
}

void Recurrence::run_submitted(TaskId id) {
  MutexLock lock(mu_);
  --starting_;
  ++runs_;
  last_run_ = id;
  live_.push_back(id);
}

void Recurrence::trigger() {
  MutexLock lock(mu_);
  ++starting_;
}

std::uint64_t Recurrence::run_refused() {
  MutexLock lock(mu_);
  --starting_;
  // Where no run is left whose end they wait for, the slots behind it go with it, or they would wait for ever, and keep
  // every later slot from starting.
  const bool alone = starting_ == 0 && live_.empty();
  const std::uint64_t left_out = 1 + static_cast<std::uint64_t>(alone ? std::exchange(waiting_, 0) : 0);
  skipped_ += left_out;
  return left_out;
}

bool Recurrence::run_ended(TaskId id) {
  MutexLock lock(mu_);
  std::erase(live_, id);
  if (ended_ || waiting_ == 0 || !live_.empty()) return false;
  --waiting_;
  ++starting_;
  return true;
}

std::optional<WallTime> Recurrence::next_fire() const {
  MutexLock lock(mu_);
  if (ended_ || !next_slot_) return std::nullopt;
  return spread().fire_time(*next_slot_);
}

void Recurrence::pause() {
  MutexLock lock(mu_);
  paused_ = true;
}

std::uint64_t Recurrence::resume(WallTime now) {
  MutexLock lock(mu_);
  if (!paused_) return 0;
  paused_ = false;
  if (now <= last_) return 0;
  const auto passed = timetable.passed(last_, now, 1);
  last_ = now;
  if (passed.count == 0) return 0;
  last_slot_ = passed.newest.back();
  next_slot_ = timetable.next(now);
  skipped_ += passed.count;
  return passed.count;
}

void Recurrence::end() {
  MutexLock lock(mu_);
  ended_ = true;
  waiting_ = 0;
}

bool Recurrence::ended() const {
  MutexLock lock(mu_);
  return ended_;
}

ScheduleInfo Recurrence::info(Duration offset) const {
  MutexLock lock(mu_);
  ScheduleInfo info;
  info.name = options.name;
  info.expression = expression;
  info.time_zone = options.time_zone;
  info.paused = paused_;
  info.cancelled = ended_;
  if (next_slot_ && !ended_) info.next_slot = *next_slot_ + offset;
  if (last_slot_) info.last_slot = *last_slot_ + offset;
  info.last_run = last_run_;
  info.runs = runs_;
  info.skipped = skipped_;
  info.running = static_cast<int>(live_.size());
  return info;
}

std::vector<WallTime> Recurrence::next(int count, WallTime now, Duration offset) const {
  std::vector<WallTime> slots;
  if (ended()) return slots;
  for (std::optional<WallTime> slot = timetable.next(now); slot && static_cast<int>(slots.size()) < count;
       slot = timetable.next(*slot)) {
    slots.push_back(*slot + offset);
  }
  return slots;
}

}  // namespace detail

}  // namespace v0
}  // namespace errand
