#pragma once
// Reads a cron expression.
//
//   expression = fields | nickname | "@every" duration        blanks are spaces and tabs; letters are of any case
//   fields     = [second] minute hour day-of-month month day-of-week
//   field      = item { "," item }
//   item       = ("*" | "?") [ "/" step ]
//              | value [ "-" value ] [ "/" step ]             value/step runs to the field's top
//              | "L" | "LW" | number "W"                      day-of-month
//              | value "#" n | value "L"                      day-of-week
//   value      = number | JAN ... DEC | SUN ... SAT           0 and 7 are Sunday; SUN as the end of a range is 7
//   nickname   = @yearly @annually @monthly @weekly @daily @midnight @hourly
//   duration   = number unit { number unit }                  unit = s m h d

#include "schedule/cron_expression.h"

#include <errand/result.h>

#include <string_view>
#include <variant>

namespace errand {
inline namespace v0 {

/// The expression, or the first thing that is wrong with it, in parts. Never throws on any input.
[[nodiscard]] std::variant<CronExpression, CronRemark> read_cron(std::string_view text);

/// The same as a Result: `cron "0 25 * * *": field hour, column 3: 25 is out of range 0-23`, Code::invalid.
[[nodiscard]] Result<CronExpression> parse_cron(std::string_view text);

/// "field hour, column 3: 25 is out of range 0-23".
[[nodiscard]] std::string to_string(const CronRemark& remark);

}  // namespace v0
}  // namespace errand
