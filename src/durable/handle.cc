// Task<T> of a named task: what it asks, and how it waits.

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

// Holds on to nothing: with its queue the store may be closed, and opened again.
class Handle final : public NamedHandle {
 public:
  Handle(std::weak_ptr<NamedTasks> tasks, std::shared_ptr<Clock> clock, TaskId id, OutputReader reader)
      : tasks_(std::move(tasks)), clock_(std::move(clock)), id_(id), reader_(reader) {}

  [[nodiscard]] TaskState state() const override {
    const auto found = info();
    return found ? found->state : TaskState::refused;
  }
  [[nodiscard]] Result<TaskInfo> info() const override {
    const auto tasks = tasks_.lock();
    return tasks != nullptr ? tasks->info(id_) : queue_gone(id_);
  }
  [[nodiscard]] Result<void> cancel() const override {
    const auto tasks = tasks_.lock();
    if (tasks == nullptr) return queue_gone(id_);
    return tasks->with_queue([&] { return tasks->cancel(id_); }, queue_gone(id_));
  }
  [[nodiscard]] bool ended_or_watched() const override {
    const auto tasks = tasks_.lock();
    if (tasks == nullptr) return false;
    if (watch_ == nullptr) watch_ = tasks->watch(id_);
    return tasks->is_over(id_);
  }
  [[nodiscard]] bool wait(std::optional<SteadyTime> until) const override {
    const auto tasks = tasks_.lock();
    return tasks != nullptr && tasks->wait(id_, until);
  }
  [[nodiscard]] bool never_ends_here() const override {
    const auto tasks = tasks_.lock();
    return tasks == nullptr || tasks->never_ends_here(id_);
  }
  [[nodiscard]] Clock& clock() const override { return *clock_; }
  [[nodiscard]] Result<void> output(void* value) const override;

 private:
  const std::weak_ptr<NamedTasks> tasks_;
  const std::shared_ptr<Clock> clock_;
  const TaskId id_;
  const OutputReader reader_;
  mutable std::shared_ptr<NamedTasks::Watch> watch_{};
};

Result<void> Handle::output(void* value) const {
  const auto tasks = tasks_.lock();
  if (tasks == nullptr) return queue_gone(id_);
  const bool over = tasks->wait(id_, std::nullopt);
  auto task = tasks->kept(id_);
  if (!task) {
    if (over && task.error().code() == Code::not_found) {
      return Error(Code::gone, "task " + to_string(id_) + ": it is over, and what it left is no longer kept");
    }
    return task.error();
  }
  if (!is_final(task->state)) {
    if (!tasks->alive()) return queue_gone(id_);
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

}  // namespace

bool NamedTasks::is_over(TaskId id) const {
  return detail::is_over(info(id));
}

NamedDraft NamedTasks::draft(TaskId id, bool existed, OutputReader reader) {
  auto handle = std::make_unique<Handle>(weak_from_this(), hub_->clock, id, reader);
  handle->existed = existed;
  return {handle.release(), id.value};
}

Result<NamedDraft> NamedTasks::handle_of(TaskId id, OutputReader reader) {
  const auto task = kept(id);
  if (!task) return task.error();
  return draft(id, false, reader);
}

std::shared_ptr<NamedTasks::Watch> NamedTasks::watch(TaskId id) {
  auto made = std::make_shared<Watch>();
  MutexLock lock(mu_);
  std::vector<std::shared_ptr<Watch>>& watches = watched_[id.value].watches;
  // Those whose handles are gone make room.
  std::erase_if(watches, [](const auto& watch) { return watch.use_count() == 1; });
  watches.push_back(made);
  watching_.store(watched_.size(), std::memory_order_release);
  return made;
}

void NamedTasks::watch_end(TaskId id, Callback<void(const TaskInfo&)> callback) {
  {
    MutexLock lock(mu_);
    watched_[id.value].callbacks.push_back(std::move(callback));
    watching_.store(watched_.size(), std::memory_order_release);
  }
  // It may be over by now, and nobody have looked here.
  if (is_over(id)) ended(id, nullptr);
}

// A task is final in the store. `finish`: how, if an attempt of this process ended it.
void NamedTasks::ended(TaskId id, const Finish* finish) {
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
  for (const auto& watch : watched.watches) {
    watch->word.fetch_add(1, std::memory_order_release);
    hub_->clock->wake(watch->word, 1);
  }
  if (!watched.watches.empty()) note_named_end(*hub_->clock);
  if (watched.callbacks.empty()) return;
  TaskInfo info;
  if (auto found = this->info(id)) {
    info = std::move(*found);
  } else {
    // An ephemeral one is gone when it is completed.
    info.id = id;
    info.queue = name_;
    info.state = finish != nullptr ? finish->to : TaskState::completed;
  }
  for (auto& callback : watched.callbacks) engine_.post_callback(std::move(callback), info);
}

void NamedTasks::wake_watchers(TaskId id) {
  MutexLock lock(mu_);
  const auto found = watched_.find(id.value);
  if (found == watched_.end()) return;
  for (const auto& watch : found->second.watches) {
    watch->word.fetch_add(1, std::memory_order_release);
    hub_->clock->wake(watch->word, 1);
  }
}

bool NamedTasks::never_ends_here(TaskId id) const {
  if (!alive() || engine_.own_worker() == nullptr) return false;
  for (const Frame* frame = current_frame(); frame != nullptr; frame = frame->outer) {
    if (frame->named != nullptr && frame->named->id == id) return true;
  }
  const auto task = info(id);
  return task &&
         (task->state == TaskState::scheduled || task->state == TaskState::retryable || task->held || task->no_handler);
}

bool NamedTasks::wait(TaskId id, std::optional<SteadyTime> until) {
  const std::shared_ptr<Watch> watch = this->watch(id);
  const std::shared_ptr<Clock>& clock = hub_->clock;
  // On a worker of this queue nobody else may be there to run it.
  Worker* const own = alive() ? engine_.own_worker() : nullptr;
  const bool by_hand = own != nullptr && engine_.options.drive == Drive::manual;
  for (;;) {
    const std::uint32_t seen = watch->word.load(std::memory_order_acquire);
    // What became of attempts, and what can be claimed: nobody else sees to it.
    if (by_hand) static_cast<void>(hub_->step());
    const auto task = info(id);
    if (detail::is_over(task)) return true;
    if (until && clock->mono() >= *until) return false;
    if (!alive()) return false;
    if (own != nullptr) {
      if (never_ends_here(id)) return false;
      std::uint64_t record = 0;
      {
        MutexLock lock(mu_);
        const auto live = live_.find(id.value);
        if (live != live_.end() && !live->second.running) record = live->second.record;
      }
      if (record != 0 && own->run_if_available(record)) continue;
      // Others stand before it: what this worker would run next, it runs here.
      if (task && task->state == TaskState::available && own->step()) continue;
      if (by_hand) return false;
    }
    clock->wait(watch->word, seen, {until, {}});
    // The watch is taken off with the task's end, and put there anew if it was not that.
    if (!this->watches(id, watch)) return true;
  }
}

bool NamedTasks::watches(TaskId id, const std::shared_ptr<Watch>& watch) {
  MutexLock lock(mu_);
  const auto found = watched_.find(id.value);
  if (found == watched_.end()) return false;
  const auto& all = found->second.watches;
  return std::find(all.begin(), all.end(), watch) != all.end();
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
