#include "engine/named.h"

#include <cstdint>
#include <cstring>

#include "base/time.h"
#include "engine/engine.h"

namespace errand {
inline namespace v0 {
namespace detail {

namespace {

// Of what a task has waited in its store; a stamp can't be put further back.
constexpr Duration kMostWaited = std::chrono::hours(1);

// What the body of such a record has: where its run is.
NamedRun& named_run(const Record& record) noexcept {
  std::uintptr_t run = 0;
  std::memcpy(&run, record.body, sizeof run);
  return *reinterpret_cast<NamedRun*>(run);
}

// The closure of such a record is a pointer to its run, whose end is the engine's to call.
constexpr Ops kNamedOps{[](Record& record, Attempt& attempt) { return named_run(record).run(record, attempt); },
                        [](Record&) noexcept {}, nullptr, false};

Count count_of(TaskState state) noexcept {
  switch (state) {
    case TaskState::completed:
      return Count::completed;
    case TaskState::cancelled:
      return Count::cancelled;
    case TaskState::discarded:
      return Count::discarded;
    default:
      return Count::returned;
  }
}

}  // namespace

std::uint64_t Engine::post_named(NamedRun& run, int priority, Duration waited) {
  MutexLock lock(named_mutex_);
  if (named_ == nullptr) named_ = std::make_unique<Producer>(*producers);
  const bool in_lane = line == nullptr;
  const PageCursor::Slot slot = in_lane ? next_in_lane(*named_, priority) : next_loose(*named_);
  if (slot.record == nullptr) return 0;
  Record& record = *slot.record;
  prepare(record, slot.id, priority, kCold | kNamed | (in_lane ? 0 : kSingle));
  pin_of(record).store(kUnpinned, std::memory_order_relaxed);
  record.ops = &kNamedOps;
  const auto address = reinterpret_cast<std::uintptr_t>(&run);
  std::memcpy(record.body, &address, sizeof address);
  const std::int64_t now = ticks.stamp();
  record.stamp.store(now, std::memory_order_release);
  const std::int64_t since = now - ticks.span(std::min(waited, kMostWaited).count());
  PagePool::cold(record).available_at.store(since, std::memory_order_release);
  named_posted_.fetch_add(1, std::memory_order_release);
  // Release: the run, and the fields above.
  const std::uint64_t word = with_state(record.word.load(std::memory_order_relaxed), raw(TaskState::available));
  record.word.store(word, std::memory_order_release);
  if (in_lane) {
    announce(priority);
  } else {
    place(record, word, waited);
  }
  return slot.id;
}

bool Engine::begin_named(Frame& frame) {
  Record& record = frame.record;
  frame.named = &named_run(record);
  PagePool::cold(record).started_at.store(frame.started, std::memory_order_release);
  std::optional<Duration> limit;
  if (!frame.named->begin(limit)) {
    static_cast<void>(leave_named(record, false));
    frame.named->give_back();
    frame.worker.meter.add(Count::returned);
    frame.worker.give_back(page_of(record), bit_of(line_of(record)));
    return false;
  }
  if (limit) {
    frame.limited = true;
    const std::int64_t until = saturating_add(clock->mono(), *limit).time_since_epoch().count();
    std::uint64_t word = record.word.load(std::memory_order_relaxed);
    while (!set_moment(record, word, raw(TaskState::running), {false, until})) {
      word = record.word.load(std::memory_order_relaxed);
    }
  }
  return true;
}

// Nobody finds the run any more. Returns its last word.
std::uint64_t Engine::leave_named(Record& record, bool limited) {
  std::uint64_t word = record.word.load(std::memory_order_relaxed);
  // Acquire: whoever asked it to stop did so before.
  while (!record.word.compare_exchange_weak(word, with_state(word & ~kNamed, kVoid), std::memory_order_acq_rel)) {
  }
  if (limited) timers.disarm(record);
  forget_timeout(record, word);
  return word;
}

void Engine::end_named(Worker& worker, Frame& frame, Ran ran, std::int64_t ended) {
  Record& record = frame.record;
  NamedRun& run = *frame.named;
  const std::uint64_t word = leave_named(record, frame.limited);
  NamedRun::Over over;
  if (ran == Ran::done) {
    over.ended = {.how = Ended::How::outcome, .outcome = done(), .error = {}, .worth_retrying = true};
  } else if (ran != Ran::returned) {
    over.ended = std::move(*frame.ended);
  }
  over.stop = deciding_stop_in(word);
  over.outlived_grace = (word & kStuck) != 0;
  over.took = Duration(ticks.between(frame.started, ended));
  const Duration took = over.took;
  std::optional<TaskInfo> told;
  if (options.metrics != nullptr) over.info = &told.emplace();
  const TaskId id = run.id;
  const int attempt = run.number();
  const NamedRun::Verdict verdict = run.end(std::move(over), worker.rng);
  if (verdict.failed) worker.meter.add(Count::failed);
  if (verdict.to == TaskState::retryable) worker.meter.add(Count::retried);
  if (verdict.to == TaskState::scheduled) worker.meter.add(Count::snoozed);
  worker.meter.add(count_of(verdict.to));
  if (is_final(verdict.to)) worker.meter.attempts_per_task.record(static_cast<float>(verdict.attempts));
  if (told) tell_sink(*told, Duration(static_cast<std::int64_t>(record.waited.load(std::memory_order_relaxed))), took);
  if (observed.load(std::memory_order_relaxed)) emit(id.value, verdict.to, attempt);
  worker.give_back(page_of(record), bit_of(line_of(record)));
}

// Taken out before it began: by a cancel, a pause, or the end of the queue. REQUIRES: the word says kEnding.
void Engine::drop_named(Record& record) {
  NamedRun& run = named_run(record);
  static_cast<void>(leave_named(record, false));
  run.give_back();
  shared_.add(Count::returned);
  give_back(record);
  note_progress();
}

void Engine::take_out_named(std::uint64_t id) {
  Record* record = pool.find(id);
  std::uint64_t word = record != nullptr ? record->word.load(std::memory_order_acquire) : 0;
  if (record == nullptr || generation_in(word) != generation_in(id) || !take_out(*record, word, kEnding)) return;
  drop_named(*record);
}

TaskId Engine::seen_id(std::uint64_t id, std::uint64_t word) const {
  if ((word & kNamed) == 0 || is_final(state_of(word)) || named() == nullptr) return TaskId{id};
  const TaskId task = named()->task_of(id);
  return task ? task : TaskId{id};
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
