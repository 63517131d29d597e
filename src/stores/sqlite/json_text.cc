#include "sqlite/json_text.h"

namespace errand {
inline namespace v0 {
namespace sqlite {

void append_string(std::string& json, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  json += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (byte < 0x20) {
      json += "\\u00";
      json += kHex[byte >> 4];
      json += kHex[byte & 15];
    } else {
      json += c;
    }
  }
  json += '"';
}

std::string array_of(const std::vector<std::string>& list) {
  std::string json;
  for (const std::string& text : list) {
    json += json.empty() ? '[' : ',';
    append_string(json, text);
  }
  if (!json.empty()) json += ']';
  return json;
}

std::string object_of(const Metadata& labels) {
  std::string json;
  for (const auto& [key, value] : labels) {
    json += json.empty() ? '{' : ',';
    append_string(json, key);
    json += ':';
    append_string(json, value);
  }
  if (!json.empty()) json += '}';
  return json;
}

}  // namespace sqlite
}  // namespace v0
}  // namespace errand
