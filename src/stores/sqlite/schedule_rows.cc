#include "sqlite/schedule_rows.h"

#include <climits>

#include "base/time.h"
#include "sqlite/json_text.h"
#include "sqlite/rows.h"
#include "sqlite/sql.h"

namespace errand {
inline namespace v0 {
namespace sqlite {

namespace {

// As created by migrations/0002_schedules.sql.
enum Column : int {
  kQueue,
  kName,
  kCron,
  kInterval,
  kAnchor,
  kTimeZone,
  kDst,
  kOverlap,
  kMissed,
  kCatchUpCap,
  kCatchUpWindow,
  kJitter,
  kPaused,
  kKind,
  kPayload,
  kContentType,
  kPriority,
  kMaxAttempts,
  kRetry,
  kTimeout,
  kMaxElapsed,
  kEphemeral,
  kTaskName,
  kTags,
  kMetadata,
  kUniqueKey,
  kUniqueStates,
  kOnClash,
  kCreatedAt,
  kNextSlot,
  kLastSlot,
  kLastRun,
  kRuns,
  kSkipped,
  kVersion,
};

// What numbers may be; a null is fine where nothing else is said.
struct Range {
  Column column;
  const char* name;
  std::int64_t least;
  std::int64_t most;
};
// Slots are reckoned with, forward and back: no moment of a schedule is more than 146 years away from 1970.
constexpr std::int64_t kFar = INT64_MAX / 1000 / 2;
constexpr Range kRanges[] = {
    {kAnchor, "anchor", -kFar, kFar},
    {kNextSlot, "next_slot", -kFar, kFar},
    {kLastSlot, "last_slot", -kFar, kFar},
    {kInterval, "interval_ns", 1, INT64_MAX},
    {kCatchUpCap, "catch_up_cap", 1, INT_MAX},
    {kCatchUpWindow, "catch_up_window_ns", 0, INT64_MAX},
    {kJitter, "jitter_ns", 0, INT64_MAX},
    {kPriority, "priority", 0, 9},
    {kMaxAttempts, "max_attempts", unlimited, INT_MAX},
    {kUniqueStates, "unique_states", 0, UINT16_MAX},
    {kLastRun, "last_run", 1, INT64_MAX},
    {kRuns, "runs", 0, INT64_MAX},
    {kSkipped, "skipped", 0, INT64_MAX},
    {kVersion, "version", 1, INT64_MAX},
};

// Reads words, and keeps in mind the first one that is none.
class Words {
 public:
  explicit Words(const Statement& row) : row_(row) {}

  template <class Word>
  void read(Column column, const char* name, std::initializer_list<Word> known, Word& into) {
    const std::string_view text = row_.text(column);
    for (const Word word : known) {
      if (to_string(word) == text) {
        into = word;
        return;
      }
    }
    if (!damage_) damage_ = std::string(name) + " is \"" + std::string(text) + "\"";
  }
  [[nodiscard]] const std::optional<std::string>& damage() const noexcept { return damage_; }

 private:
  const Statement& row_;
  std::optional<std::string> damage_;
};

std::optional<std::string> read_words(const Statement& row, NewSchedule& given) {
  Words words(row);
  words.read(kDst, "dst", {Dst::after, Dst::skip, Dst::both}, given.dst);
  words.read(kOverlap, "overlap", {Overlap::skip, Overlap::queue_one, Overlap::cancel_previous, Overlap::allow},
             given.overlap);
  words.read(kMissed, "missed", {Missed::skip, Missed::latest, Missed::all}, given.missed);
  if (!row.is_null(kOnClash))
    words.read(kOnClash, "on_clash",
               {OnClash::keep, OnClash::replace, OnClash::refuse, OnClash::replace_payload, OnClash::replace_time},
               given.task.unique.on_clash);
  return words.damage();
}

std::optional<std::string> damaged_number(const Statement& row) {
  if (row.is_null(kCron) == row.is_null(kInterval)) return "it has to have either cron or interval_ns";
  for (const Range& range : kRanges) {
    const std::int64_t number = row.integer(range.column);
    if (!row.is_null(range.column) && (number < range.least || number > range.most))
      return range.name + (" is " + std::to_string(number));
  }
  if (row.integer(kMaxAttempts) == 0) return "max_attempts is 0";
  return std::nullopt;
}

// The task that its runs are made of.
Result<void> read_template(Connection& connection, const Statement& row, NewTask& task) {
  task.queue = row.text(kQueue);
  task.schedule = row.text(kName);
  task.kind = row.text(kKind);
  task.payload = row.bytes(kPayload);
  task.content_type = row.text(kContentType);
  task.priority = static_cast<int>(row.integer(kPriority));
  task.max_attempts = static_cast<int>(row.integer(kMaxAttempts));
  task.retry = row.text(kRetry);
  task.timeout = duration_at(row, kTimeout);
  task.max_elapsed = duration_at(row, kMaxElapsed);
  task.ephemeral = row.integer(kEphemeral) != 0;
  task.name = row.text(kTaskName);
  auto tags = read_list(connection, row.text(kTags));
  if (!tags) return tags.error();
  task.tags = std::move(*tags);
  auto labels = read_labels(connection, row.text(kMetadata));
  if (!labels) return labels.error();
  task.metadata = std::move(*labels);
  task.unique.key = row.text(kUniqueKey);
  if (!row.is_null(kUniqueStates)) task.unique.states = static_cast<std::uint16_t>(row.integer(kUniqueStates));
  return {};
}

void read_timing(const Statement& row, NewSchedule& given) {
  given.queue = row.text(kQueue);
  given.name = row.text(kName);
  given.cron = row.text(kCron);
  given.interval = Duration(row.integer(kInterval));
  given.anchor = moment_at(row, kAnchor).value_or(WallTime{});
  given.time_zone = row.text(kTimeZone);
  given.catch_up_cap = static_cast<int>(row.integer(kCatchUpCap));
  given.catch_up_window = duration_at(row, kCatchUpWindow);
  given.jitter = Duration(row.integer(kJitter));
  given.paused = row.integer(kPaused) != 0;
  given.next = moment_at(row, kNextSlot);
}

// The parameters from `kind` on; `tags` and `metadata` as JSON.
void bind_template(Statement& statement, const NewTask& task, std::string_view tags, std::string_view metadata) {
  const UniqueKey& unique = task.unique;
  statement.bind(task.kind).bind_bytes(task.payload).bind(task.content_type).bind(std::int64_t{task.priority});
  statement.bind(std::int64_t{task.max_attempts}).bind_unless_empty(task.retry).bind(task.timeout);
  statement.bind(task.max_elapsed).bind(std::int64_t{task.ephemeral}).bind_unless_empty(task.name);
  statement.bind_unless_empty(tags).bind_unless_empty(metadata).bind_unless_empty(unique.key);
  statement.bind(std::int64_t{unique.states}).bind(to_string(unique.on_clash));
}

}  // namespace

std::string title_of(std::string_view queue, std::string_view name) {
  return "schedule \"" + std::string(name) + "\" of queue \"" + std::string(queue) + "\"";
}

Result<KeptSchedule> read_schedule(Connection& connection, const Statement& row) {
  KeptSchedule kept;
  read_timing(row, kept.schedule);
  const std::string what = "read " + title_of(kept.schedule.queue, kept.schedule.name);
  auto damage = damaged_number(row);
  if (!damage) damage = read_words(row, kept.schedule);
  if (!damage && kept.schedule.name.empty()) damage = "it has no name";
  if (damage) return error(Code::invalid, what, "its row is damaged: " + *damage);
  if (auto ok = read_template(connection, row, kept.schedule.task); !ok) {
    if (ok.error().transient()) return ok.error();
    return error(Code::invalid, what, "its row is damaged: tags or metadata are no JSON");
  }
  kept.created_at = moment_at(row, kCreatedAt).value_or(WallTime{});
  kept.last = moment_at(row, kLastSlot);
  if (!row.is_null(kLastRun)) kept.last_run = id_of(row.integer(kLastRun));
  kept.runs = static_cast<std::uint64_t>(row.integer(kRuns));
  kept.skipped = static_cast<std::uint64_t>(row.integer(kSkipped));
  kept.version = static_cast<std::uint64_t>(row.integer(kVersion));
  return kept;
}

int put_schedule(Connection& connection, const NewSchedule& given, std::uint64_t version, WallTime now) {
  const std::string tags = array_of(given.task.tags);
  const std::string metadata = object_of(given.task.metadata);
  Statement statement = connection.prepare(sql::put_schedule);
  statement.bind(given.queue).bind(given.name).bind_unless_empty(given.cron);
  statement.bind(given.interval == Duration{} ? std::nullopt : std::optional(given.interval));
  statement.bind(up_to_micros(given.anchor)).bind(given.time_zone).bind(to_string(given.dst));
  statement.bind(to_string(given.overlap)).bind(to_string(given.missed)).bind(std::int64_t{given.catch_up_cap});
  statement.bind(given.catch_up_window).bind(given.jitter).bind(std::int64_t{given.paused});
  bind_template(statement, given.task, tags, metadata);
  statement.bind(now).bind(up_to_micros(given.next)).bind(static_cast<std::int64_t>(version));
  return statement.run();
}

}  // namespace sqlite
}  // namespace v0
}  // namespace errand
