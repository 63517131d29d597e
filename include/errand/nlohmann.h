#pragma once
/// Messages and outputs by what nlohmann/json makes of them: its to_json() and from_json(), and so also its
/// NLOHMANN_DEFINE_TYPE macros.
///
///     struct Receipt { int code; };
///     NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Receipt, code)
///     ERRAND_NLOHMANN(Receipt)
///
/// gives Receipt a Codec. Nothing has to be linked but errand::errand; nlohmann/json 3.11 is up to you. For types that
/// have none of its functions yet, <errand/json.h> is stricter, and compiles in a fraction of the time. A type can have
/// only one of the two.
///
/// Of fields that are missing or too many, out-of-range numbers and the like nlohmann/json decides: NaN becomes null,
/// and 300 in a std::uint8_t 44. Errors:  `invalid`, with what was thrown: `json: Receipt:
/// [json.exception.out_of_range.403] key 'code' not found`. A
///          content type other than application/json is refused. Only std::bad_alloc is passed on.
///
/// This header alone cannot do without exceptions, since that is how the library reports what is wrong.

#include <errand/codec.h>

#include <nlohmann/json.hpp>

#include <concepts>
#include <exception>
#include <new>
#include <string>
#include <string_view>

namespace errand {
inline namespace v0 {
namespace detail {

template <class T>
struct NlohmannTag {};

template <class T>
concept NlohmannType = requires {
  { errand_nlohmann_name(NlohmannTag<T>()) } -> std::same_as<const char*>;
};

// What `work` returns, or what it threw as an error of type `name`.
template <class R, class Work>
Result<R> nlohmann_result(const char* name, Work work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {
    return Error(Code::invalid, std::string("json: ") + name + ": " + e.what());
  }
}

}  // namespace detail

template <detail::NlohmannType T>
struct Codec<T> {
  static constexpr std::string_view content_type = "application/json";

  static Result<std::string> encode(const T& value) {
    return detail::nlohmann_result<std::string>(name(), [&] { return nlohmann::json(value).dump(); });
  }

  static Result<T> decode(std::string_view bytes, std::string_view type) {
    if (!is_content_type(type, content_type)) {
      return Error(Code::invalid, std::string("json: ") + name() +
                                      ": expected the content type application/json, got \"" + std::string(type) +
                                      "\"");
    }
    return detail::nlohmann_result<T>(name(), [&] { return nlohmann::json::parse(bytes).template get<T>(); });
  }

 private:
  static constexpr const char* name() { return errand_nlohmann_name(detail::NlohmannTag<T>()); }
};

}  // namespace v0
}  // namespace errand

/// Stands next to the type, in its namespace; no semicolon is needed.
#define ERRAND_NLOHMANN(Type)                                                                               \
  [[maybe_unused]] inline constexpr const char* errand_nlohmann_name(::errand::detail::NlohmannTag<Type>) { \
    return #Type;                                                                                           \
  }
