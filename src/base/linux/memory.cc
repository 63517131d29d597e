#include "base/memory.h"

#include <sys/mman.h>

#include <cstdint>

namespace errand {
inline namespace v0 {

void* map_memory(std::size_t size) noexcept {
  void* p = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return p == MAP_FAILED ? nullptr : p;
}

// Twice as much holds a place that fits; what lies around it goes back.
void* map_aligned_memory(std::size_t size) noexcept {
  auto* p = static_cast<char*>(map_memory(2 * size));
  if (p == nullptr) return nullptr;
  const std::size_t before = -reinterpret_cast<std::uintptr_t>(p) & (size - 1);
  if (before != 0) unmap_memory(p, before);
  unmap_memory(p + before + size, size - before);
  return p + before;
}

void unmap_memory(void* begin, std::size_t size) noexcept {
  munmap(begin, size);
}

void give_memory_back(void* begin, std::size_t size) noexcept {
  static_cast<void>(madvise(begin, size, MADV_DONTNEED));
}

void prefer_large_pages(void* begin, std::size_t size) noexcept {
  static_cast<void>(madvise(begin, size, MADV_HUGEPAGE));
}

void prefer_small_pages(void* begin, std::size_t size) noexcept {
  static_cast<void>(madvise(begin, size, MADV_NOHUGEPAGE));
}

}  // namespace v0
}  // namespace errand
