#include "schedule/slots.h"

#include "schedule/cron_next.h"

#include <algorithm>

namespace errand {
inline namespace v0 {

namespace {

using Passed = Timetable::Passed;

Passed passed_of(WallTime anchor, Duration period, WallTime after, WallTime until, std::size_t at_most) {
  Passed passed;
  WallTime slot = next_slot(anchor, period, after);
  if (slot > until) return passed;
  const auto span = static_cast<std::uint64_t>(until.time_since_epoch().count()) -
                    static_cast<std::uint64_t>(slot.time_since_epoch().count());
  const std::uint64_t between = span / static_cast<std::uint64_t>(period.count());
  passed.count = between + 1;
  const std::uint64_t listed = std::min<std::uint64_t>(passed.count, at_most);
  slot += period * static_cast<Duration::rep>(passed.count - listed);
  for (std::uint64_t i = 0; i < listed; ++i) passed.newest.push_back(slot + period * static_cast<Duration::rep>(i));
  return passed;
}

}  // namespace

std::optional<WallTime> slot_in_time(WallTime anchor, Duration period, WallTime after) {
  const WallTime slot = next_slot(anchor, period, after);
  return slot < WallTime::max() ? std::optional(slot) : std::nullopt;
}

Timetable Timetable::every(WallTime anchor, Duration period) {
  ERRAND_ASSERT(period > Duration(0));
  return Timetable(Interval{anchor, period});
}

Timetable Timetable::cron(CronExpression expression, Zone zone, Dst dst, WallTime anchor) {
  if (expression.every > Duration(0)) return every(anchor, expression.every);
  return Timetable(Calendar{std::move(expression), std::move(zone), dst});
}

std::optional<WallTime> Timetable::next(WallTime after) const {
  if (const auto* interval = std::get_if<Interval>(&kind_))
    return slot_in_time(interval->anchor, interval->period, after);
  const auto& calendar = std::get<Calendar>(kind_);
  return v0::next(calendar.expression, calendar.zone, calendar.dst, after);
}

std::optional<Duration> Timetable::shortest_interval(WallTime after) const {
  if (const auto* interval = std::get_if<Interval>(&kind_)) return interval->period;
  std::optional<Duration> shortest;
  std::optional<WallTime> slot = next(after);
  for (int i = 1; slot && i < 100; ++i) {
    const std::optional<WallTime> following = next(*slot);
    if (following) shortest = std::min(shortest.value_or(Duration::max()), *following - *slot);
    slot = following;
  }
  return shortest;
}

Passed Timetable::passed(WallTime after, WallTime until, std::size_t at_most) const {
  if (const auto* interval = std::get_if<Interval>(&kind_)) {
    return passed_of(interval->anchor, interval->period, after, until, at_most);
  }
  Passed passed;
  std::vector<WallTime>& ring = passed.newest;
  for (auto slot = next(after); slot && *slot <= until; slot = next(*slot)) {
    if (ring.size() < at_most) {
      ring.push_back(*slot);
    } else if (at_most > 0) {
      ring[passed.count % at_most] = *slot;
    }
    ++passed.count;
  }
  std::sort(ring.begin(), ring.end());
  return passed;
}

CatchUp catch_up(const Timetable& timetable, WallTime last, WallTime now, const MissedRules& rules) {
  const std::size_t wanted = rules.missed == Missed::all ? std::max<std::size_t>(rules.at_most, 1) : 1;
  Passed passed = timetable.passed(last, now, wanted + 1);
  if (passed.count != 0 && rules.spread.fire_time(passed.newest.back()) > now) {
    // It has come, and is not due yet.
    passed.newest.pop_back();
    --passed.count;
  }
  if (passed.count == 0) return {};
  if (passed.newest.size() > wanted) passed.newest.erase(passed.newest.begin());
  const WallTime newest = passed.newest.back();
  const bool newest_on_time = now - rules.spread.fire_time(newest) <= rules.on_time;
  const auto left_out = [&](WallTime slot) {
    if (slot == newest && newest_on_time) return false;
    return rules.missed == Missed::skip || (rules.window && now - slot > *rules.window);
  };
  CatchUp result{std::move(passed.newest), 0, newest};
  std::erase_if(result.fire, left_out);
  result.skipped = passed.count - result.fire.size();
  return result;
}

Turn take_turn(const Timetable& timetable, WallTime last, WallTime now, const SlotRules& rules, int live,
               bool one_waits) {
  const CatchUp due = catch_up(timetable, last, now, rules.missed);
  Turn turn;
  turn.last = due.last;
  turn.skipped = due.skipped;
  if (rules.paused) {
    turn.skipped += due.fire.size();
    return turn;
  }
  for (const WallTime slot : due.fire) {
    const bool waits = one_waits || turn.waits;
    switch (decide_overlap(rules.overlap, live + static_cast<int>(turn.starts.size()), waits ? 1 : 0)) {
      case SlotAction::start:
        turn.starts.push_back(slot);
        break;
      case SlotAction::queue:
        turn.waits = slot;
        break;
      case SlotAction::skip:
        ++turn.skipped;
        if (turn.waits) ++turn.behind;
        break;
      case SlotAction::cancel_earlier:
        // Of several slots at once only the last one starts; the others have nothing to cancel yet.
        turn.cancels = true;
        turn.skipped += turn.starts.size();
        turn.starts = {slot};
        break;
    }
  }
  return turn;
}

SlotAction decide_overlap(Overlap overlap, int running, int waiting) noexcept {
  if (overlap == Overlap::allow || running + waiting == 0) return SlotAction::start;
  switch (overlap) {
    case Overlap::queue_one:
      return waiting == 0 ? SlotAction::queue : SlotAction::skip;
    case Overlap::cancel_previous:
      return SlotAction::cancel_earlier;
    case Overlap::skip:
    case Overlap::allow:
      break;
  }
  return SlotAction::skip;
}

Duration slot_jitter(std::string_view schedule, WallTime slot, Duration at_most) noexcept {
  if (at_most <= Duration(0)) return Duration(0);
  // FNV-1a over the name, then the finalizer of splitmix64: fixed by us, since std::hash may differ between processes.
  std::uint64_t hash = 14'695'981'039'346'656'037u;
  for (const char c : schedule) hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211u;
  hash += static_cast<std::uint64_t>(slot.time_since_epoch().count()) * 0x9e37'79b9'7f4a'7c15u;
  hash = (hash ^ hash >> 30) * 0xbf58'476d'1ce4'e5b9u;
  hash = (hash ^ hash >> 27) * 0x94d0'49bb'1331'11ebu;
  hash ^= hash >> 31;
  // The high half of the product maps evenly on 0 ... at_most, without a division.
  const auto choices = static_cast<unsigned __int128>(at_most.count()) + 1;
  return Duration(static_cast<Duration::rep>(choices * hash >> 64));
}

}  // namespace v0
}  // namespace errand
