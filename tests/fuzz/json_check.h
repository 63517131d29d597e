#pragma once
// What has to hold for every text that somebody takes for JSON. The fuzzer and the test with mutated texts ask the
// same.

#include <string>
#include <string_view>

namespace errand {

struct JsonChecked {
  bool parsed = false;    ///< it is JSON
  bool accepted = false;  ///< it is JSON of the type that was asked for
  std::string broken{};   ///< which promise was broken, and how; empty: none
};

/// Reads `text`:
///   - refused: the reason is `invalid`, short and of one line, and names the type;
///   - accepted: written again, and read again, it is the same;
///   - it is JSON to us if and only if it is JSON to nlohmann/json, but for the limits we have and it has not.
[[nodiscard]] JsonChecked check_json(std::string_view text);

}  // namespace errand
