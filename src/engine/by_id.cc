// What others than its worker ask of a task: to cancel it, to try it again now, to give it another priority.

#include "engine/engine.h"

namespace errand {
inline namespace v0 {
namespace detail {

namespace {

// Somebody is moving the task, and will have in a few instructions.
std::uint64_t after_moving(Record& record) noexcept {
  yield_thread();
  return record.word.load(std::memory_order_acquire);
}

// Actions that only a live task can take say what became of it.
Error already_over(TaskId id, TaskState state) {
  const Code code = state == TaskState::cancelled ? Code::cancelled : Code::failed;
  return {code, "task " + to_string(id) + " is " + std::string(to_string(state)) + " already"};
}

Error not_found(const std::string& queue, TaskId id) {
  return {Code::not_found, "queue \"" + queue + "\" knows no task " + to_string(id)};
}

bool waits(std::uint64_t raw_state) noexcept {
  return raw_state == raw(TaskState::scheduled) || raw_state == raw(TaskState::available) ||
         raw_state == raw(TaskState::retryable);
}

}  // namespace

bool Engine::take_out(Record& record, std::uint64_t& word, std::uint64_t to) {
  const std::uint32_t generation = generation_in(word);
  while (generation_in(word) == generation && waits(raw_state(word))) {
    const std::uint64_t next = with_state(word, to);
    if (record.word.compare_exchange_weak(word, next, std::memory_order_acq_rel)) {
      timers.left(word);
      word = next;
      return true;
    }
  }
  return false;
}

Result<void> Engine::cancel(TaskId id, StopReason reason) {
  Record* record = pool.find(id.value);
  std::uint64_t word = record != nullptr ? record->word.load(std::memory_order_acquire) : 0;
  while (record != nullptr && generation_in(word) == generation_in(id.value)) {
    const std::uint64_t state = raw_state(word);
    if (waits(state)) {
      if (!take_out(*record, word, kEnding)) continue;
      end_unstarted(*record, word, TaskState::cancelled, std::nullopt);
      return {};
    }
    if (state == raw(TaskState::running) || state == kVacant) {
      auto stop = static_cast<std::uint64_t>(reason);
      if ((word & kStopMask) != 0) {
        const bool cancels = reason == StopReason::cancelled || reason == StopReason::caller;
        if (!cancels || deciding_stop_in(word) != StopReason::timed_out) return {};
        stop = kCancelledLate;
      }
      const std::uint64_t stopped = with_stop(word, stop);
      if (!record->word.compare_exchange_weak(word, stopped, std::memory_order_acq_rel)) continue;
      if (state != kVacant) stop_tokens.fire(id.value, *record);
      return {};
    }
    if (state == kMoving) {
      word = after_moving(*record);
      continue;
    }
    if (state == kEnding) return already_over(id, TaskState::cancelled);
    if (is_final(state_of(word))) return already_over(id, state_of(word));
    break;
  }
  return not_found(options.name, id);
}

Result<void> Engine::retry(TaskId id) {
  Record* record = pool.find(id.value);
  std::uint64_t word = record != nullptr ? record->word.load(std::memory_order_acquire) : 0;
  while (record != nullptr && generation_in(word) == generation_in(id.value)) {
    const std::uint64_t state = raw_state(word);
    if (state == raw(TaskState::available) || state == raw(TaskState::running)) return {};
    if (state == kEnding) return already_over(id, TaskState::cancelled);
    if (is_final(state_of(word))) {
      return Error(Code::gone, "retry task " + to_string(id) + ": its closure went when it ended (" +
                                   std::string(to_string(state_of(word))) + ")");
    }
    if (state == kMoving) {
      word = after_moving(*record);
      continue;
    }
    if (!waits(state)) break;
    // Nobody else may move it while its moment is taken away.
    if (!take_out(*record, word, kMoving)) continue;
    timers.disarm(*record);
    PagePool::cold(*record).available_at.store(ticks.stamp(), std::memory_order_release);
    make_available(*record, word);
    see_to_leftover(*record, generation_in(id.value));
    return {};
  }
  return not_found(options.name, id);
}

Result<void> Engine::set_priority(TaskId id, int priority) {
  if (priority < 0 || priority > 9) {
    return Error(Code::invalid,
                 "set priority of task " + to_string(id) + ": expected 0 to 9, got " + std::to_string(priority));
  }
  Record* record = pool.find(id.value);
  std::uint64_t word = record != nullptr ? record->word.load(std::memory_order_acquire) : 0;
  while (record != nullptr && generation_in(word) == generation_in(id.value)) {
    const std::uint64_t state = raw_state(word);
    if (state == kMoving) {
      word = after_moving(*record);
      continue;
    }
    if (state == kEnding) return already_over(id, TaskState::cancelled);
    if (is_final(state_of(word))) return already_over(id, state_of(word));
    if (!waits(state)) return Error(Code::gone, "set priority of task " + to_string(id) + ": it has started");
    const std::uint64_t next =
        (word & ~(std::uint64_t{0xf} << kPriorityShift)) | (static_cast<std::uint64_t>(priority) << kPriorityShift);
    // A task that stands in a page's lane leaves its place there: it is given back by itself from now on.
    if (!record->word.compare_exchange_weak(word, next | kSingle, std::memory_order_acq_rel)) continue;
    if (state == raw(TaskState::available)) place(*record, next);
    return {};
  }
  return not_found(options.name, id);
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
