#pragma once
// Where in a value a reader or a writer is, for its errors.

#include <cstddef>
#include <string_view>

namespace errand {
inline namespace v0 {
namespace detail {

// One step from a value into what is inside. The steps lie on the stack, in the frames that take them, so that a path
// costs nothing until somebody asks for it.
struct JsonStep {
  enum class Kind : unsigned char { root, field, key, element };

  const JsonStep* above = nullptr;
  Kind kind = Kind::root;
  std::string_view name{};  // of the root, the field or the key
  std::size_t index = 0;    // of the element
};

}  // namespace detail
}  // namespace v0
}  // namespace errand
