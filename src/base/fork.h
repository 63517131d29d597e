#pragma once
// To be told when the process forks.

#include <cstdint>

namespace errand {
inline namespace v0 {

/// From now on each fork calls `before`, and then one of the two others in the process that it names. For good.
void at_fork(void (*before)() noexcept, void (*in_parent)() noexcept, void (*in_child)() noexcept);

/// How often this process is the child of a fork. What was made when it was less is another process's, and its locks
/// may be held for ever.
[[nodiscard]] std::uint32_t forks_so_far() noexcept;

}  // namespace v0
}  // namespace errand
