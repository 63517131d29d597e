#pragma once
// One SQLite connection and its statements, with errors as values.

#include <errand/clock.h>
#include <errand/result.h>
#include <sqlite3.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sqlite/given.h"

namespace errand {
inline namespace v0 {
namespace sqlite {

/// "sqlite: WHAT: WHY", with the code that says whether trying again may help.
[[nodiscard]] Error error(Code code, const std::string& what, const std::string& why);

/// Of an error that keeps a file from being opened: where it is damage, what can be done about that is said as well.
[[nodiscard]] Error with_remedy(const Error& error);

/// As the tables have it.
[[nodiscard]] std::int64_t micros(WallTime at) noexcept;

/// A prepared statement, from its first bind to its last row. It is reset when it goes.
///
/// Errors are kept: what follows one does nothing, and done() or step() tells. Threads: one at a time.
class Statement {
 public:
  Statement(sqlite3_stmt* statement, int status) : statement_(statement), status_(status) {}
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  // The next parameter. Texts and bytes have to outlive the statement's last step.
  Statement& bind(std::int64_t value);
  Statement& bind(std::string_view text);
  Statement& bind(WallTime at);
  Statement& bind(Duration d) { return bind(std::int64_t{d.count()}); }
  Statement& bind_real(double value);
  Statement& bind_bytes(std::string_view bytes);
  Statement& bind_null();
  template <class T>
  Statement& bind(const std::optional<T>& value) {
    return value ? bind(*value) : bind_null();
  }
  /// An empty text is null.
  Statement& bind_unless_empty(std::string_view text);

  /// True: there is a row. False: there is none (any more), or an error; see status().
  [[nodiscard]] bool step();
  /// Runs it to its end. SQLITE_DONE or an error.
  int run();
  /// SQLITE_OK, SQLITE_ROW and SQLITE_DONE are no errors.
  [[nodiscard]] int status() const noexcept { return status_; }

  // The columns of the row. A null is zero, or empty.
  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] std::string_view bytes(int column) const;

 private:
  void note(int status);

  sqlite3_stmt* statement_;
  int next_ = 1;
  int status_;
};

/// Threads: one at a time.
class Connection {
 public:
  enum class Missing : bool { make, refuse };

  /// `vfs`: the name of SQLite's file layer; empty: its default. `missing`: what becomes of a file that is not there.
  [[nodiscard]] static Result<std::unique_ptr<Connection>> open(const std::string& path, const std::string& vfs,
                                                                Missing missing = Missing::make);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Several statements without parameters or rows.
  [[nodiscard]] int execute(const std::string& sql);
  /// Undoes the transaction that is open, if there is one: an error of the disk's may have done so already.
  void roll_back() noexcept;
  /// Prepared on first use, and kept. `sql` lives as long as the connection, as constants do.
  [[nodiscard]] Statement prepare(std::string_view sql);
  /// What statements find in errand_given.
  [[nodiscard]] Given& given() noexcept { return given_; }
  /// The first column of the first row, of a statement without parameters; nothing if there is no row.
  [[nodiscard]] Result<std::optional<std::int64_t>> number(std::string_view sql);

  /// Of a status that is an error.
  [[nodiscard]] Error error(int status, const std::string& what);
  /// Looks at a status whose error is reported to nobody.
  void note(int status) noexcept;
  /// A read, a write or a flush has failed, as far as error() and note() have seen.
  [[nodiscard]] bool disk_failed() const noexcept { return disk_failed_; }
  /// Another file, or none, has the name that this one was opened by: what is written here goes with the last handle,
  /// and no system call fails for that.
  [[nodiscard]] bool lost_its_name() noexcept;
  /// Whether closing leaves the log as it is, and does not write it back. So it is at first, and after a failure of the
  /// disk: what a log has that may not be on the disk is for whoever opens it next to make whole.
  void keep_log(bool keeps) noexcept;
  /// The file's whole path.
  [[nodiscard]] const std::string& path() const noexcept { return file_; }
  [[nodiscard]] sqlite3* handle() const noexcept { return handle_; }

 private:
  explicit Connection(sqlite3* handle) : handle_(handle) {}

  sqlite3* handle_;
  std::string file_{};  // none before it is open
  Given given_;
  std::map<const char*, sqlite3_stmt*> statements_;
  bool disk_failed_ = false;
};

}  // namespace sqlite
}  // namespace v0
}  // namespace errand
