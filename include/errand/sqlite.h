#pragma once
/// Named tasks in a SQLite file: they survive crashes of the program and of the machine.

#include <errand/store.h>

#include <string>
#include <string_view>

namespace errand {
inline namespace v0 {

/// How much of a commit is on the disk when it returns.
enum class Synchronous : unsigned char {
  full,    ///< all of it: an accepted task survives a power cut
  normal,  ///< a power cut may take the last commits; a crash of the program takes nothing
};

struct SqliteOptions {
  Synchronous synchronous = Synchronous::full;
  /// The name of SQLite's file layer; empty: the system's own. With another one there is no PATH.lock and no
  /// PATH-running.
  std::string vfs{};
};

/// A store in one file. A copyable handle; the file is open until the last copy, and the last queue that uses it, are
/// gone.
///
/// Beside the file, PATH, there are PATH-wal and PATH-shm, which are part of it; PATH.lock, which names the owner; and
/// PATH-running, 260 KiB, which says whose bodies run: the next open charges them if the process has crashed or was
/// killed (RunningBody). Without it, and after a reboot, nobody is charged. It must not be cut short while it is in
/// use.
///
/// Threads: any.
class SqliteStore {
 public:
  operator StorePtr() const { return store_; }
  [[nodiscard]] Store* operator->() const noexcept { return store_.get(); }

 private:
  friend Result<SqliteStore> open_sqlite(std::string_view, const SqliteOptions&);
  explicit SqliteStore(StorePtr store) : store_(std::move(store)) {}

  StorePtr store_;
};

/// Opens a file, and makes it if it is not there.
///
/// Errors: `owned_by` where another process has it open, and which; `invalid` for a file that is no database of
/// errand's, is damaged, or was written by a newer errand; `unavailable` where the system refuses.
[[nodiscard]] Result<SqliteStore> open_sqlite(std::string_view path, const SqliteOptions& options = {});

}  // namespace v0
}  // namespace errand
