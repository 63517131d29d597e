#pragma once
// How much of what is enqueued, and of what bodies leave, is kept.

#include <errand/result.h>
#include <errand/task_id.h>

#include <cstddef>
#include <string>

namespace errand {
inline namespace v0 {

inline constexpr std::size_t kMostPayload = 1 << 20;
/// Bytes of an output, as of a payload. An attempt that leaves more has failed.
inline constexpr std::size_t kMostOutput = 1 << 20;

[[nodiscard]] inline Error output_too_large(TaskId id, std::size_t bytes) {
  return {Code::too_large, "complete task " + to_string(id) + ": its output has " + std::to_string(bytes) +
                               " bytes, and at most " + std::to_string(kMostOutput) + " are kept"};
}

}  // namespace v0
}  // namespace errand
