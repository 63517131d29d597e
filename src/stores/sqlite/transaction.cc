// The caller's own transaction, and what can be done inside it.

#include <algorithm>
#include <climits>

#include "base/time.h"
#include "sqlite/store.h"

namespace errand {
inline namespace v0 {
namespace sqlite {

namespace {

constexpr std::size_t kShownSql = 100;

struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Prepared = std::unique_ptr<sqlite3_stmt, Finalize>;

// A beginning of the statement, in one line.
std::string shown(std::string_view sql) {
  std::size_t length = std::min(sql.size(), kShownSql);
  // Not in the middle of a character.
  while (length < sql.size() && length > 0 && (static_cast<unsigned char>(sql[length]) & 0xc0) == 0x80) --length;
  std::string text = "execute \"" + std::string(sql.substr(0, length)) + (length < sql.size() ? "...\"" : "\"");
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  return text;
}

void bind(Statement& statement, const detail::SqlArgument& value) {
  switch (value.type) {
    case detail::SqlType::integer:
      statement.bind(value.integer);
      break;
    case detail::SqlType::real:
      statement.bind_real(value.real);
      break;
    case detail::SqlType::text:
      statement.bind(value.bytes);
      break;
    case detail::SqlType::bytes:
      statement.bind_bytes(value.bytes);
      break;
    case detail::SqlType::null:
    case detail::SqlType::too_large:
      statement.bind_null();
      break;
  }
}

detail::SqlValue value_at(sqlite3_stmt* row, const Statement& statement, int column) {
  detail::SqlValue value;
  switch (sqlite3_column_type(row, column)) {
    case SQLITE_INTEGER:
      value.type = detail::SqlType::integer;
      break;
    case SQLITE_FLOAT:
      value.type = detail::SqlType::real;
      break;
    case SQLITE_TEXT:
      value.type = detail::SqlType::text;
      value.bytes = statement.text(column);
      return value;
    case SQLITE_BLOB:
      value.type = detail::SqlType::bytes;
      value.bytes = statement.bytes(column);
      return value;
    default:
      return value;
  }
  value.integer = statement.integer(column);
  value.real = sqlite3_column_double(row, column);
  return value;
}

Row row_at(sqlite3_stmt* row, const Statement& statement) {
  std::vector<detail::SqlValue> values;
  const int count = sqlite3_data_count(row);
  values.reserve(static_cast<std::size_t>(count));
  for (int column = 0; column < count; ++column) values.push_back(value_at(row, statement, column));
  return Row(std::move(values));
}

// One statement, and nothing but spaces and remarks behind it; null, with no error, where there are only those.
int prepare(sqlite3* db, std::string_view sql, Prepared& prepared, bool& has_more) {
  while (!sql.empty() && !has_more) {
    sqlite3_stmt* next = nullptr;
    const char* end = nullptr;
    const int status = sqlite3_prepare_v2(db, sql.data(), static_cast<int>(sql.size()), &next, &end);
    if (status != SQLITE_OK) return status;
    has_more = next != nullptr && prepared != nullptr;
    if (has_more) {
      sqlite3_finalize(next);
    } else if (next != nullptr) {
      prepared.reset(next);
    }
    sql.remove_prefix(static_cast<std::size_t>(end - sql.data()));
  }
  return SQLITE_OK;
}

}  // namespace

// --- around the body -------------------------------------------------------------------------------------------------

Result<void> SqliteTasks::may_enter(const char* what) const {
  if (forks_ != forks_so_far())
    return error(Code::forked, what, "the store belongs to the process that forked this one; open it there again");
  if (inside_.load(std::memory_order_relaxed) != std::this_thread::get_id()) return {};
  return error(Code::would_block, what, "this thread is inside a transaction of the store, and has to use that");
}

Result<void> SqliteTasks::transaction(const Body& body, Duration limit) {
  if (auto ok = may_enter("transaction"); !ok) return ok;
  if (!body) return error(Code::invalid, "transaction", "it has no body");
  if (limit <= Duration::zero())
    return error(Code::invalid, "transaction", "expected a limit above zero, got " + to_text(limit));
  std::vector<std::string> queues;
  {
    FairLock lock(mu_);
    if (auto done = run_body(body, limit); !done) return done;
    queues.assign(doing_.queues.begin(), doing_.queues.end());
  }
  listeners_.tell(queues);
  return {};
}

Result<void> SqliteTasks::run_body(const Body& body, Duration limit) {
  const std::string what = "transaction";
  if (auto began = begin(what, latest_); !began) return began;
  doing_ = {.limit = limit};
  fence_.raise(options_.clock != nullptr ? options_.clock : real_clock(), limit);
  inside_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  Result<void> done;
  try {
    Transaction inside(*this);
    done = body(inside);
    if (done) done = usable();
  } catch (...) {
    leave_body();
    static_cast<void>(end(what, error(Code::failed, what, "its body threw")));
    throw;
  }
  if (doing_.failed) done = *doing_.failed;
  leave_body();
  return end(what, std::move(done));
}

void SqliteTasks::leave_body() {
  inside_.store(std::thread::id(), std::memory_order_relaxed);
  fence_.lower();
  const bool is_open = sqlite3_get_autocommit(connection_->handle()) == 0;
  if (!is_open && !doing_.failed) connection_->note(SQLITE_IOERR);  // as in usable()
}

// --- inside of it ----------------------------------------------------------------------------------------------------

Result<void> SqliteTasks::usable() {
  if (inside_.load(std::memory_order_relaxed) != std::this_thread::get_id())
    return error(Code::invalid, "transaction", "it belongs to the thread that its body runs in");
  if (doing_.failed) return *doing_.failed;
  if (fence_.is_late()) return give_up(too_late());
  if (sqlite3_get_autocommit(connection_->handle()) == 0) return {};
  // What SQLite told the body alone may have been an error of the disk's.
  connection_->note(SQLITE_IOERR);
  return give_up(error(Code::invalid, "transaction", "a statement has rolled it back"));
}

// Nothing can come of the transaction any more.
Error SqliteTasks::give_up(Error why) {
  doing_.failed = fence_.is_late() ? too_late() : std::move(why);
  return *doing_.failed;
}

Error SqliteTasks::too_late() const {
  return error(Code::unavailable, "transaction",
               "it lasted longer than its limit of " + to_text(doing_.limit) + ", and was rolled back");
}

Result<void> SqliteTasks::run_sql(std::string_view sql, std::span<const detail::SqlArgument> values,
                                  std::vector<Row>* rows) {
  mu_.assert_held();
  if (auto ok = usable(); !ok) return ok;
  const std::string what = shown(sql);
  if (sql.size() > INT_MAX) return error(Code::too_large, what, "a statement of 2 GiB");
  if (sql.find('\0') != std::string_view::npos) return error(Code::invalid, what, "there is a NUL in it");
  Prepared prepared;
  bool has_more = false;
  const int status = prepare(connection_->handle(), sql, prepared, has_more);
  if (status == SQLITE_AUTH) return error(Code::invalid, what, fence_.refusal());
  if (status != SQLITE_OK) return failed_sql(status, what);
  if (has_more || prepared == nullptr) return error(Code::invalid, what, "expected one statement");
  const auto expected = static_cast<std::size_t>(sqlite3_bind_parameter_count(prepared.get()));
  if (expected != values.size()) {
    return error(Code::invalid, what,
                 "expected " + std::to_string(expected) + " values, got " + std::to_string(values.size()));
  }
  Statement statement(prepared.get(), SQLITE_OK);
  for (const detail::SqlArgument& value : values) {
    if (value.type == detail::SqlType::too_large)
      return error(Code::too_large, what, "an unsigned value that does not fit in 63 bits");
    bind(statement, value);
  }
  while (statement.step()) {
    if (rows != nullptr) rows->push_back(row_at(prepared.get(), statement));
  }
  return statement.status() == SQLITE_DONE ? Result<void>() : failed_sql(statement.status(), what);
}

// A statement's error undoes the statement, as a rule, and some undo the whole transaction.
Result<void> SqliteTasks::failed_sql(int status, const std::string& what) {
  Error failed = connection_->error(status, what);
  if (fence_.is_late() || sqlite3_get_autocommit(connection_->handle()) != 0) return give_up(std::move(failed));
  return failed;
}

Result<Added> SqliteTasks::add_inside(const NewTask& task, WallTime now) {
  mu_.assert_held();
  if (auto ok = usable(); !ok) return ok.error();
  const Fence::Gate gate(fence_);
  if (auto kept = keep_available(now); !kept) return give_up(kept.error());
  NewTask own = task;
  auto added = add(own, now);
  if (!added) return give_up(added.error());
  if (auto ok = insert_incoming(now); !ok) return give_up(ok.error());
  if (!*added) return std::move(*added);
  if (auto why = refusal((*added)->id)) return std::move(*why);
  doing_.queues.insert(task.queue);
  return std::move(*added);
}

Result<void> SqliteTasks::finish_inside(const Finish& one, WallTime now) {
  mu_.assert_held();
  if (auto ok = usable(); !ok) return ok;
  const Fence::Gate gate(fence_);
  if (auto kept = keep_available(now); !kept) return give_up(kept.error());
  const Claims::Claim* claim = claims_.find(number_of(one.id));
  const std::string queue(claim != nullptr ? claim->queue : std::string_view());
  auto done = finish(one, now);
  if (!done) return give_up(done.error());
  if (*done) return **done;
  if (auto ok = end_tasks(now); !ok) return give_up(ok.error());
  if (auto why = refusal(one.id)) return std::move(*why);
  doing_.queues.insert(queue);
  return {};
}

void* SqliteTasks::handle() {
  mu_.assert_held();
  return connection_->handle();
}

}  // namespace sqlite

// --- what the caller sees --------------------------------------------------------------------------------------------

Result<void> SqliteStore::transaction(Callback<Result<void>(Transaction&)> body, Duration limit) {
  const StorePtr alive = store_;
  return static_cast<sqlite::SqliteTasks&>(*alive).transaction(body, limit);
}

Result<void> Transaction::execute_with(std::string_view sql, std::initializer_list<detail::SqlArgument> values) {
  return store_.run_sql(sql, {values.begin(), values.size()}, nullptr);
}

Result<std::vector<Row>> Transaction::query_with(std::string_view sql,
                                                 std::initializer_list<detail::SqlArgument> values) {
  std::vector<Row> rows;
  if (auto done = store_.run_sql(sql, {values.begin(), values.size()}, &rows); !done) return done.error();
  return rows;
}

Result<Added> Transaction::add(const NewTask& task, WallTime now) {
  return store_.add_inside(task, now);
}

Result<void> Transaction::finish(const Finish& finish, WallTime now) {
  return store_.finish_inside(finish, now);
}

bool Transaction::is_of(const Store& store) const noexcept {
  return &store == &store_;
}

void* Transaction::native_handle() const noexcept {
  return store_.handle();
}

}  // namespace v0
}  // namespace errand
