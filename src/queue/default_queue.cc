// The process's own queue.

#include <errand/queue.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <utility>

#include "engine/engine.h"

namespace errand {
inline namespace v0 {

namespace {

constexpr Duration kPatienceAtExit = std::chrono::seconds(2);

// Never destroyed: other objects' destructors may still submit, and are refused. No lock stands before it: another
// thread could hold that one while the process forks.
constinit std::atomic<Queue*> the_default{nullptr};  // release and acquire: the queue behind it

}  // namespace

namespace detail {

struct DefaultQueue {
  static void at_exit() {
    if (Queue* queue = the_default.load(std::memory_order_acquire)) queue->engine_->let_go(kPatienceAtExit);
  }

  // Makes the queue, or nothing where there is one already. Of several threads that try, the first one to be ready
  // wins; the others throw away a queue that has no threads yet.
  static Queue* make(QueueOptions options) {
    if (the_default.load(std::memory_order_acquire) != nullptr) return nullptr;
    const bool starts = std::exchange(options.start, false);
    auto made = std::make_unique<Queue>(std::move(options));
    Queue* none = nullptr;
    // Release: whoever sees the queue sees all of it.
    if (!the_default.compare_exchange_strong(none, made.get(), std::memory_order_acq_rel)) return nullptr;
    Queue* const queue = made.release();
    std::atexit(&at_exit);
    // Once it is there: a thread that cannot be made is logged, and the logger may use this queue.
    if (starts) queue->start();
    return queue;
  }
};

}  // namespace detail

Result<void> start_default(QueueOptions options) {
  if (auto ok = options.check(); !ok) return ok;
  if (options.name.empty()) options.name = "default";
  if (detail::DefaultQueue::make(std::move(options)) == nullptr) {
    return Error(Code::invalid,
                 "start the default queue: it is there already; call start_default() before its first use");
  }
  return {};
}

Queue& default_queue() {
  if (Queue* queue = the_default.load(std::memory_order_acquire)) return *queue;
  detail::DefaultQueue::make({.name = "default"});
  return *the_default.load(std::memory_order_acquire);
}

Report shutdown(const ShutdownOptions& options) {
  if (the_default.load(std::memory_order_acquire) == nullptr) {
    // A later first use has to find it closed. It never had a thread.
    Queue* unused = detail::DefaultQueue::make({.name = "default", .start = false});
    if (unused != nullptr) return unused->shutdown({.drain = Drain::none});
  }
  return default_queue().shutdown(options);
}

}  // namespace v0
}  // namespace errand
