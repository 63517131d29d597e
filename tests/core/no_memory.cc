#include "no_memory.h"

#include <cstdlib>
#include <new>

namespace {
thread_local bool no_memory = false;
}  // namespace

errand::NoMemory::NoMemory() {
  no_memory = true;
}
errand::NoMemory::~NoMemory() {
  no_memory = false;
}

// In a file of their own: where these are inlined, compilers take malloc and delete for a mismatch.
void* operator new(std::size_t size) {
  void* const memory = no_memory ? nullptr : std::malloc(size > 0 ? size : 1);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
