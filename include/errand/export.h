#pragma once
/// Everything in a store as lines of JSON, and back: to move tasks from one kind of store to another, or to look at
/// them. Link errand::json.
///
/// The first line names the format, and the last one says how many others there are of each kind, so that a cut off
/// export is noticed:
///
///     {"format":"errand export","version":1}
///     {"pause":"mail"}
///     {"schedule":{"queue":"mail","name":"nightly","cron":"0 3 * * *", ...}}
///     {"task":{"id":"7","queue":"mail","kind":"welcome_mail","state":"available","payload":"{\"to\":\"a@b.c\"}", ...}}
///     {"end":{"pauses":1,"schedules":1,"tasks":1}}
///
/// Moments are microseconds since 1970 (UTC) and end in `_us`, durations are nanoseconds and end in `_ns`. Bytes that
/// are no UTF-8 are base64, in `payload_base64` and `output_base64`. What has its usual value is left out.

#include <errand/callback.h>
#include <errand/clock.h>
#include <errand/result.h>
#include <errand/store.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace errand {
inline namespace v0 {

/// Takes one line, with its newline. An error ends the export.
using LineSink = Callback<Result<void>(std::string_view line)>;
/// Gives the next line, without its newline; nothing at the end. An error ends the import.
using LineSource = Callback<Result<std::optional<std::string>>()>;
/// Hears of each line that was not taken in, counted from 1, and why.
using LineRefused = Callback<void(std::uint64_t line, const Error& why)>;
/// Hears of each task, schedule and pause that is not among the lines, and why: the message names it.
using LeftOut = Callback<void(const Error& why)>;

struct Exported {
  std::uint64_t pauses = 0;
  std::uint64_t schedules = 0;
  std::uint64_t tasks = 0;
  std::uint64_t left_out = 0;  ///< that nobody can read, or whose texts are no UTF-8
};

struct Imported {
  std::uint64_t pauses = 0;
  std::uint64_t schedules = 0;
  std::uint64_t tasks = 0;
  std::uint64_t refused = 0;  ///< lines
};

/// Writes every pause, every schedule and every task that is there at the beginning and at the end, by id. 64 tasks at
/// most are in memory at once.
///
/// What is changed meanwhile comes as it was before or after that, each task by itself; two tasks may then have one
/// unique key, one after the other, and an import refuses the second. Shut the queues down first, or export a copy
/// (SqliteStore::backup), to have all of it at one moment.
///
/// What is damaged is left out by itself, and the rest goes on: a row that nobody can read, texts that are no UTF-8.
/// `left_out` hears of each. Nobody is to take what was written for all there is: without a `left_out` it is an error,
/// once everything else has been written.
/// Errors: the store's; the sink's; `invalid` where something was left out and nobody heard of it: how much, and the
///         first one.
[[nodiscard]] Result<Exported> export_tasks(Store& store, const LineSink& sink, const LeftOut& left_out = {},
                                            WallTime now = real_clock()->now());

/// Takes in what export_tasks() wrote, as it was: ids, states, histories, schedules. A task that ran is available, and
/// whoever ran it can't finish it here. Ids that the store gives from then on are larger than all that came.
///
/// A line that can't be taken in is refused by itself, and the rest goes on: it is not JSON, has a value that can't be
/// right, or stands for what the store has already, by its id, its unique key, its slot, or its schedule's name. To
/// import the same lines again, after an error, is fine.
/// A page of 64 lines, or 4 MiB, is one transaction, and is durable before the next one is read.
/// Errors: `invalid` where the first line is not that of an export, or of a version that is not known here: then
///         nothing is taken in; the store's, with the lines that were not taken in for it; the source's. What came
///         before stays. A last line that is missing, or does not fit, counts as a refused one.
[[nodiscard]] Result<Imported> import_tasks(Store& store, const LineSource& source, const LineRefused& refused = {},
                                            WallTime now = real_clock()->now());

}  // namespace v0
}  // namespace errand
