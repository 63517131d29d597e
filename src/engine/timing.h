#pragma once
// When a schedule is to fire, from what its queue was told. The same for both tiers.

#include <errand/result.h>
#include <errand/schedule.h>

#include <string>
#include <string_view>

#include "schedule/slots.h"

namespace errand {
inline namespace v0 {
namespace detail {

/// `invalid`: why a schedule of this queue is refused.
[[nodiscard]] Error bad_schedule(const std::string& queue, const std::string& why);

/// Every `interval` from `now` on. Checks the options as well.
[[nodiscard]] Result<Timetable> interval_timetable(const std::string& queue, Duration interval,
                                                   const ScheduleOptions& options, WallTime now);
/// By a cron expression; `now` is the anchor of "@every". Checks the options as well, and logs what is odd about it.
[[nodiscard]] Result<Timetable> cron_timetable(const std::string& queue, std::string_view expression,
                                               const ScheduleOptions& options, WallTime now);

}  // namespace detail
}  // namespace v0
}  // namespace errand
