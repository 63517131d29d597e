#include "base/barrier.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace errand {
inline namespace v0 {

namespace detail {
const bool kMembarrier = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
thread_local std::atomic<int> light_word{0};
}  // namespace detail

void heavy_barrier() noexcept {
  if (detail::kMembarrier) {
    syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
  } else {
    detail::light_word.exchange(0, std::memory_order_seq_cst);
  }
}

}  // namespace v0
}  // namespace errand
