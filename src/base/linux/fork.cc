#include "base/fork.h"

#include <pthread.h>

namespace errand {
inline namespace v0 {

void at_fork(void (*before)() noexcept, void (*in_parent)() noexcept, void (*in_child)() noexcept) {
  pthread_atfork(before, in_parent, in_child);
}

}  // namespace v0
}  // namespace errand
