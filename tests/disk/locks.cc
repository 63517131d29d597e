#include "test_disk/locks.h"

#include <sqlite3.h>

#include <algorithm>

namespace disk {
namespace {

std::uint32_t mask_of(int first, int count) {
  return ((1U << count) - 1U) << first;
}

}  // namespace

bool FileLocks::lock(const Handle& handle, int level) {
  if (level_of(handle) >= level) return true;
  const int others = highest_of_others(handle);
  if (level == SQLITE_LOCK_SHARED) {
    if (others >= SQLITE_LOCK_PENDING) return false;
  } else {
    if (others >= SQLITE_LOCK_RESERVED) return false;
    if (level == SQLITE_LOCK_EXCLUSIVE && others >= SQLITE_LOCK_SHARED) {
      levels_[&handle] = SQLITE_LOCK_PENDING;
      return false;
    }
  }
  levels_[&handle] = level;
  return true;
}

void FileLocks::unlock(const Handle& handle, int level) {
  if (level == SQLITE_LOCK_NONE) {
    levels_.erase(&handle);
  } else if (level_of(handle) > level) {
    levels_[&handle] = level;
  }
}

bool FileLocks::is_reserved() const {
  return std::any_of(levels_.begin(), levels_.end(), [](auto& held) { return held.second >= SQLITE_LOCK_RESERVED; });
}

int FileLocks::level_of(const Handle& handle) const {
  const auto held = levels_.find(&handle);
  return held == levels_.end() ? SQLITE_LOCK_NONE : held->second;
}

int FileLocks::highest_of_others(const Handle& handle) const {
  int highest = SQLITE_LOCK_NONE;
  for (const auto& [other, level] : levels_) {
    if (other != &handle) highest = std::max(highest, level);
  }
  return highest;
}

void* SharedMemory::map(std::size_t region, std::size_t size, bool extend) {
  if (region >= regions_.size()) {
    if (!extend) return nullptr;
    regions_.resize(region + 1);
  }
  if (regions_[region] == nullptr) regions_[region] = std::make_unique<std::byte[]>(size);
  return regions_[region].get();
}

bool SharedMemory::lock(const Handle& handle, int first, int count, bool exclusive) {
  const std::uint32_t mask = mask_of(first, count);
  for (const auto& [other, slots] : held_) {
    if (other != &handle && ((slots.exclusive | (exclusive ? slots.shared : 0U)) & mask) != 0) return false;
  }
  Slots& own = held_[&handle];
  (exclusive ? own.exclusive : own.shared) |= mask;
  return true;
}

void SharedMemory::unlock(const Handle& handle, int first, int count) {
  const auto own = held_.find(&handle);
  if (own == held_.end()) return;
  own->second.shared &= ~mask_of(first, count);
  own->second.exclusive &= ~mask_of(first, count);
}

}  // namespace disk
