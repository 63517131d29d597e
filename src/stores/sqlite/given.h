#pragma once
// Rows that are in memory, as the table errand_given: "insert into ... select ... from errand_given" takes them all
// with one statement, where binding the values and starting the statement once more would cost a third of each row.

#include <errand/clock.h>
#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace errand {
inline namespace v0 {
namespace sqlite {

/// A value that SQLite asks for; null, unless it is set. Texts and bytes have to outlive the statement's last step.
class Cell {
 public:
  explicit Cell(sqlite3_context* context) noexcept : context_(context) {}

  void set(std::int64_t value) const noexcept { sqlite3_result_int64(context_, value); }
  void set(std::string_view text) const noexcept;
  void set(WallTime at) const noexcept;
  void set(Duration d) const noexcept { set(std::int64_t{d.count()}); }
  void set_bytes(std::string_view bytes) const noexcept;
  void set_unless_empty(std::string_view text) const noexcept {
    if (!text.empty()) set(text);
  }
  template <class T>
  void set(const std::optional<T>& value) const noexcept {
    if (value) set(*value);
  }

 private:
  sqlite3_context* context_;
};

class Rows {
 public:
  [[nodiscard]] virtual std::size_t size() const noexcept = 0;
  /// `column`: from 1 on, as in the table's names c1, c2 and so on.
  virtual void get(std::size_t row, int column, Cell cell) const noexcept = 0;
  /// What was to be done with a row that could not be taken.
  [[nodiscard]] virtual std::string what(std::size_t row) const = 0;

 protected:
  ~Rows() = default;
};

/// Which rows a connection's errand_given has.
class Given {
 public:
  /// SQLITE_OK, or why there is no such table. It outlives the connection.
  [[nodiscard]] int attach(sqlite3* connection);

  /// From `first` on.
  void give(const Rows* rows, std::size_t first) noexcept {
    rows_ = rows;
    row_ = first;
  }
  /// It has none from now on. Returns the one that was read last; size() if all were.
  std::size_t take_back() noexcept {
    rows_ = nullptr;
    return row_;
  }

 private:
  friend struct GivenTable;

  const Rows* rows_ = nullptr;
  std::size_t row_ = 0;
};

}  // namespace sqlite
}  // namespace v0
}  // namespace errand
