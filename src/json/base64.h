#pragma once
// Base64 as RFC 4648 has it: the alphabet with + and /, and padding.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace errand {
inline namespace v0 {

void append_base64(std::string& text, std::span<const std::byte> bytes);

/// False for anything that append_base64() does not write: spaces, missing padding, bits that belong to no byte.
[[nodiscard]] bool read_base64(std::string_view text, std::vector<std::byte>& bytes);

}  // namespace v0
}  // namespace errand
