#include "sqlite/connection.h"

#include <utility>

#include "core/text.h"

namespace errand {
inline namespace v0 {
namespace sqlite {

namespace {

bool is_error(int status) noexcept {
  return status != SQLITE_OK && status != SQLITE_ROW && status != SQLITE_DONE;
}

// Whether somebody has to change something before the same call can succeed.
Code code_of(int status) noexcept {
  switch (status & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:  // somebody else's locks, asked for too often in vain
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_INTERRUPT:
      return Code::unavailable;
    case SQLITE_FULL:
      return Code::store_full;
    case SQLITE_TOOBIG:
      return Code::too_large;
    default:
      return Code::invalid;
  }
}

// What the file or its disk has to do with, so that somebody may want to look at it.
bool is_of_file(int status) noexcept {
  switch (status & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_FULL:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return true;
    default:
      return false;
  }
}

}  // namespace

Error error(Code code, const std::string& what, const std::string& why) {
  return {code, "sqlite: " + clean_text(what, 1000) + ": " + clean_text(why, 8000)};
}

Error with_remedy(const Error& error) {
  if (error.code() != Code::invalid) return error;
  constexpr char kRemedy[] = ": put a backup in its place, or save what can be read with \"sqlite3 FILE .recover\"";
  return {error.code(), error.message() + kRemedy};
}

std::int64_t micros(WallTime at) noexcept {
  return std::chrono::floor<std::chrono::microseconds>(at).time_since_epoch().count();
}

// --- Statement -------------------------------------------------------------------------------------------------------

Statement::Statement(Statement&& other) noexcept
    : statement_(std::exchange(other.statement_, nullptr)), next_(other.next_), status_(other.status_) {}

Statement::~Statement() {
  if (statement_ != nullptr) sqlite3_reset(statement_);
}

void Statement::note(int status) {
  if (!is_error(status_)) status_ = status;
}

Statement& Statement::bind(std::int64_t value) {
  if (!is_error(status_)) note(sqlite3_bind_int64(statement_, next_++, value));
  return *this;
}

Statement& Statement::bind_real(double value) {
  if (!is_error(status_)) note(sqlite3_bind_double(statement_, next_++, value));
  return *this;
}

Statement& Statement::bind(std::string_view text) {
  const char* const data = text.data() != nullptr ? text.data() : "";
  if (!is_error(status_)) note(sqlite3_bind_text64(statement_, next_++, data, text.size(), SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind(WallTime at) {
  return bind(micros(at));
}

Statement& Statement::bind_bytes(std::string_view bytes) {
  const char* const data = bytes.data() != nullptr ? bytes.data() : "";
  if (!is_error(status_)) note(sqlite3_bind_blob64(statement_, next_++, data, bytes.size(), SQLITE_STATIC));
  return *this;
}

Statement& Statement::bind_null() {
  if (!is_error(status_)) note(sqlite3_bind_null(statement_, next_++));
  return *this;
}

Statement& Statement::bind_unless_empty(std::string_view text) {
  return text.empty() ? bind_null() : bind(text);
}

bool Statement::step() {
  if (!is_error(status_)) status_ = sqlite3_step(statement_);
  return status_ == SQLITE_ROW;
}

int Statement::run() {
  while (step()) {
  }
  return status_;
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string_view Statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return data != nullptr ? std::string_view(data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)))
                         : std::string_view();
}

std::string_view Statement::bytes(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return data != nullptr ? std::string_view(data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)))
                         : std::string_view();
}

// --- Connection ------------------------------------------------------------------------------------------------------

Result<std::unique_ptr<Connection>> Connection::open(const std::string& path, const std::string& vfs, Missing missing) {
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                    (missing == Missing::make ? SQLITE_OPEN_CREATE : 0);
  const int status = sqlite3_open_v2(path.c_str(), &handle, flags, vfs.empty() ? nullptr : vfs.c_str());
  // Even a failed open may leave a handle, with the reason in it.
  std::unique_ptr<Connection> connection(new Connection(handle));
  if (status != SQLITE_OK) return connection->error(status, "open \"" + path + "\"");
  const char* const file = sqlite3_db_filename(handle, "main");
  connection->file_ = file != nullptr ? file : "";
  if (const int attached = connection->given_.attach(handle); attached != SQLITE_OK)
    return connection->error(attached, "open \"" + path + "\"");
  connection->keep_log(true);
  return connection;
}

Connection::~Connection() {
  if (disk_failed_) keep_log(true);
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close_v2(handle_);
}

int Connection::execute(const std::string& sql) {
  return sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
}

void Connection::roll_back() noexcept {
  if (sqlite3_get_autocommit(handle_) == 0) sqlite3_exec(handle_, "rollback", nullptr, nullptr, nullptr);
}

Statement Connection::prepare(std::string_view sql) {
  sqlite3_stmt*& statement = statements_[sql.data()];
  int status = SQLITE_OK;
  if (statement == nullptr) {
    status = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                &statement, nullptr);
  }
  return {statement, status};
}

Result<std::optional<std::int64_t>> Connection::number(std::string_view sql) {
  Statement statement = prepare(sql);
  std::optional<std::int64_t> number;
  if (statement.step() && !statement.is_null(0)) number = statement.integer(0);
  if (is_error(statement.status())) return error(statement.status(), "read");
  return number;
}

Error Connection::error(int status, const std::string& what) {
  note(status);
  const char* why = sqlite3_errstr(status);
  // The connection's own words say more, where they are about this.
  if (handle_ != nullptr && (sqlite3_extended_errcode(handle_) & 0xff) == (status & 0xff))
    why = sqlite3_errmsg(handle_);
  const bool says_file = is_of_file(status) && !file_.empty() && what.find(file_) == std::string::npos;
  return sqlite::error(code_of(status), what, why + (says_file ? " (file \"" + file_ + "\")" : std::string()));
}

void Connection::note(int status) noexcept {
  if ((status & 0xff) == SQLITE_IOERR) disk_failed_ = true;
}

void Connection::keep_log(bool keeps) noexcept {
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keeps ? 1 : 0, nullptr);
}

bool Connection::lost_its_name() noexcept {
  int moved = 0;
  return sqlite3_file_control(handle_, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved != 0;
}

}  // namespace sqlite
}  // namespace v0
}  // namespace errand
