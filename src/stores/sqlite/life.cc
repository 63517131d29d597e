// Opening and closing the file, and opening it again after the disk failed.

#include <algorithm>
#include <filesystem>

#include "base/may_write.h"
#include "sqlite/log.h"
#include "sqlite/schema.h"
#include "sqlite/sql.h"
#include "sqlite/store.h"

namespace errand {
inline namespace v0 {
namespace sqlite {

namespace {

int note_log_pages(void* pages, sqlite3*, const char*, int count) {
  *static_cast<int*>(pages) = count;
  return SQLITE_OK;
}

// The file itself, where its name is a link: its lock has to be one, whichever way it is opened, and SQLite, too, names
// what lies beside it so. Links among the folders lead to the same lock as it is.
std::string behind_links(const std::string& path) {
  constexpr int kMostLinks = 40;  // as the system follows
  std::filesystem::path file = path;
  for (int links = 0; links < kMostLinks; ++links) {
    std::error_code no_link;
    const std::filesystem::path target = std::filesystem::read_symlink(file, no_link);
    if (no_link) break;
    file = file.parent_path() / target;
  }
  return file.string();
}

// Of a store's error, without whose it is: for another one around it.
std::string reason_in(const Error& error) {
  std::string_view text = error.message();
  if (text.starts_with("sqlite: ")) text.remove_prefix(8);
  return std::string(text);
}

// SQLite doesn't say which of several files it could not write, or make, and why: for as long as these are there still.
Error explained(const Error& failed, const std::string& path, const SqliteOptions& options) {
  if (failed.code() != Code::unavailable || !options.vfs.empty()) return failed;
  if (const auto why = why_not_writable(path, {"-wal", "-shm", ".lock", "-running"}))
    return error(Code::invalid, "open \"" + path + "\"", *why);
  if (is_full_beside(path)) return error(Code::store_full, "open \"" + path + "\"", "the disk is full");
  return failed;
}

}  // namespace

Result<StorePtr> SqliteTasks::open(const std::string& path, const SqliteOptions& options,
                                   std::unique_ptr<RunningFile> running) {
  if (path.empty() || path.find('\0') != std::string::npos)
    return error(Code::invalid, "open", "expected the path of a file, got \"" + path.substr(0, 256) + "\"");
  if (path == ":memory:")
    return error(Code::invalid, "open \":memory:\"", "expected the path of a file; errand::open_memory() needs none");
  if (!options.vfs.empty()) return try_to_open(path, options, std::move(running));
  const std::string file = behind_links(path);
  if (const auto why = why_no_file(file)) return error(Code::invalid, "open \"" + path + "\"", *why);
  return try_to_open(file, options, std::move(running));
}

Result<StorePtr> SqliteTasks::try_to_open(const std::string& path, const SqliteOptions& options,
                                          std::unique_ptr<RunningFile> running) {
  const auto refused = [&](const Error& why) {
    return explained(error(why.code(), "open \"" + path + "\"", reason_in(why)), path, options);
  };
  std::optional<FileLock> owner;
  if (options.vfs.empty()) {
    // SQLite before 3.51.3 can damage a log that two connections reset and write.
    auto locked = FileLock::take(path + ".lock");
    if (!locked) return refused(locked.error());
    owner.emplace(std::move(*locked));
  }
  auto connection = Connection::open(path, options.vfs);
  if (!connection) return explained(connection.error(), path, options);
  if (auto ready = prepare_schema(**connection, options, path); !ready) {
    const Error why = explained(ready.error(), path, options);
    // SQLite makes it to look for what is in it, and takes it away where it may close the file as it does by itself.
    if (is_log_empty((*connection)->handle())) (*connection)->keep_log(false);
    return why;
  }
  if (owner && running == nullptr) {
    auto opened = RunningFile::open(path + "-running");
    if (!opened) return refused(opened.error());
    running = std::move(*opened);
  }
  std::shared_ptr<SqliteTasks> store(
      new SqliteTasks(std::move(owner), std::move(running), options, std::move(*connection)));
  FairLock lock(store->mu_);
  if (auto begun = store->begin_life(); !begun) return refused(with_remedy(begun.error()));
  if (store->owner_) store->owner_->keep();
  return StorePtr(store);
}

SqliteTasks::~SqliteTasks() {
  // In a fork's child the connection is the parent's: nothing of it is to be touched.
  if (forks_ != forks_so_far()) {
    static_cast<void>(copy_.release());
    static_cast<void>(connection_.release());
  }
  if (connection_ == nullptr) return;
  Connection& db = *connection_;
  // Whatever comes of these: what was accepted is safe in the log, and after a crash they are missing as well.
  int status = db.disk_failed() ? empty_log(db.handle()) : SQLITE_OK;
  if (status == SQLITE_OK && latest_ != WallTime::min()) {
    Statement statement = db.prepare(sql::set_meta);
    status = statement.bind("latest").bind(latest_).run() == SQLITE_DONE ? SQLITE_OK : statement.status();
  }
  if (status == SQLITE_OK)
    status = sqlite3_wal_checkpoint_v2(db.handle(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  db.note(status);
}

Result<void> SqliteTasks::begin_life() {
  const auto life = read_life();
  if (!life) return life.error();
  const auto latest = meta("latest");
  if (!latest) return latest.error();
  const auto created = connection_->number(sql::last_created_at);
  if (!created) return created.error();
  // Versions of schedules are tokens, too: where the count of lives was lost, they tell.
  const auto version = connection_->number("select max(version) from errand_schedules");
  if (!version) return version.error();
  const std::int64_t lives = std::max(*life, std::max<std::int64_t>(version->value_or(0), 0) >> kLifeShift);
  if (lives < 0 || lives >= kMostLives) return error(Code::invalid, "begin", "its count of lives is damaged");
  if (last_number_ > kMostNumber) return error(Code::invalid, "begin", "its highest id is damaged");
  // When the clock was set back while nobody was here, what had been available is to stay so.
  const std::int64_t micros = *latest > 0 ? *latest : created->value_or(0);
  if (micros > 0) latest_ = WallTime(std::chrono::microseconds(std::min(micros, INT64_MAX / 1000)));
  last_token_ = static_cast<std::uint64_t>(lives + 1) << kLifeShift;
  return write_life(lives + 1);
}

Result<std::int64_t> SqliteTasks::read_life() {
  Connection& db = *connection_;
  log_pages_ = 0;
  log_space_ = {};
  fence_.attach(db.handle());
  sqlite3_wal_hook(db.handle(), &note_log_pages, &log_pages_);
  const auto page_size = db.number("pragma page_size");
  if (!page_size) return page_size.error();
  page_size_ = page_size->value_or(0);
  const auto life = meta("lives");
  if (!life) return life.error();
  const auto removed = meta("last_removed");
  if (!removed) return removed.error();
  const auto last = db.number(sql::last_id);
  if (!last) return last.error();
  std::set<std::string, std::less<>> paused;
  Statement statement = db.prepare(sql::paused);
  while (statement.step()) paused.insert(std::string(statement.text(0)));
  if (statement.status() != SQLITE_DONE) return db.error(statement.status(), "begin");
  // Numbers that were given are not given again, whatever became of them.
  removed_ = std::max(removed_, *removed);
  last_number_ = std::max({last_number_, *removed, last->value_or(0)});
  paused_ = std::move(paused);
  return *life;
}

// --- after a failure of the disk -------------------------------------------------------------------------------------

Result<void> SqliteTasks::ready(const std::string& what) {
  if (connection_ != nullptr && !connection_->disk_failed()) {
    if (!connection_->lost_its_name()) return {};
    return error(Code::unavailable, what,
                 "the file \"" + path_ + "\" was deleted, moved or replaced: put it back, or open the store anew");
  }
  const auto opened = open_again();
  if (opened) return {};
  const Code code = opened.error().code() == Code::store_full ? Code::store_full : Code::unavailable;
  return error(code, what, "the disk failed, and still does: " + reason_in(opened.error()));
}

// The connection that met the failure is the only one to know which commits in the log are none, so it is the one to
// empty the log, however often that has to be tried. Claims are not in the file, and stay.
Result<void> SqliteTasks::open_again() {
  if (connection_ != nullptr) {
    if (const int status = empty_log(connection_->handle()); status != SQLITE_OK)
      return connection_->error(status, "write back the log");
    copy_.reset();  // else SQLite would keep the connection
    connection_.reset();
  }
  auto next = Connection::open(path_, options_.vfs, Connection::Missing::refuse);
  if (!next) return next.error();
  if (auto prepared = prepare_schema(**next, options_, path_); !prepared) return prepared;
  connection_ = std::move(*next);
  const auto life = read_life();
  if (life && *life == life_of(last_token_)) return {};
  connection_.reset();
  return life ? error(Code::unavailable, "open \"" + path_ + "\"", "another file has taken its place") : life.error();
}

}  // namespace sqlite

Result<SqliteStore> open_sqlite(std::string_view path, const SqliteOptions& options) {
  auto store = sqlite::SqliteTasks::open(std::string(path), options);
  if (!store) return store.error();
  return SqliteStore(std::move(*store));
}

Result<StorePtr> detail::open_sqlite_address(std::string_view path) {
  auto store = open_sqlite(path);
  if (!store) return store.error();
  return StorePtr(*store);
}

}  // namespace v0
}  // namespace errand
