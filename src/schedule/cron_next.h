#pragma once
// When an expression fires next, through every change of the clock.
//
// A schedule whose minute or hour field starts with `*` follows the clock on the wall: it fires at every instant whose
// local reading matches. All others have fixed times, and these are looked after where the clock changes:
//
//   forward    01:59:59 ──► 03:00:00     the times in between are missing: all that match fire together, once, at
//                                        03:00:00, unless dst is `skip`
//   backward   02:59:59 ──► 02:00:00     the readings from 02:00:00 to 02:59:59 come again: they fire the first time
//   only,
//                                        unless dst is `both`

#include "schedule/cron_expression.h"
#include "schedule/zone.h"

#include <errand/schedule_policy.h>

namespace errand {
inline namespace v0 {

/// How far ahead a fire time is looked for.
inline constexpr std::chrono::years kSearchBound{50};

/// The first fire time strictly later than `after`, or nothing within 50 years. Asked again and again with its own
/// answer it rises strictly. `@every` counts from `after`; where there is an anchor, ask next_slot().
///
/// Units:   whole seconds, but for `@every`.
/// Threads: pure.
[[nodiscard]] std::optional<WallTime> next(const CronExpression& expression, const Zone& zone, Dst dst, WallTime after);

/// "never fires: ...", the reason that check_fires() gives.
[[nodiscard]] std::string never_fires(const Zone& zone, WallTime from);

/// Code::invalid for an expression that never fires within 50 years of `from`, such as `0 0 31 2 *`.
[[nodiscard]] Result<void> check_fires(const CronExpression& expression, const Zone& zone, Dst dst, WallTime from);

}  // namespace v0
}  // namespace errand
