#pragma once
// A parsed document, which readers walk over.

#include <errand/detail/json_path.h>
#include <errand/result.h>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <optional>

namespace errand {
inline namespace v0 {
namespace detail {

struct JsonState {
  JsonStep root;
  std::byte room[2048];  // enough for the values of most payloads
  boost::json::monotonic_resource memory{room, sizeof room};
  boost::json::value value = boost::json::value(boost::json::storage_ptr(&memory));
  std::optional<Error> error{};  // the first one
};

}  // namespace detail
}  // namespace v0
}  // namespace errand
