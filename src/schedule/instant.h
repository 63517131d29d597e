#pragma once
// Moments as text: RFC 3339.

#include "schedule/zone.h"

#include <errand/clock.h>

namespace errand {
inline namespace v0 {

/// "2026-03-29T01:00:00Z"; with a fraction only where there is one.
[[nodiscard]] std::string format_instant(WallTime at);

/// What the zone's clocks show: "2026-03-29 03:00:00 +02:00 CEST".
[[nodiscard]] std::string format_local(WallTime at, const Zone& zone);

/// Reads "2026-03-29T01:00:00Z", "2026-03-29T03:00+02:00", and without an offset the zone's own time: "2026-03-29
/// 03:00", "2026-03-29". A local time that the clock jumps over is the end of the gap; one that it shows twice is the
/// first.
///
/// Errors: `invalid`, with what is wrong and what is expected.
[[nodiscard]] Result<WallTime> parse_instant(std::string_view text, const Zone& zone);

}  // namespace v0
}  // namespace errand
