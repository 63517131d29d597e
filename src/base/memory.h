#pragma once
// Memory straight from the system, by pages of its own. The platform's part is in linux/memory.cc.

#include <cstddef>

namespace errand {
inline namespace v0 {

/// Zeroed, and in use only where it has been touched; null where there is none.
[[nodiscard]] void* map_memory(std::size_t size) noexcept;
/// The same, at a multiple of its own size. REQUIRES: size is a power of two, and whole pages.
[[nodiscard]] void* map_aligned_memory(std::size_t size) noexcept;
void unmap_memory(void* begin, std::size_t size) noexcept;

/// Gives back what lies there until it is touched again, when it is zeroed. REQUIRES: whole pages.
void give_memory_back(void* begin, std::size_t size) noexcept;
/// Asks for large pages: one page fault instead of hundreds.
void prefer_large_pages(void* begin, std::size_t size) noexcept;
/// Asks that no large page be made of the few in use here; whatever was preferred before.
void prefer_small_pages(void* begin, std::size_t size) noexcept;

}  // namespace v0
}  // namespace errand
