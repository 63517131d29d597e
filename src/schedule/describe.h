#pragma once
// A cron expression in English.

#include "schedule/cron_expression.h"

namespace errand {
inline namespace v0 {

/// "At 09:00, Monday to Friday"; "Every 15 minutes from 09:00 to 17:59, on day 1 of the month or on Monday".
[[nodiscard]] std::string describe(const CronExpression& expression);

}  // namespace v0
}  // namespace errand
