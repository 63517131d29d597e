#pragma once
// The write-ahead log: after a flush of it may have failed, and how long its file is.
//
// What a failed flush was to write is on the disk or not, and no later flush tries again: the system reports a failed
// write once, and then takes the pages for clean. Whoever reads goes on seeing them until the power is cut. So a log
// that is read back after a failure may have a hole that nobody sees, and what is written behind it is lost with it,
// flushed or not.

#include <sqlite3.h>

namespace errand {
inline namespace v0 {
namespace sqlite {

/// Whether there is nothing in the log's file, or no such file.
[[nodiscard]] bool is_log_empty(sqlite3* db);

// Both return SQLite's status. REQUIRES: no transaction is open.

/// Writes the log over itself and flushes it, so that what is seen of it is on the disk. A power cut on the way takes
/// nothing that was there. Does nothing where the log is empty.
[[nodiscard]] int rewrite_log(sqlite3* db);

/// Writes back what `db` knows to be committed, and leaves the log empty, on the disk as well: a commit that failed
/// is nowhere afterwards, even if all of it was in the log. After an error the same may be tried again.
[[nodiscard]] int empty_log(sqlite3* db);

/// Whether somebody waits for a transaction: else it is the time to do what later ones would have to wait for.
enum class Awaited : bool { no, yes };

/// Makes the file longer than the log by zeros, in which nobody sees a commit, where the log has come near its end. A
/// flush of a file that has become longer costs nearly twice as much; so it does as few times as can be. The zeros have
/// to be flushed as well: by the next commit, or at once where nobody waits.
class LogSpace {
 public:
  /// SQLite's status. `used`: bytes of the log so far.
  [[nodiscard]] int keep_ahead(sqlite3* db, sqlite3_int64 used, Awaited awaited);
  /// The disk is full: gives back what is not used of the file, and takes no more.
  [[nodiscard]] int give_back(sqlite3* db, sqlite3_int64 used);

 private:
  sqlite3_int64 size_ = 0;
  bool tight_ = false;  // of the file, or less
};

}  // namespace sqlite
}  // namespace v0
}  // namespace errand
