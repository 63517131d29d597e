#pragma once
/// Named tasks in a SQLite file: they survive crashes of the program and of the machine.

#include <errand/callback.h>
#include <errand/detail/sql_value.h>
#include <errand/open.h>
#include <errand/store.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace errand {
inline namespace v0 {
namespace sqlite {
class SqliteTasks;
}

/// How much of a commit is on the disk when it returns.
enum class Synchronous : unsigned char {
  full,    ///< all of it: an accepted task survives a power cut
  normal,  ///< a power cut may take the last commits; a crash of the program takes nothing
};

struct SqliteOptions {
  Synchronous synchronous = Synchronous::full;
  std::string vfs{};               ///< the name of SQLite's file layer; empty: the system's own. With another one there
                                   ///< is no PATH.lock and no PATH-running
  std::shared_ptr<Clock> clock{};  ///< measures how long a transaction lasts; unset: the machine's
};

/// A row that a statement gave. Columns are counted from 0.
///
/// A value of another type reads as zero, or as empty; an integer and a real can stand for each other.
/// REQUIRES: column < size(). Threads: a plain value.
class Row {
 public:
  explicit Row(std::vector<detail::SqlValue> values) : values_(std::move(values)) {}

  [[nodiscard]] std::size_t size() const noexcept { return values_.size(); }
  [[nodiscard]] bool is_null(std::size_t column) const { return at(column).type == detail::SqlType::null; }
  [[nodiscard]] std::int64_t integer(std::size_t column) const { return at(column).integer; }
  [[nodiscard]] double real(std::size_t column) const { return at(column).real; }
  /// UTF-8, as the file has it. Valid as long as the row is.
  [[nodiscard]] std::string_view text(std::size_t column) const { return of_type(column, detail::SqlType::text); }
  /// Valid as long as the row is.
  [[nodiscard]] std::span<const std::byte> bytes(std::size_t column) const {
    const std::string_view bytes = of_type(column, detail::SqlType::bytes);
    return {reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()};
  }

 private:
  [[nodiscard]] const detail::SqlValue& at(std::size_t column) const {
    ERRAND_ASSERT(column < values_.size());
    return values_[column];
  }
  [[nodiscard]] std::string_view of_type(std::size_t column, detail::SqlType type) const {
    const detail::SqlValue& value = at(column);
    return value.type == type ? std::string_view(value.bytes) : std::string_view();
  }

  std::vector<detail::SqlValue> values_;
};

/// The inside of SqliteStore::transaction().
///
/// Values are integers and bool, floating-point numbers (one that is not a number is null), texts (std::string_view,
/// std::string, const char*), bytes (std::span<const std::byte> and what becomes one), nullptr, and std::optional of
/// these. Tables of one's own may have any name that does not begin with `errand_`: what does is the store's. The view
/// `errand_tasks` can be read, and its columns are no promise.
///
/// Errors:  `invalid` for a statement that SQLite does not take, whose values are not as many as its parameters, or
///          that begins or ends a transaction, sets a savepoint, attaches a file, asks for a setting or changes one, or
///          writes to a table of the store's. After an error that leaves the transaction in doubt, everything else
///          inside it returns that error, and so does transaction().
/// Threads: the one that the body runs in; others get `invalid`.
class Transaction {
 public:
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  /// Runs one statement to its end.
  template <class... V>
  Result<void> execute(std::string_view sql, const V&... values) {
    return execute_with(sql, {detail::sql_argument(values)...});
  }
  /// Runs one statement, and gives its rows.
  template <class... V>
  [[nodiscard]] Result<std::vector<Row>> query(std::string_view sql, const V&... values) {
    return query_with(sql, {detail::sql_argument(values)...});
  }

  /// Enqueues a task, as Store::commit does: `now` is the moment that is taken for now.
  Result<Added> add(const NewTask& task, WallTime now);
  /// Ends a claimed task, as Store::commit does. If the transaction is rolled back, the claim stands as before.
  Result<void> finish(const Finish& finish, WallTime now);

  /// SQLite's own handle, a sqlite3*, for what is not to be had here. It is the store's: no hook, limit or setting of
  /// it may be changed, statements have to be finalized by the end of the body, and nothing of it outlives that. What
  /// is refused above is refused here as well.
  [[nodiscard]] void* native_handle() const noexcept;
  /// Whether it is one of this store's.
  [[nodiscard]] bool is_of(const Store& store) const noexcept;

 private:
  friend class sqlite::SqliteTasks;
  explicit Transaction(sqlite::SqliteTasks& store) : store_(store) {}

  Result<void> execute_with(std::string_view sql, std::initializer_list<detail::SqlArgument> values);
  Result<std::vector<Row>> query_with(std::string_view sql, std::initializer_list<detail::SqlArgument> values);

  sqlite::SqliteTasks& store_;
};

/// A store in one file. A copyable handle; the file is open until the last copy, and the last queue that uses it, are
/// gone.
///
/// Beside the file, PATH, there are PATH-wal and PATH-shm, which are part of it; PATH.lock, which names the owner; and
/// PATH-running, 260 KiB, which says whose bodies run: the next open charges them if the process has crashed or was
/// killed (RunningBody). Without it, and after a reboot, nobody is charged. It must not be cut short while it is in
/// use, and PATH.lock must not be removed while a program has the file open: the next one would open it as well, and
/// two owners would run the same tasks, and could damage the file. Symbolic links lead to the one lock that there is; a
/// file with more than one name (hard links) is not opened, since SQLite's log and the lock go by the name.
///
/// Threads: any.
class SqliteStore {
 public:
  operator StorePtr() const { return store_; }
  [[nodiscard]] Store* operator->() const noexcept { return store_.get(); }

  /// Runs `body` inside one transaction: its data and its tasks are there together, or not at all. An error that it
  /// returns, or an exception that leaves it, rolls everything back, and is what comes out of here.
  ///
  /// Nobody else's commit happens meanwhile, so `limit` says how long it may last: then its statements are interrupted
  /// and everything is rolled back. A body that runs no statements can't be interrupted, and learns of it at its end.
  /// Errors: `would_block` inside of a transaction of the same store, where every other call to that store is too;
  ///         `unavailable` past the limit, or where Store::commit is; `invalid` for a limit <= 0.
  Result<void> transaction(Callback<Result<void>(Transaction&)> body, Duration limit = std::chrono::seconds(5));

  /// Copies everything into a new file, while the store is in use: every task that was accepted before the call is in
  /// there, and those that come meanwhile are, up to some moment. open_sqlite() opens the copy like any other file;
  /// what runs now is available in there, as after a crash.
  ///
  /// Returns when the copy is on the disk. It is written as PATH.partial, in steps of 1 MiB between which others get
  /// their turn, and gets its name at the end: after an error, or a crash, there is no PATH. What a crash leaves of
  /// PATH.partial the next backup to that path makes anew.
  ///
  /// To put a copy in the place of a store's file: while nobody has that open, remove its PATH-wal and PATH-shm, and
  /// move the copy to PATH.
  ///
  /// Errors: `invalid` where PATH is there, or PATH-wal or PATH-journal of a database that was, and where there can be
  ///         no such file, or this user may not make it; `unavailable` where the system refuses otherwise, or another
  ///         backup of this store is under way; `store_full` where the disk is full;
  ///         `would_block` inside of a transaction of the store.
  Result<void> backup(std::string_view path);

 private:
  friend Result<SqliteStore> open_sqlite(std::string_view, const SqliteOptions&);
  explicit SqliteStore(StorePtr store) : store_(std::move(store)) {}

  StorePtr store_;
};

/// Opens a file, and makes it if it is not there.
///
/// Errors: `owned_by` where another process has it open, and which; `invalid` for a path that leads to no plain file of
///         one name or has no folder, and for a file that this user may not write, that is no database of errand's, is
///         damaged, or was written by a newer errand: each says what to do about it; `store_full` where the disk is
///         full; `unavailable` where the system refuses otherwise, so that it may help to try again. A file that is not
///         errand's, or a newer errand's, is left as it was, with nothing beside it.
[[nodiscard]] Result<SqliteStore> open_sqlite(std::string_view path, const SqliteOptions& options = {});

namespace detail {
[[nodiscard]] Result<StorePtr> open_sqlite_address(std::string_view path);
// errand::open("sqlite:PATH") is known wherever this header is.
inline const bool knows_sqlite = know_scheme("sqlite", &open_sqlite_address);
}  // namespace detail

}  // namespace v0
}  // namespace errand
