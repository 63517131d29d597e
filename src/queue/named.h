#pragma once
// What a queue has for named tasks.

#include <errand/queue.h>

#include <atomic>
#include <memory>

#include "base/mutex.h"

namespace errand {
inline namespace v0 {

namespace detail {

[[nodiscard]] inline Error forked(const Queue& queue) {
  return {Code::forked, "queue \"" + queue.name() + "\": it belongs to the process that forked this one"};
}

/// Whether it is an id of a store's.
[[nodiscard]] inline bool is_stored(TaskId id) noexcept {
  return static_cast<std::int64_t>(id.value) < 0;
}

}  // namespace detail

struct Queue::Durable {
  /// Null while nobody has asked for a named task.
  [[nodiscard]] detail::NamedTasks* tasks() const noexcept { return pointer.load(std::memory_order_acquire); }
  detail::NamedTasks& make(detail::Engine& engine, StorePtr store);
  /// The queue starts, runs in a caller's thread, or closes, from here on, and whoever makes them later finds that.
  /// Null as above.
  [[nodiscard]] detail::NamedTasks* begin_start();
  [[nodiscard]] detail::NamedTasks* begin_run();
  [[nodiscard]] detail::NamedTasks* begin_close();

  std::atomic<detail::NamedTasks*> pointer{nullptr};  // release: what it points to
  Mutex mu;
  bool started ERRAND_GUARDED_BY(mu) = false;
  bool runs ERRAND_GUARDED_BY(mu) = false;
  bool closing ERRAND_GUARDED_BY(mu) = false;
  std::shared_ptr<detail::NamedTasks> owner ERRAND_GUARDED_BY(mu);  // constant once it is there
};

}  // namespace v0
}  // namespace errand
