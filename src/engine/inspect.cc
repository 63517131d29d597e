// What is known: of one task, of many, of the queue.

#include <algorithm>

#include "engine/engine.h"
#include "engine/observers.h"
#include "engine/recurrences.h"

namespace errand {
inline namespace v0 {
namespace detail {

namespace {

// A moment that nobody has seen to for so long: whoever steps the timers is held up.
constexpr Duration kStalledAfter = std::chrono::seconds(10);

}  // namespace

WallTime Engine::wall_of(std::int64_t stamp) const {
  return clock->now() - (clock->mono() - ticks.to_mono(stamp));
}

// Fills in what the cold line knows. REQUIRES: the page's cold mutex is held.
void Engine::read_cold(const ColdLine& cold, std::uint64_t word, TaskInfo& info) const {
  const std::int64_t started = cold.started_at.load(std::memory_order_acquire);
  const std::int64_t finished = cold.finished_at.load(std::memory_order_acquire);
  info.started_at.reset();
  info.finished_at.reset();
  if (started != 0) info.started_at = wall_of(started);
  if (is_final(info.state)) info.finished_at = wall_of(finished);
  info.stuck = info.state == TaskState::running && (word & kStuck) != 0;
  const Extra* extra = cold.extra.load(std::memory_order_relaxed);
  if (info.state == TaskState::scheduled || info.state == TaskState::retryable) {
    if (started == 0 && extra != nullptr && extra->options.at) {
      info.next_run_at = *extra->options.at;
    } else if (started == 0 && extra != nullptr) {
      info.next_run_at = saturating_add(info.created_at, extra->options.delay);
    } else {
      info.next_run_at = saturating_add(clock->now(), timers.due_of(cold.timer) - clock->mono());
    }
  }
  if (extra == nullptr) return;
  info.name = extra->options.name;
  info.metadata = extra->options.metadata;
  if (extra->recurrence != nullptr) info.schedule = recurrence_name(*extra->recurrence);
  info.attempts = attempts_of(extra, word);
  info.max_attempts = extra->max_attempts;
  if (extra->last_error) info.last_error = extra->last_error->message();
  for (const FailedAttempt& attempt : extra->history) {
    info.history.push_back({attempt.number, wall_of(attempt.started), attempt.took, attempt.error});
  }
  info.log = extra->log;
  info.progress_done = extra->progress_done;
  info.progress_total = extra->progress_total;
  info.progress_note = extra->progress_note;
}

// Copies a record that may be used again meanwhile: the word is looked at before and after. Acquire throughout: see
// Record.
std::optional<TaskInfo> Engine::read(Record& record, std::uint64_t id) const {
  for (;;) {
    const std::uint64_t word = record.word.load(std::memory_order_acquire);
    if (generation_in(word) != generation_in(id)) return std::nullopt;
    const std::uint64_t state = raw_state(word);
    if (state == kVacant || state == kForward || state == kVoid) return std::nullopt;
    if ((word & kNamed) != 0 && !is_final(state_of(word))) return std::nullopt;
    TaskInfo info;
    info.id = TaskId{id};
    info.state = state_of(word);
    info.queue = options.name;
    info.priority = priority_in(word);
    info.attempts = attempts_of(nullptr, word);
    const std::int64_t stamp = record.stamp.load(std::memory_order_acquire);
    if (stamp != 0) {
      const auto waited = static_cast<std::int64_t>(record.waited.load(std::memory_order_acquire));
      const auto ran = static_cast<std::int64_t>(record.ran.load(std::memory_order_acquire));
      info.created_at = wall_of(stamp);
      if (info.attempts > 0) info.started_at = info.created_at + Duration(waited);
      if (is_final(info.state)) info.finished_at = info.created_at + Duration(waited + ran);
    }
    if ((word & kCold) != 0) {
      MutexLock lock(pool.cold_mutex(page_of(record)));
      // Under the mutex nobody frees the Extra; that this is still its record is seen below.
      if (generation_in(record.word.load(std::memory_order_acquire)) != generation_in(id)) return std::nullopt;
      read_cold(PagePool::cold(record), word, info);
    }
    const std::uint64_t after = record.word.load(std::memory_order_acquire);
    if (generation_in(after) == generation_in(id) && raw_state(after) == state && runs_in(after) == runs_in(word))
      return info;
  }
}

bool Engine::still_retained(Record& record, const TaskInfo& info) const {
  if (!is_final(info.state)) return true;
  if (has_handle(pin_of(record).load(std::memory_order_relaxed))) return true;  // only whether it is to be told of
  if (options.retention.count == 0) return false;
  return !info.finished_at || clock->now() - *info.finished_at <= options.retention.age;
}

Result<TaskInfo> Engine::info(TaskId id) const {
  if (Record* record = pool.find(id.value)) {
    auto info = read(*record, id.value);
    if (info && still_retained(*record, *info)) return std::move(*info);
  }
  return Error(Code::not_found, "queue \"" + options.name + "\" knows no task " + to_string(id));
}

std::vector<TaskInfo> Engine::list(const ListOptions& what) const {
  std::vector<TaskInfo> found;
  const std::uint32_t end = pool.end_index();
  std::uint32_t index = what.after ? page_in(what.after.value) : 1;
  int line = what.after ? line_in(what.after.value) + 1 : kFirstLine;
  for (; index < end && static_cast<int>(found.size()) < what.limit; ++index, line = kFirstLine) {
    if (index % kPagesPerSlab == 0) continue;
    Page& page = pool.page(index);
    for (; line < kLines && static_cast<int>(found.size()) < what.limit; ++line) {
      Record& record = page.line(line);
      const std::uint64_t word = record.word.load(std::memory_order_acquire);
      // The cheap questions first: most records are not what is looked for.
      if (generation_in(word) == 0 || (what.state && state_of(word) != *what.state)) continue;
      if (what.priority && priority_in(word) != *what.priority) continue;
      auto info = read(record, id_of(record, word));
      if (!info || !still_retained(record, *info)) continue;
      if (what.state && info->state != *what.state) continue;
      if (!what.name.empty() && info->name != what.name) continue;
      found.push_back(std::move(*info));
    }
  }
  return found;
}

std::uint64_t Engine::total(Count which) const {
  // Acquire: see Meter::add(). Sums that are compared depend on it: see idle().
  std::uint64_t sum = shared_.counts[static_cast<int>(which)].load(std::memory_order_acquire);
  const int count = worker_count.load(std::memory_order_acquire);
  for (int i = 0; i < count; ++i) {
    sum += all_workers[i]
               .load(std::memory_order_acquire)
               ->meter.counts[static_cast<int>(which)]
               .load(std::memory_order_acquire);
  }
  return sum;
}

std::size_t Engine::running() const {
  std::size_t sum = 0;
  const int count = worker_count.load(std::memory_order_acquire);
  for (int i = 0; i < count; ++i) {
    sum += all_workers[i].load(std::memory_order_acquire)->depth.load(std::memory_order_acquire);
  }
  return sum;
}

namespace {

void add_attempts_per_task(const Meter& meter, Histogram& histogram) {
  Histogram counted;
  meter.attempts_per_task.add_to(counted);
  histogram += counted;
  // The rest of what ended here went the plain way: one attempt each.
  std::uint64_t ended = 0;
  for (const Count count : {Count::completed, Count::cancelled, Count::discarded}) {
    ended += meter.counts[static_cast<int>(count)].load(std::memory_order_acquire);
  }
  if (ended <= counted.count()) return;
  Histogram::Counts plain{};
  plain[Histogram::index(Duration(1))] = ended - counted.count();
  histogram += Histogram(plain, Duration(static_cast<std::int64_t>(ended - counted.count())));
}

}  // namespace

// The watchdog of the threads that step the timers. Who drives by hand steps them when it likes.
bool Engine::timers_stalled() const {
  return options.drive == Drive::threads && phase_.load(std::memory_order_relaxed) != Phase::closed &&
         timers.overdue(kStalledAfter);
}

Stats Engine::stats() const {
  Stats stats;
  stats.completed = total(Count::completed);
  stats.cancelled = total(Count::cancelled);
  stats.discarded = total(Count::discarded);
  const Timekeeper::Waiting waiting = timers.waiting();
  stats.scheduled = waiting.scheduled;
  stats.retryable = waiting.retryable;
  stats.running = running();
  stats.refused = total(Count::refused);
  stats.failed = total(Count::failed);
  stats.retried = total(Count::retried);
  stats.snoozed = total(Count::snoozed);
  stats.timed_out = total(Count::timed_out);
  stats.stuck = total(Count::stuck);
  stats.skipped_slots = recurrences->skipped();
  stats.dropped_events = observers->dropped();
  stats.submitted = producers->submitted();
  const std::uint64_t all = stats.submitted + named_posted_.load(std::memory_order_acquire);
  const std::uint64_t elsewhere = stats.completed + stats.cancelled + stats.discarded + total(Count::returned) +
                                  stats.scheduled + stats.retryable + stats.running;
  stats.available = all > elsewhere ? all - elsewhere : 0;
  stats.workers = wanted_.load(std::memory_order_relaxed);
  stats.replacement_workers = standing_in_.load(std::memory_order_relaxed);
  stats.healthy =
      healthy_.load(std::memory_order_relaxed) && missing_.load(std::memory_order_relaxed) == 0 && !timers_stalled();
  const int count = worker_count.load(std::memory_order_acquire);
  for (int i = 0; i < count; ++i) {
    const Worker& worker = *all_workers[i].load(std::memory_order_acquire);
    if (worker.depth.load(std::memory_order_relaxed) != 0) ++stats.busy_workers;
    worker.meter.start_delay.add_to(stats.start_delay);
    worker.meter.attempt_duration.add_to(stats.attempt_duration);
    add_attempts_per_task(worker.meter, stats.attempts_per_task);
  }
  stats.attempts = stats.attempt_duration.count() + total(Count::untimed);
  const double lifetime = static_cast<double>(ticks.between(began_, ticks.stamp()));
  const double busy = static_cast<double>(stats.attempt_duration.sum().count());
  if (lifetime > 0 && stats.workers > 0) stats.utilisation = std::min(1.0, busy / (lifetime * stats.workers));
  return stats;
}

Observer Engine::observe(std::size_t capacity) {
  return observers->add_observer(capacity);
}

void Engine::emit(std::uint64_t id, TaskState to, int attempt) {
  observers->add({TaskId{id}, to, attempt, clock->now()});
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
