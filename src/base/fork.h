#pragma once
// To be told when the process forks.

namespace errand {
inline namespace v0 {

/// From now on each fork calls `before`, and then one of the two others in the process that it names. For good.
void at_fork(void (*before)() noexcept, void (*in_parent)() noexcept, void (*in_child)() noexcept);

}  // namespace v0
}  // namespace errand
