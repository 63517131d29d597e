#include "parse.h"

#include <boost/json/array.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value_stack.hpp>

#include <charconv>
#include <cmath>
#include <limits>

#include "text.h"

namespace errand {
inline namespace v0 {

namespace {

namespace bj = boost::json;

// Builds the values, as Boost's own parser does, but for numbers with a fraction or an exponent, and integers beyond 64
// bits: Boost.JSON 1.81 computes those fast, and off by a bit in the last place of every few.
class Builder {
 public:
  static constexpr std::size_t max_object_size = bj::object::max_size();
  static constexpr std::size_t max_array_size = bj::array::max_size();
  static constexpr std::size_t max_key_size = bj::string::max_size();
  static constexpr std::size_t max_string_size = bj::string::max_size();

  explicit Builder(bj::storage_ptr storage) { stack_.reset(std::move(storage)); }
  [[nodiscard]] bj::value release() { return stack_.release(); }

  bool on_document_begin(bj::error_code&) { return true; }
  bool on_document_end(bj::error_code&) { return true; }
  bool on_object_begin(bj::error_code&) { return true; }
  bool on_object_end(std::size_t size, bj::error_code&) { return stack_.push_object(size), true; }
  bool on_array_begin(bj::error_code&) { return true; }
  bool on_array_end(std::size_t size, bj::error_code&) { return stack_.push_array(size), true; }
  bool on_key_part(bj::string_view text, std::size_t, bj::error_code&) { return stack_.push_chars(text), true; }
  bool on_key(bj::string_view text, std::size_t, bj::error_code&) { return stack_.push_key(text), true; }
  bool on_string_part(bj::string_view text, std::size_t, bj::error_code&) { return stack_.push_chars(text), true; }
  bool on_string(bj::string_view text, std::size_t, bj::error_code&) { return stack_.push_string(text), true; }
  // The text comes in one piece, so a number is never in parts.
  bool on_number_part(bj::string_view, bj::error_code&) { return true; }
  bool on_int64(std::int64_t value, bj::string_view, bj::error_code&) { return stack_.push_int64(value), true; }
  bool on_uint64(std::uint64_t value, bj::string_view, bj::error_code&) { return stack_.push_uint64(value), true; }
  bool on_double(double about, bj::string_view text, bj::error_code&) {
    double exact = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), exact);
    // Too large or too small. Only whoever reads the number minds, for it may stand in a field that nobody asks for.
    if (read.ec != std::errc())
      exact = std::copysign(std::abs(about) > 1 ? std::numeric_limits<double>::infinity() : 0, about);
    return stack_.push_double(exact), true;
  }
  bool on_bool(bool value, bj::error_code&) { return stack_.push_bool(value), true; }
  bool on_null(bj::error_code&) { return stack_.push_null(), true; }
  bool on_comment_part(bj::string_view, bj::error_code&) { return true; }
  bool on_comment(bj::string_view, bj::error_code&) { return true; }

 private:
  bj::value_stack stack_;
};

std::string syntax_error(std::size_t at, std::string_view why) {
  return "at byte " + std::to_string(at) + ": " + std::string(why);
}

}  // namespace

std::optional<std::string> parse_json(std::string_view text, bj::value& value) {
  if (text.empty()) return "expected JSON, got no bytes";
  if (text.starts_with("\xEF\xBB\xBF")) return syntax_error(0, "a byte order mark, which JSON does not have");
  bj::parse_options options;
  options.max_depth = kMaxDepth;
  bj::basic_parser<Builder> parser(options, value.storage());
  bj::error_code error;
  const std::size_t end = parser.write_some(false, text.data(), text.size(), error);
  if (error) return syntax_error(end, error.message());
  if (end < text.size()) return syntax_error(end, "something follows the value");
  value = parser.handler().release();
  return std::nullopt;
}

}  // namespace v0
}  // namespace errand
