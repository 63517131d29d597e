#pragma once
// The way from a queue to its engine, for tests that take its steps one by one.

#include <errand/queue.h>

#include "engine/engine.h"

namespace errand {
inline namespace v0 {

class QueueProbe {
 public:
  static detail::Engine& engine(Queue& queue) { return *queue.engine_; }
};

}  // namespace v0
}  // namespace errand
