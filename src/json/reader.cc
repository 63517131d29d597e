#include <errand/detail/json_reader.h>

#include <boost/json/serialize.hpp>

#include <cmath>
#include <limits>

#include "base64.h"
#include "core/text.h"
#include "parse.h"
#include "state.h"
#include "text.h"

namespace errand {
inline namespace v0 {

namespace {

namespace bj = boost::json;

const bj::value* value_of(const void* value) {
  return static_cast<const bj::value*>(value);
}

std::string_view view(bj::string_view text) {
  return {text.data(), text.size()};
}

// What stands where something else was expected.
std::string shown(const bj::value& value) {
  switch (value.kind()) {
    case bj::kind::array:
      return "an array of " + std::to_string(value.get_array().size());
    case bj::kind::object:
      return "an object";
    case bj::kind::string:
      return shown_string(view(value.get_string()));
    case bj::kind::double_:
      if (std::isinf(value.get_double())) return "a number beyond 1.8e308";
      return number_text(value.get_double());
    default:
      return bj::serialize(value);
  }
}

// An integer of any size. Those up to 64 bits are told as such; a double is beyond them, or written with a fraction or
// an exponent, which no integer is.
bool is_integer(const bj::value& value) {
  return value.is_int64() || value.is_uint64() || (value.is_double() && std::abs(value.get_double()) >= 0x1p63);
}

template <class T>
std::optional<T> number_of(const bj::value& value) {
  if (value.is_int64()) return static_cast<T>(value.get_int64());
  if (value.is_uint64()) return static_cast<T>(value.get_uint64());
  if (!value.is_double()) return std::nullopt;
  return static_cast<T>(value.get_double());
}

}  // namespace

bool JsonReader::is_null() const {
  return value_of(value_)->is_null();
}

bool JsonReader::boolean(bool& value) const {
  const bool* const found = value_of(value_)->if_bool();
  if (found == nullptr) return expected("true or false");
  value = *found;
  return true;
}

bool JsonReader::integer(std::int64_t& value, std::int64_t least, std::int64_t most) const {
  const bj::value& found = *value_of(value_);
  if (!is_integer(found)) return expected("an integer");
  if (!found.is_int64() || found.get_int64() < least || found.get_int64() > most) {
    return expected("an integer from " + std::to_string(least) + " to " + std::to_string(most));
  }
  value = found.get_int64();
  return true;
}

bool JsonReader::integer(std::uint64_t& value, std::uint64_t most) const {
  const bj::value& found = *value_of(value_);
  if (!is_integer(found)) return expected("an integer");
  // Boost keeps in unsigned only what is too large for signed.
  const bool fits = found.is_uint64() || (found.is_int64() && found.get_int64() >= 0);
  const std::uint64_t number = found.is_uint64() ? found.get_uint64()
                               : fits            ? static_cast<std::uint64_t>(found.get_int64())
                                                 : 0;
  if (!fits || number > most) return expected("an integer from 0 to " + std::to_string(most));
  value = number;
  return true;
}

bool JsonReader::number(double& value) const {
  const std::optional<double> found = number_of<double>(*value_of(value_));
  if (!found) return expected("a number");
  if (std::isinf(*found)) return expected("a number that a double can hold");
  value = *found;
  return true;
}

bool JsonReader::number(float& value) const {
  const std::optional<double> found = number_of<double>(*value_of(value_));
  if (!found) return expected("a number");
  const float narrow = static_cast<float>(*found);
  if (std::isinf(narrow)) return expected("a number that a float can hold");
  value = narrow;
  return true;
}

bool JsonReader::string(std::string& text) const {
  const bj::string* const found = value_of(value_)->if_string();
  if (found == nullptr) return expected("a string");
  text.assign(found->data(), found->size());
  return true;
}

bool JsonReader::base64(std::vector<std::byte>& bytes) const {
  const bj::string* const found = value_of(value_)->if_string();
  if (found == nullptr || !read_base64(view(*found), bytes)) return expected("a string of base64");
  return true;
}

bool JsonReader::word(detail::JsonWords words, std::int64_t& value) const {
  const bj::string* const found = value_of(value_)->if_string();
  for (const detail::JsonWord& each : words) {
    if (found == nullptr || each.word != view(*found)) continue;
    value = each.value;
    return true;
  }
  return expected(one_of(words));
}

bool JsonReader::is_object() const {
  return value_of(value_)->is_object() || expected("an object");
}

bool JsonReader::is_array() const {
  return value_of(value_)->is_array() || expected("an array");
}

bool JsonReader::is_array(std::size_t size) const {
  return (value_of(value_)->is_array() && this->size() == size) || expected("an array of " + std::to_string(size));
}

std::size_t JsonReader::size() const {
  const bj::value& value = *value_of(value_);
  return value.is_array() ? value.get_array().size() : value.is_object() ? value.get_object().size() : 0;
}

std::string_view JsonReader::key(std::size_t index) const {
  return view(value_of(value_)->get_object().begin()[static_cast<std::ptrdiff_t>(index)].key());
}

const void* JsonReader::find(std::string_view name) const {
  return value_of(value_)->get_object().if_contains({name.data(), name.size()});
}

const void* JsonReader::element(std::size_t index) const {
  return &value_of(value_)->get_array()[index];
}

const void* JsonReader::entry(std::size_t index) const {
  return &value_of(value_)->get_object().begin()[static_cast<std::ptrdiff_t>(index)].value();
}

bool JsonReader::expected(std::string_view what) const {
  if (!state_.error) {
    state_.error = json_error(step_, "expected " + std::string(what) + ", got " + shown(*value_of(value_)));
  }
  return false;
}

}  // namespace v0
}  // namespace errand
