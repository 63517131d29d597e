#pragma once
/// How messages become bytes, and bytes messages.

#include <errand/result.h>

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>

namespace errand {
inline namespace v0 {

/// How values of type T are written as bytes and read again: the one place to say so. A specialisation has
///
///     static constexpr std::string_view content_type = "application/json";
///     static Result<std::string> encode(const T& value);
///     static Result<T> decode(std::string_view bytes, std::string_view content_type);
///
/// <errand/json.h> has one for types whose fields are listed with ERRAND_JSON, and <errand/nlohmann.h> one for types
/// that nlohmann/json knows. For another format specialise it yourself:
///
///     template <>
///     struct errand::Codec<Order> { ... };
///
/// Every file that uses Codec<T> has to see the same specialisation, so it belongs next to T.
///
/// Errors:  encode() and decode() say `invalid` and why; that ends the task, since another attempt would see the same
///          bytes. `content_type` is what the bytes were stored with: what was not written by this codec is refused,
///          not guessed at.
/// Threads: called from any thread, also from several at once.
template <class T>
struct Codec;

/// A type that has a codec.
template <class T>
concept Encodable = requires(const T& value, std::string_view text) {
  { Codec<T>::content_type } -> std::convertible_to<std::string_view>;
  { Codec<T>::encode(value) } -> std::same_as<Result<std::string>>;
  { Codec<T>::decode(text, text) } -> std::same_as<Result<T>>;
};

/// The kind of a message: the name that picks its handler, in this program and in every other one on the same store.
/// It is `M::kind`, a constant. For types that are not your own specialise it:
///
///     template <>
///     struct errand::KindOf<lib::Order> { static constexpr std::string_view value = "order"; };
template <class M>
struct KindOf {};

template <class M>
  requires requires { typename std::integral_constant<std::size_t, std::string_view(M::kind).size()>; }
struct KindOf<M> {
  static constexpr std::string_view value = M::kind;
};

/// What can be enqueued: it has a kind, and a codec.
template <class M>
concept Message = requires {
  { KindOf<M>::value } -> std::convertible_to<std::string_view>;
} && Encodable<M>;

/// What the handler of a message returns: `M::output`, or void where there is none. It may be specialised as KindOf
/// may.
template <class M>
struct OutputOf {
  using type = void;
};

template <class M>
  requires requires { typename M::output; }
struct OutputOf<M> {
  using type = typename M::output;
};

template <class M>
using output_t = typename OutputOf<M>::type;

/// Whether a content type is the `expected` one: parameters ("; charset=utf-8"), case and spaces around it do not
/// count.
[[nodiscard]] bool is_content_type(std::string_view content_type, std::string_view expected) noexcept;

}  // namespace v0
}  // namespace errand
