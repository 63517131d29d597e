#pragma once
// What an export says of a task and of a schedule.

#include <errand/json.h>
#include <errand/store.h>

#include <optional>
#include <string>
#include <string_view>

namespace errand {
inline namespace v0 {
namespace transfer {

// Types of their own, so that a program's own Json<KeptTask>, if it has one, is another one.
struct TaskFields {
  KeptTask kept{};
};
struct ScheduleFields {
  KeptSchedule kept{};
};

/// UTF-8 without NUL, which is what stores keep as text.
[[nodiscard]] bool is_text(std::string_view text) noexcept;
/// "name: expected ...", of what was read; nothing where a store can have it as it is.
[[nodiscard]] std::optional<std::string> what_is_wrong(const KeptTask& task);
[[nodiscard]] std::optional<std::string> what_is_wrong(const KeptSchedule& schedule);

}  // namespace transfer

template <>
struct Json<transfer::TaskFields> {
  static bool write(JsonWriter& out, const transfer::TaskFields& task);
  static bool read(const JsonReader& in, transfer::TaskFields& task);
};
template <>
struct Json<transfer::ScheduleFields> {
  static bool write(JsonWriter& out, const transfer::ScheduleFields& schedule);
  static bool read(const JsonReader& in, transfer::ScheduleFields& schedule);
};

}  // namespace v0
}  // namespace errand
