#include <errand/detail/json_writer.h>

#include <cmath>

#include "base64.h"
#include "core/text.h"
#include "text.h"

namespace errand {
inline namespace v0 {

JsonWriter::JsonWriter(std::string_view name) : root_{.name = name} {}

bool JsonWriter::null() {
  return put("null");
}

bool JsonWriter::boolean(bool value) {
  return put(value ? "true" : "false");
}

bool JsonWriter::integer(std::int64_t value) {
  return put(std::to_string(value));
}

bool JsonWriter::integer(std::uint64_t value) {
  return put(std::to_string(value));
}

bool JsonWriter::number(double value) {
  if (!std::isfinite(value)) return fail("JSON has no NaN and no infinity");
  return put(number_text(value));
}

bool JsonWriter::number(float value) {
  if (!std::isfinite(value)) return fail("JSON has no NaN and no infinity");
  return put(number_text(value));
}

bool JsonWriter::string(std::string_view text) {
  return ok() && quoted(text);
}

bool JsonWriter::base64(std::span<const std::byte> bytes) {
  if (!put("\"")) return false;
  append_base64(text_, bytes);
  text_ += '"';
  return true;
}

bool JsonWriter::word(detail::JsonWords words, std::int64_t value) {
  for (const detail::JsonWord& each : words) {
    if (each.value == value) return string(each.word);
  }
  return fail("expected " + one_of(words) + ", got " + std::to_string(value));
}

bool JsonWriter::begin_object() {
  return begin('{');
}

bool JsonWriter::end_object() {
  return end('}');
}

bool JsonWriter::begin_array() {
  return begin('[');
}

bool JsonWriter::end_array() {
  return end(']');
}

bool JsonWriter::begin(char bracket) {
  if (!ok()) return false;
  if (depth_ == kMaxDepth) return fail("more than " + std::to_string(kMaxDepth) + " arrays and objects in one another");
  ++depth_;
  text_ += bracket;
  first_ = true;
  return true;
}

bool JsonWriter::end(char bracket) {
  if (error_) return false;
  --depth_;
  text_ += bracket;
  first_ = false;
  return true;
}

bool JsonWriter::begin_inside() {
  if (error_) return false;
  if (!first_) text_ += ',';
  first_ = false;
  if (at().kind == detail::JsonStep::Kind::element) return true;
  if (!quoted(at().name)) return false;
  text_ += ':';
  return true;
}

bool JsonWriter::put(std::string_view text) {
  if (!ok()) return false;
  text_ += text;
  return true;
}

bool JsonWriter::quoted(std::string_view text) {
  if (!is_utf8(text)) return fail("expected UTF-8, got " + shown_string(text));
  text_ += json_string(text);
  return true;
}

bool JsonWriter::fail(std::string_view why) {
  if (!error_) error_ = json_error(at(), why);
  return false;
}

Result<std::string> JsonWriter::finish(bool went_well) && {
  if (!went_well) fail("it was not written, and nobody said why");
  if (error_) return *error_;
  return std::move(text_);
}

}  // namespace v0
}  // namespace errand
