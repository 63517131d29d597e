#include "core/text.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace errand {
inline namespace v0 {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

unsigned char byte_at(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

// The bytes of the valid character that `text` begins with, or 0. NUL counts as invalid here.
// The ranges of the second byte keep out overlong forms, surrogates, and what lies above U+10FFFF (Unicode, table 3-7).
std::size_t character_length(std::string_view text) {
  const unsigned char lead = byte_at(text, 0);
  if (lead != 0 && lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (text.size() < length) return 0;
  const unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte_at(text, 1) < low || byte_at(text, 1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((byte_at(text, i) & 0xC0) != 0x80) return 0;
  }
  return length;
}

// Most texts are plain ASCII, which is valid byte by byte.
bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c != 0 && (c & 0x80) == 0; });
}

bool is_clean(std::string_view text) {
  if (text.size() > kMaxErrorText) return false;
  if (is_ascii(text)) return true;
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace

std::string clean_text(std::string_view text, std::size_t most) {
  if (text.size() <= most && is_ascii(text)) return std::string(text);
  std::string clean;
  clean.reserve(std::min(text.size(), most));
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    const std::string_view next = length > 0 ? text.substr(0, length) : kReplacement;
    if (clean.size() + next.size() > most) break;
    clean += next;
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return clean;
}

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    // As a rule all of it is ASCII.
    std::uint64_t eight = 0;
    if (text.size() >= sizeof eight) {
      std::memcpy(&eight, text.data(), sizeof eight);
      if ((eight & 0x8080808080808080) == 0) {
        text.remove_prefix(sizeof eight);
        continue;
      }
    }
    const std::size_t length = text.front() == '\0' ? 1 : character_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

Error clean_error(const Error& error) {
  if (is_clean(error.message())) return error;
  return Error(error.code(), clean_text(error.message()), error.exception());
}

}  // namespace v0
}  // namespace errand
