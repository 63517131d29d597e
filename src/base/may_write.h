#pragma once
// Whether the system lets this process write somewhere.

#include <optional>
#include <string>

namespace errand {
inline namespace v0 {

/// What keeps this process from writing the file PATH, or from making files beside it, and what to do about it: for who
/// has tried, and failed. Nothing where it is something else.
[[nodiscard]] std::optional<std::string> why_not_writable(const std::string& path);

}  // namespace v0
}  // namespace errand
