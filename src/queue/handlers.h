#pragma once
// A queue's handlers for messages, by the type of message.

#include <map>
#include <memory>

#include "base/mutex.h"

namespace errand {
inline namespace v0 {
namespace detail {

/// Threads: any.
class Handlers {
 public:
  /// False if there is one for this key already.
  bool add(const void* key, std::shared_ptr<void> handler) {
    MutexLock lock(mu_);
    return by_key_.emplace(key, std::move(handler)).second;
  }
  [[nodiscard]] std::shared_ptr<void> find(const void* key) const {
    MutexLock lock(mu_);
    const auto found = by_key_.find(key);
    return found != by_key_.end() ? found->second : nullptr;
  }

 private:
  mutable Mutex mu_;
  std::map<const void*, std::shared_ptr<void>> by_key_ ERRAND_GUARDED_BY(mu_);
};

}  // namespace detail
}  // namespace v0
}  // namespace errand
