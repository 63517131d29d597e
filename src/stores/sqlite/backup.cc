#include "sqlite/backup.h"

#include <algorithm>
#include <climits>
#include <filesystem>

#include "base/may_write.h"
#include "base/new_file.h"
#include "sqlite/store.h"

namespace errand {
inline namespace v0 {
namespace sqlite {

namespace {

// The source is only read by a step, so these are errors of the target's disk.
bool is_of_target(int status) {
  switch (status) {
    case SQLITE_FULL:
    case SQLITE_IOERR_WRITE:
    case SQLITE_IOERR_FSYNC:
    case SQLITE_IOERR_TRUNCATE:
      return true;
    default:
      return false;
  }
}

// "sqlite: WHAT: WHY", of somebody's error who did not know what it was for.
Error with_what(const Error& why, const std::string& what) {
  return error(why.code(), what, why.message());
}

// A log beside the copy would be taken for the copy's own by whoever opens it.
std::optional<std::string> leftover_of(const std::string& path) {
  for (const char* ending : {"-wal", "-journal"}) {
    std::error_code ignored;
    const std::string log = path + ending;
    if (std::filesystem::exists(std::filesystem::symlink_status(log, ignored))) return log;
  }
  return std::nullopt;
}

}  // namespace

// --- Copy ------------------------------------------------------------------------------------------------------------

Result<std::unique_ptr<Copy>> Copy::begin(Connection& source, const std::string& into, std::string what) {
  // Always a file of the system's own: under another name it is what people take away.
  auto target = Connection::open(into, {}, Connection::Missing::refuse);
  if (!target) return target.error();
  std::unique_ptr<Copy> copy(new Copy(source, std::move(*target), std::move(what)));
  Connection& db = *copy->target_;
  // No journal: half a copy is worth nothing. No flushes: whoever has the store's lock does not wait for them.
  const int status = db.execute("pragma journal_mode = off; pragma synchronous = off;");
  if (status != SQLITE_OK) return db.error(status, copy->what_);
  copy->backup_ = sqlite3_backup_init(db.handle(), "main", source.handle(), "main");
  if (copy->backup_ == nullptr) return db.error(sqlite3_extended_errcode(db.handle()), copy->what_);
  return copy;
}

Copy::~Copy() {
  if (backup_ != nullptr) sqlite3_backup_finish(backup_);
}

Result<bool> Copy::step() {
  const int status = sqlite3_backup_step(backup_, pages_at_once_);
  if (status == SQLITE_DONE) return true;
  if (status != SQLITE_OK) {
    if (!is_of_target(status)) source_.note(status);
    return error(status == SQLITE_FULL ? Code::store_full : Code::unavailable, what_, sqlite3_errstr(status));
  }
  const int done = sqlite3_backup_pagecount(backup_) - sqlite3_backup_remaining(backup_);
  if (done <= pages_done_) pages_at_once_ = std::min(pages_at_once_, INT_MAX / 2) * 2;
  pages_done_ = done;
  return false;
}

// --- the store's -----------------------------------------------------------------------------------------------------

Result<void> SqliteTasks::backup(const std::string& path) {
  const std::string what = "back up to \"" + path.substr(0, 256) + "\"";
  if (auto ok = may_enter(what.c_str()); !ok) return ok;
  if (path.empty() || path.find('\0') != std::string::npos)
    return error(Code::invalid, what, "expected the path of a file");
  if (const auto log = leftover_of(path)) {
    return error(Code::invalid, what,
                 "\"" + *log + "\" is there, the log of another database that had this name; remove it first");
  }
  auto file = NewFile::begin(path);
  if (!file && file.error().code() == Code::unavailable) {
    auto why = why_no_file(path);
    if (!why) why = why_not_writable(path, {});
    if (why) return error(Code::invalid, what, *why);
  }
  if (!file) return with_what(file.error(), what);
  std::uint64_t number = 0;
  {
    FairLock lock(mu_);
    if (auto ok = ready(what); !ok) return ok;
    if (copy_ != nullptr) return error(Code::unavailable, what, "another backup of this store is under way");
    auto begun = Copy::begin(*connection_, file->partial(), what);
    if (!begun) return begun.error();
    copy_ = std::move(*begun);
    number = ++copies_;
  }
  bool whole = false;
  while (!whole) {
    // Between two steps, outside of the lock: this is when others get it, and the last flush has little left to do.
    auto flushed = file->flush();
    FairLock lock(mu_);
    auto stepped = flushed ? go_on_copying(number, what) : Result<bool>(with_what(flushed.error(), what));
    whole = stepped && *stepped;
    if ((!stepped || whole) && copies_ == number) copy_.reset();
    if (!stepped) return stepped.error();
  }
  if (auto finished = file->finish(); !finished) return with_what(finished.error(), what);
  return {};
}

Result<bool> SqliteTasks::go_on_copying(std::uint64_t number, const std::string& what) {
  if (auto ok = ready(what); !ok) return ok.error();
  // There may be somebody else's by now.
  if (copy_ == nullptr || copies_ != number)
    return error(Code::unavailable, what, "the store's own disk failed meanwhile; begin it again");
  return copy_->step();
}

}  // namespace sqlite

Result<void> SqliteStore::backup(std::string_view path) {
  const StorePtr alive = store_;
  return static_cast<sqlite::SqliteTasks&>(*alive).backup(std::string(path));
}

}  // namespace v0
}  // namespace errand
