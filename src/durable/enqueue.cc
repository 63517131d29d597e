// What is taken in: from a message and its options to a task in the store, and a handle.

#include <algorithm>

#include "base/log.h"
#include "base/time.h"
#include "core/limits.h"
#include "core/text.h"
#include "durable/named_tasks.h"
#include "engine/options.h"

namespace errand {
inline namespace v0 {
namespace detail {

namespace {

constexpr std::size_t kMostKind = 128;
constexpr std::size_t kMostKey = 256;
constexpr std::size_t kMostName = 256;
constexpr std::size_t kMostTags = 16;
constexpr std::size_t kMostTag = 64;
constexpr int kAttempts = 20;  // unless somebody says otherwise

// What a store keeps as text: valid UTF-8 without NUL.
bool is_text(std::string_view text) {
  return is_utf8(text) && text.find('\0') == std::string_view::npos;
}

std::optional<std::string> check_text(const char* what, std::string_view text, std::size_t most) {
  if (text.size() > most)
    return std::string(what) + ": expected at most " + std::to_string(most) + " bytes, got " +
           std::to_string(text.size());
  if (!is_text(text)) return std::string(what) + ": expected UTF-8 without NUL";
  return std::nullopt;
}

std::uint16_t states_of(const Unique& unique) {
  return unique.states.value_or(unique.within > Duration::zero() ? kAllStates : kLiveStates);
}

std::optional<std::string> check_unique(const Unique& unique) {
  if (auto bad = check_text("unique.key", unique.key, kMostKey)) return bad;
  if (unique.within < Duration::zero()) return "unique.within: expected zero or more";
  const std::uint16_t states = unique.states.value_or(kLiveStates);
  if (states == 0 || (states & ~kAllStates) != 0) return "unique.states: expected some of the states of a task";
  const std::uint16_t waiting = states & kWaitingStates;
  if (waiting != 0 && waiting != kWaitingStates)
    return "unique.states: expected all waiting states or none of them, since time moves a task between them";
  if (unique.empty() && (unique.within != Duration::zero() || unique.states))
    return "unique: expected key, by_kind, by_payload or by_fields beside within and states";
  return std::nullopt;
}

// As far as options of named tasks differ from those of closures.
std::optional<std::string> check_named(const Named& named) {
  const TaskOptions& options = named.options;
  if (auto bad = check_kind(named.kind)) return bad;
  if (auto bad = check_text("content_type", named.content_type, kMostKind)) return bad;
  if (auto bad = check_text("name", options.name, kMostName)) return bad;
  if (options.stop.stop_possible()) return "stop: a token can't be stored; cancel the task by its id";
  if (options.tags.size() > kMostTags) {
    return "tags: expected at most " + std::to_string(kMostTags) + ", got " + std::to_string(options.tags.size());
  }
  for (const std::string& tag : options.tags) {
    if (auto bad = check_text("tags", tag, kMostTag)) return bad;
  }
  for (const auto& [key, value] : options.metadata) {
    if (!is_text(key) || !is_text(value)) return "metadata: expected UTF-8 without NUL";
  }
  if (!options.unique.by_fields.empty() && named.fields.empty())
    return "unique.by_fields: the codec of \"" + named.kind + "\" can't tell the fields of a message";
  if (auto bad = check_unique(options.unique)) return bad;
  const bool is_keyed = !options.unique.empty();
  if (options.ephemeral && is_keyed && (states_of(options.unique) & bit(TaskState::completed)) != 0)
    return "unique: expected a key that ends with an ephemeral task, which is gone once it completes";
  return std::nullopt;
}

std::string in_hex(std::string_view bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text.append({digits[byte >> 4], digits[byte & 15]});
  }
  return text;
}

// Whatever makes two tasks the same, each part with its length before it, so that no two lists look alike.
std::string key_of(const Named& named, const std::string& queue) {
  const Unique& unique = named.options.unique;
  if (unique.empty()) return {};
  std::string key;
  const auto add = [&](char what, std::string_view part) {
    key.append(1, what).append(std::to_string(part.size())).append(":").append(part);
  };
  add('q', queue);
  add('k', named.kind);
  if (!unique.key.empty()) add('n', unique.key);
  if (unique.by_payload && is_text(named.payload)) add('p', named.payload);
  if (unique.by_payload && !is_text(named.payload)) add('x', in_hex(named.payload));
  if (!unique.by_fields.empty()) add('f', named.fields);
  return key;
}

}  // namespace

std::optional<std::string> check_kind(std::string_view kind) {
  if (kind.empty()) return "kind: expected a name, got none";
  return check_text("kind", kind, kMostKind);
}

Error NamedTasks::refusal(std::string_view kind, const Error& why) const {
  // These are of this task, or this queue, and name them.
  if (why.code() == Code::duplicate || why.code() == Code::shutting_down) return why;
  return {why.code(), "enqueue \"" + clean_text(kind, kMostKind) + "\" to queue \"" + name_ + "\": " + why.message()};
}

Result<NewTask> NamedTasks::new_task(Named&& named, WallTime now) {
  const auto refused = [&](Code code, const std::string& why) {
    return Error(code, "enqueue \"" + clean_text(named.kind, kMostKind) + "\" to queue \"" + name_ + "\": " + why);
  };
  if (closing_.load(std::memory_order_seq_cst)) return refused(Code::shutting_down, "it is shutting down");
  TaskOptions& options = named.options;
  if (auto bad = check(options)) return refused(Code::invalid, *bad);
  if (auto bad = check_named(named)) return refused(Code::invalid, *bad);
  if (named.payload.size() > kMostPayload) {
    return refused(Code::too_large, "its payload has " + std::to_string(named.payload.size()) + " bytes, and at most " +
                                        std::to_string(kMostPayload) + " are kept");
  }
  NewTask task;
  std::shared_ptr<const Kind> kind;
  {
    MutexLock lock(mu_);
    kind = kind_of(named.kind);
    if (kind == nullptr && !durable_ && claiming_)
      return refused(Code::unknown_kind, "it has no handler for this kind, and nobody else sees its tasks");
  }
  if (options.retry) {
    auto text = options.retry->text();
    if (!text) return refused(Code::invalid, text.error().message());
    task.retry = std::move(*text);
  }
  const int of_kind = kind != nullptr && kind->options.max_attempts ? *kind->options.max_attempts : kAttempts;
  task.max_attempts = options.max_attempts.value_or(of_kind);
  task.queue = name_;
  task.unique.key = key_of(named, name_);
  task.unique.states = states_of(options.unique);
  if (options.unique.within > Duration::zero()) task.unique.until = saturating_add(now, options.unique.within);
  task.unique.on_clash = options.unique.on_clash;
  task.kind = std::move(named.kind);
  task.payload = std::move(named.payload);
  task.content_type = std::move(named.content_type);
  task.priority = options.priority;
  // Rounded up, so that nothing begins early; a moment that is past is now.
  task.run_at =
      std::max(options.at ? up_to_micros(*options.at) : up_to_micros(saturating_add(now, options.delay)), now);
  task.timeout = options.timeout;
  task.max_elapsed = options.max_elapsed;
  task.expires_at = options.expires_at;
  task.ephemeral = options.ephemeral;
  task.name = std::move(options.name);
  task.tags = std::move(options.tags);
  task.metadata = std::move(options.metadata);
  return task;
}

Result<NewTask> NamedTasks::prepare(Result<Named> task) {
  if (!task) return task.error();
  if (task->options.on_finish) {
    return Error(Code::invalid, "enqueue \"" + task->kind + "\" to queue \"" + name_ +
                                    "\": on_finish: expected none inside a transaction, which may be rolled back");
  }
  return new_task(std::move(*task), committer().now());
}

Result<NamedDraft> NamedTasks::enqueue(Result<Named> task, OutputReader reader) {
  std::vector<Result<Named>> one;
  one.push_back(std::move(task));
  return std::move(enqueue(std::move(one), reader).front());
}

std::vector<Result<NamedDraft>> NamedTasks::enqueue(std::vector<Result<Named>> tasks, OutputReader reader) {
  const Entrance entrance(*this);
  const WallTime now = committer().now();
  struct Asked {
    std::string kind{};
    Callback<void(const TaskInfo&)> on_finish{};
    std::optional<Error> refused{};
  };
  std::vector<Asked> all;
  std::vector<NewTask> added;
  all.reserve(tasks.size());
  added.reserve(tasks.size());
  for (Result<Named>& task : tasks) {
    Asked& asked = all.emplace_back();
    if (!task) {
      asked.refused = task.error();
      continue;
    }
    asked.kind = task->kind;
    asked.on_finish = std::move(task->options.on_finish);
    auto made = new_task(std::move(*task), now);
    if (made) {
      added.push_back(std::move(*made));
    } else {
      asked.refused = made.error();
    }
  }
  std::vector<Result<Added>> results;
  if (!added.empty()) results = committer().add(*this, std::move(added));
  std::vector<Result<NamedDraft>> drafts;
  drafts.reserve(tasks.size());
  auto next = results.begin();
  for (Asked& asked : all) {
    Result<Added> result = asked.refused ? Result<Added>(*asked.refused) : std::move(*next++);
    if (!result && !asked.refused) result = refusal(asked.kind, result.error());
    took_in(result, result ? std::move(asked.on_finish) : Callback<void(const TaskInfo&)>());
    if (result) {
      drafts.emplace_back(draft(*result, reader));
    } else {
      drafts.emplace_back(result.error());
    }
  }
  engine_.wake_driver();  // what is due later than now was posted to nobody
  return drafts;
}

// What an enqueue came to.
void NamedTasks::took_in(const Result<Added>& result, Callback<void(const TaskInfo&)> on_finish) {
  if (!result) {
    engine_.note_refusal(result.error());
    return;
  }
  enqueued_.fetch_add(result->existed ? 0 : 1, std::memory_order_relaxed);
  if (on_finish) watch_end(result->id, std::move(on_finish));
}

Result<void> NamedTasks::add_run(NewTask run) {
  const Entrance entrance(*this);
  if (closing_.load(std::memory_order_seq_cst)) {
    return Error(Code::shutting_down,
                 "trigger schedule \"" + run.schedule + "\" of queue \"" + name_ + "\": it is shutting down");
  }
  std::vector<NewTask> one;
  one.push_back(std::move(run));
  const auto added = committer().add(*this, std::move(one));
  if (!added.front()) return added.front().error();
  enqueued_.fetch_add(1, std::memory_order_relaxed);
  engine_.wake_driver();
  return {};
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
