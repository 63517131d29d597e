#pragma once
// The handle of a named task, behind Task<T>.

#include <errand/task.h>

#include <optional>

namespace errand {
inline namespace v0 {
namespace detail {

/// What a handle asks that is not of a closure. Threads: one at a time, as with Task.
struct NamedHandle {
  virtual ~NamedHandle() = default;

  [[nodiscard]] virtual TaskState state() const = 0;
  [[nodiscard]] virtual Result<TaskInfo> info() const = 0;
  [[nodiscard]] virtual Result<void> cancel() const = 0;
  /// Whether it is final now; if not, whoever ends it will call note_named_end().
  [[nodiscard]] virtual bool ended_or_watched() const = 0;
  /// True once it is final; false after `until`, and where waiting here could never end.
  [[nodiscard]] virtual bool wait(std::optional<SteadyTime> until) const = 0;
  [[nodiscard]] virtual bool never_ends_here() const = 0;
  /// Waits, then the output into the std::optional<T> that `value` points to.
  [[nodiscard]] virtual Result<void> output(void* value) const = 0;
  [[nodiscard]] virtual Clock& clock() const = 0;

  bool existed = false;
  bool replaced = false;
};

/// For wait_any(): a named task ended that somebody watches.
void note_named_end(Clock& clock);

}  // namespace detail
}  // namespace v0
}  // namespace errand
