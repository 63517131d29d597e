// Task<T> of a named task: what it asks, and how it waits.

#include <algorithm>

#include "base/fork.h"
#include "base/time.h"
#include "durable/named_tasks.h"
#include "durable/run.h"
#include "engine/frame.h"

namespace errand {
inline namespace v0 {
namespace detail {

namespace {

Error queue_gone(TaskId id) {
  return {Code::gone, "task " + to_string(id) + ": its queue is gone; the store may still have it"};
}

// Why a task that is over left no value.
Error error_of(const KeptTask& task) {
  const std::string what = "task " + to_string(task.id);
  const std::string why = task.last_error ? task.last_error->text : "";
  if (task.state == TaskState::cancelled)
    return {Code::cancelled, what + " was cancelled" + (why.empty() ? "" : ": " + why)};
  if (task.last_error) return {task.last_error->code, why};
  return {Code::discarded, what + " was discarded"};
}

Error forked(TaskId id) {
  return {Code::forked, "task " + to_string(id) + ": its queue belongs to the process that forked this one"};
}

// Holds on to nothing: with its queue the store may be closed, and opened again.
class Handle final : public NamedHandle {
 public:
  Handle(std::weak_ptr<NamedTasks> tasks, std::shared_ptr<Clock> clock, TaskId id, OutputReader reader)
      : tasks_(std::move(tasks)), clock_(std::move(clock)), id_(id), reader_(reader) {}
  ~Handle() override {
    if (watch_ == nullptr) return;
    if (const auto found = tasks()) (*found)->unwatch(id_, watch_);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  [[nodiscard]] TaskState state() const override {
    const auto found = info();
    return found ? found->state : TaskState::refused;
  }
  [[nodiscard]] Result<TaskInfo> info() const override {
    const auto found = tasks();
    if (!found) return found.error();
    return (*found)->info(id_);
  }
  [[nodiscard]] Result<void> cancel() const override {
    const auto found = tasks();
    if (!found) return found.error();
    return (*found)->with_queue([&] { return (*found)->cancel(id_); }, queue_gone(id_));
  }
  [[nodiscard]] bool ended_or_watched() const override {
    const auto found = tasks();
    return found && (*found)->ended_or_watched(id_, watch_);
  }
  [[nodiscard]] bool wait(std::optional<SteadyTime> until) const override {
    const auto found = tasks();
    return found && (*found)->wait(id_, until);
  }
  [[nodiscard]] bool never_ends_here() const override {
    const auto found = tasks();
    return !found || (*found)->never_ends_here(id_);
  }
  [[nodiscard]] Clock& clock() const override { return *clock_; }
  [[nodiscard]] Result<void> output(void* value) const override;

 private:
  [[nodiscard]] Result<std::shared_ptr<NamedTasks>> tasks() const {
    if (forks_ != forks_so_far()) return forked(id_);
    auto found = tasks_.lock();
    if (found == nullptr) return queue_gone(id_);
    return found;
  }

  const std::weak_ptr<NamedTasks> tasks_;
  const std::shared_ptr<Clock> clock_;
  const TaskId id_;
  const OutputReader reader_;
  const std::uint32_t forks_ = forks_so_far();
  mutable std::shared_ptr<NamedTasks::Watch> watch_{};
};

Result<void> Handle::output(void* value) const {
  const auto found = tasks();
  if (!found) return found.error();
  NamedTasks& tasks = **found;
  const bool over = tasks.wait(id_, std::nullopt);
  auto task = tasks.kept(id_);
  if (!task) {
    if (over && task.error().code() == Code::not_found) {
      return Error(Code::gone, "task " + to_string(id_) + ": it is over, and what it left is no longer kept");
    }
    return task.error();
  }
  if (!is_final(task->state)) {
    if (!tasks.alive()) return queue_gone(id_);
    return Error(Code::would_block, "wait for task " + to_string(id_) + ": it is " +
                                        std::string(to_string(task->state)) + ", and this worker would wait for ever");
  }
  if (task->state != TaskState::completed) return error_of(*task);
  if (value == nullptr) return {};
  if (task->output_type.empty()) return Error(Code::not_found, "task " + to_string(id_) + ": it left no output");
  return reader_.read(task->output, task->output_type, value);
}

// One that is no longer known is over: nothing that waits is forgotten.
bool is_over(const Result<TaskInfo>& task) {
  return task ? is_final(task->state) : task.error().code() == Code::not_found;
}

// Whether it can't be told.
bool is_away(const Result<TaskInfo>& task) {
  return !task && task.error().transient();
}

}  // namespace

bool NamedTasks::is_over(TaskId id) const {
  return detail::is_over(info(id));
}

NamedDraft NamedTasks::draft_of(std::weak_ptr<NamedTasks> home, std::shared_ptr<Clock> clock, const Added& added,
                                OutputReader reader) {
  auto handle = std::make_unique<Handle>(std::move(home), std::move(clock), added.id, reader);
  handle->existed = added.existed;
  handle->replaced = added.replaced;
  return {handle.release(), added.id.value};
}

NamedDraft NamedTasks::draft(const Added& added, OutputReader reader) {
  return draft_of(weak_from_this(), hub_->clock, added, reader);
}

Result<NamedDraft> NamedTasks::handle_of(TaskId id, OutputReader reader) {
  const auto task = kept(id);
  if (!task) return task.error();
  return draft({.id = id}, reader);
}

// --- watches ---------------------------------------------------------------------------------------------------------

std::shared_ptr<NamedTasks::Watch> NamedTasks::watch(TaskId id, bool inside) {
  auto made = std::make_shared<Watch>();
  made->inside = inside;
  MutexLock lock(mu_);
  watched_[id.value].watches.push_back(made);
  watching_.store(watched_.size(), std::memory_order_release);
  if (inside) ++inside_;
  return made;
}

bool NamedTasks::watches(TaskId id, const std::shared_ptr<Watch>& watch) const {
  MutexLock lock(mu_);
  const auto found = watched_.find(id.value);
  if (found == watched_.end()) return false;
  const auto& all = found->second.watches;
  return std::find(all.begin(), all.end(), watch) != all.end();
}

void NamedTasks::unwatch(TaskId id, const std::shared_ptr<Watch>& watch) {
  MutexLock lock(mu_);
  if (watch->inside) --inside_;
  const auto found = watched_.find(id.value);
  if (found == watched_.end()) return;
  std::erase(found->second.watches, watch);
  if (!found->second.watches.empty() || !found->second.callbacks.empty()) return;
  watched_.erase(found);
  watching_.store(watched_.size(), std::memory_order_release);
}

void NamedTasks::wake(Watch& watch) {
  watch.word.fetch_add(1, std::memory_order_release);
  hub_->clock->wake(watch.word, 1);
}

// Something became of the task that is not its end.
void NamedTasks::wake_watchers(TaskId id) {
  if (watching_.load(std::memory_order_acquire) == 0) return;
  {
    MutexLock lock(mu_);
    const auto found = watched_.find(id.value);
    if (found == watched_.end() || found->second.watches.empty()) return;
    for (const auto& watch : found->second.watches) wake(*watch);
  }
  note_named_end(*hub_->clock);
}

// Workers that wait inside of a body run what they find: there may be something, or there will not be any more.
void NamedTasks::wake_those_inside() {
  {
    // Who counts itself after this has yet to look for work.
    MutexLock lock(mu_);
    if (inside_ == 0) return;
    for (const auto& [id, watched] : watched_) {
      for (const auto& watch : watched.watches) {
        if (watch->inside) wake(*watch);
      }
    }
  }
  note_named_end(*hub_->clock);
}

void NamedTasks::watch_end(TaskId id, Callback<void(const TaskInfo&)> callback) {
  {
    MutexLock lock(mu_);
    watched_[id.value].callbacks.push_back(std::move(callback));
    watching_.store(watched_.size(), std::memory_order_release);
  }
  // It may be over by now, and nobody have looked here.
  if (!look_for_end(id)) look_later(id);
}

// It is watched, and may have ended before that: the store did not say.
void NamedTasks::look_later(TaskId id) {
  {
    MutexLock lock(mu_);
    unsure_.push_back(id);
  }
  committer().wish();
}

// False: whether it is over can't be told now.
bool NamedTasks::look_for_end(TaskId id) {
  const auto task = info(id);
  if (detail::is_over(task)) ended(id, TaskState::completed);
  return !is_away(task);
}

void NamedTasks::look_for_unsure_ends() {
  std::vector<TaskId> ids;
  {
    MutexLock lock(mu_);
    ids.swap(unsure_);
  }
  // One that the store is away for stands for the others.
  while (!ids.empty() && look_for_end(ids.back())) ids.pop_back();
  if (ids.empty()) return;
  MutexLock lock(mu_);
  unsure_.insert(unsure_.end(), ids.begin(), ids.end());
}

// A task is final in the store. `to`: how, for those who ask when it is so no more.
void NamedTasks::ended(TaskId id, TaskState to) {
  if (watching_.load(std::memory_order_acquire) == 0) return;
  Watched watched;
  {
    MutexLock lock(mu_);
    const auto found = watched_.find(id.value);
    if (found == watched_.end()) return;
    watched = std::move(found->second);
    watched_.erase(found);
    watching_.store(watched_.size(), std::memory_order_release);
  }
  for (const auto& watch : watched.watches) wake(*watch);
  if (!watched.watches.empty()) note_named_end(*hub_->clock);
  if (watched.callbacks.empty()) return;
  TaskInfo info;
  if (auto found = this->info(id)) info = std::move(*found);
  if (!is_final(info.state)) {
    // An ephemeral one is gone when it is completed, and one that was told to try again meanwhile has another life.
    info = {};
    info.id = id;
    info.queue = name_;
    info.state = to;
  }
  for (auto& callback : watched.callbacks) engine_.post_callback(std::move(callback), info);
}

// --- waiting ---------------------------------------------------------------------------------------------------------

namespace {

// So many bodies may stand inside of one another on a worker that waits: each needs its part of the stack.
constexpr int kMostInside = 64;

bool is_too_deep(const Worker& worker) {
  return worker.depth.load(std::memory_order_relaxed) >= kMostInside;
}

bool is_available(const Result<TaskInfo>& task) {
  return task && task->state == TaskState::available;
}

// Whether this body, or one around it on this thread, is the attempt of the task.
bool is_inside(TaskId id) {
  for (const Frame* frame = current_frame(); frame != nullptr; frame = frame->outer) {
    if (frame->named != nullptr && frame->named->id == id) return true;
  }
  return false;
}

}  // namespace

Worker* NamedTasks::own_worker() const {
  return alive() ? engine_.own_worker() : nullptr;
}

// What became of attempts, and what can be claimed: nobody else sees to it.
void NamedTasks::step_by_hand(const Worker* own) {
  if (own != nullptr && engine_.options.drive == Drive::manual) static_cast<void>(hub_->step());
}

// The watch of somebody who waits here.
struct NamedTasks::Watching {
  NamedTasks& tasks;
  const TaskId id;
  std::shared_ptr<Watch> watch{};

  ~Watching() {
    if (watch != nullptr) tasks.unwatch(id, watch);
  }
  void begin(bool inside) {
    if (watch != nullptr) tasks.unwatch(id, watch);
    watch = tasks.watch(id, inside);
  }
};

bool NamedTasks::never_ends_here(TaskId id) const {
  // Nor where this thread keeps the end from getting into the store.
  if (!alive() || !hub_->committer.may_wait()) return true;
  const Worker* const own = engine_.own_worker();
  if (own == nullptr) return false;
  // By hand nobody else does anything; and help() has found nothing to do.
  if (is_inside(id) || engine_.options.drive == Drive::manual) return true;
  const auto task = info(id);
  if (!task) return false;
  if (task->state == TaskState::scheduled || task->state == TaskState::retryable || task->held || task->no_handler)
    return true;
  return task->state == TaskState::available && never_begins_here(id, *own);
}

// Of a task that is available: whether nobody will claim it any more; or it may only run alone, and this body is the
// one that does; or what stands before it would have to run in too many bodies inside of one another.
bool NamedTasks::never_begins_here(TaskId id, const Worker& own) const {
  MutexLock lock(mu_);
  if (live_.find(id.value) == live_.end())
    return (closing_.load(std::memory_order_acquire) && !claiming_) || is_too_deep(own);
  const auto is_it = [&](const auto& run) { return run->id == id; };
  if (std::none_of(suspects_.begin(), suspects_.end(), is_it)) return false;
  return std::any_of(live_.begin(), live_.end(),
                     [](const auto& entry) { return entry.second.suspect && is_inside(TaskId{entry.first}); });
}

// On a worker of this queue nobody else may be there to run the task: what this worker would run next, it runs here.
// False if it found nothing to run.
bool NamedTasks::help(TaskId id, Worker& own, bool is_available) {
  const std::uint64_t record = record_of_unstarted(id);
  if (record != 0 && own.run_if_available(record)) return true;
  return is_available && !is_too_deep(own) && own.step();
}

bool NamedTasks::ended_or_watched(TaskId id, std::shared_ptr<Watch>& watch) {
  Worker* const own = own_worker();
  for (;;) {
    step_by_hand(own);
    const auto task = info(id);
    if (detail::is_over(task)) return true;
    if (!committer().may_wait()) return false;
    if (own != nullptr && help(id, *own, is_available(task))) continue;
    if (watch != nullptr && watches(id, watch)) {
      if (is_away(task)) look_later(id);
      return false;
    }
    // And looks again: from here on nobody ends it unseen.
    if (watch != nullptr) unwatch(id, watch);
    watch = this->watch(id, own != nullptr);
  }
}

bool NamedTasks::wait(TaskId id, std::optional<SteadyTime> until) {
  const std::shared_ptr<Clock>& clock = hub_->clock;
  Worker* const own = own_worker();
  Watching watching{*this, id};
  for (;;) {
    const std::uint32_t seen = watching.watch != nullptr ? watching.watch->word.load(std::memory_order_acquire) : 0;
    step_by_hand(own);
    const auto task = info(id);
    if (detail::is_over(task)) return true;
    if (!alive() || (until && clock->mono() >= *until)) return false;
    if (!committer().may_wait()) return false;
    if (own != nullptr) {
      if (help(id, *own, is_available(task))) continue;
      if (never_ends_here(id)) return false;
    }
    if (watching.watch != nullptr && watches(id, watching.watch)) {
      if (is_away(task)) look_later(id);
      clock->wait(watching.watch->word, seen, {until, {}});
    } else {
      watching.begin(own != nullptr);
    }
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
