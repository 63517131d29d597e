#pragma once
/// The number a task keeps for life.

#include <errand/result.h>

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace errand {
inline namespace v0 {

/// 64 bits; 0 names no task. The top bit is clear in memory and set in stores.
///
/// An id of a store is the number that the task has there, and that number is its text.
/// An id of the memory tier carries a random generation, so that an id from another queue, or from an earlier run of
/// the program, is not found rather than mistaken for another task. As text it is "m" and 13 characters of base32; in
/// JSON a string.
struct TaskId {
  std::uint64_t value = 0;

  explicit operator bool() const noexcept { return value != 0; }
  auto operator<=>(const TaskId&) const = default;
};

[[nodiscard]] std::string to_string(TaskId id);
/// For fmt: `fmt::format("{}", id)`.
[[nodiscard]] inline std::string format_as(TaskId id) {
  return to_string(id);
}
/// Reads what to_string() wrote, in any case; anything else is `invalid`.
[[nodiscard]] Result<TaskId> parse_task_id(std::string_view text);

}  // namespace v0
}  // namespace errand

template <>
struct std::hash<errand::TaskId> {
  std::size_t operator()(errand::TaskId id) const noexcept {
    return static_cast<std::size_t>((id.value ^ (id.value >> 32)) * 0x9e3779b97f4a7c15);
  }
};
