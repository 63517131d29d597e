#pragma once
// Lists and maps of strings as JSON, so that SQL can look into them.

#include <errand/task.h>

#include <string>
#include <string_view>
#include <vector>

namespace errand {
inline namespace v0 {
namespace sqlite {

/// A JSON string. REQUIRES: `text` is valid UTF-8.
void append_string(std::string& json, std::string_view text);
/// An array, or nothing for an empty list.
[[nodiscard]] std::string array_of(const std::vector<std::string>& list);
/// An object, or nothing where there are no labels.
[[nodiscard]] std::string object_of(const Metadata& labels);

}  // namespace sqlite
}  // namespace v0
}  // namespace errand
