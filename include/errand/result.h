#pragma once
/// Errors of the world and of the input, as values.

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace errand {
inline namespace v0 {

/// What kind of thing went wrong; the message says the rest.
enum class Code : unsigned char {
  queue_full,     ///< a bounded queue had no room; the task was not taken
  shutting_down,  ///< the queue takes nothing new any more
  forked,         ///< the queue belongs to the process this one was forked from
  would_block,    ///< waiting here could never end, so it was not begun
  owned_by,       ///< another process owns the store
  lease_lost,     ///< somebody else has the task, or has changed the schedule, by now
  unknown_kind,   ///< no handler for this kind of task
  duplicate,      ///< another task has the unique key
  too_large,      ///< more bytes than the limit allows
  invalid,        ///< an option, an expression or a payload that cannot be right
  gone,           ///< it was here, and what is asked for has been dropped since
  not_found,      ///< no such thing is known here (any more)
  failed,         ///< the attempt failed
  cancelled,      ///< the task was cancelled
  discarded,      ///< the task ended without success
  store_full,     ///< no room is left where it was to be kept; trying again may help once there is some
  unavailable,    ///< the world did not answer; trying again may help
};

/// The code's own name: "queue_full".
[[nodiscard]] std::string_view to_string(Code code) noexcept;

/// Why something did not happen. Copies are cheap and share one immutable text.
///
/// Threads: a plain value.
class Error {
 public:
  /// `exception` is what a handler threw, where that is the reason.
  Error(Code code, std::string message, std::exception_ptr exception = nullptr);
  // Copied where others move, so that no Error is ever without its text.
  Error(const Error&) noexcept = default;
  Error& operator=(const Error&) noexcept = default;

  [[nodiscard]] Code code() const noexcept;
  /// What was attempted, on what, and why it failed, in one line.
  [[nodiscard]] const std::string& message() const noexcept;
  /// True where the same call may succeed later without anybody changing anything.
  [[nodiscard]] bool transient() const noexcept;
  /// What the handler threw, or null.
  [[nodiscard]] std::exception_ptr exception() const noexcept;

  /// Throws exception() where there is one, else an ErrorException with this error.
  [[noreturn]] void raise() const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

/// What Error::raise() throws where no exception of a handler's own is behind the error.
class ErrorException : public std::exception {
 public:
  explicit ErrorException(Error error) noexcept;
  [[nodiscard]] const char* what() const noexcept override;
  [[nodiscard]] const Error& error() const noexcept;

 private:
  Error error_;
};

namespace detail {
/// Reports a broken invariant and ends the process: better to stop than to write a wrong state.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;
}  // namespace detail

#define ERRAND_ASSERT(expression) \
  (static_cast<bool>(expression) ? void(0) : ::errand::detail::assertion_failed(#expression, __FILE__, __LINE__))

/// A value, or the error that stands in its place. Its members are named as in std::expected.
///
/// Asking for the value of an error, or for the error of a value, is a broken invariant and ends the process.
template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T value) : value_(std::move(value)) {}
  Result(Error error) : error_(std::move(error)) {}

  [[nodiscard]] bool has_value() const noexcept { return value_.has_value(); }
  explicit operator bool() const noexcept { return value_.has_value(); }

  [[nodiscard]] T& value() & { return checked(), *value_; }
  [[nodiscard]] const T& value() const& { return checked(), *value_; }
  [[nodiscard]] T&& value() && { return checked(), std::move(*value_); }
  [[nodiscard]] T& operator*() & { return value(); }
  [[nodiscard]] const T& operator*() const& { return value(); }
  [[nodiscard]] T&& operator*() && { return std::move(*this).value(); }
  [[nodiscard]] T* operator->() { return &value(); }
  [[nodiscard]] const T* operator->() const { return &value(); }
  template <class U>
  [[nodiscard]] T value_or(U&& other) const& {
    return value_ ? *value_ : static_cast<T>(std::forward<U>(other));
  }

  [[nodiscard]] const Error& error() const {
    ERRAND_ASSERT(error_.has_value());
    return *error_;
  }

 private:
  void checked() const { ERRAND_ASSERT(value_.has_value()); }

  std::optional<T> value_;
  std::optional<Error> error_;
};

/// Done, or the error that says why not.
template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() noexcept = default;
  Result(Error error) : error_(std::move(error)) {}

  [[nodiscard]] bool has_value() const noexcept { return !error_.has_value(); }
  explicit operator bool() const noexcept { return !error_.has_value(); }
  void value() const { ERRAND_ASSERT(!error_.has_value()); }
  [[nodiscard]] const Error& error() const {
    ERRAND_ASSERT(error_.has_value());
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace v0
}  // namespace errand
