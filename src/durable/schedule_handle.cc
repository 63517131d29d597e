// Schedules of named tasks: how they come into the store, what a handle asks, and what the committer is told.

#include "engine/schedule_handle.h"

#include <algorithm>

#include "base/fork.h"
#include "base/log.h"
#include "base/time.h"
#include "durable/named_tasks.h"
#include "engine/timing.h"

namespace errand {
inline namespace v0 {
namespace detail {

namespace {

// Of the task's own options, the first that can't hold for every run.
std::optional<std::string> check_template(const TaskOptions& options) {
  const TaskOptions none;
  if (options.delay != none.delay || options.at) return "delay and at: a run is due with its slot";
  if (options.expires_at) return "expires_at: a moment can't hold for each run; see timeout and max_elapsed";
  if (options.on_finish) return "on_finish: a callback can't be stored";
  if (!options.unique.empty()) return "unique: a slot has one run at most, and overlap says what it does beside others";
  if (options.priority != none.priority || options.max_attempts || options.retry || options.timeout ||
      !options.name.empty())
    return "priority, max_attempts, retry, timeout and name: expected in ScheduleOptions";
  return std::nullopt;
}

}  // namespace

Result<std::shared_ptr<ScheduleHandle>> NamedTasks::keep_every(Duration interval, Result<Named> task,
                                                               ScheduleOptions options) {
  const WallTime now = committer().now();
  auto timetable = interval_timetable(name_, interval, options, now);
  if (!timetable) return timetable.error();
  if (interval % std::chrono::microseconds(1) != Duration::zero())
    return bad_schedule(name_, "interval: expected whole microseconds, as stores keep times, got " + to_text(interval));
  NewSchedule schedule;
  schedule.interval = interval;
  schedule.next = options.first == First::now ? now : timetable->next(now);
  return keep(std::move(schedule), std::move(task), std::move(options), now);
}

Result<std::shared_ptr<ScheduleHandle>> NamedTasks::keep_cron(std::string_view expression, Result<Named> task,
                                                              ScheduleOptions options) {
  const WallTime now = committer().now();
  const auto timetable = cron_timetable(name_, expression, options, now);
  if (!timetable) return timetable.error();
  NewSchedule schedule;
  schedule.cron = expression;
  schedule.next = timetable->next(now);
  return keep(std::move(schedule), std::move(task), std::move(options), now);
}

// What is left to say once it is known when it fires.
Result<std::shared_ptr<ScheduleHandle>> NamedTasks::keep(NewSchedule schedule, Result<Named> task,
                                                         ScheduleOptions options, WallTime now) {
  if (options.name.empty()) {
    return bad_schedule(name_, "name: expected one, got none; a schedule of named tasks is found again by its name");
  }
  if (!task) return task.error();
  if (auto bad = check_template(task->options)) return bad_schedule(name_, *bad);
  task->options.priority = options.priority;
  task->options.max_attempts = options.max_attempts;
  task->options.retry = std::move(options.retry);
  task->options.timeout = options.timeout;
  task->options.name = options.name;
  auto run = new_task(std::move(*task), now);
  if (!run) return run.error();
  schedule.queue = name_;
  schedule.name = options.name;
  schedule.anchor = now;
  schedule.time_zone = std::move(options.time_zone);
  schedule.dst = options.dst;
  schedule.overlap = options.overlap;
  schedule.missed = options.missed;
  schedule.catch_up_cap = options.catch_up_cap;
  schedule.catch_up_window = options.catch_up_window;
  schedule.jitter = options.jitter;
  schedule.task = std::move(*run);
  if (auto put = schedules_.put(schedule, now); !put) return put.error();
  schedules_changed();
  return stored_handle(std::move(options.name));
}

// --- what a handle asks ----------------------------------------------------------------------------------------------

namespace {

// Knows a schedule by its name, and the queue as long as there is one.
class StoredHandle final : public ScheduleHandle {
 public:
  StoredHandle(std::weak_ptr<NamedTasks> tasks, std::string name)
      : tasks_(std::move(tasks)), name_(std::move(name)), forks_(forks_so_far()) {}

  void pause() override {
    act([&](NamedTasks& tasks) { return tasks.stored_schedules().pause(name_); });
  }
  void resume() override {
    act([&](NamedTasks& tasks) { return tasks.stored_schedules().resume(name_, tasks.committer().now()); });
  }
  void trigger() override {
    act([&](NamedTasks& tasks) { return tasks.trigger(name_); });
  }
  void cancel() override {
    act([&](NamedTasks& tasks) { return tasks.stored_schedules().remove(name_); });
  }
  [[nodiscard]] ScheduleInfo info() const override {
    ScheduleInfo info;
    info.name = name_;
    ask([&](NamedTasks& tasks) -> Result<void> {
      auto found = tasks.stored_schedules().info(name_);
      info.cancelled = !found && found.error().code() == Code::not_found;
      if (!found) return found.error();
      info = std::move(*found);
      return {};
    });
    return info;
  }
  [[nodiscard]] std::vector<WallTime> next(int count) const override {
    std::vector<WallTime> slots;
    ask([&](NamedTasks& tasks) -> Result<void> {
      auto found = tasks.stored_schedules().next(name_, count, tasks.committer().now());
      if (!found) return found.error();
      slots = std::move(*found);
      return {};
    });
    return slots;
  }

 private:
  template <class Use>
  void act(Use use) const {
    ask([&](NamedTasks& tasks) {
      auto done = use(tasks);
      tasks.schedules_changed();
      return done;
    });
  }
  // One that was cancelled has nothing to say, and nothing to be done to.
  template <class Use>
  void ask(Use use) const {
    if (forks_ != forks_so_far()) return;
    const auto tasks = tasks_.lock();
    if (tasks == nullptr) return;
    const Result<void> done = tasks->with_queue([&] { return use(*tasks); }, Error(Code::gone, ""));
    if (!done && done.error().code() != Code::not_found && done.error().code() != Code::gone)
      log(LogLevel::error, tasks->name(), done.error().message());
  }

  const std::weak_ptr<NamedTasks> tasks_;
  const std::string name_;
  const std::uint32_t forks_;
};

}  // namespace

std::shared_ptr<ScheduleHandle> NamedTasks::stored_handle(std::string name) {
  return std::make_shared<StoredHandle>(weak_from_this(), std::move(name));
}

Result<std::shared_ptr<ScheduleHandle>> NamedTasks::schedule(std::string_view name) {
  if (auto found = schedules_.info(std::string(name)); !found) return found.error();
  schedules_changed();  // it may be one that nobody here knew of
  return stored_handle(std::string(name));
}

std::vector<ScheduleInfo> NamedTasks::schedules() {
  auto all = schedules_.list();
  if (all) return std::move(*all);
  log(LogLevel::error, name_, all.error().message());
  return {};
}

Result<void> NamedTasks::trigger(const std::string& name) {
  auto run = schedules_.extra_run(name, committer().now());
  if (!run) return run.error();
  return add_run(std::move(*run));
}

// --- what the committer is told --------------------------------------------------------------------------------------

std::vector<Advance> NamedTasks::slots(WallTime now) {
  std::vector<Advance> advances = schedules_.take(now);
  for (Advance& advance : advances) {
    for (const NewTask& run : advance.runs) coming(run, now);
    if (!advance.cancel_earlier) continue;
    std::shared_ptr<const Kind> kind;
    {
      MutexLock lock(mu_);
      kind = kind_of(advance.runs.front().kind);
    }
    advance.prune_at = prune_at(kind.get(), TaskState::cancelled, now);
  }
  return advances;
}

void NamedTasks::advanced(std::vector<Result<Advanced>> results) {
  schedules_.done(results, committer().now());
  for (const Result<Advanced>& result : results) {
    if (!result) continue;
    const auto is_new = [](const Result<Added>& run) { return run && !run->existed; };
    enqueued_.fetch_add(static_cast<std::uint64_t>(std::count_if(result->runs.begin(), result->runs.end(), is_new)),
                        std::memory_order_relaxed);
    for (const TaskId id : result->running) {
      if (stop_in_hand(id).is) continue;
      MutexLock lock(mu_);
      late_cancels_.insert(id.value);
    }
    for (const TaskId id : result->cancelled) ended(id, TaskState::cancelled);
  }
  engine_.note_progress();
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
