#pragma once
// What a queue keeps for each thread that submits to it.

#include <memory>
#include <vector>

#include "base/mutex.h"
#include "engine/lane.h"

namespace errand {
inline namespace v0 {
namespace detail {

class Producers;

/// One thread's lanes and its stock of pages. Used by one thread at a time; when that thread ends, the next new one
/// takes it over with all that is in it.
struct Producer {
  explicit Producer(Producers& home) : home(home) {}
  ~Producer();

  /// Between enter() and leave() a submit is on its way: a shutdown that closed the intake waits for it. Returns how
  /// many are: more than one where a closure submits while it is being built.
  /// Relaxed: a barrier follows, and the shutdown has one of its own.
  std::uint32_t enter() noexcept {
    const std::uint32_t now = busy.load(std::memory_order_relaxed) + 1;
    busy.store(now, std::memory_order_relaxed);
    return now;
  }
  /// Release: what the submit published comes before the shutdown's look at it.
  void leave() noexcept { busy.store(busy.load(std::memory_order_relaxed) - 1, std::memory_order_release); }

  Producers& home;
  alignas(64) std::atomic<std::uint32_t> busy{0};
  std::atomic<std::uint64_t> submitted{0};  // single writer; stored before the task's word, and seen with it
  Lane* lanes[10] = {};                     // made on first use; owned
  PageCursor loose;                         // records that stand in no lane, or reach one through a forward
  Page* stock[8] = {};
  std::size_t in_stock = 0;
};

// The producer this thread used last: one comparison finds it again. No destructor, so that reading it costs a load;
// initial-exec, so that it costs no call either, from a shared library too.
struct LastProducer {
  std::uint64_t queue_uid = 0;
  Producer* producer = nullptr;
};
extern constinit thread_local LastProducer last_producer __attribute__((tls_model("initial-exec")));

/// A queue's producers, and the way from a thread to its own.
class Producers {
 public:
  explicit Producers(std::shared_ptr<PagePool> pool) : pool(*pool), pool_owner_(std::move(pool)) {}
  ~Producers();

  /// This thread's producer; made, or taken over from a thread that ended, on first use. Null if memory is exhausted.
  [[nodiscard]] static Producer* of_this_thread(const std::shared_ptr<Producers>& self, std::uint64_t queue_uid) {
    if (last_producer.queue_uid == queue_uid) [[likely]]
      return last_producer.producer;
    return look_up(self, queue_uid);
  }

  /// The thread that had it has ended.
  void release(Producer& producer);

  /// A fresh page for this producer, or null.
  [[nodiscard]] Page* new_page(Producer& producer);
  /// The producer's lane of this priority; made and listed on first use.
  [[nodiscard]] Lane& lane(Producer& producer, int priority);

  /// The lanes of one priority; each list only grows.
  [[nodiscard]] Lane* first_lane(int priority) const noexcept {
    return heads_[priority].load(std::memory_order_acquire);
  }

  /// Waits until no submit is on its way, this thread's own aside. REQUIRES: the intake is closed, and a heavy barrier
  /// came after that.
  void wait_for_quiet(const Producer* own) const;
  [[nodiscard]] std::uint64_t submitted() const;

  PagePool& pool;

 private:
  [[nodiscard]] static Producer* look_up(const std::shared_ptr<Producers>& self, std::uint64_t queue_uid);
  [[nodiscard]] Producer& adopt_or_make();
  [[nodiscard]] Producer& of_ending_thread(const void* thread);

  const std::shared_ptr<PagePool> pool_owner_;
  std::atomic<Lane*> heads_[10] = {};

  // Lock order: PagePool::mu_ may be taken under it.
  mutable Mutex mu_;
  std::vector<std::unique_ptr<Producer>> all_ ERRAND_GUARDED_BY(mu_);
  std::vector<Producer*> free_ ERRAND_GUARDED_BY(mu_);
  std::vector<std::pair<const void*, Producer*>> late_ ERRAND_GUARDED_BY(mu_);  // of threads that are ending
};

}  // namespace detail
}  // namespace v0
}  // namespace errand
