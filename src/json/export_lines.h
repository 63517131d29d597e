#pragma once
// The lines of an export.

#include <errand/result.h>
#include <errand/store.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace errand {
inline namespace v0 {
namespace transfer {

inline constexpr std::string_view kFormat = "errand export";
inline constexpr int kVersion = 1;

/// The last line: how many others there were.
struct End {
  std::uint64_t pauses = 0;
  std::uint64_t schedules = 0;
  std::uint64_t tasks = 0;

  bool operator==(const End&) const = default;
};
/// One of these.
struct Line {
  std::optional<std::string> pause{};  ///< a queue
  std::optional<KeptSchedule> schedule{};
  std::optional<KeptTask> task{};
  std::optional<End> end{};
};

// Each with its newline. `invalid` where a text is no UTF-8.
[[nodiscard]] std::string first_line();
[[nodiscard]] Result<std::string> line_of_pause(const std::string& queue);
[[nodiscard]] Result<std::string> line_of(const KeptSchedule& schedule);
[[nodiscard]] Result<std::string> line_of(const KeptTask& task);
[[nodiscard]] Result<std::string> line_of(const End& end);

/// Whether an export that begins with this line can be read here.
[[nodiscard]] Result<void> check_first_line(std::string_view line);
/// What the line stands for, fit to be given to a store.
[[nodiscard]] Result<Line> read_line(std::string_view line);

}  // namespace transfer
}  // namespace v0
}  // namespace errand
