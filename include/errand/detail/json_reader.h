#pragma once
// Reads the values of a parsed JSON document. The work is done in the library.

#include <errand/detail/json_fields.h>
#include <errand/detail/json_path.h>
#include <errand/result.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace errand {
inline namespace v0 {

template <class T>
struct Json;

namespace detail {
class JsonDocument;
struct JsonState;
}  // namespace detail

/// One value of a document, for Json<T>::read(). Each call returns false where the value is something else, and notes
/// an error that says so. Then return false as well. A reader lives as long as the call it was given to.
class JsonReader {
 public:
  [[nodiscard]] bool is_null() const;
  bool boolean(bool& value) const;
  /// An integer from `least` to `most`.
  bool integer(std::int64_t& value, std::int64_t least, std::int64_t most) const;
  bool integer(std::uint64_t& value, std::uint64_t most) const;
  bool number(double& value) const;
  bool number(float& value) const;
  bool string(std::string& text) const;
  bool base64(std::vector<std::byte>& bytes) const;
  /// One of the words, as its value.
  bool word(detail::JsonWords words, std::int64_t& value) const;

  bool is_object() const;
  bool is_array() const;
  /// An array of exactly `size` elements.
  bool is_array(std::size_t size) const;
  /// How many entries or elements the object or the array has.
  [[nodiscard]] std::size_t size() const;

  /// Reads a field into `value`, which stays as it is if the object has no such field.
  template <class T>
  bool field(std::string_view name, T& value) const {
    const detail::JsonStep step{&step_, detail::JsonStep::Kind::field, name};
    const void* const found = find(name);
    return found == nullptr || Json<T>::read(JsonReader(state_, found, step), value);
  }
  /// REQUIRES: index < size(), of an array.
  template <class T>
  bool element(std::size_t index, T& value) const {
    const detail::JsonStep step{&step_, detail::JsonStep::Kind::element, {}, index};
    return Json<T>::read(JsonReader(state_, element(index), step), value);
  }
  /// REQUIRES: index < size(), of an object.
  template <class T>
  bool entry(std::size_t index, T& value) const {
    const detail::JsonStep step{&step_, detail::JsonStep::Kind::key, key(index)};
    return Json<T>::read(JsonReader(state_, entry(index), step), value);
  }
  [[nodiscard]] std::string_view key(std::size_t index) const;

  /// Notes that something else was expected here: "json: PATH: expected an even number, got 7". Returns false.
  bool expected(std::string_view what) const;

 private:
  friend class detail::JsonDocument;

  JsonReader(detail::JsonState& state, const void* value, const detail::JsonStep& step)
      : state_(state), value_(value), step_(step) {}
  [[nodiscard]] const void* find(std::string_view name) const;
  [[nodiscard]] const void* element(std::size_t index) const;
  [[nodiscard]] const void* entry(std::size_t index) const;

  detail::JsonState& state_;
  const void* value_;
  const detail::JsonStep& step_;
};

namespace detail {

// A parsed document, or why it could not be parsed.
class JsonDocument {
 public:
  JsonDocument(std::string_view name, std::string_view bytes, std::string_view content_type);
  ~JsonDocument();
  JsonDocument(const JsonDocument&) = delete;
  JsonDocument& operator=(const JsonDocument&) = delete;

  /// False, if there is nothing to read.
  [[nodiscard]] bool parsed() const;
  /// REQUIRES: parsed().
  [[nodiscard]] JsonReader root() const;
  /// Nothing, or the error; `went_well` is what the outermost read() returned.
  [[nodiscard]] Result<void> finish(bool went_well) const;

 private:
  std::unique_ptr<JsonState> state_;
};

// The values of these fields of an object, as one text. `invalid` where one is missing.
[[nodiscard]] Result<std::string> json_values(std::string_view name, std::string_view bytes,
                                              const std::vector<std::string>& fields);

}  // namespace detail

}  // namespace v0
}  // namespace errand
