#include "sqlite/fence.h"

#include <string_view>

#include "base/time.h"

namespace errand {
inline namespace v0 {
namespace sqlite {

namespace {

// Of SQLite's machine: well below a millisecond.
constexpr int kStepsBetweenLooks = 1000;

// What is the store's is called errand_*, indexes and views as well.
bool is_ours(const char* name) {
  constexpr std::string_view kPrefix = "errand_";
  return name != nullptr && sqlite3_strnicmp(name, kPrefix.data(), static_cast<int>(kPrefix.size())) == 0;
}

// Those that only tell.
bool is_harmless(std::string_view pragma) {
  return pragma.starts_with("table_") || pragma.starts_with("index_") || pragma.starts_with("foreign_key_");
}

// The argument of the authorizer that names the table which would be made, changed, or hidden by another of its name;
// 0: none.
int table_argument(int action) {
  switch (action) {
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
    case SQLITE_CREATE_TABLE:
    case SQLITE_CREATE_VIEW:
    case SQLITE_CREATE_TEMP_TABLE:
    case SQLITE_CREATE_TEMP_VIEW:
    case SQLITE_DROP_TABLE:
    case SQLITE_DROP_VIEW:
      return 1;
    case SQLITE_ALTER_TABLE:
    case SQLITE_CREATE_INDEX:
    case SQLITE_DROP_INDEX:
    case SQLITE_CREATE_TRIGGER:
    case SQLITE_CREATE_TEMP_TRIGGER:
    case SQLITE_DROP_TRIGGER:
      return 2;
    default:
      return 0;
  }
}

}  // namespace

void Fence::attach(sqlite3* db) {
  db_ = db;
  sqlite3_set_authorizer(
      db,
      [](void* self, int action, const char* first, const char* second, const char*, const char*) {
        return static_cast<Fence*>(self)->judge(action, first, second);
      },
      this);
}

void Fence::raise(std::shared_ptr<Clock> clock, Duration limit) {
  until_ = saturating_add(clock->mono(), limit);
  clock_ = std::move(clock);
  sqlite3_progress_handler(
      db_, kStepsBetweenLooks, [](void* self) { return static_cast<Fence*>(self)->is_late() ? 1 : 0; }, this);
}

void Fence::lower() {
  clock_.reset();
  sqlite3_progress_handler(db_, 0, nullptr, nullptr);
}

int Fence::judge(int action, const char* first, const char* second) {
  if (clock_ == nullptr || is_open_) return SQLITE_OK;
  if (sqlite3_get_autocommit(db_) != 0) return refuse("the transaction is over: an error has rolled it back");
  switch (action) {
    case SQLITE_TRANSACTION:
      return refuse("the store begins and ends the transaction");
    case SQLITE_SAVEPOINT:
      return refuse("savepoints are not for here: what the store knows of its tasks can't go back to one");
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
      return refuse("files are not attached to the store's");
    case SQLITE_PRAGMA:
      return is_harmless(first) ? SQLITE_OK : refuse("settings are the store's");
    default: {
      const int which = table_argument(action);
      if (which == 0 || !is_ours(which == 1 ? first : second)) return SQLITE_OK;
      return refuse("tables whose names begin with errand_ are the store's");
    }
  }
}

int Fence::refuse(const char* why) {
  refusal_ = why;
  return SQLITE_DENY;
}

}  // namespace sqlite
}  // namespace v0
}  // namespace errand
