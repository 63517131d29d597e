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
  std::string vfs{};  ///< the name of SQLite's file layer; empty: the system's own
};

/// A store in one file. A copyable handle; the file is open until the last copy, and the last queue that uses it, are
/// gone.
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
