#pragma once
// The texts of errors, and the strings in JSON.

#include <errand/detail/json_fields.h>
#include <errand/detail/json_path.h>
#include <errand/result.h>

#include <string>
#include <string_view>

namespace errand {
inline namespace v0 {

/// How deep arrays and objects may lie inside one another. Bounds the stack that reading takes.
inline constexpr int kMaxDepth = 64;

/// `text` as a JSON string. REQUIRES: it is UTF-8.
[[nodiscard]] std::string json_string(std::string_view text);

/// The shortest text that reads back as the same value, and as a number with a fraction: without it -0 would be the
/// integer 0, and other programs would take a whole number for another type. REQUIRES: finite.
[[nodiscard]] std::string number_text(double value);
[[nodiscard]] std::string number_text(float value);

/// A string for errors: any bytes, and no more of them than a reader wants to see.
[[nodiscard]] std::string shown_string(std::string_view text);

/// "json: WelcomeMail.receipts[2].code: WHY", as `invalid`.
[[nodiscard]] Error json_error(const detail::JsonStep& at, std::string_view why);

/// "one of red, green"
[[nodiscard]] std::string one_of(detail::JsonWords words);

}  // namespace v0
}  // namespace errand
