#pragma once
// A schedule as a row of the table `schedules`.

#include <errand/store.h>

#include "sqlite/connection.h"

namespace errand {
inline namespace v0 {
namespace sqlite {

/// The row that `statement` (whose columns are schedules.*) is at, its runs not counted. What is in the file is input:
/// a value that can't be right is an error that names the schedule and the column.
[[nodiscard]] Result<KeptSchedule> read_schedule(Connection& connection, const Statement& statement);
/// Writes the row. SQLITE_DONE or an error.
[[nodiscard]] int put_schedule(Connection& connection, const NewSchedule& given, std::uint64_t version, WallTime now);
/// For messages: schedule "nightly" of queue "mail".
[[nodiscard]] std::string title_of(std::string_view queue, std::string_view name);

}  // namespace sqlite
}  // namespace v0
}  // namespace errand
