// What may stand in an export: lines come from anywhere, and a store takes what it is given.

#include <algorithm>

#include "core/text.h"
#include "export_fields.h"

namespace errand {
inline namespace v0 {
namespace transfer {

namespace {

using Wrong = std::optional<std::string>;

// Room is left for those that a store gives later.
constexpr std::uint64_t kMostNumber = std::uint64_t{1} << 62;
constexpr std::uint64_t kStoreBit = std::uint64_t{1} << 63;

bool is_task_of_store(TaskId id) {
  const std::uint64_t number = id.value & ~kStoreBit;
  return (id.value & kStoreBit) != 0 && number != 0 && number <= kMostNumber;
}

Wrong no_text(std::initializer_list<std::pair<const char*, std::string_view>> texts) {
  for (const auto& [name, text] : texts) {
    if (!is_text(text)) return std::string(name) + ": expected UTF-8 without NUL";
  }
  return std::nullopt;
}

Wrong no_name(const char* name, std::string_view text) {
  if (text.empty()) return std::string(name) + ": expected a name, got none";
  return no_text({{name, text}});
}

Wrong wrong_terms(const NewTask& task) {
  if (auto wrong = no_name("kind", task.kind)) return wrong;
  if (auto wrong = no_text({{"content_type", task.content_type}, {"name", task.name}, {"unique.key", task.unique.key}}))
    return wrong;
  for (const std::string& tag : task.tags) {
    if (auto wrong = no_text({{"tags", tag}})) return wrong;
  }
  for (const auto& [key, value] : task.metadata) {
    if (auto wrong = no_text({{"metadata", key}, {"metadata", value}})) return wrong;
  }
  if (task.max_attempts == 0) return "max_attempts: expected 1 or more, or -1 for unlimited, got 0";
  if (!task.retry.empty()) {
    if (const auto retry = Retry::parse(task.retry); !retry) return "retry: " + retry.error().message();
  }
  if (task.timeout && *task.timeout <= Duration::zero()) return "timeout_ns: expected more than 0";
  if (task.max_elapsed && *task.max_elapsed <= Duration::zero()) return "max_elapsed_ns: expected more than 0";
  const std::uint16_t states = task.unique.states;
  const std::uint16_t waiting = states & kWaitingStates;
  if ((states & ~kAllStates) != 0 || (waiting != 0 && waiting != kWaitingStates))
    return "unique.states: expected states of a task, and all waiting ones or none, got " + std::to_string(states);
  return std::nullopt;
}

Wrong wrong_texts(const KeptTask& task) {
  if (auto wrong = no_text({{"schedule", task.task.schedule},
                            {"output_type", task.output_type},
                            {"progress_note", task.progress_note},
                            {"last_error.text", task.last_error ? task.last_error->text : std::string_view()}}))
    return wrong;
  for (const KeptAttempt& attempt : task.history) {
    if (auto wrong = no_text({{"history.error.text", attempt.error.text}})) return wrong;
  }
  for (const std::string& line : task.log) {
    if (auto wrong = no_text({{"log", line}})) return wrong;
  }
  return std::nullopt;
}

Wrong too_many(const char* name, std::size_t count, std::size_t most) {
  if (count <= most) return std::nullopt;
  return std::string(name) + ": expected at most " + std::to_string(most) + ", got " + std::to_string(count);
}

}  // namespace

bool is_text(std::string_view text) noexcept {
  return is_utf8(text) && text.find('\0') == std::string_view::npos;
}

Wrong what_is_wrong(const KeptTask& task) {
  if (!is_task_of_store(task.id)) return "id: expected that of a task in a store";
  if (task.state == TaskState::refused) return "state: expected one that a task can be in";
  if (auto wrong = no_name("queue", task.task.queue)) return wrong;
  if (auto wrong = wrong_terms(task.task)) return wrong;
  if (auto wrong = wrong_texts(task)) return wrong;
  if (is_final(task.state) != task.finished_at.has_value())
    return std::string("finished_at_us: a task that is ") + std::string(to_string(task.state)) +
           (task.finished_at ? " has none" : " has one");
  if (auto wrong = too_many("history", task.history.size(), kKeptAttempts)) return wrong;
  if (auto wrong = too_many("log", task.log.size(), kKeptLogLines)) return wrong;
  if (task.holds_key && task.task.unique.key.empty()) return "unique.key: expected one, since it is held";
  if (task.token > kMostNumber) return "token: expected at most " + std::to_string(kMostNumber);
  if (task.progress_done > INT64_MAX || task.progress_total > INT64_MAX)
    return "progress: expected at most " + std::to_string(INT64_MAX);
  return std::nullopt;
}

Wrong what_is_wrong(const KeptSchedule& kept) {
  const NewSchedule& given = kept.schedule;
  if (auto wrong = no_name("queue", given.queue)) return wrong;
  if (auto wrong = no_name("name", given.name)) return wrong;
  if (auto wrong = no_text({{"cron", given.cron}, {"time_zone", given.time_zone}})) return wrong;
  if (given.cron.empty() ? given.interval <= Duration::zero() : given.interval != Duration::zero())
    return "cron: expected either that or an interval_ns above 0";
  if (given.catch_up_window && *given.catch_up_window < Duration::zero())
    return "catch_up_window_ns: expected 0 or more";
  if (given.jitter < Duration::zero()) return "jitter_ns: expected 0 or more";
  if (kept.last_run && !is_task_of_store(kept.last_run)) return "last_run: expected the id of a task in a store";
  if (kept.runs > INT64_MAX || kept.skipped > INT64_MAX) return "runs: too many";
  if (auto wrong = wrong_terms(given.task)) return "task." + *wrong;
  return std::nullopt;
}

}  // namespace transfer
}  // namespace v0
}  // namespace errand
