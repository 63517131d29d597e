#pragma once
// Writes JSON, value by value. The work is done in the library.

#include <errand/detail/json_fields.h>
#include <errand/detail/json_path.h>
#include <errand/result.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace errand {
inline namespace v0 {

template <class T>
struct Json;

/// Where Json<T>::write() puts its value: one call for a plain value, and between begin and end calls for what is
/// inside. Each returns false when it is over: fail() was called, by them or by you. Then return false as well, to whom
/// the error does not matter.
class JsonWriter {
 public:
  explicit JsonWriter(std::string_view name);

  bool null();
  bool boolean(bool value);
  bool integer(std::int64_t value);
  bool integer(std::uint64_t value);
  bool number(double value);
  bool number(float value);
  bool string(std::string_view text);
  bool base64(std::span<const std::byte> bytes);

  bool begin_object();
  bool end_object();
  bool begin_array();
  bool end_array();

  /// A field of an object, a map's entry, or an element of an array.
  template <class T>
  bool field(std::string_view name, const T& value) {
    return inside({&at(), detail::JsonStep::Kind::field, name}, value);
  }
  template <class T>
  bool entry(std::string_view key, const T& value) {
    return inside({&at(), detail::JsonStep::Kind::key, key}, value);
  }
  template <class T>
  bool element(std::size_t index, const T& value) {
    return inside({&at(), detail::JsonStep::Kind::element, {}, index}, value);
  }

  /// One of the words, by its value.
  bool word(detail::JsonWords words, std::int64_t value);

  /// Ends it with an error: "json: PATH: why". Returns false.
  bool fail(std::string_view why);

  /// The text, or the error; `went_well` is what the outermost write() returned.
  [[nodiscard]] Result<std::string> finish(bool went_well) &&;

 private:
  [[nodiscard]] const detail::JsonStep& at() const { return at_ ? *at_ : root_; }
  template <class T>
  bool inside(const detail::JsonStep& step, const T& value) {
    const detail::JsonStep* const outside = at_;
    at_ = &step;
    const bool went_on = begin_inside() && Json<T>::write(*this, value);
    at_ = outside;
    return went_on;
  }
  bool begin_inside();
  [[nodiscard]] bool ok() const { return !error_; }
  bool begin(char bracket);
  bool end(char bracket);
  bool put(std::string_view text);
  bool quoted(std::string_view text);

  std::string text_;
  std::optional<Error> error_;
  detail::JsonStep root_;
  const detail::JsonStep* at_ = nullptr;  // null at the root, which moves with the writer
  int depth_ = 0;
  bool first_ = true;  // nothing stands yet in the innermost array or object
};

}  // namespace v0
}  // namespace errand
