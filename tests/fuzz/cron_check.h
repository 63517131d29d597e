#pragma once
// What has to hold for every text that somebody takes for a cron expression. The fuzzer and the test with mutated
// expressions ask the same.

#include <string>
#include <string_view>

namespace errand {

struct CronChecked {
  bool accepted = false;
  std::string broken{};  ///< which promise was broken, and how; empty: none
};

/// Reads `text` as a cron expression:
///   - refused: the reason is printable, and its column lies in the text, or right behind it;
///   - accepted: written down again from its parts it has the same parts and the same fires; it can be described;
///   - in each zone its fires are later than the moment asked for, rise strictly, and do not depend on where one asks;
///     finding them takes no more than seconds of CPU time, by far.
[[nodiscard]] CronChecked check_cron(std::string_view text);

}  // namespace errand
