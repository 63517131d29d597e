#pragma once
// What options may say, and what goes with them.

#include <errand/queue.h>

#include <optional>
#include <string>

namespace errand {
inline namespace v0 {
namespace detail {

/// What is wrong with these options: field, value and what is allowed; nothing if they are fine.
[[nodiscard]] std::optional<std::string> check(const TaskOptions& options);
[[nodiscard]] std::optional<std::string> check(const QueueOptions& options);
/// `by_interval`: for every(), else for cron().
[[nodiscard]] std::optional<std::string> check(const ScheduleOptions& options, bool by_interval);

/// Whether a task needs an Extra to be what these options say. Priority and delay need none.
[[nodiscard]] bool has_wishes(const TaskOptions& options);

/// The line that these options ask for; null for lanes.
[[nodiscard]] std::shared_ptr<WaitingLine> make_line(const QueueOptions& options);

}  // namespace detail
}  // namespace v0
}  // namespace errand
