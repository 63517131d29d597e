#pragma once
// A file system that several connections use at once, each operation of which can fail.

#include <sqlite3.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/mutex.h"
#include "test_disk/file_system.h"

namespace disk {

class World;

/// An open file. Its members but `world` and `path` are looked at under the world's mutex only.
class Handle {
 public:
  World* world;
  std::string path;
  std::uint64_t life;
  std::shared_ptr<Inode> inode;
  std::shared_ptr<SharedMemory> shared_memory;
  bool is_read_only = false;
  bool syncs_directory = false;  // with its first flush
  bool is_deleted_on_close = false;
  bool keeps_log = false;
};

class World {
 public:
  explicit World(std::uint64_t seed) : fs_(seed) {}

  template <class Act>
  auto with(Act act) ERRAND_EXCLUDES(mu_) {
    const errand::MutexLock lock(mu_);
    return act(fs_);
  }

  /// Counts the operation and calls the hook; then act(FileSystem&, Fault) says how it ended, unless it fails before
  /// that: SQLITE_IOERR if the power is off or the handle is of another life, else `error` or SQLITE_BUSY. Left to act
  /// are faults that do something all the same: short_write, and those of a flush.
  template <class Act>
  int run(Operation operation, std::string_view bytes, const Handle* handle, int error, Act act) ERRAND_EXCLUDES(mu_) {
    Fault fault = Fault::none;
    {
      const errand::MutexLock lock(mu_);
      if (!is_usable(handle)) return SQLITE_IOERR;
      fault = fs_.begin(operation, bytes);
    }
    if (hook_) {
      const Fault asked = hook_(operation);
      if (can_happen(asked, operation.call)) fault = asked;
    }
    const errand::MutexLock lock(mu_);
    if (fault == Fault::power_loss) fs_.power_off();
    if (!is_usable(handle)) return SQLITE_IOERR;
    if (fault == Fault::busy) return SQLITE_BUSY;
    if (fault == Fault::io_error && operation.call != Call::sync) return error;
    return act(fs_, fault);
  }

  void on_operation(std::function<Fault(const Operation&)> hook) { hook_ = std::move(hook); }
  void on_sleep(std::function<void(std::chrono::microseconds)> hook) { sleep_hook_ = std::move(hook); }

  /// Passes in the disk's time.
  void sleep(std::chrono::microseconds time) ERRAND_EXCLUDES(mu_) {
    with([&](FileSystem& fs) { fs.now_us += time.count(); });
    if (sleep_hook_) sleep_hook_(time);
  }

 private:
  bool is_usable(const Handle* handle) const ERRAND_REQUIRES(mu_) {
    return fs_.power() == FileSystem::Power::on && (handle == nullptr || handle->life == fs_.life());
  }

  errand::Mutex mu_;
  FileSystem fs_ ERRAND_GUARDED_BY(mu_);
  // Changed only while there are no operations.
  std::function<Fault(const Operation&)> hook_;
  std::function<void(std::chrono::microseconds)> sleep_hook_;
};

}  // namespace disk
