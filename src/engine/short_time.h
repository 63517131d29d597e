#pragma once
// Spans of time in 32 bits: 26 bits of value and 6 of exponent, so exact to 2^-26 of themselves.

#include <bit>
#include <cstdint>

namespace errand {
inline namespace v0 {
namespace detail {

constexpr std::uint32_t to_short_time(std::int64_t ns) noexcept {
  const auto value = static_cast<std::uint64_t>(ns < 0 ? 0 : ns);
  const int width = std::bit_width(value);
  const int shift = width > 26 ? width - 26 : 0;
  return (static_cast<std::uint32_t>(shift) << 26) | static_cast<std::uint32_t>(value >> shift);
}

constexpr std::int64_t from_short_time(std::uint32_t time) noexcept {
  return static_cast<std::int64_t>(std::uint64_t{time & 0x3ffffff} << (time >> 26));
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
