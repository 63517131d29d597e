#pragma once
// What the queues of one store share: its writer, the thread that leads when no caller does, and the tidying up.

#include <errand/store.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/thread.h"
#include "durable/committer.h"

namespace errand {
inline namespace v0 {
namespace durable {

/// Threads: any.
class Hub final : public StoreListener {
 public:
  /// The one hub of this store; made on first use, and gone with its last queue. Its clock is the first queue's.
  [[nodiscard]] static std::shared_ptr<Hub> of(const StorePtr& store, const std::shared_ptr<Clock>& clock,
                                               std::uint64_t seed);
  Hub(StorePtr store, std::shared_ptr<Clock> clock, std::uint64_t seed);
  ~Hub() override;
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  /// False if another queue has this name.
  [[nodiscard]] bool join(Member& member, const std::string& queue);
  void leave(Member& member, const std::string& queue);
  /// The thread that does what nobody waits for. Without it, step() is to be called.
  [[nodiscard]] Result<void> start_thread();
  /// One pass over what is due, and over what may be tidied up. Returns when there is something to do for a task again.
  WaitUntil step();

  // StoreListener
  void changed(std::span<const std::string> queues) noexcept override { committer.look_again(queues); }

  // A task whose attempts ended with their process runs with no other such task beside it, so that only the one that
  // does it is charged.
  [[nodiscard]] bool begin_suspect();
  /// Who waits for it asks again in the next round, in which the end is taken.
  void end_suspect();

  const StorePtr store;
  const std::shared_ptr<Clock> clock;
  Committer committer;

 private:
  void run();
  void tidy();

  std::atomic<bool> stops_{false};
  std::atomic<bool> suspect_runs_{false};  // acquire and release: a suspect's end comes before the next one's begin
  std::atomic<SteadyTime> tidy_at_{SteadyTime::min()};  // relaxed: it orders nothing
  Mutex mu_;
  std::set<std::string> names_ ERRAND_GUARDED_BY(mu_);
  Thread thread_ ERRAND_GUARDED_BY(mu_);
};

}  // namespace durable
}  // namespace v0
}  // namespace errand
