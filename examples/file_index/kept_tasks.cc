#include "kept_tasks.h"

#include <charconv>

namespace {

constexpr std::string_view kDigits = "0123456789ABCDEF";

bool is_plain(char c) {
  return c >= ' ' && c <= '~' && c != '%';
}

// False where it is not what escaped() makes.
bool unescape(std::string_view text, std::string& bytes) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      bytes += text[at];
      continue;
    }
    if (text.size() - at < 3) return false;
    unsigned char byte = 0;
    const char* const end = text.data() + at + 3;
    const auto [stop, error] = std::from_chars(text.data() + at + 1, end, byte, 16);
    if (error != std::errc() || stop != end) return false;
    bytes += static_cast<char>(byte);
    at += 2;
  }
  return true;
}

std::string escaped(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_plain(c)) {
      text += c;
    } else {
      text.append(1, '%').append(1, kDigits[byte / 16]).append(1, kDigits[byte % 16]);
    }
  }
  return text;
}

}  // namespace

bool errand::Json<Path>::write(JsonWriter& out, const Path& path) {
  return out.string(escaped(path.bytes));
}

bool errand::Json<Path>::read(const JsonReader& in, Path& path) {
  std::string text;
  if (!in.string(text)) return false;
  path.bytes.clear();
  return unescape(text, path.bytes) || in.expected("a path, with two digits behind each %");
}
