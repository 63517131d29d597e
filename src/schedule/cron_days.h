#pragma once
// On which days of a month an expression fires.

#include "schedule/cron_expression.h"

#include <chrono>

namespace errand {
inline namespace v0 {

/// Bit d is set for each day d, 1 to 31, that the month has and the day fields match. The month field is not asked.
///
/// With both day fields restricted either one is enough, else both have to match; a field that starts with `*` counts
/// as unrestricted even if it leaves days out, as in `*/2`.
[[nodiscard]] std::uint32_t matching_days(const CronExpression& expression, std::chrono::year_month month) noexcept;

}  // namespace v0
}  // namespace errand
