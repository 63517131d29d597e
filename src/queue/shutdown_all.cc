#include <errand/queue.h>

#include "engine/engine.h"

namespace errand {
inline namespace v0 {

// All stop taking work before the first one drains, and the time of all begins now, each by its own clock.
Report shutdown_all(std::initializer_list<Queue*> queues, const ShutdownOptions& options) {
  Report sum;
  std::vector<SteadyTime> deadlines;
  for (Queue* queue : queues) deadlines.push_back(queue->engine_->deadline_of(options));
  for (Queue* queue : queues) queue->begin_shutdown(options);
  auto deadline = deadlines.begin();
  for (Queue* queue : queues) {
    const Report report = queue->finish_shutdown(*deadline++);
    sum.finished += report.finished;
    sum.cancelled += report.cancelled;
    sum.left_over += report.left_over;
  }
  return sum;
}

}  // namespace v0
}  // namespace errand
