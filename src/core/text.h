#pragma once
// Words for people: texts that came from anywhere, and durations.

#include <errand/clock.h>
#include <errand/result.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace errand {
inline namespace v0 {

/// What is kept of an error's text. Longer ones are cut.
inline constexpr std::size_t kMaxErrorText = 8 * 1024;

/// `text` as every store and every JSON reader can take it: valid UTF-8 without NUL, of at most `most` bytes.
///
/// What is not valid becomes U+FFFD, one for each byte that cannot be part of a character; a cut falls between two
/// characters. Looks at no more of `text` than it keeps.
[[nodiscard]] std::string clean_text(std::string_view text, std::size_t most = kMaxErrorText);

/// The same error with a clean message.
[[nodiscard]] Error clean_error(const Error& error);

/// The duration as one would write it in code, exact and short: "30s", "1500ms", "2h", "0s".
[[nodiscard]] std::string to_text(Duration duration);

}  // namespace v0
}  // namespace errand
