#pragma once
// Which types have JSON, and how each is written and read.

#include <errand/detail/json_fields.h>
#include <errand/detail/json_reader.h>
#include <errand/detail/json_writer.h>
#include <errand/task_id.h>

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace errand {
inline namespace v0 {

/// How a T is written as JSON and read again. For a type that is not in the table of <errand/json.h>, specialise it:
///
///     template <>
///     struct errand::Json<Uuid> {
///       static bool write(JsonWriter& out, const Uuid& id) { return out.string(to_string(id)); }
///       static bool read(const JsonReader& in, Uuid& id) {
///         std::string text;
///         if (!in.string(text)) return false;
///         return parse(text, id) || in.expected("a UUID");
///       }
///     };
///
/// Errors:  false, after the writer or the reader has noted what is wrong.
template <class T>
struct Json;

/// A type that can be written as JSON and read again.
template <class T>
concept JsonType = requires(const T& from, T& to, JsonWriter& out, const JsonReader& in) {
  { Json<T>::write(out, from) } -> std::same_as<bool>;
  { Json<T>::read(in, to) } -> std::same_as<bool>;
};

namespace detail {

// Plain char is left out: to some it is a number and to some a character.
template <class T>
concept JsonInteger =
    std::integral<T> && sizeof(T) <= 8 && !std::same_as<T, bool> && !std::same_as<T, char> &&
    !std::same_as<T, wchar_t> && !std::same_as<T, char8_t> && !std::same_as<T, char16_t> && !std::same_as<T, char32_t>;

template <class T>
concept JsonFloating = std::same_as<T, float> || std::same_as<T, double>;

// E{0} is well-formed for enums with a fixed underlying type only. A value outside of another enum's range is
// undefined.
template <class T>
concept JsonNumberEnum = std::is_enum_v<T> && !JsonWordEnum<T> && requires { T{0}; };

template <class T>
concept JsonDuration = std::same_as<T, std::chrono::duration<typename T::rep, typename T::period>>;

// Known by their shape, so that nobody pays for <map> who has none.
template <class T>
concept JsonMap = !JsonStruct<T> && std::same_as<typename T::key_type, std::string> &&
                  requires(T& map, std::string key, typename T::mapped_type value) {
                    map.insert_or_assign(std::move(key), std::move(value));
                    map.clear();
                  };

template <class T>
concept JsonSequence =
    !JsonStruct<T> && !std::same_as<T, std::string> && requires(T& list, typename T::value_type value) {
      list.push_back(std::move(value));
      list.clear();
      list.begin() == list.end();
    };

struct JsonWriteField {
  JsonWriter& out;
  template <class T>
  bool operator()(const char* name, const T& value) const {
    static_assert(JsonType<T>,
                  "the type of this field has no JSON: list its fields with ERRAND_JSON next to it, or "
                  "specialise errand::Json; the types that have one stand in <errand/json.h>");
    return out.field(name, value);
  }
};

struct JsonReadField {
  const JsonReader& in;
  template <class T>
  bool operator()(const char* name, T& value) const {
    static_assert(JsonType<T>, "the type of this field has no JSON");
    return in.field(name, value);
  }
};

// What lies one after the other: each element is read where it stands.
template <class List>
bool json_write_elements(JsonWriter& out, const List& list) {
  if (!out.begin_array()) return false;
  std::size_t index = 0;
  for (const auto& each : list) {
    if (!out.element(index++, static_cast<const typename List::value_type&>(each))) return false;
  }
  return out.end_array();
}

}  // namespace detail

template <>
struct Json<bool> {
  static bool write(JsonWriter& out, bool value) { return out.boolean(value); }
  static bool read(const JsonReader& in, bool& value) { return in.boolean(value); }
};

template <detail::JsonInteger T>
struct Json<T> {
  using Limits = std::numeric_limits<T>;
  using Wide = std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>;

  static bool write(JsonWriter& out, T value) { return out.integer(static_cast<Wide>(value)); }
  static bool read(const JsonReader& in, T& value) {
    Wide wide = 0;
    if constexpr (std::is_signed_v<T>) {
      if (!in.integer(wide, Limits::min(), Limits::max())) return false;
    } else {
      if (!in.integer(wide, Limits::max())) return false;
    }
    value = static_cast<T>(wide);
    return true;
  }
};

template <detail::JsonFloating T>
struct Json<T> {
  static bool write(JsonWriter& out, T value) { return out.number(value); }
  static bool read(const JsonReader& in, T& value) { return in.number(value); }
};

template <>
struct Json<std::string> {
  static bool write(JsonWriter& out, const std::string& text) { return out.string(text); }
  static bool read(const JsonReader& in, std::string& text) { return in.string(text); }
};

template <detail::JsonWordEnum T>
struct Json<T> {
  static bool write(JsonWriter& out, T value) {
    return out.word(errand_json_words(detail::JsonTag<T>()), static_cast<std::int64_t>(value));
  }
  static bool read(const JsonReader& in, T& value) {
    std::int64_t number = 0;
    if (!in.word(errand_json_words(detail::JsonTag<T>()), number)) return false;
    value = static_cast<T>(number);
    return true;
  }
};

template <detail::JsonNumberEnum T>
struct Json<T> {
  // An underlying type that JsonInteger leaves out is a number here: char, bool.
  using Underlying = std::underlying_type_t<T>;
  using Number = std::conditional_t<detail::JsonInteger<Underlying> || std::same_as<Underlying, bool>, Underlying,
                                    std::conditional_t<std::is_signed_v<Underlying>, std::int64_t, std::uint64_t>>;

  static bool write(JsonWriter& out, T value) { return Json<Number>::write(out, static_cast<Number>(value)); }
  static bool read(const JsonReader& in, T& value) {
    Number number{};
    if (!Json<Number>::read(in, number)) return false;
    value = static_cast<T>(number);
    return true;
  }
};

template <detail::JsonDuration T>
  requires JsonType<typename T::rep>
struct Json<T> {
  static bool write(JsonWriter& out, T value) { return Json<typename T::rep>::write(out, value.count()); }
  static bool read(const JsonReader& in, T& value) {
    typename T::rep count{};
    if (!Json<typename T::rep>::read(in, count)) return false;
    value = T(count);
    return true;
  }
};

template <>
struct Json<TaskId> {
  static bool write(JsonWriter& out, TaskId id) { return out.string(id ? to_string(id) : ""); }
  static bool read(const JsonReader& in, TaskId& id) {
    std::string text;
    if (!in.string(text)) return false;
    const Result<TaskId> parsed = text.empty() ? TaskId() : parse_task_id(text);
    if (!parsed) return in.expected("a task id");
    id = *parsed;
    return true;
  }
};

template <JsonType T>
struct Json<std::optional<T>> {
  static bool write(JsonWriter& out, const std::optional<T>& value) {
    return value ? Json<T>::write(out, *value) : out.null();
  }
  static bool read(const JsonReader& in, std::optional<T>& value) {
    if (in.is_null()) return value.reset(), true;
    return Json<T>::read(in, value.emplace());
  }
};

// Null could be the outer one or the inner one.
template <class T>
struct Json<std::optional<std::optional<T>>>;

template <>
struct Json<std::vector<std::byte>> {
  static bool write(JsonWriter& out, const std::vector<std::byte>& bytes) { return out.base64(bytes); }
  static bool read(const JsonReader& in, std::vector<std::byte>& bytes) { return in.base64(bytes); }
};

template <std::size_t n>
struct Json<std::array<std::byte, n>> {
  static bool write(JsonWriter& out, const std::array<std::byte, n>& bytes) { return out.base64(bytes); }
  static bool read(const JsonReader& in, std::array<std::byte, n>& bytes) {
    std::vector<std::byte> read;
    if (!in.base64(read)) return false;
    if (read.size() != n) return in.expected("base64 of " + std::to_string(n) + " bytes");
    for (std::size_t i = 0; i < n; ++i) bytes[i] = read[i];
    return true;
  }
};

template <detail::JsonSequence T>
  requires JsonType<typename T::value_type>
struct Json<T> {
  static bool write(JsonWriter& out, const T& list) { return detail::json_write_elements(out, list); }
  static bool read(const JsonReader& in, T& list) {
    if (!in.is_array()) return false;
    list.clear();
    for (std::size_t i = 0; i < in.size(); ++i) {
      typename T::value_type value{};
      if (!in.element(i, value)) return false;
      list.push_back(std::move(value));
    }
    return true;
  }
};

template <JsonType T, std::size_t n>
struct Json<std::array<T, n>> {
  static bool write(JsonWriter& out, const std::array<T, n>& list) { return detail::json_write_elements(out, list); }
  static bool read(const JsonReader& in, std::array<T, n>& list) {
    if (!in.is_array(n)) return false;
    for (std::size_t i = 0; i < n; ++i) {
      if (!in.element(i, list[i])) return false;
    }
    return true;
  }
};

template <JsonType A, JsonType B>
struct Json<std::pair<A, B>> {
  static bool write(JsonWriter& out, const std::pair<A, B>& pair) {
    return out.begin_array() && out.element(0, pair.first) && out.element(1, pair.second) && out.end_array();
  }
  static bool read(const JsonReader& in, std::pair<A, B>& pair) {
    return in.is_array(2) && in.element(0, pair.first) && in.element(1, pair.second);
  }
};

template <detail::JsonMap T>
  requires JsonType<typename T::mapped_type>
struct Json<T> {
  static bool write(JsonWriter& out, const T& map) {
    if (!out.begin_object()) return false;
    for (const auto& [key, value] : map) {
      if (!out.entry(key, value)) return false;
    }
    return out.end_object();
  }
  static bool read(const JsonReader& in, T& map) {
    if (!in.is_object()) return false;
    map.clear();
    for (std::size_t i = 0; i < in.size(); ++i) {
      typename T::mapped_type value{};
      if (!in.entry(i, value)) return false;
      map.insert_or_assign(std::string(in.key(i)), std::move(value));
    }
    return true;
  }
};

template <detail::JsonStruct T>
struct Json<T> {
  static bool write(JsonWriter& out, const T& value) {
    detail::JsonWriteField each{out};
    return out.begin_object() && errand_json_fields(detail::JsonTag<T>(), value, each) && out.end_object();
  }
  static bool read(const JsonReader& in, T& value) {
    detail::JsonReadField each{in};
    return in.is_object() && errand_json_fields(detail::JsonTag<T>(), value, each);
  }
};

}  // namespace v0
}  // namespace errand
