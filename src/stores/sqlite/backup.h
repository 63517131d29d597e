#pragma once
// A copy of a database that is written while the database is in use.

#include <memory>
#include <string>

#include "sqlite/connection.h"

struct sqlite3_backup;

namespace errand {
inline namespace v0 {
namespace sqlite {

/// What `source` commits between two steps goes into the copy as well, since both are its doing: so the copy is what
/// the database is at the last step, no other connection reads the file, and its log can be written back meanwhile.
///
/// A transaction that is rolled back makes SQLite begin the copy anew. Steps get larger each time, so that it comes to
/// its end however often that happens.
///
/// Threads: as `source`. Life: within that of `source`.
class Copy {
 public:
  /// `into`: a file that is there, and empty. `what`: for messages.
  [[nodiscard]] static Result<std::unique_ptr<Copy>> begin(Connection& source, const std::string& into,
                                                           std::string what);
  ~Copy();
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;

  /// Copies some more: 1 MiB, as a rule. True: all is written, though not flushed.
  /// REQUIRES: no transaction of the source's is open.
  [[nodiscard]] Result<bool> step();

 private:
  Copy(Connection& source, std::unique_ptr<Connection> target, std::string what)
      : source_(source), target_(std::move(target)), what_(std::move(what)) {}

  Connection& source_;
  std::unique_ptr<Connection> target_;
  std::string what_;
  sqlite3_backup* backup_ = nullptr;
  int pages_at_once_ = 256;
  int pages_done_ = 0;
};

}  // namespace sqlite
}  // namespace v0
}  // namespace errand
