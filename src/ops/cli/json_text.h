#pragma once
// Texts as JSON; see docs/decisions/0010-libraries-that-wait.md for why no library writes them.

#include <string>
#include <string_view>

namespace errand::cli {

/// A JSON string, quotes included. What is no UTF-8 becomes U+FFFD; NUL stays what it is, as \u0000.
[[nodiscard]] std::string json_string(std::string_view text);
/// The member `"name":"text"`, and where `text` is no UTF-8, also `"name_base64":"..."` with all of its bytes.
[[nodiscard]] std::string json_member(std::string_view name, std::string_view text);
[[nodiscard]] std::string base64(std::string_view bytes);

}  // namespace errand::cli
