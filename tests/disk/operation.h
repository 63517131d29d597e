#pragma once
// What SQLite asks of a disk, and what can go wrong with it.

#include <cstdint>
#include <limits>
#include <string>

namespace disk {

enum class Call : std::uint8_t {
  open,
  read,
  write,
  truncate,
  sync,
  sync_directory,  ///< after the first flush of a new journal or log, and after some deletes
  size,
  lock,
  unlock,
  check_lock,
  remove,
  access,
  shm_map,
  shm_lock,
  shm_unlock,
};

enum class Fault : std::uint8_t {
  none,
  io_error,  ///< EIO; of a flush, the same as sync_failure. Unlocking does not fail: nobody could do anything about it.
  busy,      ///< SQLITE_BUSY from a lock.
  short_write,   ///< Part of a write is done, then SQLITE_FULL.
  sync_failure,  ///< A flush fails, and what it was to flush is there or not; see Content::fail_sync.
  power_loss,    ///< This and every later operation fails, until Disk::power_cut() and an open.
};

struct Operation {
  Call call = Call::open;
  std::string path = {};     ///< as SQLite knows it, beginning with '/'
  std::int64_t offset = 0;   ///< of a truncation: the new size; of a lock: the level; of an shm_lock: the first slot
  std::int64_t size = 0;     ///< of a read or write; of shm_lock: how many slots
  std::uint64_t number = 0;  ///< counted from 1
};

inline constexpr std::uint64_t kAlways = std::numeric_limits<std::uint64_t>::max();

[[nodiscard]] constexpr bool can_happen(Fault fault, Call call) {
  const bool lets_go = call == Call::unlock || call == Call::shm_unlock;
  switch (fault) {
    case Fault::none:
      return false;
    case Fault::io_error:
      return !lets_go;
    case Fault::busy:
      return call == Call::lock || call == Call::shm_lock;
    case Fault::short_write:
      return call == Call::write;
    case Fault::sync_failure:
      return call == Call::sync;
    case Fault::power_loss:
      return true;
  }
  return false;
}

/// A fault that is planned.
class FaultPlan {
 public:
  void fail_at(std::uint64_t n, Fault fault, std::uint64_t times) {
    wait_ = n;
    fault_ = fault;
    left_ = times;
    happened_ = 0;
  }
  /// Of the next operation.
  [[nodiscard]] Fault next(Call call) {
    if (wait_ > 0) --wait_;
    if (wait_ > 0 || left_ == 0 || !can_happen(fault_, call)) return Fault::none;
    if (left_ != kAlways) --left_;
    ++happened_;
    return fault_;
  }
  void cancel() { left_ = 0; }
  [[nodiscard]] std::uint64_t happened() const { return happened_; }

 private:
  std::uint64_t wait_ = 0;
  std::uint64_t left_ = 0;
  std::uint64_t happened_ = 0;
  Fault fault_ = Fault::none;
};

}  // namespace disk
