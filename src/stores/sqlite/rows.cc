#include "sqlite/rows.h"

#include "sqlite/json_text.h"
#include "sqlite/sql.h"

namespace errand {
inline namespace v0 {
namespace sqlite {

namespace {

// As migrations/ makes them, one after the other.
enum Column : int {
  kId,
  kQueue,
  kKind,
  kState,
  kPriority,
  kRunAt,
  kAside,
  kPayload,
  kContentType,
  kCreatedAt,
  kAttempts,
  kCrashes,
  kMaxAttempts,
  kRetry,
  kTimeout,
  kMaxElapsed,
  kExpiresAt,
  kEphemeral,
  kName,
  kTags,
  kMetadata,
  kUniqueKey,
  kUniqueStates,
  kUniqueUntil,
  kUniqueHeld,
  kFirstStartedAt,
  kStartedAt,
  kFinishedAt,
  kPruneAt,
  kLastError,
  kLastErrorCode,
  kHistory,
  kOutput,
  kOutputType,
  kProgressDone,
  kProgressTotal,
  kProgressNote,
  kLog,
  kSchedule,
  kSlot,
};

WallTime moment(std::int64_t micros) {
  // What does not fit in nanoseconds is as far away as can be.
  constexpr std::int64_t kMost = INT64_MAX / 1000;
  if (micros > kMost) return WallTime::max();
  if (micros < -kMost) return WallTime::min();
  return WallTime(std::chrono::microseconds(micros));
}

std::optional<TaskState> state_of(std::string_view word) {
  for (int i = static_cast<int>(TaskState::scheduled); i <= static_cast<int>(TaskState::discarded); ++i) {
    if (word == to_string(static_cast<TaskState>(i))) return static_cast<TaskState>(i);
  }
  return std::nullopt;
}

Code code_of(std::string_view word) {
  for (int i = 0; i <= static_cast<int>(Code::unavailable); ++i) {
    if (word == to_string(static_cast<Code>(i))) return static_cast<Code>(i);
  }
  return Code::failed;
}

template <class Each>
Result<void> each_element(Connection& connection, std::string_view sql, std::string_view json, Each each) {
  if (json.empty()) return {};
  Statement elements = connection.prepare(sql);
  elements.bind(json);
  while (elements.step()) each(elements);
  if (elements.status() != SQLITE_DONE) return connection.error(elements.status(), "read a list");
  return {};
}

// What is kept as JSON. Few tasks have any of it.
Result<void> read_lists(Connection& connection, const Statement& row, KeptTask& task) {
  auto tags = read_list(connection, row.text(kTags));
  if (!tags) return tags.error();
  task.task.tags = std::move(*tags);
  auto log = read_list(connection, row.text(kLog));
  if (!log) return log.error();
  task.log = std::move(*log);
  auto labels = read_labels(connection, row.text(kMetadata));
  if (!labels) return labels.error();
  task.task.metadata = std::move(*labels);
  return each_element(connection, sql::attempts, row.text(kHistory), [&](const Statement& attempt) {
    task.history.push_back({static_cast<int>(attempt.integer(0)), moment(attempt.integer(1)),
                            Duration(attempt.integer(2)),
                            KeptError{code_of(attempt.text(3)), std::string(attempt.text(4))}});
  });
}

}  // namespace

std::int64_t number_at(const Statement& statement) {
  return statement.integer(kId);
}

std::optional<WallTime> moment_at(const Statement& row, int column) {
  return row.is_null(column) ? std::nullopt : std::optional(moment(row.integer(column)));
}

std::optional<Duration> duration_at(const Statement& row, int column) {
  return row.is_null(column) ? std::nullopt : std::optional(Duration(row.integer(column)));
}

std::string_view word_of(TaskState state) noexcept {
  return to_string(state);
}

std::string_view word_of(Aside aside) noexcept {
  switch (aside) {
    case Aside::held:
      return "held";
    case Aside::no_handler:
      return "no_handler";
    case Aside::no:
      break;
  }
  return {};
}

void bind_error(Statement& statement, const std::optional<KeptError>& error) {
  if (error) {
    statement.bind(std::string_view(error->text)).bind(to_string(error->code));
  } else {
    statement.bind_null().bind_null();
  }
}

std::string history_text(const std::vector<KeptAttempt>& history) {
  std::string json;
  for (const KeptAttempt& attempt : history) {
    json += json.empty() ? "[{\"number\":" : ",{\"number\":";
    json +=
        std::to_string(attempt.number) + ",\"started_at\":" +
        std::to_string(std::chrono::floor<std::chrono::microseconds>(attempt.started_at).time_since_epoch().count()) +
        ",\"took_ns\":" + std::to_string(attempt.took.count()) + ",\"code\":";
    append_string(json, to_string(attempt.error.code));
    json += ",\"error\":";
    append_string(json, attempt.error.text);
    json += '}';
  }
  return json + ']';
}

Result<std::vector<std::string>> read_list(Connection& connection, std::string_view json) {
  std::vector<std::string> list;
  auto read = each_element(connection, sql::elements, json,
                           [&](const Statement& element) { list.emplace_back(element.text(1)); });
  if (!read) return read.error();
  return list;
}

Result<Metadata> read_labels(Connection& connection, std::string_view json) {
  Metadata labels;
  auto read = each_element(connection, sql::elements, json,
                           [&](const Statement& element) { labels.emplace_back(element.text(0), element.text(1)); });
  if (!read) return read.error();
  return labels;
}

Result<KeptTask> read_task(Connection& connection, const Statement& row) {
  KeptTask task;
  NewTask& given = task.task;
  task.id = id_of(row.integer(kId));
  const auto damaged = [&](const char* why) {
    return error(Code::invalid, "read task " + to_string(task.id), std::string("its row is damaged") + why);
  };
  const auto state = state_of(row.text(kState));
  if (!state || row.integer(kId) <= 0 || row.integer(kPriority) < 0 || row.integer(kPriority) > 9) return damaged("");
  task.state = *state;
  given.queue = row.text(kQueue);
  given.kind = row.text(kKind);
  given.priority = static_cast<int>(row.integer(kPriority));
  given.run_at = moment(row.integer(kRunAt));
  const std::string_view aside = row.text(kAside);
  task.aside = aside == "held" ? Aside::held : aside == "no_handler" ? Aside::no_handler : Aside::no;
  given.payload = row.bytes(kPayload);
  given.content_type = row.text(kContentType);
  task.created_at = moment(row.integer(kCreatedAt));
  task.attempts = static_cast<int>(row.integer(kAttempts));
  task.crashes = static_cast<int>(row.integer(kCrashes));
  given.max_attempts = static_cast<int>(row.integer(kMaxAttempts));
  given.retry = row.text(kRetry);
  given.timeout = duration_at(row, kTimeout);
  given.max_elapsed = duration_at(row, kMaxElapsed);
  given.expires_at = moment_at(row, kExpiresAt);
  given.ephemeral = row.integer(kEphemeral) != 0;
  given.name = row.text(kName);
  given.unique.key = row.text(kUniqueKey);
  given.unique.states = static_cast<std::uint16_t>(row.integer(kUniqueStates));
  given.unique.until = moment_at(row, kUniqueUntil);
  task.holds_key = !row.is_null(kUniqueHeld);
  task.first_started_at = moment_at(row, kFirstStartedAt);
  task.started_at = moment_at(row, kStartedAt);
  task.finished_at = moment_at(row, kFinishedAt);
  task.prune_at = moment_at(row, kPruneAt);
  if (!row.is_null(kLastError))
    task.last_error = KeptError{code_of(row.text(kLastErrorCode)), std::string(row.text(kLastError))};
  task.output = row.bytes(kOutput);
  task.output_type = row.text(kOutputType);
  task.progress_done = static_cast<std::uint64_t>(row.integer(kProgressDone));
  task.progress_total = static_cast<std::uint64_t>(row.integer(kProgressTotal));
  task.progress_note = row.text(kProgressNote);
  given.schedule = row.text(kSchedule);
  given.slot = moment_at(row, kSlot);
  if (auto lists = read_lists(connection, row, task); !lists) {
    if (lists.error().transient()) return lists.error();
    return damaged(": tags, metadata, log or history are no JSON");
  }
  return task;
}

}  // namespace sqlite
}  // namespace v0
}  // namespace errand
