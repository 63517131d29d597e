#include "export_lines.h"

#include <errand/json.h>

#include <climits>

#include "core/text.h"
#include "export_fields.h"

namespace errand {
inline namespace v0 {
namespace transfer {

ERRAND_JSON(End, pauses, schedules, tasks)

namespace {

struct FirstLine {
  std::string format{};
  int version = 0;
};
ERRAND_JSON(FirstLine, format, version)

// Of the four, one.
struct AnyLine {
  std::optional<std::string> pause{};
  std::optional<ScheduleFields> schedule{};
  std::optional<TaskFields> task{};
  std::optional<End> end{};
};

}  // namespace

}  // namespace transfer

template <>
struct Json<transfer::AnyLine> {
  static bool write(JsonWriter& out, const transfer::AnyLine& line) {
    return out.begin_object() && (!line.pause || out.field("pause", *line.pause)) &&
           (!line.schedule || out.field("schedule", *line.schedule)) && (!line.task || out.field("task", *line.task)) &&
           (!line.end || out.field("end", *line.end)) && out.end_object();
  }
  static bool read(const JsonReader& in, transfer::AnyLine& line) {
    if (!in.is_object() || !in.field("pause", line.pause) || !in.field("schedule", line.schedule) ||
        !in.field("task", line.task) || !in.field("end", line.end)) {
      return false;
    }
    const int found = (line.pause ? 1 : 0) + (line.schedule ? 1 : 0) + (line.task ? 1 : 0) + (line.end ? 1 : 0);
    return found == 1 || in.expected("one of pause, schedule, task and end");
  }
};

namespace transfer {

namespace {

template <class T>
Result<std::string> written(const T& value) {
  auto text = Codec<T>::encode(value);
  if (text) *text += '\n';
  return text;
}

template <class T>
Result<T> read(std::string_view line) {
  return Codec<T>::decode(line, Codec<T>::content_type);
}

}  // namespace

std::string first_line() {
  return *written(FirstLine{std::string(kFormat), kVersion});
}

Result<std::string> line_of_pause(const std::string& queue) {
  return written(AnyLine{.pause = queue});
}

Result<std::string> line_of(const KeptSchedule& schedule) {
  return written(AnyLine{.schedule = ScheduleFields{schedule}});
}

Result<std::string> line_of(const KeptTask& task) {
  return written(AnyLine{.task = TaskFields{task}});
}

Result<std::string> line_of(const End& end) {
  return written(AnyLine{.end = end});
}

Result<void> check_first_line(std::string_view line) {
  const auto first = read<FirstLine>(line);
  if (!first || first->format != kFormat) {
    return Error(Code::invalid, "expected the first line of an export, " + first_line().substr(0, 26) + "...}, got \"" +
                                    clean_text(line, 60) + "\"");
  }
  if (first->version == kVersion) return {};
  return Error(Code::invalid, "the export is of version " + std::to_string(first->version) +
                                  ", and this errand knows " + std::to_string(kVersion) + ": a newer errand wrote it");
}

Result<Line> read_line(std::string_view line) {
  auto any = read<AnyLine>(line);
  if (!any) return any.error();
  const auto wrong = [](const std::string& why) { return Error(Code::invalid, why); };
  Line read;
  if (any->pause && (!is_text(*any->pause) || any->pause->empty())) return wrong("pause: expected the name of a queue");
  read.pause = std::move(any->pause);
  if (any->schedule) {
    if (const auto why = what_is_wrong(any->schedule->kept)) return wrong("schedule." + *why);
    read.schedule = std::move(any->schedule->kept);
  }
  if (any->task) {
    if (const auto why = what_is_wrong(any->task->kept)) return wrong("task." + *why);
    read.task = std::move(any->task->kept);
  }
  read.end = any->end;
  return read;
}

}  // namespace transfer
}  // namespace v0
}  // namespace errand
