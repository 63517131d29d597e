#include "export_fields.h"

#include <algorithm>

#include "core/text.h"
#include "export_values.h"

namespace errand {
inline namespace v0 {
namespace transfer {

namespace {

// What a task and the runs of a schedule have in common.
struct Terms {
  NewTask& task;
};
struct Key {
  UniqueKey& key;
  bool* held;  // of a task
};
struct Failure {
  KeptError error{};
};
struct FailedAttempt {
  KeptAttempt attempt{};
};

// To write only reads what is in front of it.
template <class T>
T& unconst(const T& value) {
  return const_cast<T&>(value);
}

}  // namespace

// --- moments and bytes -----------------------------------------------------------------------------------------------

bool write_moment(JsonWriter& out, std::string_view name, const std::optional<WallTime>& at) {
  return !at || out.field(name, Moment{unconst(*at)});
}

bool read_moment(const JsonReader& in, std::string_view name, std::optional<WallTime>& at) {
  std::optional<std::int64_t> micros;
  if (!in.field(name, micros) || !micros) return in.field(name, micros);
  return read_field(in, name, Moment{at.emplace()});
}

bool write_bytes(JsonWriter& out, std::string_view name, std::string_view base64_name, const std::string& bytes) {
  if (is_utf8(bytes)) return write_unless_empty(out, name, bytes);
  return out.field(base64_name, Base64{unconst(bytes)});
}

bool read_bytes(const JsonReader& in, std::string_view name, std::string_view base64_name, std::string& bytes) {
  return in.field(name, bytes) && read_field(in, base64_name, Base64{bytes});
}

}  // namespace transfer

// --- terms -----------------------------------------------------------------------------------------------------------

template <>
struct Json<transfer::Key> {
  static bool write(JsonWriter& out, const transfer::Key& front) {
    const UniqueKey& key = front.key;
    return out.begin_object() && out.field("key", key.key) && out.field("states", key.states) &&
           transfer::write_moment(out, "until_us", key.until) &&
           (front.held != nullptr ? out.field("held", *front.held)
                                  : out.field("on_clash", transfer::Word<OnClash>{front.key.on_clash})) &&
           out.end_object();
  }
  static bool read(const JsonReader& in, transfer::Key& front) {
    UniqueKey& key = front.key;
    return in.is_object() && in.field("key", key.key) && in.field("states", key.states) &&
           transfer::read_moment(in, "until_us", key.until) &&
           (front.held != nullptr ? in.field("held", *front.held)
                                  : transfer::read_field(in, "on_clash", transfer::Word<OnClash>{key.on_clash}));
  }
};

namespace transfer {

namespace {

bool write_terms(JsonWriter& out, const NewTask& task, const bool* held) {
  const NewTask usual;
  return out.field("kind", task.kind) && write_bytes(out, "payload", "payload_base64", task.payload) &&
         write_unless_empty(out, "content_type", task.content_type) &&
         write_unless(out, "priority", task.priority, usual.priority) &&
         write_unless(out, "max_attempts", task.max_attempts, usual.max_attempts) &&
         write_unless_empty(out, "retry", task.retry) && write_unless(out, "timeout_ns", task.timeout, usual.timeout) &&
         write_unless(out, "max_elapsed_ns", task.max_elapsed, usual.max_elapsed) &&
         write_unless(out, "ephemeral", task.ephemeral, false) && write_unless_empty(out, "name", task.name) &&
         write_unless(out, "tags", task.tags, usual.tags) &&
         write_unless(out, "metadata", task.metadata, usual.metadata) &&
         (task.unique.key.empty() || out.field("unique", Key{unconst(task.unique), const_cast<bool*>(held)}));
}

bool read_terms(const JsonReader& in, NewTask& task, bool* held) {
  return in.field("kind", task.kind) && read_bytes(in, "payload", "payload_base64", task.payload) &&
         in.field("content_type", task.content_type) && read_field(in, "priority", Number{task.priority, 0, 9}) &&
         read_field(in, "max_attempts", Number{task.max_attempts, unlimited}) && in.field("retry", task.retry) &&
         in.field("timeout_ns", task.timeout) && in.field("max_elapsed_ns", task.max_elapsed) &&
         in.field("ephemeral", task.ephemeral) && in.field("name", task.name) && in.field("tags", task.tags) &&
         in.field("metadata", task.metadata) && read_field(in, "unique", Key{task.unique, held});
}

}  // namespace

}  // namespace transfer

// --- tasks -----------------------------------------------------------------------------------------------------------

template <>
struct Json<transfer::Failure> {
  static bool write(JsonWriter& out, const transfer::Failure& front) {
    return out.begin_object() && out.field("code", transfer::Word<Code>{transfer::unconst(front.error.code)}) &&
           out.field("text", front.error.text) && out.end_object();
  }
  static bool read(const JsonReader& in, transfer::Failure& front) {
    return in.is_object() && transfer::read_field(in, "code", transfer::Word<Code>{front.error.code}) &&
           in.field("text", front.error.text);
  }
};

template <>
struct Json<transfer::FailedAttempt> {
  static bool write(JsonWriter& out, const transfer::FailedAttempt& front) {
    const KeptAttempt& attempt = front.attempt;
    return out.begin_object() && out.field("number", attempt.number) &&
           transfer::write_moment(out, "started_at_us", attempt.started_at) && out.field("took_ns", attempt.took) &&
           out.field("error", transfer::Failure{attempt.error}) && out.end_object();
  }
  static bool read(const JsonReader& in, transfer::FailedAttempt& front) {
    KeptAttempt& attempt = front.attempt;
    transfer::Failure failure;
    const bool went_well = in.is_object() && in.field("number", attempt.number) &&
                           transfer::read_field(in, "started_at_us", transfer::Moment{attempt.started_at}) &&
                           in.field("took_ns", attempt.took) && in.field("error", failure);
    attempt.error = std::move(failure.error);
    return went_well;
  }
};

bool Json<transfer::TaskFields>::write(JsonWriter& out, const transfer::TaskFields& fields) {
  using namespace transfer;
  const KeptTask& task = fields.kept;
  const NewTask& given = task.task;
  std::vector<FailedAttempt> history;
  for (const KeptAttempt& attempt : task.history) history.push_back({attempt});
  // In a state that does not hold on to the key the next task takes it: it is nobody's any more. What runs is taken in
  // as what waits, and may hold on to it as that.
  const bool holds_on = task.state == TaskState::running || (given.unique.states & bit(task.state)) != 0;
  const bool holds_key = task.holds_key && holds_on;
  return out.begin_object() && out.field("id", task.id) && out.field("queue", given.queue) &&
         out.field("state", Word<TaskState>{unconst(task.state)}) &&
         (task.state != TaskState::running || out.field("token", task.token)) && write_terms(out, given, &holds_key) &&
         write_moment(out, "run_at_us", given.run_at) && write_moment(out, "expires_at_us", given.expires_at) &&
         (task.aside == Aside::no || out.field("aside", Word<Aside>{unconst(task.aside)})) &&
         write_unless_empty(out, "schedule", given.schedule) && write_moment(out, "slot_us", given.slot) &&
         write_unless(out, "attempts", task.attempts, 0) && write_unless(out, "crashes", task.crashes, 0) &&
         write_moment(out, "created_at_us", task.created_at) &&
         write_moment(out, "first_started_at_us", task.first_started_at) &&
         write_moment(out, "started_at_us", task.started_at) && write_moment(out, "finished_at_us", task.finished_at) &&
         write_moment(out, "prune_at_us", task.prune_at) &&
         (!task.last_error || out.field("last_error", Failure{*task.last_error})) &&
         (history.empty() || out.field("history", history)) &&
         write_bytes(out, "output", "output_base64", task.output) &&
         write_unless_empty(out, "output_type", task.output_type) &&
         write_unless(out, "progress_done", task.progress_done, std::uint64_t{0}) &&
         write_unless(out, "progress_total", task.progress_total, std::uint64_t{0}) &&
         write_unless_empty(out, "progress_note", task.progress_note) &&
         write_unless(out, "log", task.log, std::vector<std::string>()) && out.end_object();
}

bool Json<transfer::TaskFields>::read(const JsonReader& in, transfer::TaskFields& fields) {
  using namespace transfer;
  KeptTask& task = fields.kept;
  NewTask& given = task.task;
  std::optional<Failure> last_error;
  std::vector<FailedAttempt> history;
  task.state = TaskState::refused;  // a word that no task may have
  if (!in.is_object() || !in.field("id", task.id) || !in.field("queue", given.queue) ||
      !read_field(in, "state", Word<TaskState>{task.state}) || !in.field("token", task.token) ||
      !read_terms(in, given, &task.holds_key) || !read_field(in, "run_at_us", Moment{given.run_at}) ||
      !read_moment(in, "expires_at_us", given.expires_at) || !read_field(in, "aside", Word<Aside>{task.aside}) ||
      !in.field("schedule", given.schedule) || !read_moment(in, "slot_us", given.slot) ||
      !read_field(in, "attempts", Number{task.attempts}) || !read_field(in, "crashes", Number{task.crashes}) ||
      !read_field(in, "created_at_us", Moment{task.created_at}) ||
      !read_moment(in, "first_started_at_us", task.first_started_at) ||
      !read_moment(in, "started_at_us", task.started_at) || !read_moment(in, "finished_at_us", task.finished_at) ||
      !read_moment(in, "prune_at_us", task.prune_at) || !in.field("history", history) ||
      !in.field("last_error", last_error) || !read_bytes(in, "output", "output_base64", task.output) ||
      !in.field("output_type", task.output_type) || !in.field("progress_done", task.progress_done) ||
      !in.field("progress_total", task.progress_total) || !in.field("progress_note", task.progress_note) ||
      !in.field("log", task.log)) {
    return false;
  }
  for (FailedAttempt& one : history) task.history.push_back(std::move(one.attempt));
  if (last_error) task.last_error = std::move(last_error->error);
  return true;
}

// --- schedules -------------------------------------------------------------------------------------------------------

template <>
struct Json<transfer::Terms> {
  static bool write(JsonWriter& out, const transfer::Terms& front) {
    return out.begin_object() && transfer::write_terms(out, front.task, nullptr) && out.end_object();
  }
  static bool read(const JsonReader& in, transfer::Terms& front) {
    return in.is_object() && transfer::read_terms(in, front.task, nullptr);
  }
};

bool Json<transfer::ScheduleFields>::write(JsonWriter& out, const transfer::ScheduleFields& fields) {
  using namespace transfer;
  const KeptSchedule& kept = fields.kept;
  NewSchedule& given = unconst(kept.schedule);
  const NewSchedule usual;
  return out.begin_object() && out.field("queue", given.queue) && out.field("name", given.name) &&
         write_unless_empty(out, "cron", given.cron) &&
         write_unless(out, "interval_ns", given.interval, usual.interval) &&
         write_moment(out, "anchor_us", given.anchor) && write_unless_empty(out, "time_zone", given.time_zone) &&
         out.field("dst", Word<Dst>{given.dst}) && out.field("overlap", Word<Overlap>{given.overlap}) &&
         out.field("missed", Word<Missed>{given.missed}) &&
         write_unless(out, "catch_up_cap", given.catch_up_cap, usual.catch_up_cap) &&
         write_unless(out, "catch_up_window_ns", given.catch_up_window, usual.catch_up_window) &&
         write_unless(out, "jitter_ns", given.jitter, usual.jitter) &&
         write_unless(out, "paused", given.paused, false) && out.field("task", Terms{given.task}) &&
         write_moment(out, "created_at_us", kept.created_at) && write_moment(out, "next_us", given.next) &&
         write_moment(out, "last_us", kept.last) && write_unless(out, "last_run", kept.last_run, TaskId{}) &&
         write_unless(out, "runs", kept.runs, std::uint64_t{0}) &&
         write_unless(out, "skipped", kept.skipped, std::uint64_t{0}) && out.end_object();
}

bool Json<transfer::ScheduleFields>::read(const JsonReader& in, transfer::ScheduleFields& fields) {
  using namespace transfer;
  KeptSchedule& kept = fields.kept;
  NewSchedule& given = kept.schedule;
  return in.is_object() && in.field("queue", given.queue) && in.field("name", given.name) &&
         in.field("cron", given.cron) && in.field("interval_ns", given.interval) &&
         read_field(in, "anchor_us", Moment{given.anchor}) && in.field("time_zone", given.time_zone) &&
         read_field(in, "dst", Word<Dst>{given.dst}) && read_field(in, "overlap", Word<Overlap>{given.overlap}) &&
         read_field(in, "missed", Word<Missed>{given.missed}) &&
         read_field(in, "catch_up_cap", Number{given.catch_up_cap, 1}) &&
         in.field("catch_up_window_ns", given.catch_up_window) && in.field("jitter_ns", given.jitter) &&
         in.field("paused", given.paused) && read_field(in, "task", Terms{given.task}) &&
         read_field(in, "created_at_us", Moment{kept.created_at}) && read_moment(in, "next_us", given.next) &&
         read_moment(in, "last_us", kept.last) && in.field("last_run", kept.last_run) && in.field("runs", kept.runs) &&
         in.field("skipped", kept.skipped);
}

}  // namespace v0
}  // namespace errand
