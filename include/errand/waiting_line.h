#pragma once
/// The seam for the structure in which available tasks wait, for those who want another than errand's own.

#include <errand/callback.h>
#include <errand/task_id.h>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace errand {
inline namespace v0 {

/// What a line knows of a task that waits in it. `at` is when it became available, in nanoseconds of the queue's clock.
struct WaitingTask {
  TaskId id{};
  int priority = 0;
  std::int64_t at = 0;
};

/// A place where available tasks wait for a worker. QueueOptions::line sets one; bounded queues, Order::strict and
/// ageing bring their own. Without any of these a queue uses lanes, which take no lock and no virtual call.
///
/// An entry is a hint: a task that was cancelled, or given another priority, leaves its entry behind, and whoever pops
/// it finds that out. So a line may hold more entries than there are tasks, but it may not lose one of those.
///
/// Errors:  none. Threads: the queue calls it under a lock of its own, one call at a time.
class WaitingLine {
 public:
  virtual ~WaitingLine() = default;

  virtual void push(const WaitingTask& task) = 0;
  /// The entry to run next; `now` is in nanoseconds of the queue's clock, for lines that let priorities age.
  virtual std::optional<WaitingTask> pop(std::int64_t now) = 0;
  /// The entry to give up when a full queue drops its oldest task: the one that waits longest.
  virtual std::optional<WaitingTask> pop_oldest() = 0;
  [[nodiscard]] virtual std::size_t size() const = 0;
  /// Drops the entries that nobody waits behind any more. Called now and then, after many cancels; a line that ignores
  /// it is right, but grows while tasks are submitted and cancelled and no worker comes by.
  virtual void sweep(const Callback<bool(const WaitingTask&)>& is_over) { static_cast<void>(is_over); }
};

}  // namespace v0
}  // namespace errand
