#pragma once
// How ERRAND_JSON and ERRAND_JSON_ENUM take their lists apart, and how what they define is found again.

#include <concepts>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

// For each of a list: the macro names itself, and each scan of EXPAND takes one more item off the list. 85 scans.
#define ERRAND_DETAIL_PARENS ()
#define ERRAND_DETAIL_EXPAND(...) \
  ERRAND_DETAIL_EXPAND3(ERRAND_DETAIL_EXPAND3(ERRAND_DETAIL_EXPAND3(ERRAND_DETAIL_EXPAND3(__VA_ARGS__))))
#define ERRAND_DETAIL_EXPAND3(...) \
  ERRAND_DETAIL_EXPAND2(ERRAND_DETAIL_EXPAND2(ERRAND_DETAIL_EXPAND2(ERRAND_DETAIL_EXPAND2(__VA_ARGS__))))
#define ERRAND_DETAIL_EXPAND2(...) \
  ERRAND_DETAIL_EXPAND1(ERRAND_DETAIL_EXPAND1(ERRAND_DETAIL_EXPAND1(ERRAND_DETAIL_EXPAND1(__VA_ARGS__))))
#define ERRAND_DETAIL_EXPAND1(...) __VA_ARGS__

#define ERRAND_DETAIL_FIELD(field, ...) \
  &&errand_each(#field, errand_self.field) __VA_OPT__(ERRAND_DETAIL_FIELD_AGAIN ERRAND_DETAIL_PARENS(__VA_ARGS__))
#define ERRAND_DETAIL_FIELD_AGAIN() ERRAND_DETAIL_FIELD

#define ERRAND_DETAIL_WORD(word, ...)                     \
  {#word, static_cast<::std::int64_t>(ErrandEnum::word)}, \
      __VA_OPT__(ERRAND_DETAIL_WORD_AGAIN ERRAND_DETAIL_PARENS(__VA_ARGS__))
#define ERRAND_DETAIL_WORD_AGAIN() ERRAND_DETAIL_WORD

namespace errand {
inline namespace v0 {
namespace detail {

// Makes argument-dependent lookup see T's namespace. A tag, since a pointer to T would also find what is said of T's
// base, and leave out T's own fields without a word.
template <class T>
struct JsonTag {};

struct JsonWord {
  std::string_view word;
  std::int64_t value;  // an unsigned one above it wraps around, to one that no other has
};
using JsonWords = std::span<const JsonWord>;

template <class T>
concept JsonStruct = requires {
  { errand_json_name(JsonTag<T>()) } -> std::same_as<const char*>;
};

template <class T>
concept JsonWordEnum = std::is_enum_v<T> && requires {
  { errand_json_words(JsonTag<T>()) } -> std::same_as<JsonWords>;
};

// What paths in errors begin with.
template <class T>
constexpr std::string_view json_name() {
  if constexpr (JsonStruct<T>) return errand_json_name(JsonTag<T>());
  return {};
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
