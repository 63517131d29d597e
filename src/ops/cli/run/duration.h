#pragma once
// Durations as people type them.

#include <errand/clock.h>
#include <errand/result.h>

#include <string_view>

namespace errand::cli {

/// Reads "500ms", "2s", "1.5h", "1m30s", and a bare number as seconds. Units are ms, s, m (or min), h and d.
///
/// Errors: `invalid`: "expected a duration such as 500ms, 2s or 1m30s, got ..."; above ten years "expected at most
/// 3650d, got ...".
[[nodiscard]] Result<Duration> parse_duration(std::string_view text);

/// The duration to the second, in at most two units: "42s", "3m05s", "2h10m", "4d06h".
[[nodiscard]] std::string rough_text(Duration duration);

}  // namespace errand::cli
