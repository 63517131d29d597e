#pragma once
/// A small move-only callable, so that <functional> stays out of the public headers.

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace errand {
inline namespace v0 {

template <class Signature>
class Callback;

/// Holds one callable of this signature, or none. Callables of up to three pointers are kept inside.
///
/// Calling an empty one is undefined. Threads: as safe as the callable inside.
template <class R, class... A>
class Callback<R(A...)> {
 public:
  Callback() = default;
  Callback(std::nullptr_t) {}

  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, Callback> && std::is_invocable_r_v<R, std::decay_t<F>&, A...>)
  Callback(F&& f) {
    using G = std::decay_t<F>;
    if constexpr (std::is_pointer_v<G>) {
      const G pointer = f;  // a function, where F is one, can't be null and must not be compared
      if (pointer == nullptr) return;
    }
    if constexpr (fits<G>) {
      ::new (static_cast<void*>(room_)) G(std::forward<F>(f));
      how_ = &kInside<G>;
    } else {
      ::new (static_cast<void*>(room_))(G*)(new G(std::forward<F>(f)));
      how_ = &kOutside<G>;
    }
  }

  Callback(Callback&& other) noexcept { take(other); }
  Callback& operator=(Callback&& other) noexcept {
    if (this != &other) {
      reset();
      take(other);
    }
    return *this;
  }
  ~Callback() { reset(); }

  explicit operator bool() const noexcept { return how_ != nullptr; }
  R operator()(A... args) const { return how_->call(const_cast<std::byte*>(room_), std::forward<A>(args)...); }

 private:
  struct How {
    R (*call)(void*, A&&...);
    void (*move)(void* from, void* to) noexcept;
    void (*destroy)(void*) noexcept;
  };

  template <class F>
  static constexpr bool fits =
      sizeof(F) <= 3 * sizeof(void*) && alignof(F) <= alignof(void*) && std::is_nothrow_move_constructible_v<F>;

  template <class F>
  static R invoke(F& f, A&&... args) {
    if constexpr (std::is_void_v<R>) {
      f(std::forward<A>(args)...);
    } else {
      return f(std::forward<A>(args)...);
    }
  }

  template <class F>
  static constexpr How kInside{
      [](void* room, A&&... args) -> R { return invoke(*static_cast<F*>(room), std::forward<A>(args)...); },
      [](void* from, void* to) noexcept {
        ::new (to) F(std::move(*static_cast<F*>(from)));
        static_cast<F*>(from)->~F();
      },
      [](void* room) noexcept { static_cast<F*>(room)->~F(); }};

  template <class F>
  static constexpr How kOutside{
      [](void* room, A&&... args) -> R { return invoke(**static_cast<F**>(room), std::forward<A>(args)...); },
      [](void* from, void* to) noexcept { ::new (to)(F*)(*static_cast<F**>(from)); },
      [](void* room) noexcept { delete *static_cast<F**>(room); }};

  void take(Callback& other) noexcept {
    how_ = std::exchange(other.how_, nullptr);
    if (how_ != nullptr) how_->move(other.room_, room_);
  }
  void reset() noexcept {
    if (how_ != nullptr) std::exchange(how_, nullptr)->destroy(room_);
  }

  alignas(void*) std::byte room_[3 * sizeof(void*)];
  const How* how_ = nullptr;
};

}  // namespace v0
}  // namespace errand
