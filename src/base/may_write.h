#pragma once
// Whether there can be a file, whether the system lets this process write it, and whether there is room for it.

#include <initializer_list>
#include <optional>
#include <string>

namespace errand {
inline namespace v0 {

/// Why PATH is no plain file of one name, nor can become one, and what to do about it.
[[nodiscard]] std::optional<std::string> why_no_file(const std::string& path);

/// What keeps this process from writing the file PATH, or those that are named PATH and one of `endings`, or from
/// making such ones, and what to do about it: for who has tried, and failed. Nothing where it is something else.
[[nodiscard]] std::optional<std::string> why_not_writable(const std::string& path,
                                                          std::initializer_list<const char*> endings);

/// Whether half a MiB, or one more file, finds no room beside PATH: for who has tried, and failed.
[[nodiscard]] bool is_full_beside(const std::string& path);

}  // namespace v0
}  // namespace errand
