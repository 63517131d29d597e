#pragma once
// Small words to the processor.

namespace errand {
inline namespace v0 {

/// In a loop that waits for another core.
inline void relax_cpu() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace v0
}  // namespace errand
