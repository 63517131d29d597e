// What handles do that outlive their expression: waiting, and the ends that no value stands behind.

#include <errand/task.h>

#include <algorithm>
#include <bit>
#include <climits>

#include "base/cpu.h"
#include "base/time.h"
#include "engine/engine.h"
#include "engine/frame.h"
#include "engine/named_handle.h"

namespace errand {
inline namespace v0 {
namespace detail {

namespace {

// Who waits for a task looks again after so many pauses, then after twice as many, and so on, and then sleeps: after
// some 3 to 12 us, by the processor. Who waits for less than kBriefly looks once.
constexpr int kFirstPauses = 8;
constexpr int kLastPauses = 128;
constexpr Duration kBriefly = std::chrono::microseconds(20);

// The half of the word that has state and flags; sleepers wait on it.
const std::atomic<std::uint32_t>& low_half(const Record& record) noexcept {
  static_assert(std::endian::native == std::endian::little);
  const void* word = &record.word;
  return *static_cast<const std::atomic<std::uint32_t>*>(word);
}

// Uses the record's queue; where it is gone, or the parent process's, the error that says so goes to `otherwise`.
template <class Use, class Otherwise>
auto with_engine(const Record& record, TaskId id, Use use, Otherwise otherwise) {
  PagePool& pool = *slab_of(&record).pool;
  if (pool.forked.load(std::memory_order_relaxed)) {
    return otherwise(
        Error(Code::forked, "task " + to_string(id) + ": its queue belongs to the process that forked this one"));
  }
  const std::shared_lock lock(pool.engine_mutex);
  Engine* const engine = pool.engine.load(std::memory_order_relaxed);
  if (engine == nullptr) return otherwise(Error(Code::gone, "task " + to_string(id) + ": its queue is gone"));
  return use(*engine);
}

// Nothing moves in a fork's child.
bool forked(const Record& record) {
  return with_engine(
      record, {}, [](Engine&) { return false; }, [](const Error& error) { return error.code() == Code::forked; });
}

// Why there is no task behind a handle. `error`: the address of the refusal's; 0 where the handle has been moved from.
Error no_task(std::uint64_t error) {
  if (error == 0) return {Code::gone, "this handle has been moved from"};
  return *reinterpret_cast<const Error*>(error);
}

// The worker of the task's queue that this thread is, if it is one.
Worker* own_worker(const Record& record) {
  // On such a worker's thread the queue can't go away, and elsewhere it is only compared.
  const Engine* engine = slab_of(&record).pool->engine.load(std::memory_order_acquire);
  return engine != nullptr ? engine->own_worker() : nullptr;
}

// Nobody will run a task that waits for time while its worker waits for it; and a body that waits for itself, or for
// one that is waiting on this very thread, waits for ever.
bool never_ends(const Record& record, std::uint64_t word) {
  const TaskState state = state_of(word);
  if (state == TaskState::scheduled || state == TaskState::retryable) return true;
  for (const Frame* frame = current_frame(); frame != nullptr; frame = frame->outer) {
    if (&frame->record == &record) return true;
  }
  return false;
}

}  // namespace

void drop_value(Record& record, void (*destroy_value)(Record&) noexcept) noexcept {
  // The value has an owner at most once: the flag goes with it. Acquire: it is destroyed as the body left it. Release:
  // the pin's, which comes before the record's next use.
  const std::uint64_t before = record.word.fetch_and(~kValue, std::memory_order_acq_rel);
  if ((before & kValue) != 0) destroy_value(record);
  pin_of(record).store(kUnpinned, std::memory_order_release);
}

Error value_gone(const Record& record) {
  const std::uint64_t word = record.word.load(std::memory_order_acquire);
  return {Code::gone, "task " + to_string(TaskId{id_of(record, word)}) + ": its value has been taken"};
}

namespace {

// Those in wait_any(). Nobody can sleep on several words, so they share one, which moves when a task ends that somebody
// waits for; then each looks at its own.
struct AnyWait {
  std::atomic<std::uint32_t> waiting{0};
  std::atomic<std::uint32_t> ended{0};
};
constinit AnyWait any_wait;

}  // namespace

// REQUIRES: the word had kWaiter in it. Whoever put it there counted itself first.
void Engine::wake_waiters(Record& record) {
  clock->wake(low_half(record), INT_MAX);
  // Acquire: the worker that ended the task has only released. Its exchange passed on what the waiter's had released.
  static_cast<void>(record.word.load(std::memory_order_acquire));
  if (any_wait.waiting.load(std::memory_order_relaxed) == 0) return;
  any_wait.ended.fetch_add(1, std::memory_order_release);
  clock->wake(any_wait.ended, INT_MAX);
}

const Error& TaskBase::error() const noexcept {
  ERRAND_ASSERT(record_ == nullptr && id_or_error_ != 0);
  return *reinterpret_cast<const Error*>(id_or_error_);
}

void TaskBase::release_other() noexcept {
  if (is_named()) {
    delete named_;
    return;
  }
  delete reinterpret_cast<const Error*>(id_or_error_);
}

bool TaskBase::existed() const noexcept {
  return is_named() && named_->existed;
}

bool TaskBase::replaced() const noexcept {
  return is_named() && named_->replaced;
}

TaskState TaskBase::named_state() const noexcept {
  return named_->state();
}

Result<TaskInfo> TaskBase::info() const {
  if (record_ == nullptr) return no_task(id_or_error_);
  if (is_named()) return named_->info();
  return with_engine(
      *record_, id(), [&](Engine& engine) { return engine.info(id()); },
      [](Error error) -> Result<TaskInfo> { return error; });
}

Result<void> TaskBase::cancel() {
  if (record_ == nullptr) return no_task(id_or_error_);
  if (is_named()) return named_->cancel();
  return with_engine(
      *record_, id(), [&](Engine& engine) { return engine.cancel(id(), StopReason::cancelled); },
      [](Error error) -> Result<void> { return error; });
}

namespace {

// The word of a task that is final, or that will wake its waiters when it is. On a worker of the same queue it is run
// here if it is available.
std::uint64_t final_or_watched(Record& record, std::uint64_t id) {
  Worker* const own = own_worker(record);
  std::uint64_t word = record.word.load(std::memory_order_acquire);
  while (!is_final(state_of(word))) {
    if (own != nullptr && own->run_if_available(id)) {
      word = record.word.load(std::memory_order_acquire);
      continue;
    }
    // Release: whoever ends the task sees what the waiter did before. So it is exchanged where the flag is there as
    // well: another waiter's says nothing of this one.
    if (record.word.compare_exchange_weak(word, word | kWaiter, std::memory_order_acq_rel)) return word | kWaiter;
  }
  return word;
}

// Whether the task ends within a few looks: a sleep costs its worker, who has to wake the sleeper, as much as hundreds
// of tasks. The pauses leave the record's line to the worker, and grow, so that a reader who has caught up falls
// behind.
bool ends_soon(const Record& record) noexcept {
  for (int pauses = kFirstPauses;; pauses *= 2) {
    const TaskState state = state_of(record.word.load(std::memory_order_acquire));
    if (is_final(state)) return true;
    if (state == TaskState::scheduled || state == TaskState::retryable || pauses > kLastPauses) return false;
    for (int i = 0; i < pauses; ++i) relax_cpu();
  }
}

bool wait_until(Record& record, std::uint64_t id, std::optional<SteadyTime> until, Clock& clock) {
  if (forked(record)) return false;
  const bool on_own_worker = own_worker(record) != nullptr;
  const bool brief = until && *until - clock.mono() < kBriefly;
  if (!on_own_worker && !brief && ends_soon(record)) return true;
  for (;;) {
    const std::uint64_t word = final_or_watched(record, id);
    if (is_final(state_of(word))) return true;
    if (on_own_worker && never_ends(record, word)) return false;
    if (until && clock.mono() >= *until) return false;
    clock.wait(low_half(record), static_cast<std::uint32_t>(word), {until, {}});
  }
}

}  // namespace

bool TaskBase::wait_for(Duration timeout) const {
  if (is_named()) return named_->wait(saturating_add(named_->clock().mono(), timeout));
  if (record_ == nullptr || is_final(state())) return true;
  Clock& clock = *slab_of(record_).pool->clock;
  return wait_until(*record_, id_or_error_, saturating_add(clock.mono(), timeout), clock);
}

void TaskBase::wait() const {
  if (is_named()) {
    static_cast<void>(named_->wait(std::nullopt));
    return;
  }
  if (record_ == nullptr || is_final(state())) return;
  wait_until(*record_, id_or_error_, std::nullopt, *slab_of(record_).pool->clock);
}

namespace {

// What result() says of a task that did not complete.
Error error_of(const Record& record, TaskState state) {
  PagePool& pool = *slab_of(&record).pool;
  MutexLock lock(pool.cold_mutex(page_of(record)));
  const Extra* extra = PagePool::cold(record).extra.load(std::memory_order_relaxed);
  const std::string text = extra != nullptr && extra->last_error ? extra->last_error->message() : "";
  const std::string task = "task " + to_string(TaskId{id_of(record, record.word.load(std::memory_order_acquire))});
  if (state == TaskState::cancelled)
    return {Code::cancelled, task + " was cancelled" + (text.empty() ? "" : ": " + text)};
  // What the body threw is rethrown by get(); the error keeps it.
  if (extra != nullptr && extra->last_error) return *extra->last_error;
  return {Code::discarded, task + " was discarded"};
}

}  // namespace

std::optional<Error> TaskBase::wait_for_value(bool has_value) const {
  if (record_ == nullptr) return no_task(id_or_error_);
  wait();
  const std::uint64_t word = record_->word.load(std::memory_order_acquire);
  const TaskState state = state_of(word);
  if (!is_final(state)) {
    if (forked(*record_)) return info().error();
    return Error(Code::would_block, "wait for task " + to_string(id()) + ": it is " + std::string(to_string(state)) +
                                        ", and this worker would wait for ever");
  }
  if (state == TaskState::completed) {
    if (!has_value) return std::nullopt;
    // Relaxed: only this handle says that it has taken it.
    const bool taken = (word & kValue) == 0 || pin_of(*record_).load(std::memory_order_relaxed) == kTaken;
    return taken ? std::optional(value_gone(*record_)) : std::nullopt;
  }
  // What went wrong is read under a lock that a thread of the parent may have held at the fork.
  if (forked(*record_)) return info().error();
  return error_of(*record_, state);
}

Result<void> TaskBase::wait_for_output(void* value) const {
  return named_->output(value);
}

bool TaskBase::never_ends_here() const {
  if (record_ == nullptr) return false;
  if (is_named()) return named_->never_ends_here();
  if (forked(*record_)) return true;
  return own_worker(*record_) != nullptr && never_ends(*record_, record_->word.load(std::memory_order_acquire));
}

bool TaskBase::ended_or_watched() const {
  if (is_named()) return named_->ended_or_watched();
  return record_ == nullptr || is_final(state_of(final_or_watched(*record_, id_or_error_)));
}

Clock* TaskBase::clock() const noexcept {
  if (is_named()) return &named_->clock();
  return record_ != nullptr ? slab_of(record_).pool->clock.get() : nullptr;
}

void note_named_end(Clock& clock) {
  // As in wake_waiters(); the watch was taken from under a lock that the waiter had put it under.
  if (any_wait.waiting.load(std::memory_order_relaxed) == 0) return;
  any_wait.ended.fetch_add(1, std::memory_order_release);
  clock.wake(any_wait.ended, INT_MAX);
}
}  // namespace detail

namespace {

// A clock for waits over several tasks: that of the first one that was not refused.
Clock* clock_of(std::initializer_list<const detail::TaskBase*> tasks) {
  for (const detail::TaskBase* task : tasks) {
    if (Clock* clock = task->clock()) return clock;
  }
  return nullptr;
}

}  // namespace

bool wait_all(std::initializer_list<const detail::TaskBase*> tasks, Duration timeout) {
  Clock* clock = clock_of(tasks);
  if (clock == nullptr) return true;
  const SteadyTime until = saturating_add(clock->mono(), timeout);
  bool all = true;
  for (const detail::TaskBase* task : tasks) {
    all = task->wait_for(std::max(until - clock->mono(), Duration::zero())) && all;
  }
  return all;
}

int wait_any(std::initializer_list<const detail::TaskBase*> tasks, Duration timeout) {
  detail::AnyWait& any = detail::any_wait;
  Clock* clock = clock_of(tasks);
  const SteadyTime until = clock != nullptr ? saturating_add(clock->mono(), timeout) : SteadyTime::min();
  any.waiting.fetch_add(1, std::memory_order_relaxed);  // before kWaiter is set, which releases it
  int found = -1;
  for (;;) {
    // Before the tasks are looked at: one that ends from here on moves it.
    const std::uint32_t seen = any.ended.load(std::memory_order_acquire);
    const auto ended =
        std::find_if(tasks.begin(), tasks.end(), [](const auto* task) { return task->ended_or_watched(); });
    if (ended != tasks.end()) found = static_cast<int>(ended - tasks.begin());
    if (found >= 0 || clock == nullptr || clock->mono() >= until) break;
    if (std::all_of(tasks.begin(), tasks.end(), [](const auto* task) { return task->never_ends_here(); })) break;
    clock->wait(any.ended, seen, {until, {}});
  }
  any.waiting.fetch_sub(1, std::memory_order_relaxed);  // a wake for nobody does no harm
  return found;
}

}  // namespace v0
}  // namespace errand
