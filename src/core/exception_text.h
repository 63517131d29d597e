#pragma once
// What a body threw, in words.

#include <errand/result.h>

#include <exception>

namespace errand {
inline namespace v0 {

/// The error of an attempt that ended with `thrown`: Code::failed, with its text, clean and of at most kMaxErrorText
/// bytes, and with `thrown` itself, so that Task::get() can throw it again.
///
/// The text is what() with the texts of nested exceptions behind it ("load user 7: disk is full"), or a thrown text
/// itself; anything else is "exception of type Foo". An ErrorException keeps its error, code included.
/// Errors: never throws. Without memory the error says so.
[[nodiscard]] Error error_from_exception(const std::exception_ptr& thrown) noexcept;

/// False if `thrown` is a DoNotRetry, or nests one.
[[nodiscard]] bool worth_retrying(const std::exception_ptr& thrown) noexcept;

}  // namespace v0
}  // namespace errand
