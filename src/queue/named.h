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
  detail::NamedTasks& make(detail::Engine& engine, StorePtr store, bool started);

  std::atomic<detail::NamedTasks*> pointer{nullptr};  // release: what it points to
  std::atomic<bool> started{false};
  Mutex mu;
  std::shared_ptr<detail::NamedTasks> owner ERRAND_GUARDED_BY(mu);  // constant once it is there
};

}  // namespace v0
}  // namespace errand
