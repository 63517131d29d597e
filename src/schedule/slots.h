#pragma once
// The slots of a schedule: which comes next, and what to do with those that nobody was there for.

#include "schedule/cron_expression.h"
#include "schedule/zone.h"

#include <errand/schedule_policy.h>

#include <limits>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"

namespace errand {
inline namespace v0 {

/// The first slot strictly later than `after` of the slots anchor + k * period, k = 0, 1, 2 ... Works for either clock.
/// Past the end of time it stays there. REQUIRES: period > 0.
template <class Time>
[[nodiscard]] Time next_slot(Time anchor, Duration period, Time after) {
  ERRAND_ASSERT(period > Duration(0));
  if (after < anchor) return anchor;
  // Unsigned, since the distance of two moments may be twice what a Duration holds.
  const auto elapsed = static_cast<std::uint64_t>(after.time_since_epoch().count()) -
                       static_cast<std::uint64_t>(anchor.time_since_epoch().count());
  const auto step = static_cast<std::uint64_t>(period.count());
  const std::uint64_t ahead = step - elapsed % step;
  const auto room = static_cast<std::uint64_t>(std::numeric_limits<Duration::rep>::max()) -
                    static_cast<std::uint64_t>(after.time_since_epoch().count());
  return ahead > room ? Time::max() : after + Duration(static_cast<Duration::rep>(ahead));
}

/// The same, but nothing where that would be past the end of time, in 2262.
[[nodiscard]] std::optional<WallTime> slot_in_time(WallTime anchor, Duration period, WallTime after);

/// When a schedule fires: by a cron expression, or at a fixed rate.
///
/// Threads: a plain value, and pure.
class Timetable {
 public:
  /// anchor + k * period, k = 0, 1, 2 ... REQUIRES: period > 0.
  [[nodiscard]] static Timetable every(WallTime anchor, Duration period);
  /// `anchor` counts for `@every` only.
  [[nodiscard]] static Timetable cron(CronExpression expression, Zone zone, Dst dst, WallTime anchor);

  /// The first slot strictly later than `after`, or nothing within 50 years.
  [[nodiscard]] std::optional<WallTime> next(WallTime after) const;

  /// The shortest time between two neighbours of the next hundred slots; nothing where there are no two.
  [[nodiscard]] std::optional<Duration> shortest_interval(WallTime after) const;

  /// The slots that are later than `after`, and not later than `until`.
  struct Passed {
    std::vector<WallTime> newest{};  ///< at most as many as were asked for, oldest first
    std::uint64_t count = 0;         ///< of all
  };
  /// At a fixed rate the time this takes does not depend on how many have passed; a cron expression counts some
  /// millions a second.
  [[nodiscard]] Passed passed(WallTime after, WallTime until, std::size_t at_most) const;

 private:
  struct Interval {
    WallTime anchor;
    Duration period;
  };
  struct Calendar {
    CronExpression expression;
    Zone zone;
    Dst dst;
  };
  explicit Timetable(std::variant<Interval, Calendar> kind) : kind_(std::move(kind)) {}

  std::variant<Interval, Calendar> kind_;
};

/// A delay from 0 to `at_most`, spread evenly over slots and schedules, and always the same for one slot of one
/// schedule.
[[nodiscard]] Duration slot_jitter(std::string_view schedule, WallTime slot, Duration at_most) noexcept;

/// How far a schedule's slots are spread.
struct Spread {
  std::string_view schedule{};
  Duration jitter{};

  /// When the slot comes due.
  [[nodiscard]] WallTime fire_time(WallTime slot) const noexcept {
    return saturating_add(slot, slot_jitter(schedule, slot, jitter));
  }
};

/// What becomes of missed slots. A slot is missed if a newer one has come due, or if it is later than `on_time`.
struct MissedRules {
  Missed missed = Missed::latest;
  std::size_t at_most = 100;                   ///< `all`: how many are made up for, the newest
  std::optional<Duration> window{};            ///< missed slots older than this are left out; unset: no limit
  Duration on_time = std::chrono::minutes(1);  ///< how late the newest slot may be and still not count as missed
  Spread spread{};                             ///< jitter is shorter than the time between two slots
};

/// What to do with the slots that have come due.
struct CatchUp {
  std::vector<WallTime> fire{};    ///< oldest first
  std::uint64_t skipped = 0;       ///< to be counted and shown; not a failure
  std::optional<WallTime> last{};  ///< the newest that has come due; unset: none has
};

/// The slots later than `last` (the slot dealt with last, or else the moment of registration) that are due by `now`.
[[nodiscard]] CatchUp catch_up(const Timetable& timetable, WallTime last, WallTime now, const MissedRules& rules);

/// What to do with a slot that has come, given the schedule's own runs.
enum class SlotAction : unsigned char {
  start,           ///< enqueue it; nothing is in its way
  queue,           ///< enqueue it, to start when the running one is over
  skip,            ///< leave it out, and count it
  cancel_earlier,  ///< cancel the runs that wait or are running, then enqueue it
};
/// `running` and `waiting` count the live runs of this one schedule.
[[nodiscard]] SlotAction decide_overlap(Overlap overlap, int running, int waiting) noexcept;

/// What a schedule says about its slots.
struct SlotRules {
  MissedRules missed{};
  Overlap overlap = Overlap::queue_one;
  bool paused = false;
};

/// What the slots that have come due amount to.
struct Turn {
  std::vector<WallTime> starts{};   ///< get a run now; oldest first
  std::optional<WallTime> waits{};  ///< gets one once no run is live
  bool cancels = false;             ///< what is live is cancelled first
  std::uint64_t skipped = 0;        ///< the others
  std::uint64_t behind = 0;         ///< of these, those later than the one that waits
  std::optional<WallTime> last{};   ///< the newest of all; unset: none has come
};

/// What becomes of the slots later than `last` that are due by `now`, beside so many live runs of the schedule, and
/// where a slot waits for these already. Asked by both tiers: closures' schedules and stored ones.
[[nodiscard]] Turn take_turn(const Timetable& timetable, WallTime last, WallTime now, const SlotRules& rules, int live,
                             bool one_waits);

}  // namespace v0
}  // namespace errand
