#pragma once
// The locks on one file, and the memory that its connections share: the unix VFS has them from the kernel.

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace disk {

class Handle;

/// SQLite's five levels, SQLITE_LOCK_NONE to SQLITE_LOCK_EXCLUSIVE, by handle.
class FileLocks {
 public:
  /// False if another handle is in the way. A handle that asked for the highest level may then hold the one below it,
  /// which keeps new readers out until it asks again.
  [[nodiscard]] bool lock(const Handle& handle, int level);
  void unlock(const Handle& handle, int level);
  /// Whether anyone is about to write.
  [[nodiscard]] bool is_reserved() const;

 private:
  int level_of(const Handle& handle) const;
  int highest_of_others(const Handle& handle) const;

  std::map<const Handle*, int> levels_;
};

/// The index of a write-ahead log.
class SharedMemory {
 public:
  /// A region of so many bytes, zeros at first. nullptr: there is none yet, and `extend` is false.
  [[nodiscard]] void* map(std::size_t region, std::size_t size, bool extend);
  /// Locks count slots from first on. False, and nothing is locked, if another handle is in the way.
  [[nodiscard]] bool lock(const Handle& handle, int first, int count, bool exclusive);
  void unlock(const Handle& handle, int first, int count);
  void unlock_all(const Handle& handle) { held_.erase(&handle); }

 private:
  struct Slots {
    std::uint32_t shared = 0;
    std::uint32_t exclusive = 0;
  };

  std::vector<std::unique_ptr<std::byte[]>> regions_;
  std::map<const Handle*, Slots> held_;
};

}  // namespace disk
