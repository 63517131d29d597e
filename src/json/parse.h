#pragma once
// JSON text, parsed with the limits and the exactness that errand promises.

#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace errand {
inline namespace v0 {

/// Parses the one value that `text` holds into `value`, whose storage it takes. What is wrong, or nothing.
[[nodiscard]] std::optional<std::string> parse_json(std::string_view text, boost::json::value& value);

}  // namespace v0
}  // namespace errand
