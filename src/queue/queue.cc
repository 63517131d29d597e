#include <errand/queue.h>

#include <algorithm>
#include <stdexcept>

#include "core/text.h"
#include "durable/named_tasks.h"
#include "engine/engine.h"
#include "engine/observers.h"
#include "engine/options.h"
#include "engine/recurrences.h"
#include "engine/schedule_handle.h"
#include "queue/handlers.h"
#include "queue/named.h"

namespace errand {
inline namespace v0 {

using detail::forked;
using detail::is_stored;

namespace {

std::string next_name() {
  static std::atomic<int> made{0};
  return "queue-" + std::to_string(++made);
}

QueueOptions checked(QueueOptions options) {
  if (auto ok = options.check(); !ok) throw std::invalid_argument(ok.error().message());
  if (options.name.empty()) options.name = next_name();
  return options;
}

}  // namespace

Queue::Queue(QueueOptions options)
    : durable_(std::make_unique<Durable>()), handlers_(std::make_unique<detail::Handlers>()) {
  QueueOptions valid = checked(std::move(options));
  const StorePtr store = valid.store;
  const bool starts = valid.start;
  // Workers begin once there is something that named tasks come from.
  valid.start = store == nullptr && starts;
  engine_ = std::make_unique<detail::Engine>(std::move(valid));
  if (store == nullptr) {
    if (starts) static_cast<void>(durable_->begin_start());
    return;
  }
  durable_->make(*engine_, store);
  if (starts && engine_->options.drive == Drive::threads) start();
}

Queue::~Queue() {
  detail::NamedTasks* const tasks = durable_->tasks();
  if (engine_->forked() || tasks == nullptr) {
    // In a fork's child nothing of it is to be touched, and its store least of all.
    if (tasks != nullptr) static_cast<void>(durable_.release());
    return;
  }
  shutdown(engine_->options.close);
  // What ignores its stop token is waited for, and then said to the store as well.
  engine_->come_to_rest();
  tasks->close();
  engine_->run_callbacks();
  engine_.reset();
}

void Queue::begin_shutdown(const ShutdownOptions& options) {
  if (detail::NamedTasks* tasks = durable_->begin_close()) tasks->begin_close(options.drain);
  engine_->begin_shutdown(options);
}

Report Queue::finish_shutdown(SteadyTime deadline) {
  const Report report = engine_->finish_shutdown(deadline);
  // A body is not kept waiting for a store; the store's own thread sees to it.
  const bool inside = detail::Seat::at(*engine_) != nullptr;
  if (detail::NamedTasks* tasks = durable_->tasks(); tasks != nullptr && !inside) tasks->flush(deadline);
  return report;
}

const std::string& Queue::name() const noexcept {
  return engine_->options.name;
}

Schedule Queue::add_every(Duration interval, const Callback<AnyBody()>& take, ScheduleOptions options) {
  if (engine_->forked()) return Schedule(forked(*this));
  auto made = engine_->recurrences->add_every(interval, take, std::move(options));
  return made ? Schedule(detail::handle_of(std::move(*made))) : Schedule(made.error());
}

Result<Schedule> Queue::add_cron(std::string_view expression, const Callback<AnyBody()>& take,
                                 ScheduleOptions options) {
  if (engine_->forked()) return forked(*this);
  auto made = engine_->recurrences->add_cron(expression, take, std::move(options));
  if (!made) return made.error();
  return Schedule(detail::handle_of(std::move(*made)));
}

std::vector<ScheduleInfo> Queue::schedules() const {
  std::vector<ScheduleInfo> infos;
  if (engine_->forked()) return infos;
  if (detail::NamedTasks* tasks = durable_->tasks()) infos = tasks->schedules();
  for (auto& recurrence : engine_->recurrences->all())
    infos.push_back(detail::handle_of(std::move(recurrence))->info());
  std::sort(infos.begin(), infos.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return infos;
}

Result<Schedule> Queue::schedule(std::string_view name) const {
  if (engine_->forked()) return forked(*this);
  if (auto found = engine_->recurrences->find(name)) return Schedule(detail::handle_of(std::move(found)));
  if (detail::NamedTasks* tasks = durable_->tasks()) {
    auto stored = tasks->schedule(name);
    if (stored) return Schedule(std::move(*stored));
    if (stored.error().code() != Code::not_found) return stored.error();
  }
  return Error(Code::not_found, "queue \"" + this->name() + "\" has no schedule \"" + clean_text(name) + "\"");
}

void Queue::set_handler(const void* key, std::shared_ptr<void> handler) {
  if (engine_->forked()) return;
  if (!handlers_->add(key, std::move(handler))) {
    throw std::invalid_argument("queue \"" + name() + "\": there is a handler for messages of this type already");
  }
}

std::shared_ptr<void> Queue::handler_of(const void* key) const {
  return engine_->forked() ? nullptr : handlers_->find(key);
}

Task<> Queue::refuse_message() {
  if (engine_->forked()) return detail::TaskMaker::refused<void>(engine_->refuse(forked(*this)));
  return detail::TaskMaker::refused<void>(engine_->refuse(
      Error(Code::unknown_kind, "submit to queue \"" + name() + "\": it has no handler for messages of this type")));
}

Result<TaskInfo> Queue::info(TaskId id) const {
  if (engine_->forked()) return forked(*this);
  if (detail::NamedTasks* tasks = durable_->tasks(); tasks != nullptr && is_stored(id)) return tasks->info(id);
  return engine_->info(id);
}

std::vector<TaskInfo> Queue::list(const ListOptions& options) const {
  if (engine_->forked()) return {};
  std::vector<TaskInfo> found;
  if (!is_stored(options.after) && options.kind.empty()) found = engine_->list(options);
  detail::NamedTasks* tasks = durable_->tasks();
  const auto room = static_cast<std::size_t>(std::max(options.limit, 0));
  if (tasks == nullptr || found.size() >= room) return found;
  TaskFilter filter;
  filter.kind = options.kind;
  filter.name = options.name;
  filter.state = options.state;
  filter.priority = options.priority;
  auto named = tasks->list(std::move(filter), room - found.size(), is_stored(options.after) ? options.after : TaskId{});
  if (!named) {
    log(LogLevel::error, name(), named.error().message());
    return found;
  }
  for (TaskInfo& info : *named) found.push_back(std::move(info));
  return found;
}

Result<void> Queue::cancel(TaskId id) {
  if (engine_->forked()) return forked(*this);
  if (detail::NamedTasks* tasks = durable_->tasks(); tasks != nullptr && is_stored(id)) return tasks->cancel(id);
  return engine_->cancel(id);
}

Result<void> Queue::retry(TaskId id) {
  if (engine_->forked()) return forked(*this);
  if (durable_->tasks() != nullptr && is_stored(id)) return change_one(id, {.what = Change::What::retry}, "retry");
  return engine_->retry(id);
}

Result<void> Queue::set_priority(TaskId id, int priority) {
  if (engine_->forked()) return forked(*this);
  if (durable_->tasks() != nullptr && is_stored(id)) {
    if (priority < 0 || priority > 9) {
      return Error(Code::invalid,
                   "set priority of task " + to_string(id) + ": expected 0 to 9, got " + std::to_string(priority));
    }
    return change_one(id, {.what = Change::What::edit, .priority = priority}, "set the priority of");
  }
  return engine_->set_priority(id, priority);
}

bool Queue::start() {
  if (engine_->forked()) return false;
  if (detail::NamedTasks* tasks = durable_->begin_start()) {
    if (auto claims = tasks->start(); !claims) log(LogLevel::error, name(), claims.error().message());
  }
  const auto started = engine_->start();
  if (!started) {
    const bool no_threads = started.error().code() == Code::unavailable;
    log(no_threads ? LogLevel::error : LogLevel::warning, name(), started.error().message());
  }
  return started.has_value();
}

void Queue::pause() {
  if (engine_->forked()) return;
  set_paused(true);
}
void Queue::resume() {
  if (engine_->forked()) return;
  set_paused(false);
}

void Queue::set_paused(bool paused) {
  if (detail::NamedTasks* tasks = durable_->tasks()) {
    tasks->set_paused(paused);
  } else if (paused) {
    engine_->pause();
  } else {
    engine_->end_pause();
  }
  if (!paused) engine_->wake_everybody();
}
bool Queue::paused() const noexcept {
  return (engine_->signals.load(std::memory_order_acquire) & detail::kPaused) != 0;
}

void Queue::set_workers(int count) {
  if (count < 0 || count > 1024) {
    throw std::invalid_argument("queue \"" + name() + "\": workers: expected 0 to 1024, got " + std::to_string(count));
  }
  if (engine_->forked()) return;
  engine_->set_workers(count);
  if (detail::NamedTasks* tasks = durable_->tasks()) tasks->workers_changed();
}

int Queue::workers() const noexcept {
  return engine_->workers();
}
Stats Queue::stats() const {
  if (engine_->forked()) return {};
  Stats stats = engine_->stats();
  if (detail::NamedTasks* tasks = durable_->tasks()) tasks->add_to(stats);
  return stats;
}
bool Queue::wait_idle(Duration timeout) const {
  return !engine_->forked() && engine_->wait_idle(timeout);
}
Observer Queue::observe(std::size_t capacity) {
  if (engine_->forked()) return Observer(std::make_shared<Observer::State>(capacity, engine_->clock));
  return engine_->observe(capacity);
}
Report Queue::shutdown(const ShutdownOptions& options) {
  if (engine_->forked()) return {};
  const SteadyTime deadline = engine_->deadline_of(options);
  begin_shutdown(options);
  return finish_shutdown(deadline);
}
SteadyTime Queue::dispatch() {
  if (engine_->forked()) return SteadyTime::max();
  detail::NamedTasks* tasks = durable_->tasks();
  if (tasks == nullptr) return engine_->dispatch();
  static_cast<void>(tasks->step());  // claims what is due
  const SteadyTime next = engine_->dispatch();
  return std::min(next, tasks->step());  // what became of it
}

void Queue::run(std::stop_token stop) {
  if (engine_->forked()) return;
  // This thread is busy with bodies, or sleeps until there are some.
  if (detail::NamedTasks* tasks = durable_->begin_run()) {
    if (auto started = tasks->start_thread(); !started) log(LogLevel::error, name(), started.error().message());
  }
  engine_->run(std::move(stop));
}

Result<void> Queue::run_one(TaskId id) {
  if (engine_->forked()) return forked(*this);
  if (detail::NamedTasks* tasks = durable_->tasks(); tasks != nullptr && is_stored(id)) return tasks->run_one(id);
  return engine_->run_one(id);
}

}  // namespace v0
}  // namespace errand
