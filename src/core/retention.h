#pragma once
// How long discarded tasks are kept where nobody says otherwise.

#include <errand/clock.h>

#include <chrono>

namespace errand {
inline namespace v0 {

/// In a store. It goes by this itself where it discards a task of its own accord, one that expired or crashed too
/// often: no queue is there to be asked then.
inline constexpr Duration kKeepDiscarded = std::chrono::hours(7 * 24);

}  // namespace v0
}  // namespace errand
