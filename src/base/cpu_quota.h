#pragma once
// How much processor time the control groups of this process leave it.

#include <optional>
#include <string>

namespace errand {
inline namespace v0 {

/// In processors, such as 1.5: the smallest quota among this process's control group and those it is inside of; nothing
/// where none has one. `root` is where `/proc` and `/sys` are looked for: "" for the machine's own.
[[nodiscard]] std::optional<double> cpu_quota(const std::string& root);

}  // namespace v0
}  // namespace errand
