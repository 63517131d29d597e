#pragma once
/// What a schedule does where the clock, the program or its own runs get in the way.

#include <string_view>

namespace errand {
inline namespace v0 {

/// Fixed times that a clock change removes or repeats, such as 02:30 on the two days of the year. A schedule whose
/// minute or hour field starts with `*` fires by what the clock on the wall shows, whatever is chosen here.
enum class Dst : unsigned char {
  after,  ///< removed: once, at the first instant after the gap; repeated: at its first occurrence
  skip,   ///< removed: not at all; repeated: at its first occurrence
  both,   ///< removed: once, at the first instant after the gap; repeated: at both occurrences
};

/// Slots that passed while nobody was there to run them. Those left out are counted, and are not failures.
enum class Missed : unsigned char {
  skip,    ///< left out
  latest,  ///< the newest one is made up for
  all,     ///< each is made up for, oldest first, up to ScheduleOptions::catch_up_cap
};

/// A slot that comes while an earlier run of its own schedule is waiting or running.
enum class Overlap : unsigned char {
  skip,             ///< left out, and counted
  queue_one,        ///< waits for the running one; left out if one waits already
  cancel_previous,  ///< takes the place of the earlier run, which is cancelled
  allow,            ///< runs beside it
};

/// The words used in JSON, SQL and on the command line: "after", "latest", "queue_one".
[[nodiscard]] std::string_view to_string(Dst dst) noexcept;
[[nodiscard]] std::string_view to_string(Missed missed) noexcept;
[[nodiscard]] std::string_view to_string(Overlap overlap) noexcept;

}  // namespace v0
}  // namespace errand
