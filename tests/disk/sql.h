#pragma once
// A connection to SQLite that is closed at the end, for tests.

#include <sqlite3.h>

#include <string>

namespace disk {

class Sql {
 public:
  Sql(const std::string& name, const char* vfs, int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) {
    status_ = sqlite3_open_v2(name.c_str(), &db_, flags, vfs);
  }
  ~Sql() { close(); }
  Sql(const Sql&) = delete;
  Sql& operator=(const Sql&) = delete;

  /// Of the open.
  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] sqlite3* get() const { return db_; }
  /// Runs statements until one fails; the extended code.
  int run(const std::string& statements) {
    const int code = sqlite3_exec(db_, statements.c_str(), nullptr, nullptr, nullptr);
    return code == SQLITE_OK ? code : sqlite3_extended_errcode(db_);
  }
  /// The columns of all rows, a space between two; what went wrong, if something did.
  [[nodiscard]] std::string ask(const std::string& query) {
    std::string answer;
    const auto add = [](void* to, int count, char** values, char**) {
      for (int i = 0; i < count; ++i) {
        auto& text = *static_cast<std::string*>(to);
        if (!text.empty()) text += ' ';
        text += values[i] != nullptr ? values[i] : "null";
      }
      return 0;
    };
    if (sqlite3_exec(db_, query.c_str(), add, &answer, nullptr) != SQLITE_OK) return sqlite3_errmsg(db_);
    return answer;
  }
  int close() {
    const int code = sqlite3_close(db_);
    if (code == SQLITE_OK) db_ = nullptr;
    return code;
  }

 private:
  sqlite3* db_ = nullptr;
  int status_;
};

}  // namespace disk
