#pragma once
// How an export writes what is in no table of <errand/json.h>: moments, words, bytes, numbers within limits.
//
// Each of these stands in front of a value while that is written or read.

#include <errand/json.h>
#include <errand/store.h>

#include <climits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace errand {
inline namespace v0 {
namespace transfer {

/// An integer with limits; what is read outside of them is refused.
struct Number {
  int& value;
  int least = 0;
  int most = INT_MAX;
};

/// Microseconds since 1970.
struct Moment {
  WallTime& at;
};

/// An enumerator, by the word that it has everywhere.
template <class E>
struct Word {
  E& value;
};

/// Base64, of bytes that are no text.
struct Base64 {
  std::string& bytes;
};

[[nodiscard]] constexpr std::string_view word_of(Aside aside) noexcept {
  return aside == Aside::held ? "held" : aside == Aside::no_handler ? "no_handler" : "no";
}
template <class E>
[[nodiscard]] std::string_view word_of(E value) noexcept {
  return to_string(value);
}

template <class E>
inline constexpr E kLast = E{};
template <>
inline constexpr TaskState kLast<TaskState> = TaskState::discarded;
template <>
inline constexpr Code kLast<Code> = Code::unavailable;
template <>
inline constexpr Aside kLast<Aside> = Aside::no_handler;
template <>
inline constexpr OnClash kLast<OnClash> = OnClash::replace_time;
template <>
inline constexpr Dst kLast<Dst> = Dst::both;
template <>
inline constexpr Missed kLast<Missed> = Missed::all;
template <>
inline constexpr Overlap kLast<Overlap> = Overlap::allow;

template <class E>
[[nodiscard]] detail::JsonWords words_of() {
  static const std::vector<detail::JsonWord> kWords = [] {
    std::vector<detail::JsonWord> words;
    for (int i = 0; i <= static_cast<int>(kLast<E>); ++i) words.push_back({word_of(static_cast<E>(i)), i});
    return words;
  }();
  return kWords;
}

/// Beyond it a moment does not fit in nanoseconds.
inline constexpr std::int64_t kMostMicros = INT64_MAX / 1000;

/// A field whose value stands in front of another one.
template <class T>
[[nodiscard]] bool read_field(const JsonReader& in, std::string_view name, T front) {
  return in.field(name, front);
}
template <class T>
[[nodiscard]] bool write_unless(JsonWriter& out, std::string_view name, const T& value, const T& usual) {
  return value == usual || out.field(name, value);
}
[[nodiscard]] inline bool write_unless_empty(JsonWriter& out, std::string_view name, const std::string& text) {
  return text.empty() || out.field(name, text);
}

[[nodiscard]] bool write_moment(JsonWriter& out, std::string_view name, const std::optional<WallTime>& at);
[[nodiscard]] bool read_moment(const JsonReader& in, std::string_view name, std::optional<WallTime>& at);
/// As text where they are some, else as base64 in a field of the other name; none where there are none.
[[nodiscard]] bool write_bytes(JsonWriter& out, std::string_view name, std::string_view base64_name,
                               const std::string& bytes);
[[nodiscard]] bool read_bytes(const JsonReader& in, std::string_view name, std::string_view base64_name,
                              std::string& bytes);

}  // namespace transfer

template <>
struct Json<transfer::Number> {
  static bool write(JsonWriter& out, const transfer::Number& number) {
    return out.integer(static_cast<std::int64_t>(number.value));
  }
  static bool read(const JsonReader& in, transfer::Number& number) {
    std::int64_t value = 0;
    if (!in.integer(value, number.least, number.most)) return false;
    number.value = static_cast<int>(value);
    return true;
  }
};

template <>
struct Json<transfer::Moment> {
  static bool write(JsonWriter& out, const transfer::Moment& moment) {
    const std::int64_t micros = std::chrono::floor<std::chrono::microseconds>(moment.at).time_since_epoch().count();
    return out.integer(std::max(micros, -transfer::kMostMicros));
  }
  static bool read(const JsonReader& in, transfer::Moment& moment) {
    std::int64_t micros = 0;
    if (!in.integer(micros, -transfer::kMostMicros, transfer::kMostMicros)) return false;
    moment.at = WallTime(std::chrono::microseconds(micros));
    return true;
  }
};

template <class E>
struct Json<transfer::Word<E>> {
  static bool write(JsonWriter& out, const transfer::Word<E>& word) {
    return out.word(transfer::words_of<E>(), static_cast<std::int64_t>(word.value));
  }
  static bool read(const JsonReader& in, transfer::Word<E>& word) {
    std::int64_t value = 0;
    if (!in.word(transfer::words_of<E>(), value)) return false;
    word.value = static_cast<E>(value);
    return true;
  }
};

template <>
struct Json<transfer::Base64> {
  static bool write(JsonWriter& out, const transfer::Base64& base64) {
    return out.base64(std::as_bytes(std::span(base64.bytes.data(), base64.bytes.size())));
  }
  static bool read(const JsonReader& in, transfer::Base64& base64) {
    std::vector<std::byte> bytes;
    if (!in.base64(bytes)) return false;
    base64.bytes.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return true;
  }
};

}  // namespace v0
}  // namespace errand
