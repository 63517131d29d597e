// The lines that claims are taken from: a row for each task that waits and is not set aside.
//
// A claim takes nothing out of its line, and a new task that is claimed by the transaction that adds it is never put
// in; so in the usual case neither costs a write. What is not in line, and was claimed by an owner that died, is found
// by its id: everything up to `lined_up` that waits is in line, and the rest is looked at when the file is opened.

#include "sqlite/sql.h"
#include "sqlite/store.h"

namespace errand {
inline namespace v0 {
namespace sqlite {

namespace {

// So many of the newest ids may be of claimed tasks that are in no line. A claim that is older is put there, so that an
// open has no more than twice as many rows to look at.
constexpr std::int64_t kOutOfLine = 16384;

}  // namespace

Result<void> SqliteTasks::enter_lines(std::span<const Place> places) {
  if (auto ok = insert_places(places); !ok) return ok;
  for (const Place& place : places) claims_.waits(place.queue, place.priority, place.run_at, place.number);
  return {};
}

Result<void> SqliteTasks::insert_places(std::span<const Place> places) {
  class PlaceRows final : public Rows {
   public:
    explicit PlaceRows(std::span<const Place> places) : places_(places) {}
    [[nodiscard]] std::size_t size() const noexcept override { return places_.size(); }
    void get(std::size_t row, int column, Cell cell) const noexcept override {
      const Place& place = places_[row];
      if (column == 1) cell.set(place.queue);
      if (column == 2) cell.set(std::int64_t{place.priority});
      if (column == 3) cell.set(place.run_at);
      if (column == 4) cell.set(place.number);
    }
    [[nodiscard]] std::string what(std::size_t row) const override {
      return "line up task " + to_string(id_of(places_[row].number));
    }

   private:
    std::span<const Place> places_;
  };
  const auto too_large = insert(sql::enter_lines, PlaceRows(places));
  if (!too_large) return too_large.error();
  return too_large->empty() ? Result<void>() : too_large->front().error;
}

Result<void> SqliteTasks::leave_line(const Place& place) {
  Statement statement = connection_->prepare(sql::leave_line);
  statement.bind(place.queue).bind(std::int64_t{place.priority}).bind(place.run_at).bind(place.number);
  return run(statement, "take out of its line", place.number);
}

Result<void> SqliteTasks::move_in_line(const Place& from, const Place& to) {
  if (from.priority == to.priority && from.run_at == to.run_at) {
    claims_.waits(to.queue, to.priority, to.run_at, to.number);
    return {};
  }
  if (auto ok = leave_line(from); !ok) return ok;
  return enter_line(to);
}

// Those that no claim of their transaction wanted.
Result<void> SqliteTasks::line_up_newcomers() {
  std::vector<Place> left;
  for (const Newcomers::Line& line : newcomers_.lines()) {
    for (const Newcomers::Newcomer& one : line.tasks) {
      if (!one.settled) left.push_back({line.queue, line.priority, one.run_at, one.number});
    }
  }
  if (auto ok = enter_lines(left); !ok) return ok;
  newcomers_.begin(false);
  return {};
}

Result<void> SqliteTasks::line_up_old_claims() {
  if (last_number_ - lined_up_ < 2 * kOutOfLine) return {};
  const std::int64_t up_to = last_number_ - kOutOfLine;
  std::vector<Place> old;
  for (const auto& [number, claim] : claims_.all()) {
    if (!claim.in_line && number <= up_to) old.push_back({claim.queue, claim.priority, claim.run_at, number});
  }
  if (auto ok = insert_places(old); !ok) return ok;
  for (const Place& place : old) claims_.lines_up(place.number);
  lined_up_ = up_to;
  return set_meta("lined_up", up_to);
}

// What the last owner had claimed as it came.
Result<void> SqliteTasks::line_up_all() {
  const auto from = meta("lined_up");
  if (!from) return from.error();
  {
    Statement statement = connection_->prepare(sql::line_up);
    statement.bind(*from);
    if (auto ok = run(statement, "line up what waits"); !ok) return ok;
  }
  lined_up_ = last_number_;
  return set_meta("lined_up", lined_up_);
}

}  // namespace sqlite
}  // namespace v0
}  // namespace errand
