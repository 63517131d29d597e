#include "sqlite/log.h"

#include <algorithm>
#include <iterator>
#include <string>

namespace errand {
inline namespace v0 {
namespace sqlite {

namespace {

constexpr sqlite3_int64 kAtOnce = 65'536;
// The file grows when less than this is left of it, by as much as there is: at least, and at most.
constexpr sqlite3_int64 kLeastAhead = 65'536;
constexpr sqlite3_int64 kLeastChunk = 1 << 18;
constexpr sqlite3_int64 kMostChunk = 1 << 22;
// Where nobody waits it is done before it has to be, and is over in about a millisecond, since somebody may come.
constexpr sqlite3_int64 kUnawaitedAhead = 1 << 18;
constexpr sqlite3_int64 kMostUnawaitedChunk = 1 << 20;

// Null: it has not been opened.
sqlite3_file* log_of(sqlite3* db) {
  sqlite3_file* file = nullptr;
  if (sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, static_cast<void*>(&file)) != SQLITE_OK)
    return nullptr;
  return file != nullptr && file->pMethods != nullptr ? file : nullptr;
}

}  // namespace

bool is_log_empty(sqlite3* db) {
  sqlite3_file* const log = log_of(db);
  sqlite3_int64 size = 0;
  return log == nullptr || (log->pMethods->xFileSize(log, &size) == SQLITE_OK && size == 0);
}

int rewrite_log(sqlite3* db) {
  sqlite3_file* const log = log_of(db);
  if (log == nullptr) return SQLITE_OK;
  sqlite3_int64 size = 0;
  int status = log->pMethods->xFileSize(log, &size);
  if (status != SQLITE_OK || size == 0) return status;
  std::string bytes(static_cast<std::size_t>(std::min(size, kAtOnce)), '\0');
  for (sqlite3_int64 at = 0; at < size && status == SQLITE_OK; at += kAtOnce) {
    const int count = static_cast<int>(std::min(size - at, kAtOnce));
    status = log->pMethods->xRead(log, bytes.data(), count, at);
    if (status == SQLITE_OK) status = log->pMethods->xWrite(log, bytes.data(), count, at);
  }
  return status == SQLITE_OK ? log->pMethods->xSync(log, SQLITE_SYNC_FULL) : status;
}

int empty_log(sqlite3* db) {
  // What is written back must not be newer than the log that is on the disk: a power cut would leave a mix of both.
  int status = rewrite_log(db);
  if (status == SQLITE_OK)
    status = sqlite3_wal_checkpoint_v2(db, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  sqlite3_file* const log = log_of(db);
  if (status == SQLITE_OK && log != nullptr) status = log->pMethods->xSync(log, SQLITE_SYNC_FULL);
  return status;
}

int LogSpace::keep_ahead(sqlite3* db, sqlite3_int64 used, Awaited awaited) {
  const bool at_once = awaited == Awaited::no;
  // Whoever commits little pays nothing.
  if (tight_ || used < kLeastChunk || used + (at_once ? kUnawaitedAhead : kLeastAhead) <= size_) return SQLITE_OK;
  sqlite3_file* const log = log_of(db);
  if (log == nullptr) return SQLITE_OK;
  int status = log->pMethods->xFileSize(log, &size_);
  const sqlite3_int64 until = used + std::clamp(used, kLeastChunk, at_once ? kMostUnawaitedChunk : kMostChunk);
  if (size_ >= until) return status;
  const std::string zeros(static_cast<std::size_t>(std::min(kAtOnce, kLeastChunk)), '\0');
  while (status == SQLITE_OK && size_ < until) {
    status = log->pMethods->xWrite(log, zeros.data(), static_cast<int>(zeros.size()), size_);
    if (status == SQLITE_OK) size_ += std::ssize(zeros);
  }
  return status == SQLITE_OK && at_once ? log->pMethods->xSync(log, SQLITE_SYNC_NORMAL) : status;
}

int LogSpace::give_back(sqlite3* db, sqlite3_int64 used) {
  tight_ = true;
  size_ = 0;
  sqlite3_file* const log = log_of(db);
  sqlite3_int64 size = 0;
  const int status = log != nullptr ? log->pMethods->xFileSize(log, &size) : SQLITE_OK;
  return status == SQLITE_OK && size > used ? log->pMethods->xTruncate(log, used) : status;
}

}  // namespace sqlite
}  // namespace v0
}  // namespace errand
