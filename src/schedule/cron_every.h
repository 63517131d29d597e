#pragma once
// The duration of `@every`.

#include "schedule/cron_expression.h"
#include "schedule/text.h"

namespace errand {
inline namespace v0 {

/// Reads "1h30m" into `every`; returns what is wrong with it.
[[nodiscard]] std::optional<CronRemark> read_duration(std::string_view text, Word word, Duration& every);

}  // namespace v0
}  // namespace errand
