// The process's own queue.

#include <errand/queue.h>

#include <cstdlib>

#include "base/mutex.h"
#include "engine/engine.h"

namespace errand {
inline namespace v0 {

namespace {

constexpr Duration kPatienceAtExit = std::chrono::seconds(2);

// Never destroyed: other objects' destructors may still submit, and are refused.
struct Default {
  Mutex mu;
  std::atomic<Queue*> queue{nullptr};
};

Default& the_default() {
  static Default& one = *new Default;
  return one;
}

}  // namespace

namespace detail {

struct DefaultQueue {
  static void at_exit() {
    if (Queue* queue = the_default().queue.load(std::memory_order_acquire)) queue->engine_->let_go(kPatienceAtExit);
  }

  // Makes the queue, or nothing where there is one already.
  static Queue* make(QueueOptions options) {
    const bool starts = std::exchange(options.start, false);
    Queue* queue = nullptr;
    {
      MutexLock lock(the_default().mu);
      if (the_default().queue.load(std::memory_order_acquire) != nullptr) return nullptr;
      queue = new Queue(std::move(options));
      the_default().queue.store(queue, std::memory_order_release);
      std::atexit(&at_exit);
    }
    // Not under the lock: a thread that cannot be made is logged, and the logger may use this queue.
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
  if (Queue* queue = the_default().queue.load(std::memory_order_acquire)) return *queue;
  detail::DefaultQueue::make({.name = "default"});
  return *the_default().queue.load(std::memory_order_acquire);
}

Report shutdown(const ShutdownOptions& options) {
  if (the_default().queue.load(std::memory_order_acquire) == nullptr) {
    // A later first use has to find it closed. It never had a thread.
    Queue* unused = detail::DefaultQueue::make({.name = "default", .start = false});
    if (unused != nullptr) return unused->shutdown({.drain = Drain::none});
  }
  return default_queue().shutdown(options);
}

}  // namespace v0
}  // namespace errand
