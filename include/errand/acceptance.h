#pragma once
/// A named task on its way to the store, from Queue::enqueue_async().

#include <errand/detail/task_maker.h>
#include <errand/result.h>
#include <errand/task.h>

#include <memory>
#include <utility>

namespace errand {
inline namespace v0 {

namespace detail {

// What an Acceptance asks; implemented in the library.
struct AcceptanceState {
  virtual ~AcceptanceState() = default;
  [[nodiscard]] virtual bool ready() const noexcept = 0;
  [[nodiscard]] virtual Result<NamedDraft> draft() = 0;
};

}  // namespace detail

/// Whether a task has been accepted. Dropping it changes nothing; it may outlive its Queue.
///
/// Threads: every member may be called from any thread.
template <class T = void>
class [[nodiscard]] Acceptance {
 public:
  /// Whether it is known by now; result() then does not wait. One load.
  [[nodiscard]] bool ready() const noexcept { return state_->ready(); }
  /// Waits until it is known, as Queue::enqueue() does; then what that would have returned, each time anew.
  [[nodiscard]] Result<Task<T>> result() const { return detail::TaskMaker::named<T>(state_->draft()); }

 private:
  friend class Queue;
  explicit Acceptance(std::shared_ptr<detail::AcceptanceState> state) : state_(std::move(state)) {}

  std::shared_ptr<detail::AcceptanceState> state_;
};

}  // namespace v0
}  // namespace errand
