#pragma once
/// Where the library's own messages go.

#include <errand/callback.h>

#include <string_view>

namespace errand {
inline namespace v0 {

enum class LogLevel : unsigned char { info, warning, error };

/// One message: `queue` may be empty. The views are valid during the call only.
struct LogLine {
  LogLevel level{};
  std::string_view queue{};
  std::string_view text{};
};

[[nodiscard]] std::string_view to_string(LogLevel level) noexcept;

/// Replaces the process's logger; an empty one brings back the default, a line of logfmt on stderr.
///
/// The logger is called from any thread, never under a lock of errand's, and what it throws is dropped.
void set_logger(Callback<void(const LogLine&)> logger);

}  // namespace v0
}  // namespace errand
