#pragma once
// What the caller of a transaction may do inside of it, and how long.

#include <errand/clock.h>
#include <sqlite3.h>

#include <memory>

namespace errand {
inline namespace v0 {
namespace sqlite {

/// SQLite asks it about each statement that is prepared, and now and then about one that runs. It stands around the
/// body of a transaction, also where that uses the handle by itself; what the store does meanwhile goes through a Gate.
///
/// Threads: one at a time. Life: as long as the connections it is attached to.
class Fence {
 public:
  /// To each new connection, once: a change of it makes SQLite prepare all statements again.
  void attach(sqlite3* db);
  /// REQUIRES: a transaction is open.
  void raise(std::shared_ptr<Clock> clock, Duration limit);
  void lower();

  [[nodiscard]] bool is_late() const { return clock_ != nullptr && clock_->mono() >= until_; }
  /// Why a statement was refused last. REQUIRES: SQLite has said SQLITE_AUTH.
  [[nodiscard]] const char* refusal() const noexcept { return refusal_; }

  class Gate {
   public:
    explicit Gate(Fence& fence) : fence_(fence) { fence_.is_open_ = true; }
    ~Gate() { fence_.is_open_ = false; }
    Gate(const Gate&) = delete;
    Gate& operator=(const Gate&) = delete;

   private:
    Fence& fence_;
  };

 private:
  [[nodiscard]] int judge(int action, const char* first, const char* second);
  int refuse(const char* why);

  sqlite3* db_ = nullptr;
  std::shared_ptr<Clock> clock_;  // null: it is down
  SteadyTime until_{};
  bool is_open_ = false;
  const char* refusal_ = "";
};

}  // namespace sqlite
}  // namespace v0
}  // namespace errand
