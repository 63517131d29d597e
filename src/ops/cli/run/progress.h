#pragma once
// How far a run has come, for people.

#include "tally.h"

#include <errand/clock.h>

#include <optional>
#include <string>

namespace errand::cli {

/// The part of the work that is done, 0 to 1; nothing while the amount of work is unknown.
[[nodiscard]] std::optional<double> share_done(const Figures& figures);
/// How much longer it will take if it goes on as it did; nothing before there is anything to go by.
[[nodiscard]] std::optional<Duration> time_left(const Figures& figures, Duration elapsed);

/// "[#####---------]  36%  360/1000  8 running  2 failed  ETA 1m05s", cut to `width` columns.
[[nodiscard]] std::string progress_bar(const Figures& figures, Duration elapsed, int width);
/// "360 of 1000 done, 8 running, 2 failed, 1m05s left", for a log.
[[nodiscard]] std::string progress_line(const Figures& figures, Duration elapsed);

}  // namespace errand::cli
