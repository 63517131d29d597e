#pragma once
// What can be said of one kept task, and be done to it, without a look at any other.

#include <errand/store.h>

namespace errand {
inline namespace v0 {
namespace memory {

/// The state that a waiting task is seen in: what once was available stays so when the clock goes back.
[[nodiscard]] TaskState state_at(const KeptTask& task, WallTime now) noexcept;
/// A copy as others see it.
[[nodiscard]] KeptTask seen(const KeptTask& task, WallTime now);
[[nodiscard]] bool matches(const KeptTask& task, const TaskFilter& filter, WallTime now);
void count(const KeptTask& task, WallTime now, Counts& counts);

/// Its claim is over.
void apply(const Finish& finish, WallTime now, KeptTask& task);
void apply(const Note& note, KeptTask& task);
/// Another payload and another time.
void replace(KeptTask& task, const NewTask& by, WallTime now);
/// `over`: it is final, and gets a new life.
void begin_again(KeptTask& task, bool over, WallTime now);
void edit(KeptTask& task, const Change& change, WallTime now);

}  // namespace memory
}  // namespace v0
}  // namespace errand
