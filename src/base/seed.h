#pragma once
// A number that nobody can guess, to begin an Rng with.

#include <cstdint>

namespace errand {
inline namespace v0 {

/// From the system; from the time of day where the system has none.
[[nodiscard]] std::uint64_t system_seed() noexcept;

}  // namespace v0
}  // namespace errand
