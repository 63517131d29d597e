#include "durable/run.h"

#include <algorithm>

#include "base/time.h"
#include "core/limits.h"
#include "core/text.h"
#include "durable/named_tasks.h"

namespace errand {
inline namespace v0 {
namespace detail {

namespace {

constexpr std::size_t kNoteBytes = 256;
constexpr std::size_t kLineBytes = 1024;
constexpr std::size_t kMetadataBytes = 4096;

KeptError kept(const Error& error) {
  return {error.code(), clean_text(error.message())};
}

}  // namespace

Run::Run(NamedTasks& home, KeptTask task, std::shared_ptr<const Kind> kind)
    : NamedRun(task.id), home_(home), task_(std::move(task)), kind_(std::move(kind)) {}

bool Run::begin(std::optional<Duration>& limit) {
  const WallTime now = home_.committer().now();
  if (task_.task.expires_at && *task_.task.expires_at <= now) {
    expired_ = true;
    return false;
  }
  home_.began(*this);
  started_at_ = now;
  body_.emplace(home_.hub().store);
  body_->begins(id, now);
  limit = task_.task.timeout ? task_.task.timeout : kind_->options.timeout;
  if (task_.task.max_elapsed) {
    const Duration left = std::max(*task_.task.max_elapsed - since_first_start(now, now), Duration(1));
    limit = limit ? std::min(*limit, left) : left;
  }
  return true;
}

// Of its first attempt, which may be this one. What a store says is input: nothing began before 1970.
Duration Run::since_first_start(WallTime otherwise, WallTime now) const {
  return now - std::max(task_.first_started_at.value_or(otherwise), WallTime{});
}

Ran Run::run(Record& record, Attempt& attempt) {
  NamedCall call{task_.task.kind, task_.task.payload, task_.task.content_type, {}};
  Said said = kind_->handler(call, attempt);
  // One that can't be kept is a failed attempt, and not an end that the store would have to refuse.
  if (call.output.bytes.size() > kMostOutput) output_too_large(id, call.output.bytes.size()).raise();
  output_ = std::move(call.output);
  if (!said.outcome && asked_to_stop(record)) return Ran::returned;
  if (said.outcome) {
    say(attempt, std::move(*said.outcome));
    return Ran::said;
  }
  return Ran::done;
}

// What does not change from here on; `attempts` as they were.
Finish Run::completion(std::string output, std::string output_type) const {
  Finish end = finish(TaskState::completed);
  end.attempts = number();
  end.started_at = started_at_;
  end.output = std::move(output);
  end.output_type = std::move(output_type);
  end.run_at = home_.committer().now();  // it waits for nothing; when it ended
  end.prune_at = prune_at(TaskState::completed, end.run_at);
  return end;
}

std::optional<WallTime> Run::prune_at(TaskState to, WallTime now) const {
  return home_.prune_at(kind_.get(), to, now);
}

Finish Run::finish(TaskState to) const {
  Finish finish;
  finish.id = id;
  finish.token = task_.token;
  finish.to = to;
  finish.run_at = task_.task.run_at;
  finish.attempts = task_.attempts;
  finish.crashes = task_.crashes;
  return finish;
}

Transition Run::judge(Over over, WallTime now, Rng& rng) const {
  const SteadyTime mono = home_.hub().clock->mono();
  Attempted attempted;
  attempted.attempt = number();
  attempted.max_attempts = task_.task.max_attempts;
  attempted.first_started = mono - since_first_start(*started_at_, now);
  attempted.max_elapsed = task_.task.max_elapsed;
  attempted.stop = over.stop;
  attempted.outlived_grace = over.outlived_grace;
  Retry retry = kind_->options.retry ? *kind_->options.retry : home_.engine().options.retry;
  if (!task_.task.retry.empty()) {
    // What a store says is input: a policy that can't be read is as one that was not given.
    if (auto own = Retry::parse(task_.task.retry)) retry = std::move(*own);
  }
  return decide(attempted, std::move(over.ended), mono, retry, rng);
}

NamedRun::Verdict Run::end(Over over, Rng& rng) noexcept {
  const std::unique_ptr<Run> self(this);
  const WallTime now = home_.committer().now();
  const Duration took = over.took;
  TaskInfo* const info = over.info;
  // Before the store learns of its end: a task that waits again is not to be charged.
  body_->is_over();
  Transition next = judge(std::move(over), now, rng);
  Finish end = finish(next.to);
  end.attempts = number() - (next.gives_back ? 1 : 0);
  end.started_at = started_at_;
  // As the store keeps it, or the queue would wake for a moment at which the store has nothing for it yet.
  if (next.to != TaskState::available) end.run_at = up_to_micros(saturating_add(now, next.wait));
  const bool failed = next.error.has_value() && !next.gives_back;
  if (next.error) end.error = kept(*next.error);
  if (failed) end.failed = KeptAttempt{number(), *started_at_, took, *end.error};
  if (next.to == TaskState::completed) {
    end.output = std::move(output_.bytes);
    end.output_type = std::move(output_.content_type);
  }
  home_.committer().ending();
  home_.over(*this);
  // Whoever cancelled it found it in hand, and was told that it is to end.
  if (!is_final(next.to) && cancelled_.load(std::memory_order_relaxed)) next.to = end.to = TaskState::cancelled;
  if (is_final(next.to)) end.prune_at = prune_at(next.to, now);
  const int attempts = end.attempts;
  if (info != nullptr) *info = info_of(left(end, now));
  home_.committer().finish(home_, std::move(end));
  return {next.to, failed, attempts};
}

// The task, as the store will have it. Nobody needs it here any more.
KeptTask Run::left(const Finish& end, WallTime now) {
  KeptTask task = std::move(task_);
  task.state = end.to;
  task.task.run_at = end.run_at;
  task.attempts = end.attempts;
  task.started_at = end.started_at;
  if (end.error) task.last_error = end.error;
  if (end.failed) task.history.push_back(*end.failed);
  if (task.history.size() > kKeptAttempts) task.history.erase(task.history.begin());
  if (is_final(end.to)) task.finished_at = now;
  return task;
}

// It has not begun: it waits again as before, unless it was taken out to end.
void Run::give_back() noexcept {
  const std::unique_ptr<Run> self(this);
  home_.committer().ending();
  home_.over(*this);
  const TaskState to = expired_                                     ? TaskState::discarded
                       : cancelled_.load(std::memory_order_relaxed) ? TaskState::cancelled
                                                                    : TaskState::available;
  Finish end = finish(to);
  if (is_final(to)) end.prune_at = prune_at(to, home_.committer().now());
  if (expired_) end.error = KeptError{Code::discarded, "expired: it was not started in time"};
  home_.committer().finish(home_, std::move(end));
}

// --- what the body says of itself ------------------------------------------------------------------------------------

void Run::progress(std::uint64_t done, std::uint64_t total, std::string_view note) {
  Note said;
  said.id = id;
  said.token = task_.token;
  said.progress_done = done;
  said.progress_total = total;
  said.progress_note = clean_text(note, kNoteBytes);
  home_.committer().note(std::move(said));
}

void Run::log(std::string_view line) {
  Note said;
  said.id = id;
  said.token = task_.token;
  said.log.push_back(clean_text(line, kLineBytes));
  home_.committer().note(std::move(said));
}

bool Run::metadata(std::string_view key, std::string_view value) {
  Metadata changed = task_.task.metadata;
  const std::string clean_key = clean_text(key, kMetadataBytes);
  const auto found =
      std::find_if(changed.begin(), changed.end(), [&](const auto& entry) { return entry.first == clean_key; });
  if (found != changed.end()) {
    found->second = clean_text(value, kMetadataBytes);
  } else {
    changed.emplace_back(clean_key, clean_text(value, kMetadataBytes));
  }
  std::size_t bytes = 0;
  for (const auto& [name, text] : changed) bytes += name.size() + text.size();
  if (bytes > kMetadataBytes) return false;
  task_.task.metadata = changed;
  Note said;
  said.id = id;
  said.token = task_.token;
  said.metadata = std::move(changed);
  home_.committer().note(std::move(said));
  return true;
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
