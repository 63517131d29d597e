#pragma once
// Texts that came from anywhere, made fit to be kept.

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

/// Whether `text` is UTF-8 as it stands. NUL is a character like others here.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

/// The same error with a clean message.
[[nodiscard]] Error clean_error(const Error& error);

}  // namespace v0
}  // namespace errand
