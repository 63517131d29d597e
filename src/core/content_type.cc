#include <errand/codec.h>

#include <algorithm>

namespace errand {
inline namespace v0 {

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

}  // namespace

bool is_content_type(std::string_view content_type, std::string_view expected) noexcept {
  const std::string_view type = trimmed(content_type.substr(0, content_type.find(';')));
  return std::equal(type.begin(), type.end(), expected.begin(), expected.end(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

}  // namespace v0
}  // namespace errand
