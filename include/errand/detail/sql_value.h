#pragma once
// How values of C++ become parameters of a statement, and what its rows hold.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace errand {
inline namespace v0 {
namespace detail {

enum class SqlType : unsigned char {
  null,
  integer,
  real,
  text,
  bytes,
  too_large,  ///< an unsigned integer that fits in no integer of SQL's
};

/// Borrows texts and bytes, for one call.
struct SqlArgument {
  SqlType type = SqlType::null;
  std::int64_t integer = 0;
  double real = 0;
  std::string_view bytes{};
};

/// A column of a row.
struct SqlValue {
  SqlType type = SqlType::null;
  std::int64_t integer = 0;
  double real = 0;
  std::string bytes{};
};

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;
template <class T>
inline constexpr bool kIsCharacter =
    std::is_same_v<T, char> || std::is_same_v<T, wchar_t> || std::is_same_v<T, char8_t> ||
    std::is_same_v<T, char16_t> || std::is_same_v<T, char32_t>;

template <class T>
[[nodiscard]] SqlArgument sql_argument(const T& value) {
  if constexpr (std::is_same_v<T, std::nullptr_t>) {
    return {};
  } else if constexpr (kIsOptional<T>) {
    return value ? sql_argument(*value) : SqlArgument{};
  } else if constexpr (std::is_integral_v<T>) {
    static_assert(!kIsCharacter<T>, "a character is neither a number nor a text; say which");
    if constexpr (std::is_unsigned_v<T> && sizeof(T) == sizeof(std::int64_t)) {
      if (value > static_cast<std::uint64_t>(INT64_MAX)) return {.type = SqlType::too_large};
    }
    return {.type = SqlType::integer, .integer = static_cast<std::int64_t>(value)};
  } else if constexpr (std::is_floating_point_v<T>) {
    return {.type = SqlType::real, .real = static_cast<double>(value)};
  } else if constexpr (std::is_convertible_v<const T&, const char*>) {
    const char* const text = value;
    return text != nullptr ? SqlArgument{.type = SqlType::text, .bytes = text} : SqlArgument{};
  } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    return {.type = SqlType::text, .bytes = value};
  } else {
    static_assert(std::is_convertible_v<const T&, std::span<const std::byte>>,
                  "expected a number, a text, bytes, nullptr, or an optional one of these");
    const std::span<const std::byte> bytes = value;
    return {.type = SqlType::bytes, .bytes = {reinterpret_cast<const char*>(bytes.data()), bytes.size()}};
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
