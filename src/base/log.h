#pragma once
// What the library says on its own account.

#include <string_view>

#include <errand/log.h>

namespace errand {
inline namespace v0 {

/// Hands one line to the process's logger. Any thread, never under a lock.
void log(LogLevel level, std::string_view queue, std::string_view text) noexcept;

}  // namespace v0
}  // namespace errand
