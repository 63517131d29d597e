#include "base/refused.h"

#include <cerrno>
#include <cstring>

namespace errand {
inline namespace v0 {

Error refused(const std::string& what, int why) {
  const bool is_full = why == ENOSPC || why == EDQUOT;
  return {is_full ? Code::store_full : Code::unavailable, what + ": " + std::strerror(why)};
}

}  // namespace v0
}  // namespace errand
