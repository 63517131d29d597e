#include <errand/queue.h>

#include <algorithm>
#include <stdexcept>

#include "base/mutex.h"
#include "engine/engine.h"
#include "engine/observers.h"
#include "engine/options.h"
#include "engine/recurrences.h"
#include "queue/handlers.h"

namespace errand {
inline namespace v0 {

namespace {

std::string next_name() {
  static std::atomic<int> made{0};
  return "queue-" + std::to_string(++made);
}

Error forked(const Queue& queue) {
  return {Code::forked, "queue \"" + queue.name() + "\": it belongs to the process that forked this one"};
}

QueueOptions checked(QueueOptions options) {
  if (auto ok = options.check(); !ok) throw std::invalid_argument(ok.error().message());
  if (options.name.empty()) options.name = next_name();
  return options;
}

}  // namespace

Queue::Queue(QueueOptions options)
    : handlers_(std::make_unique<detail::Handlers>()),
      engine_(std::make_unique<detail::Engine>(checked(std::move(options)))) {}

Queue::~Queue() = default;

const std::string& Queue::name() const noexcept {
  return engine_->options.name;
}

Schedule Queue::add_every(Duration interval, const Callback<AnyBody()>& take, ScheduleOptions options) {
  if (engine_->forked()) return Schedule(forked(*this));
  auto made = engine_->recurrences->add_every(interval, take, std::move(options));
  return made ? Schedule(std::move(*made)) : Schedule(made.error());
}

Result<Schedule> Queue::add_cron(std::string_view expression, const Callback<AnyBody()>& take,
                                 ScheduleOptions options) {
  if (engine_->forked()) return forked(*this);
  auto made = engine_->recurrences->add_cron(expression, take, std::move(options));
  if (!made) return made.error();
  return Schedule(std::move(*made));
}

std::vector<ScheduleInfo> Queue::schedules() const {
  std::vector<ScheduleInfo> infos;
  if (engine_->forked()) return infos;
  for (auto& recurrence : engine_->recurrences->all()) infos.push_back(Schedule(std::move(recurrence)).info());
  std::sort(infos.begin(), infos.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return infos;
}

Result<Schedule> Queue::schedule(std::string_view name) const {
  if (engine_->forked()) return forked(*this);
  if (auto found = engine_->recurrences->find(name)) return Schedule(std::move(found));
  return Error(Code::not_found, "queue \"" + this->name() + "\" has no schedule \"" + std::string(name) + "\"");
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
  return engine_->info(id);
}

std::vector<TaskInfo> Queue::list(const ListOptions& options) const {
  if (engine_->forked()) return {};
  return engine_->list(options);
}

Result<void> Queue::cancel(TaskId id) {
  if (engine_->forked()) return forked(*this);
  return engine_->cancel(id);
}

Result<void> Queue::retry(TaskId id) {
  if (engine_->forked()) return forked(*this);
  return engine_->retry(id);
}

Result<void> Queue::set_priority(TaskId id, int priority) {
  if (engine_->forked()) return forked(*this);
  return engine_->set_priority(id, priority);
}

bool Queue::start() {
  if (engine_->forked()) return false;
  const auto started = engine_->start();
  if (!started) {
    const bool no_threads = started.error().code() == Code::unavailable;
    log(no_threads ? LogLevel::error : LogLevel::warning, name(), started.error().message());
  }
  return started.has_value();
}

void Queue::pause() {
  if (!engine_->forked()) engine_->pause();
}
void Queue::resume() {
  if (!engine_->forked()) engine_->resume();
}
bool Queue::paused() const noexcept {
  return (engine_->signals.load(std::memory_order_acquire) & detail::kPaused) != 0;
}

void Queue::set_workers(int count) {
  if (count < 0 || count > 1024) {
    throw std::invalid_argument("queue \"" + name() + "\": workers: expected 0 to 1024, got " + std::to_string(count));
  }
  if (!engine_->forked()) engine_->set_workers(count);
}

int Queue::workers() const noexcept {
  return engine_->workers();
}
Stats Queue::stats() const {
  return engine_->forked() ? Stats{} : engine_->stats();
}
bool Queue::wait_idle(Duration timeout) const {
  return !engine_->forked() && engine_->wait_idle(timeout);
}
Observer Queue::observe(std::size_t capacity) {
  if (engine_->forked()) return Observer(std::make_shared<Observer::State>(capacity, engine_->clock));
  return engine_->observe(capacity);
}
Report Queue::shutdown(const ShutdownOptions& options) {
  return engine_->forked() ? Report{} : engine_->shutdown(options);
}
SteadyTime Queue::dispatch() {
  return engine_->forked() ? SteadyTime::max() : engine_->dispatch();
}

void Queue::run(std::stop_token stop) {
  if (!engine_->forked()) engine_->run(std::move(stop));
}

Result<void> Queue::run_one(TaskId id) {
  if (engine_->forked()) return forked(*this);
  return engine_->run_one(id);
}

}  // namespace v0
}  // namespace errand
