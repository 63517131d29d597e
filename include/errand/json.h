#pragma once
/// Messages and outputs as JSON; link errand::json.
///
///     struct Receipt { int code; };
///     struct WelcomeMail { std::string to; int user; };
///     ERRAND_JSON(WelcomeMail, to, user)  ERRAND_JSON(Receipt, code)
///
/// gives both a Codec: {"to":"a@b.c","user":7}. The same holds for every type below by itself, so that an output may be
/// an `int` or a `std::vector<Receipt>`:
///
/// | C++                                        | JSON |
/// |--------------------------------------------|------|
/// | bool                                       | true, false |
/// | integers but plain char                    | a number without fraction or exponent; out of range is an error |
/// | float, double                              | a number that reads back as the same; NaN and infinity are errors |
/// | std::string                                | a string; what is not UTF-8 is an error |
/// | enums of ERRAND_JSON_ENUM                  | the enumerator's name |
/// | other enums whose underlying type is fixed | that integer, also one that no enumerator has |
/// | std::optional                              | null, or the value; not in one another |
/// | vector, deque, list, std::array, std::pair | an array; std::array and std::pair of exactly their length |
/// | vector and array of std::byte              | a string of base64 (RFC 4648, with padding) |
/// | maps with std::string keys                 | an object; an unordered_map's in no certain order |
/// | std::chrono durations                      | how many there are of the type's own unit: 1500 of milliseconds |
/// | TaskId                                     | to_string() of it; the null id is "" |
/// | types of ERRAND_JSON                       | an object |
///
/// Other types: specialise Json<T>.
///
/// When reading, fields that are not listed are ignored, and listed ones that are missing keep their initialiser, so
/// fields can come and go between versions of a program. Null is an error except for an optional. Of a key that is
/// there twice, the last counts. Errors:  `invalid`, with the field and the reason: `json: WelcomeMail.user: expected
/// an integer, got "seven"`;
///          for bytes that are not JSON, with the place: `json: WelcomeMail: at byte 12: syntax error`. Not JSON are
///          also bytes after the value, a byte order mark, surrogates without their other half, and more than 64 arrays
///          and objects inside one another, which are not written either. A content type other than application/json is
///          refused.

#include <errand/codec.h>
#include <errand/detail/json_fields.h>
#include <errand/detail/json_reader.h>
#include <errand/detail/json_types.h>
#include <errand/detail/json_writer.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Lists the fields of a struct, up to 64, or none. Stands next to the type, in its namespace, outside of any class,
/// and once; no semicolon is needed. The fields have to be accessible, and the type needs a default constructor.
#define ERRAND_JSON(Type, ...)                                                                      \
  [[maybe_unused]] inline constexpr const char* errand_json_name(::errand::detail::JsonTag<Type>) { \
    return #Type;                                                                                   \
  }                                                                                                 \
  template <class ErrandSelf, class ErrandEach>                                                     \
  [[maybe_unused]] inline bool errand_json_fields(::errand::detail::JsonTag<Type>,                  \
                                                  [[maybe_unused]] ErrandSelf& errand_self,         \
                                                  [[maybe_unused]] ErrandEach& errand_each) {       \
    return true __VA_OPT__(ERRAND_DETAIL_EXPAND(ERRAND_DETAIL_FIELD(__VA_ARGS__)));                 \
  }

/// Lists the enumerators that are written as words, up to 64. Stands next to the enum; no semicolon is needed. Other
/// values of the enum can't be written, and other words not be read.
#define ERRAND_JSON_ENUM(Type, ...)                                                                                 \
  [[maybe_unused]] inline ::errand::detail::JsonWords errand_json_words(::errand::detail::JsonTag<Type>) {          \
    using ErrandEnum = Type;                                                                                        \
    static constexpr ::errand::detail::JsonWord kWords[] = {ERRAND_DETAIL_EXPAND(ERRAND_DETAIL_WORD(__VA_ARGS__))}; \
    return kWords;                                                                                                  \
  }

namespace errand {
inline namespace v0 {

template <JsonType T>
struct Codec<T> {
  static constexpr std::string_view content_type = "application/json";

  static Result<std::string> encode(const T& value) {
    JsonWriter out(detail::json_name<T>());
    const bool went_well = Json<T>::write(out, value);
    return std::move(out).finish(went_well);
  }

  /// The values of these fields, as one text that is the same for the same values: for Unique::by_fields.
  static Result<std::string> fields(std::string_view bytes, const std::vector<std::string>& names) {
    return detail::json_values(detail::json_name<T>(), bytes, names);
  }

  static Result<T> decode(std::string_view bytes, std::string_view type) {
    const detail::JsonDocument document(detail::json_name<T>(), bytes, type);
    T value{};
    const Result<void> done = document.finish(document.parsed() && Json<T>::read(document.root(), value));
    if (!done) return done.error();
    return value;
  }
};

}  // namespace v0
}  // namespace errand
