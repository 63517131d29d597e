#include "base/fork.h"

#include <pthread.h>

#include <atomic>

namespace errand {
inline namespace v0 {

void at_fork(void (*before)() noexcept, void (*in_parent)() noexcept, void (*in_child)() noexcept) {
  pthread_atfork(before, in_parent, in_child);
}

namespace {

constinit std::atomic<std::uint32_t> forks{0};  // relaxed: a child has one thread when it is written
[[maybe_unused]] const bool told_of_forks = [] {
  at_fork([]() noexcept {}, []() noexcept {}, []() noexcept { forks.fetch_add(1, std::memory_order_relaxed); });
  return true;
}();

}  // namespace

std::uint32_t forks_so_far() noexcept {
  return forks.load(std::memory_order_relaxed);
}

}  // namespace v0
}  // namespace errand
