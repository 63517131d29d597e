#pragma once
// The flushes of this process, counted as they begin and end: fdatasync() and fsync() of the program's own come before
// the C library's, for SQLite too. Included by one file of a program that is linked to a shared SQLite.
//
// An enqueue that notes how many had begun, and returns, needs one that began later and is over.

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

namespace flushes {

inline std::atomic<std::uint64_t> begun_count{0};
inline std::atomic<std::uint64_t> over_number{0};  // of those that succeeded, the one that began last

inline std::uint64_t begun() {
  return begun_count.load();
}
inline std::uint64_t last_over() {
  return over_number.load();
}

inline int count(long call, int file) {
  const std::uint64_t number = begun_count.fetch_add(1) + 1;
  const int status = static_cast<int>(::syscall(call, file));
  std::uint64_t last = over_number.load();
  while (status == 0 && last < number && !over_number.compare_exchange_weak(last, number)) {
  }
  return status;
}

}  // namespace flushes

// NOLINTBEGIN(misc-definitions-in-headers): one file includes this
extern "C" {
[[gnu::visibility("default")]] int fdatasync(int file) {
  return flushes::count(SYS_fdatasync, file);
}
[[gnu::visibility("default")]] int fsync(int file) {
  return flushes::count(SYS_fsync, file);
}
}
// NOLINTEND(misc-definitions-in-headers)
