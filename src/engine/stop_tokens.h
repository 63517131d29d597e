#pragma once
// The stop sources of attempts whose bodies asked for a token; most never do.

#include <errand/detail/record.h>

#include <optional>
#include <stop_token>
#include <unordered_map>

#include "base/mutex.h"

namespace errand {
inline namespace v0 {
namespace detail {

class StopTokens {
 public:
  /// The token of this attempt; made on first use.
  [[nodiscard]] std::stop_token token(std::uint64_t id) {
    MutexLock lock(mu_);
    return sources_[id].get_token();
  }
  /// Fires the token of the attempt that was asked to stop, if it has one. Callbacks run in this thread, with no lock
  /// held.
  void fire(std::uint64_t id, const Record& record) {
    std::optional<std::stop_source> source;
    {
      MutexLock lock(mu_);
      // The attempt that was meant may be over. Its successor's token is made with no stop in the word.
      const auto found = sources_.find(id);
      if (found != sources_.end() && asked_to_stop(record)) source = found->second;
    }
    if (source) source->request_stop();
  }
  /// The attempt is over.
  void forget(std::uint64_t id) {
    MutexLock lock(mu_);
    sources_.erase(id);
  }

 private:
  Mutex mu_;
  std::unordered_map<std::uint64_t, std::stop_source> sources_ ERRAND_GUARDED_BY(mu_);
};

}  // namespace detail
}  // namespace v0
}  // namespace errand
