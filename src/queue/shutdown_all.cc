#include <errand/queue.h>

#include "engine/engine.h"

namespace errand {
inline namespace v0 {

// All stop taking work before the first one drains, and all have the same deadline.
Report shutdown_all(std::initializer_list<Queue*> queues, const ShutdownOptions& options) {
  Report sum;
  if (queues.size() == 0) return sum;
  const SteadyTime deadline = (*queues.begin())->engine_->deadline_of(options);
  for (Queue* queue : queues) queue->engine_->begin_shutdown(options);
  for (Queue* queue : queues) {
    const Report report = queue->engine_->finish_shutdown(deadline);
    sum.finished += report.finished;
    sum.cancelled += report.cancelled;
    sum.left_over += report.left_over;
  }
  return sum;
}

}  // namespace v0
}  // namespace errand
