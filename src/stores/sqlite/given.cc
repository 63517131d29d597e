#include "sqlite/given.h"

#include <new>

#include "sqlite/connection.h"

namespace errand {
inline namespace v0 {
namespace sqlite {

// What SQLite calls. One statement at a time reads the table, from the row that was given to the last.
struct GivenTable {
  struct Table : sqlite3_vtab {
    Given* given = nullptr;
  };
  struct Cursor : sqlite3_vtab_cursor {
    Given* given = nullptr;
  };

  static Given& given(sqlite3_vtab_cursor* cursor) noexcept { return *static_cast<Cursor*>(cursor)->given; }

  static int connect(sqlite3* connection, void* given, int, const char* const*, sqlite3_vtab** made, char**) noexcept {
    const int status = sqlite3_declare_vtab(
        connection,
        "create table errand_given (c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18)");
    if (status != SQLITE_OK) return status;
    auto* const table = new (std::nothrow) Table();
    if (table == nullptr) return SQLITE_NOMEM;
    table->given = static_cast<Given*>(given);
    *made = table;
    return SQLITE_OK;
  }
  static int disconnect(sqlite3_vtab* table) noexcept {
    delete static_cast<Table*>(table);
    return SQLITE_OK;
  }
  static int best_index(sqlite3_vtab*, sqlite3_index_info* info) noexcept {
    info->estimatedCost = 1000;
    return SQLITE_OK;
  }
  static int open(sqlite3_vtab* table, sqlite3_vtab_cursor** made) noexcept {
    auto* const cursor = new (std::nothrow) Cursor();
    if (cursor == nullptr) return SQLITE_NOMEM;
    cursor->given = static_cast<Table*>(table)->given;
    *made = cursor;
    return SQLITE_OK;
  }
  static int close(sqlite3_vtab_cursor* cursor) noexcept {
    delete static_cast<Cursor*>(cursor);
    return SQLITE_OK;
  }
  static int filter(sqlite3_vtab_cursor*, int, const char*, int, sqlite3_value**) noexcept { return SQLITE_OK; }
  static int next(sqlite3_vtab_cursor* cursor) noexcept {
    ++given(cursor).row_;
    return SQLITE_OK;
  }
  static int is_over(sqlite3_vtab_cursor* cursor) noexcept {
    const Given& rows = given(cursor);
    return rows.rows_ == nullptr || rows.row_ >= rows.rows_->size() ? 1 : 0;
  }
  static int column(sqlite3_vtab_cursor* cursor, sqlite3_context* context, int column) noexcept {
    const Given& rows = given(cursor);
    rows.rows_->get(rows.row_, column + 1, Cell(context));
    return SQLITE_OK;
  }
  static int row_id(sqlite3_vtab_cursor* cursor, sqlite3_int64* id) noexcept {
    *id = static_cast<sqlite3_int64>(given(cursor).row_);
    return SQLITE_OK;
  }
};

int Given::attach(sqlite3* connection) {
  // Without a way to make one, there is one table of the kind, under the module's name, in no schema.
  static const sqlite3_module module = [] {
    sqlite3_module made{};
    made.xConnect = &GivenTable::connect;
    made.xBestIndex = &GivenTable::best_index;
    made.xDisconnect = &GivenTable::disconnect;
    made.xOpen = &GivenTable::open;
    made.xClose = &GivenTable::close;
    made.xFilter = &GivenTable::filter;
    made.xNext = &GivenTable::next;
    made.xEof = &GivenTable::is_over;
    made.xColumn = &GivenTable::column;
    made.xRowid = &GivenTable::row_id;
    return made;
  }();
  return sqlite3_create_module_v2(connection, "errand_given", &module, this, nullptr);
}

void Cell::set(std::string_view text) const noexcept {
  const char* const data = text.data() != nullptr ? text.data() : "";
  sqlite3_result_text64(context_, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

void Cell::set_bytes(std::string_view bytes) const noexcept {
  const char* const data = bytes.data() != nullptr ? bytes.data() : "";
  sqlite3_result_blob64(context_, data, bytes.size(), SQLITE_STATIC);
}

void Cell::set(WallTime at) const noexcept {
  set(micros(at));
}

}  // namespace sqlite
}  // namespace v0
}  // namespace errand
