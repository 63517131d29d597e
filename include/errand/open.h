#pragma once
/// Stores by their address.

#include <errand/store.h>

#include <string_view>

namespace errand {
inline namespace v0 {

/// Opens "memory:" or "sqlite:PATH", say. A scheme is known where its header has been included in the program:
/// <errand/sqlite.h> for "sqlite:".
///
/// Errors: `invalid` for an address without a scheme, or with one that is not known; and what the store says.
[[nodiscard]] Result<StorePtr> open(std::string_view address);

namespace detail {
using OpenStore = Result<StorePtr> (*)(std::string_view path);
// Returns true, so that a header can make a variable of it.
bool know_scheme(std::string_view scheme, OpenStore open);
}  // namespace detail

}  // namespace v0
}  // namespace errand
