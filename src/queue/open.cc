#include <errand/open.h>

#include <map>
#include <string>

#include "base/mutex.h"

namespace errand {
inline namespace v0 {

namespace {

struct Schemes {
  Mutex mu;
  std::map<std::string, detail::OpenStore, std::less<>> known ERRAND_GUARDED_BY(mu);
};

// Made on first use: headers tell of their schemes before main() begins, in any order.
Schemes& schemes() {
  static Schemes* const schemes = new Schemes;
  return *schemes;
}

}  // namespace

bool detail::know_scheme(std::string_view scheme, OpenStore open) {
  Schemes& all = schemes();
  MutexLock lock(all.mu);
  all.known.insert_or_assign(std::string(scheme), open);
  return true;
}

Result<StorePtr> open(std::string_view address) {
  const std::size_t colon = address.find(':');
  const std::string what = "open store \"" + std::string(address.substr(0, 256)) + "\": ";
  if (colon == std::string_view::npos || colon == 0)
    return Error(Code::invalid, what + "expected a scheme first, as in \"sqlite:tasks.db\"");
  const std::string_view scheme = address.substr(0, colon);
  if (scheme == "memory") return open_memory();
  detail::OpenStore open = nullptr;
  {
    Schemes& all = schemes();
    MutexLock lock(all.mu);
    const auto found = all.known.find(scheme);
    if (found != all.known.end()) open = found->second;
  }
  if (open != nullptr) return open(address.substr(colon + 1));
  return Error(Code::invalid, what + "no store of this program has the scheme \"" + std::string(scheme) +
                                  "\"; for sqlite, include <errand/sqlite.h> and link errand::sqlite");
}

}  // namespace v0
}  // namespace errand
