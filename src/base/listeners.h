#pragma once
// Who hears of what came to a store without a commit().

#include <errand/store.h>

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace errand {
inline namespace v0 {

/// Threads: any. Never called under a lock of the store's.
class Listeners {
 public:
  void add(std::weak_ptr<StoreListener> listener) {
    MutexLock lock(mu_);
    std::erase_if(all_, [](const auto& one) { return one.expired(); });
    all_.push_back(std::move(listener));
  }

  void tell(std::span<const std::string> queues) {
    if (queues.empty()) return;
    std::vector<std::weak_ptr<StoreListener>> all;
    {
      MutexLock lock(mu_);
      all = all_;
    }
    for (const auto& one : all) {
      if (const auto listener = one.lock()) listener->changed(queues);
    }
  }

 private:
  Mutex mu_;  // nothing is called under it
  std::vector<std::weak_ptr<StoreListener>> all_ ERRAND_GUARDED_BY(mu_);
};

}  // namespace v0
}  // namespace errand
