#include "base64.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace errand {
inline namespace v0 {

namespace {

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// The value of each digit, and -1 for what is none.
constexpr std::array<std::int8_t, 256> kValues = [] {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < kDigits.size(); ++i)
    values[static_cast<unsigned char>(kDigits[i])] = static_cast<std::int8_t>(i);
  return values;
}();

}  // namespace

void append_base64(std::string& text, std::span<const std::byte> bytes) {
  text.reserve(text.size() + (bytes.size() + 2) / 3 * 4);
  while (!bytes.empty()) {
    const std::size_t count = std::min<std::size_t>(bytes.size(), 3);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) group = group << 8 | (i < count ? std::to_integer<std::uint32_t>(bytes[i]) : 0);
    for (std::size_t i = 0; i < 4; ++i) text += i <= count ? kDigits[group >> (18 - 6 * i) & 63] : '=';
    bytes = bytes.subspan(count);
  }
}

bool read_base64(std::string_view text, std::vector<std::byte>& bytes) {
  bytes.clear();
  if (text.size() % 4 != 0) return false;
  bytes.reserve(text.size() / 4 * 3);
  for (; !text.empty(); text.remove_prefix(4)) {
    // Padding stands in the last group only: at most its last two digits.
    const std::size_t padding = text.size() > 4 || text[3] != '=' ? 0 : text[2] != '=' ? 1 : 2;
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const int value = i < 4 - padding ? kValues[static_cast<unsigned char>(text[i])] : 0;
      if (value < 0) return false;
      group = group << 6 | static_cast<std::uint32_t>(value);
    }
    if ((group & ((std::uint32_t{1} << (8 * padding)) - 1)) != 0) return false;
    for (std::size_t i = 0; i < 3 - padding; ++i) bytes.push_back(static_cast<std::byte>(group >> (16 - 8 * i) & 255));
  }
  return true;
}

}  // namespace v0
}  // namespace errand
