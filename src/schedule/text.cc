#include "schedule/text.h"

#include <algorithm>

namespace errand {
inline namespace v0 {

namespace {

constexpr std::size_t kLongestShown = 200;

std::string hex(char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  return {'\\', 'x', digits[byte / 16], digits[byte % 16]};
}

bool is_odd(char c) {
  return c < ' ' || c > '~';
}

}  // namespace

std::vector<Word> split_words(std::string_view text) {
  std::vector<Word> words;
  constexpr std::string_view blanks = " \t";
  std::size_t at = text.find_first_not_of(blanks);
  while (at != std::string_view::npos) {
    const std::size_t end = std::min(text.find_first_of(blanks, at), text.size());
    words.push_back({at, end - at});
    at = text.find_first_not_of(blanks, end);
  }
  return words;
}

std::string lower(std::string_view text) {
  std::string small(text);
  for (char& c : small) c = lower(c);
  return small;
}

std::string shown(char c) {
  if (static_cast<unsigned char>(c) >= 0x80) return "byte " + hex(c) + " (not ASCII)";
  return is_odd(c) ? "byte " + hex(c) : std::string("'") + c + "'";
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, kLongestShown)) {
    if (is_odd(c)) {
      out += hex(c);
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + (text.size() > kLongestShown ? "...\"" : "\"");
}

}  // namespace v0
}  // namespace errand
