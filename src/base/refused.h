#pragma once
// What the system said, as an error.

#include <errand/result.h>

#include <string>

namespace errand {
inline namespace v0 {

/// "WHAT: the system's words"; `store_full` where there is no room, or the user has used up what is his, else
/// `unavailable`.
[[nodiscard]] Error refused(const std::string& what, int why);

}  // namespace v0
}  // namespace errand
