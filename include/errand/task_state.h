#pragma once
/// The states a task can be in, and why an attempt was asked to stop.

#include <string_view>

namespace errand {
inline namespace v0 {

enum class TaskState : unsigned char {
  refused,    ///< never taken: only a refused handle has it
  scheduled,  ///< waits for its time
  blocked,    ///< waits for other tasks
  available,  ///< waits for a worker
  running,    ///< its body is at work
  retryable,  ///< failed, and waits for its next attempt
  completed,  ///< final: it succeeded
  cancelled,  ///< final: somebody ended it
  discarded,  ///< final: it failed and no attempt is left, or it was not worth another
};

/// completed, cancelled or discarded.
[[nodiscard]] constexpr bool is_final(TaskState state) noexcept {
  return state >= TaskState::completed;
}
/// The word used in JSON, SQL, metrics and on the command line: "available".
[[nodiscard]] std::string_view to_string(TaskState state) noexcept;

/// Why an attempt was asked to stop; the first reason stands.
enum class StopReason : unsigned char { none, cancelled, timed_out, shutting_down, lease_lost, caller };

[[nodiscard]] std::string_view to_string(StopReason reason) noexcept;

}  // namespace v0
}  // namespace errand
