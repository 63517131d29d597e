#pragma once
// The next match of an expression on the clock on the wall, where no clock is ever changed.

#include "schedule/cron_expression.h"

#include <chrono>
#include <optional>

namespace errand {
inline namespace v0 {

/// The first local second from `from` on, and before `end`, that all fields match. Jumps over months, days and hours
/// that don't. REQUIRES: not `@every`.
[[nodiscard]] std::optional<std::chrono::local_seconds> next_match(const CronExpression& expression,
                                                                   std::chrono::local_seconds from,
                                                                   std::chrono::local_seconds end) noexcept;

}  // namespace v0
}  // namespace errand
