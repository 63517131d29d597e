#pragma once
// Plain text: ASCII only, and independent of the locale.

#include <string>
#include <string_view>
#include <vector>

namespace errand {
inline namespace v0 {

/// A run of characters between blanks, by its place in the whole text.
struct Word {
  std::size_t begin;
  std::size_t size;
  [[nodiscard]] std::size_t end() const noexcept { return begin + size; }
};

[[nodiscard]] std::vector<Word> split_words(std::string_view text);

[[nodiscard]] constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}
[[nodiscard]] constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
[[nodiscard]] constexpr bool is_letter(char c) noexcept {
  return lower(c) >= 'a' && lower(c) <= 'z';
}
[[nodiscard]] std::string lower(std::string_view text);

/// What stands there, for a message: "'x'", or "byte \xc3 (not ASCII)".
[[nodiscard]] std::string shown(char c);

/// The text in quotes, fit for one line of a message: odd bytes as \xNN, and cut where it is very long.
[[nodiscard]] std::string in_quotes(std::string_view text);

}  // namespace v0
}  // namespace errand
