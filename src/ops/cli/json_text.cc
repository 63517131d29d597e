#include "json_text.h"

#include "core/text.h"

#include <cstdint>
#include <cstdio>
#include <limits>

namespace errand::cli {

namespace {

constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

// Calls `take` for the parts between NULs, which clean_text() would replace.
template <class Take>
void split_at_nul(std::string_view text, Take take) {
  for (;;) {
    const auto nul = text.find('\0');
    take(text.substr(0, nul), nul != std::string_view::npos);
    if (nul == std::string_view::npos) return;
    text.remove_prefix(nul + 1);
  }
}

bool is_utf8(std::string_view text) {
  bool valid = true;
  split_at_nul(text, [&valid](std::string_view part, bool) { valid = valid && clean_text(part, kAll) == part; });
  return valid;
}

void append_character(std::string& json, char c) {
  const auto byte = static_cast<unsigned char>(c);
  switch (c) {
    case '"':
      json += "\\\"";
      return;
    case '\\':
      json += "\\\\";
      return;
    case '\n':
      json += "\\n";
      return;
    case '\t':
      json += "\\t";
      return;
    case '\r':
      json += "\\r";
      return;
    default:
      break;
  }
  if (byte >= 0x20 && byte != 0x7f) {
    json += c;
    return;
  }
  char escaped[8];
  std::snprintf(escaped, sizeof escaped, "\\u%04x", byte);
  json += escaped;
}

}  // namespace

std::string json_string(std::string_view text) {
  std::string json = "\"";
  split_at_nul(text, [&json](std::string_view part, bool nul) {
    for (const char c : clean_text(part, kAll)) append_character(json, c);
    if (nul) json += "\\u0000";
  });
  return json += '"';
}

std::string json_member(std::string_view name, std::string_view text) {
  std::string json = "\"" + std::string(name) + "\":" + json_string(text);
  if (!is_utf8(text)) json += ",\"" + std::string(name) + "_base64\":\"" + base64(text) + "\"";
  return json;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto three = bytes.substr(i, 3);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (k < three.size() ? static_cast<unsigned char>(three[k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k) text += k <= three.size() ? kDigits[bits >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

}  // namespace errand::cli
