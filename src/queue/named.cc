// The part of a queue that is about named tasks.

#include "queue/named.h"

#include <algorithm>
#include <stdexcept>

#include "durable/named_tasks.h"
#include "engine/engine.h"
#include "engine/schedule_handle.h"

namespace errand {
inline namespace v0 {

using detail::forked;
using detail::is_stored;

namespace {

constexpr std::size_t kLeastKept = 1000;

Error unknown(const Queue& queue, TaskId id) {
  return {Code::not_found, "queue \"" + queue.name() + "\" knows no task " + to_string(id)};
}

// `tasks`: the queue's, or null.
Result<KeptTask> kept(const Queue& queue, const detail::NamedTasks* tasks, TaskId id) {
  if (tasks == nullptr || !is_stored(id)) return unknown(queue, id);
  return tasks->kept(id);
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Named bytes_task(std::string_view kind, std::span<const std::byte> payload, TaskOptions&& options,
                 std::string_view content_type) {
  return {std::string(kind), text_of(payload), std::string(content_type), std::move(options), {}};
}

}  // namespace

detail::NamedTasks& Queue::Durable::make(detail::Engine& engine, StorePtr store) {
  MutexLock lock(mu);
  if (detail::NamedTasks* made = tasks()) return *made;
  owner = std::make_shared<detail::NamedTasks>(engine, std::move(store));
  engine.named_source.store(owner.get(), std::memory_order_release);
  pointer.store(owner.get(), std::memory_order_release);
  if (closing) {
    owner->begin_close(Drain::none);
  } else if (started || engine.options.drive == Drive::manual) {
    static_cast<void>(owner->start());
    if (runs) static_cast<void>(owner->start_thread());
  }
  return *owner;
}

detail::NamedTasks* Queue::Durable::begin_start() {
  MutexLock lock(mu);
  started = true;
  return tasks();
}

detail::NamedTasks* Queue::Durable::begin_run() {
  MutexLock lock(mu);
  runs = true;
  return tasks();
}

detail::NamedTasks* Queue::Durable::begin_close() {
  MutexLock lock(mu);
  closing = true;
  return tasks();
}

detail::NamedTasks& Queue::named_tasks() {
  if (detail::NamedTasks* tasks = durable_->tasks()) return *tasks;
  // What became of a named task is read from its store, whatever else is kept.
  return durable_->make(*engine_, open_memory(std::max(engine_->options.retention.count, kLeastKept)));
}

void Queue::add_handler(std::optional<std::string> kind, detail::Handler handler, HandlerOptions options) {
  if (engine_->forked()) return;
  named_tasks().add_handler(std::move(kind), std::move(handler), std::move(options));
}

Result<detail::NamedDraft> Queue::enqueue_named(Result<Named> task, detail::OutputReader reader) {
  if (engine_->forked()) return forked(*this);
  return named_tasks().enqueue(std::move(task), reader);
}

std::shared_ptr<detail::AcceptanceState> Queue::post_named(Result<Named> task, detail::OutputReader reader) {
  if (engine_->forked()) return detail::refused_acceptance(forked(*this));
  return named_tasks().post(std::move(task), reader);
}

std::vector<Result<detail::NamedDraft>> Queue::enqueue_all(std::vector<Result<Named>> tasks,
                                                           detail::OutputReader reader) {
  if (!engine_->forked()) return named_tasks().enqueue(std::move(tasks), reader);
  return std::vector<Result<detail::NamedDraft>>(tasks.size(), forked(*this));
}

const Store& Queue::store() {
  return *named_tasks().hub().store;
}

WallTime Queue::store_time() {
  return named_tasks().committer().now();
}

Error Queue::not_its_store() const {
  return {Code::invalid, "enqueue to queue \"" + name() + "\": the transaction is another store's"};
}

Result<NewTask> Queue::prepare_named(Result<Named> task) {
  if (engine_->forked()) return forked(*this);
  return named_tasks().prepare(std::move(task));
}

Result<detail::NamedDraft> Queue::draft_of(const Added& added, detail::OutputReader reader) {
  return named_tasks().draft(added, reader);
}

Result<Task<>> Queue::enqueue_bytes(std::string_view kind, std::span<const std::byte> payload, TaskOptions options,
                                    std::string_view content_type) {
  return detail::TaskMaker::named<void>(enqueue_named(bytes_task(kind, payload, std::move(options), content_type), {}));
}

Acceptance<> Queue::enqueue_bytes_async(std::string_view kind, std::span<const std::byte> payload, TaskOptions options,
                                        std::string_view content_type) {
  return Acceptance<>(post_named(bytes_task(kind, payload, std::move(options), content_type), {}));
}

std::vector<Result<Task<>>> Queue::enqueue_many(std::vector<Named> tasks) {
  std::vector<Result<Named>> all;
  for (Named& task : tasks) all.push_back(std::move(task));
  std::vector<Result<Task<>>> results;
  for (const auto& draft : enqueue_all(std::move(all), {})) results.push_back(detail::TaskMaker::named<void>(draft));
  return results;
}

Result<Schedule> Queue::keep_every(Duration interval, Result<Named> task, ScheduleOptions options) {
  if (engine_->forked()) return forked(*this);
  auto kept = named_tasks().keep_every(interval, std::move(task), std::move(options));
  if (!kept) return kept.error();
  return Schedule(std::move(*kept));
}

Result<Schedule> Queue::keep_cron(std::string_view expression, Result<Named> task, ScheduleOptions options) {
  if (engine_->forked()) return forked(*this);
  auto kept = named_tasks().keep_cron(expression, std::move(task), std::move(options));
  if (!kept) return kept.error();
  return Schedule(std::move(*kept));
}

Result<detail::NamedDraft> Queue::handle_of(TaskId id, detail::OutputReader reader) const {
  if (engine_->forked()) return forked(*this);
  detail::NamedTasks* tasks = durable_->tasks();
  return tasks != nullptr && is_stored(id) ? tasks->handle_of(id, reader) : unknown(*this, id);
}

Result<Output> Queue::payload(TaskId id) const {
  if (engine_->forked()) return forked(*this);
  auto task = kept(*this, durable_->tasks(), id);
  if (!task) return task.error();
  return Output{std::move(task->task.payload), std::move(task->task.content_type)};
}

Result<Output> Queue::output(TaskId id) const {
  if (engine_->forked()) return forked(*this);
  auto task = kept(*this, durable_->tasks(), id);
  if (!task) return task.error();
  if (task->output_type.empty()) {
    return Error(Code::not_found, "output of task " + to_string(id) + ": it is " + std::string(to_string(task->state)) +
                                      ", and has left none");
  }
  return Output{std::move(task->output), std::move(task->output_type)};
}

Result<std::vector<TaskInfo>> Queue::find(const TaskFilter& filter, std::size_t limit, TaskId after) const {
  if (engine_->forked()) return forked(*this);
  detail::NamedTasks* tasks = durable_->tasks();
  return tasks != nullptr ? tasks->list(filter, limit, after) : std::vector<TaskInfo>();
}

Result<Changed> Queue::change(const TaskFilter& filter, const Change& change) {
  if (engine_->forked()) return forked(*this);
  return named_tasks().change(filter, change);
}

Result<void> Queue::change_one(TaskId id, const Change& change, const char* what) const {
  if (engine_->forked()) return forked(*this);
  detail::NamedTasks* tasks = durable_->tasks();
  if (tasks == nullptr || !is_stored(id)) return unknown(*this, id);
  return tasks->change_one(id, change, what);
}

Result<void> Queue::hold(TaskId id) {
  return change_one(id, {.what = Change::What::hold}, "hold");
}
Result<void> Queue::release(TaskId id) {
  return change_one(id, {.what = Change::What::release}, "release");
}
Result<void> Queue::remove(TaskId id) {
  return change_one(id, {.what = Change::What::remove}, "remove");
}
Result<void> Queue::reschedule(TaskId id, WallTime at) {
  return change_one(id, {.what = Change::What::edit, .run_at = at}, "reschedule");
}
Result<void> Queue::set_payload(TaskId id, std::span<const std::byte> payload) {
  return change_one(id, {.what = Change::What::edit, .payload = text_of(payload)}, "set the payload of");
}

}  // namespace v0
}  // namespace errand
