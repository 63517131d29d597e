#include "test_disk/failing_memory.h"

#include <sqlite3.h>

#include <atomic>
#include <cstdlib>
#include <stdexcept>

namespace disk {
namespace {

// SQLite's own defaults, which it does not tell.
constexpr int kLookasideSize = 1200;
constexpr int kLookasideCount = 40;

// SQLite's methods for memory get no pointer of ours, so what they need is here, once.
sqlite3_mem_methods real{};
std::atomic<bool> is_alive{false};
std::atomic<std::uint64_t> allocated{0};
std::atomic<std::uint64_t> refused{0};
std::atomic<std::uint64_t> first_refused{0};  // by their numbers; first == end: none
std::atomic<std::uint64_t> end_refused{0};
std::atomic<std::int64_t> alive{0};

bool refuse() {
  const std::uint64_t number = ++allocated;
  if (number < first_refused.load() || number >= end_refused.load()) return false;
  ++refused;
  return true;
}

void* allocate(int size) {
  void* memory = refuse() ? nullptr : real.xMalloc(size);
  if (memory != nullptr) ++alive;
  return memory;
}

void* reallocate(void* memory, int size) {
  return refuse() ? nullptr : real.xRealloc(memory, size);
}

void release(void* memory) {
  if (memory != nullptr) --alive;
  real.xFree(memory);
}

bool restart_with(sqlite3_mem_methods methods, int lookaside_size, int lookaside_count) {
  return sqlite3_shutdown() == SQLITE_OK && sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) == SQLITE_OK &&
         sqlite3_config(SQLITE_CONFIG_LOOKASIDE, lookaside_size, lookaside_count) == SQLITE_OK &&
         sqlite3_initialize() == SQLITE_OK;
}

}  // namespace

FailingMemory::FailingMemory() {
  if (is_alive.exchange(true)) throw std::logic_error("FailingMemory: there is one already");
  allocated = refused = first_refused = end_refused = 0;
  alive = 0;
  sqlite3_shutdown();
  sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real);
  sqlite3_mem_methods counted = real;
  counted.xMalloc = allocate;
  counted.xRealloc = reallocate;
  counted.xFree = release;
  if (!restart_with(counted, 0, 0)) throw std::logic_error("FailingMemory: SQLite takes no other allocator");
}

FailingMemory::~FailingMemory() {
  fail_at(0, 0);
  if (!restart_with(real, kLookasideSize, kLookasideCount)) std::abort();
  is_alive = false;
}

void FailingMemory::fail_at(std::uint64_t n, std::uint64_t times) {
  const std::uint64_t first = allocated + n;
  refused = 0;
  first_refused = first;
  end_refused = first + times < first ? UINT64_MAX : first + times;
}

std::uint64_t FailingMemory::failed() const {
  return refused;
}

std::uint64_t FailingMemory::allocations() const {
  return allocated;
}

std::int64_t FailingMemory::outstanding() const {
  return alive;
}

}  // namespace disk
