#pragma once
/// What happens in a queue, for observers.

#include <errand/clock.h>
#include <errand/task_id.h>
#include <errand/task_state.h>

#include <cstdint>
#include <string_view>

namespace errand {
inline namespace v0 {

/// One move of one task.
struct TaskEvent {
  TaskId id{};
  TaskState to{};
  int attempt = 0;
  WallTime at{};
};

}  // namespace v0
}  // namespace errand
