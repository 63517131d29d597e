#pragma once
// A task as a row of the view errand_tasks.

#include <errand/store.h>

#include "sqlite/connection.h"

namespace errand {
inline namespace v0 {
namespace sqlite {

/// The row that `statement` (whose columns are errand_tasks.*) is at, as the file has it: claims are not known there.
/// What is in the file is input: a value that can't be right makes the row an error.
[[nodiscard]] Result<KeptTask> read_task(Connection& connection, const Statement& statement);

/// Its id column alone.
[[nodiscard]] std::int64_t number_at(const Statement& statement);

/// The words in the table.
[[nodiscard]] std::string_view word_of(TaskState state) noexcept;
[[nodiscard]] std::string_view word_of(Aside aside) noexcept;
/// Its text, and its code.
void bind_error(Statement& statement, const std::optional<KeptError>& error);
/// A task's history as the table has it.
[[nodiscard]] std::string history_text(const std::vector<KeptAttempt>& history);
[[nodiscard]] Result<std::vector<std::string>> read_list(Connection& connection, std::string_view json);
[[nodiscard]] Result<Metadata> read_labels(Connection& connection, std::string_view json);
/// Nothing where the column is null.
[[nodiscard]] std::optional<WallTime> moment_at(const Statement& row, int column);
[[nodiscard]] std::optional<Duration> duration_at(const Statement& row, int column);

/// Whether it has a row in errand_ties.
[[nodiscard]] inline bool is_tied(const NewTask& task) noexcept {
  return !task.unique.key.empty() || task.expires_at || !task.schedule.empty();
}

/// Ids of stores have their top bit set; rows have the number alone.
inline constexpr std::uint64_t kStoreBit = std::uint64_t{1} << 63;
[[nodiscard]] constexpr std::int64_t number_of(TaskId id) noexcept {
  return static_cast<std::int64_t>(id.value & ~kStoreBit);
}
[[nodiscard]] constexpr TaskId id_of(std::int64_t number) noexcept {
  return TaskId{kStoreBit | static_cast<std::uint64_t>(number)};
}

}  // namespace sqlite
}  // namespace v0
}  // namespace errand
