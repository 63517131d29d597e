// How a closure becomes a task: begin() finds it a record, the caller builds the closure there, publish() makes it
// visible with one store.

#include <algorithm>
#include <climits>
#include <cstring>

#include "engine/engine.h"
#include "engine/options.h"

namespace errand {
inline namespace v0 {
namespace detail {

namespace {

constexpr Duration kRefusalInterval = std::chrono::seconds(10);

}  // namespace

// One line an interval: a refusal nobody looks at is a task that is lost, but a full queue must not fill the log.
void Engine::log_refusal(const Error& error) {
  if (error.code() == Code::forked) return;  // the log's lock may be held for ever
  const std::int64_t now = clock->mono().time_since_epoch().count();
  std::int64_t next = next_refusal_line_.load(std::memory_order_relaxed);
  if (now < next ||
      !next_refusal_line_.compare_exchange_strong(next, now + kRefusalInterval.count(), std::memory_order_relaxed)) {
    return;
  }
  const std::uint64_t refused = total(Count::refused);
  const std::uint64_t before = refusals_logged_.exchange(refused, std::memory_order_relaxed);
  const std::string more = refused > before + 1 ? " (" + std::to_string(refused - before) + " were refused)" : "";
  log(LogLevel::warning, options.name, error.message() + more);
}

Draft Engine::refuse(Error error) {
  shared_.add(Count::refused);
  log_refusal(error);
  return {nullptr, reinterpret_cast<std::uintptr_t>(new Error(std::move(error)))};
}

namespace {

// The reason that a closed intake gives.
Error intake_error(const std::string& queue, Intake intake) {
  if (intake == Intake::forked) {
    return {Code::forked, "submit to queue \"" + queue + "\": it belongs to the process that forked this one"};
  }
  return {Code::shutting_down, "submit to queue \"" + queue + "\": it is shutting down"};
}

Error no_memory(const std::string& queue) {
  return {Code::unavailable, "submit to queue \"" + queue + "\": out of memory"};
}

}  // namespace

Draft Engine::begin() {
  if (forked()) [[unlikely]]
    return refuse(intake_error(options.name, Intake::forked));
  Producer& producer = *this->producer();
  const bool nested = producer.enter() > 1;
  // A shutdown closes the intake, then waits for those on their way in: one of us sees the other.
  light_barrier();
  const Intake now = intake.load(std::memory_order_relaxed);
  if (now != Intake::plain || nested) [[unlikely]] {
    if (now == Intake::depth_first && own_worker() != nullptr) return begin_child(producer, kNormal);
    if (now != Intake::depth_first || nested) return begin_careful(producer, {}, kNormal, nullptr, nullptr);
  }
  const PageCursor::Slot slot = next_in_lane(producer, kNormal);
  if (slot.record == nullptr) [[unlikely]] {
    producer.leave();
    return refuse(no_memory(options.name));
  }
  prepare(*slot.record, slot.id, kNormal, 0);
  return {slot.record, slot.id};
}

Draft Engine::begin(TaskOptions& task, std::shared_ptr<Recurrence> recurrence) {
  if (forked()) return refuse(intake_error(options.name, Intake::forked));
  if (const auto error = check(task))
    return refuse(Error(Code::invalid, "submit to queue \"" + options.name + "\": " + *error));
  Producer& producer = *this->producer();
  producer.enter();
  light_barrier();
  return begin_careful(producer, task.delay, task.priority, has_wishes(task) ? &task : nullptr, std::move(recurrence));
}

Draft Engine::begin_in(Duration delay) {
  if (forked() || delay < Duration::zero()) [[unlikely]] {
    TaskOptions task;
    task.delay = delay;
    return begin(task);
  }
  Producer& producer = *this->producer();
  producer.enter();
  light_barrier();
  return begin_careful(producer, delay, kNormal, nullptr, nullptr);
}

// Any submit but the plainest. `wishes`: what needs an Extra, or null.
Draft Engine::begin_careful(Producer& producer, Duration delay, int priority, TaskOptions* wishes,
                            std::shared_ptr<Recurrence> recurrence) {
  const auto refused = [&](Error error) {
    producer.leave();
    return refuse(std::move(error));
  };
  const Intake now = intake.load(std::memory_order_relaxed);
  if (now == Intake::closed || now == Intake::forked) return refused(intake_error(options.name, now));
  bool run_here = false;
  if (options.capacity != 0) {
    if (auto error = make_room(producer, recurrence != nullptr, run_here)) return refused(std::move(*error));
  }
  const std::uint64_t counted = options.capacity != 0 && !run_here ? kCounted : 0;
  const bool delayed = delay > Duration::zero();
  const bool extra = wishes != nullptr || recurrence != nullptr;
  const bool cold = delayed || extra;
  if (now == Intake::depth_first && !cold && own_worker() != nullptr) return begin_child(producer, priority);
  // Takers stop at a place in a lane that is not published yet: what a closure submits while it is being built, and may
  // wait for, must not stand behind that one.
  const bool nested = producer.busy.load(std::memory_order_relaxed) > 1;
  const bool in_lane = line == nullptr && !cold && !run_here && !nested;
  const PageCursor::Slot slot = in_lane ? next_in_lane(producer, priority) : next_loose(producer, cold);
  if (slot.record == nullptr) {
    release_room(counted);
    return refused(no_memory(options.name));
  }
  if (cold) {
    // Others like it come, as a rule; their cold lines were last written by whoever ended the tasks before.
    const std::size_t ahead = std::min(line_of(*slot.record) + PageCursor::kPrefetch, std::size_t{kLines - 1});
    __builtin_prefetch(&PagePool::cold(page_of(*slot.record).line(static_cast<int>(ahead))), 1);
  }
  std::uint64_t flags = counted;
  if (!in_lane) flags |= kSingle;
  if (run_here) flags |= kRunHere;
  if (cold) flags |= kCold;
  prepare(*slot.record, slot.id, priority, flags);
  if (delayed) {
    // Until it is armed, the timer is a place to keep the moment.
    const SteadyTime due = saturating_add(clock->mono(), delay);
    PagePool::cold(*slot.record).timer.due = due.time_since_epoch().count();
  }
  if (extra) {
    Extra& extra = ensure_extra(*slot.record);
    if (wishes != nullptr) extra.options = std::move(*wishes);
    extra.max_attempts = extra.options.max_attempts.value_or(extra.options.retry ? 20 : 1);
    extra.recurrence = std::move(recurrence);
    if (extra.options.stop.stop_possible()) {
      // Before the task is published: a token that has fired already then finds it here (see publish_carefully).
      extra.on_stop.emplace(extra.options.stop, CancelOnStop{this, slot.id});
    }
  }
  return {slot.record, slot.id};
}

// What a body submits, where that goes to the worker it is on.
Draft Engine::begin_child(Producer& producer, int priority) {
  const PageCursor::Slot slot = next_loose(producer);
  if (slot.record == nullptr) {
    producer.leave();
    return refuse(no_memory(options.name));
  }
  prepare(*slot.record, slot.id, priority, kChild);
  return {slot.record, slot.id};
}

PageCursor::Slot Engine::next_in_lane(Producer& producer, int priority) {
  Lane* lane = producer.lanes[priority];
  if (lane == nullptr || lane->cursor.exhausted()) [[unlikely]] {
    lane = &producers->lane(producer, priority);
    // A page may turn out to have nothing free after all: a handle may have come between.
    while (lane->cursor.exhausted()) {
      Page* page = producers->new_page(producer);
      if (page == nullptr) return {nullptr, 0};
      lane->extend(*page);
    }
  }
  return lane->cursor.take();
}

// `cold`: for a task that has a cold line.
PageCursor::Slot Engine::next_loose(Producer& producer, bool cold) {
  while (producer.loose.exhausted()) {
    if (Page* full = producer.loose.page(); full != nullptr && full->give_back(kHeld)) retire(*full);
    Page* page = producers->new_page(producer);
    if (page == nullptr) return {nullptr, 0};
    producer.loose.open(*page);
    if (cold) pool.note_cold_page();
  }
  return producer.loose.take();
}

// Readers by id look at the word before and after they read: the old generation has to be gone before anything else is
// written, so what follows in begin() and publish() are release stores.
void Engine::prepare(Record& record, std::uint64_t id, int priority, std::uint64_t flags) {
  // Relaxed: the record has been this thread's since the page was opened.
  const std::uint64_t before = record.word.load(std::memory_order_relaxed);
  record.word.store(make_word(generation_in(id), priority, flags, kVacant), std::memory_order_relaxed);
  if ((before & kCold) != 0) [[unlikely]] {
    ColdLine& cold = PagePool::cold(record);
    // The owner reads without the mutex what only owners write.
    if (Extra* const extra = cold.extra.load(std::memory_order_relaxed); extra != nullptr) {
      {
        MutexLock lock(pool.cold_mutex(page_of(record)));
        cold.extra.store(nullptr, std::memory_order_relaxed);
      }
      delete extra;
    }
  }
  if ((flags & kCold) != 0) {
    ColdLine& cold = PagePool::cold(record);
    cold.timer = {};
    cold.extra.store(nullptr, std::memory_order_relaxed);
    cold.started_at.store(0, std::memory_order_release);
    cold.finished_at.store(0, std::memory_order_release);
  }
  pin_of(record).store(kPinned, std::memory_order_relaxed);  // nobody knows the record yet: its word releases it
}

void Engine::publish(Draft draft, const Ops& ops) noexcept {
  Record& record = *draft.record;
  Producer& producer = *this->producer();
  record.ops = &ops;
  const std::uint64_t vacant = record.word.load(std::memory_order_relaxed);
  record.stamp.store(is_timed(vacant) ? ticks.stamp() : 0, std::memory_order_release);
  // Before the task can be seen: sums of tasks may be too high for a moment, not too low.
  producer.submitted.store(producer.submitted.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  const int priority = priority_in(vacant);
  // A closure whose constructor submitted more may have filled the page meanwhile, and takers passed it: then it is
  // too late to stand in the lane. The page may even have come round again, and this record was left out.
  if ((vacant & kChild) != 0) [[unlikely]] {
    publish_child(record, vacant);
  } else if ((vacant & kSingle) != 0 || !producer.lanes[priority]->cursor.has(draft.id_or_error)) [[unlikely]] {
    publish_carefully(record);
  } else {
    // Release: the closure, and the fields above.
    record.word.store(with_state(vacant, raw(TaskState::available)), std::memory_order_release);
    if (observed.load(std::memory_order_relaxed)) [[unlikely]]
      emit(draft.id_or_error, TaskState::available, 0);
    announce(priority);
  }
  producer.leave();
}

void Engine::publish_child(Record& record, std::uint64_t vacant) noexcept {
  const std::uint64_t word = with_state(vacant & ~kChild, raw(TaskState::available));
  const std::uint64_t id = id_of(record, word);
  const int priority = priority_in(word);
  // Release: the closure, and the fields beside it.
  record.word.store(word, std::memory_order_release);
  if (observed.load(std::memory_order_relaxed)) [[unlikely]]
    emit(id, TaskState::available, 0);
  own_worker()->push_child(id, priority);
  announce(priority);
}

void Engine::publish_carefully(Record& record) {
  std::uint64_t word = record.word.load(std::memory_order_acquire);
  const std::uint64_t id = id_of(record, word);
  const bool here = (word & kRunHere) != 0;
  // From here on the flag means what it means elsewhere. The submitter's token may put its stop bits in meanwhile.
  const auto known = [](std::uint64_t of) { return (of | kSingle) & ~kRunHere; };
  while (word != known(word) && !record.word.compare_exchange_weak(word, known(word), std::memory_order_acq_rel)) {
  }
  word = known(word);
  if ((word & kCold) != 0) {
    ColdLine& cold = PagePool::cold(record);
    cold.available_at.store(record.stamp.load(std::memory_order_relaxed), std::memory_order_release);
    bool now = false;
    const Moment at = first_moment(cold, now);
    if (!now && (word & kStopMask) == 0 && set_moment(record, word, raw(TaskState::scheduled), at)) {
      if (observed.load(std::memory_order_relaxed)) emit(id, TaskState::scheduled, 0);
      return;
    }
  }
  // What its token has ended already ends in there as well.
  if (here && (word & kStopMask) == 0) {
    run_in_caller(record, word);
  } else {
    make_available(record, word);
  }
}

// Of a vacant, scheduled, retryable or running record that this thread owns, or whose word is `word`: available, and
// where workers look. If its token fired before it was published, it ends here instead.
void Engine::make_available(Record& record, std::uint64_t word) {
  const std::uint64_t id = id_of(record, word);
  const Extra* extra = (word & kCold) != 0 ? PagePool::cold(record).extra.load(std::memory_order_relaxed) : nullptr;
  if ((word & kStopMask) == 0 && extra != nullptr && extra->options.expires_at) {
    if (set_moment(record, word, raw(TaskState::available),
                   {true, extra->options.expires_at->time_since_epoch().count()})) {
      if (observed.load(std::memory_order_relaxed)) emit(id, TaskState::available, 0);
      if ((word & kWaiter) != 0) wake_waiters(record);
      place(record, word);
      return;
    }
  }
  for (;;) {
    const bool stopped = (word & kStopMask) != 0;
    const std::uint64_t next = with_state(word, stopped ? kEnding : raw(TaskState::available));
    if (!record.word.compare_exchange_weak(word, next, std::memory_order_acq_rel)) continue;
    if (stopped) {
      end_unstarted(record, next, TaskState::cancelled,
                    Error(Code::cancelled, "its stop token had fired when it was submitted"));
    } else {
      if (observed.load(std::memory_order_relaxed)) emit(id, TaskState::available, 0);
      // A worker that waits for it may be the only one to run it.
      if ((next & kWaiter) != 0) wake_waiters(record);
      place(record, next);
    }
    return;
  }
}

void Engine::place(Record& record, std::uint64_t word, Duration waited) {
  const int priority = priority_in(word);
  const std::uint64_t id = id_of(record, word);
  if (line != nullptr) {
    MutexLock lock(line_mutex);
    line->push({TaskId{id}, priority, (clock->mono() - waited).time_since_epoch().count()});
  } else {
    place_forward(id, priority);
  }
  announce(priority);
}

void Engine::add_orphan(int priority, const Batch& batch) {
  {
    MutexLock lock(orphans_mutex);
    orphans.emplace_back(priority, batch);
    orphaned.fetch_or(1u << priority, std::memory_order_release);
  }
  announce(priority);
}

// A record in this thread's lane that stands for the task.
void Engine::place_forward(std::uint64_t id, int priority) {
  Producer& producer = *this->producer();
  const bool nested = producer.busy.load(std::memory_order_relaxed) > 1;
  const PageCursor::Slot slot = nested ? PageCursor::Slot{nullptr, 0} : next_in_lane(producer, priority);
  if (slot.record == nullptr) {
    // Behind a place that is being filled, see begin_careful(), or no memory for a lane's page: the task waits with the
    // batches that nobody has.
    Page& page = pool.page(page_in(id));
    const int at = line_in(id);
    add_orphan(priority, {&page, generation_in(id), at, at + 1});
    return;
  }
  prepare(*slot.record, slot.id, priority, 0);
  pin_of(*slot.record).store(kUnpinned, std::memory_order_relaxed);
  std::memcpy(slot.record->body, &id, sizeof id);
  slot.record->word.store(make_word(generation_in(slot.id), priority, 0, kForward), std::memory_order_release);
}

void Engine::run_in_caller(Record& record, std::uint64_t word) {
  Worker* const own = own_worker();
  Worker& worker = own != nullptr ? *own : borrow_guest();
  const Seat seat(*this, &worker);
  while (!record.word.compare_exchange_weak(word, with_run(with_state(word, raw(TaskState::running)), 1),
                                            std::memory_order_acq_rel)) {
  }
  // The submit is over as far as a shutdown has to wait for it: the body may take long, and the task is seen to run.
  Producer& producer = *this->producer();
  producer.leave();
  ++worker.submits;
  worker.run({&record, with_run(with_state(word, raw(TaskState::running)), 1)});
  --worker.submits;
  if (own == nullptr) {
    return_guest(worker);
    note_progress();
  }
  producer.enter();
}

void Engine::abandon(Draft draft) noexcept {
  Record& record = *draft.record;
  const std::uint64_t word = record.word.load(std::memory_order_acquire);
  if ((word & kCold) != 0) {
    Extra* extra = PagePool::cold(record).extra.load(std::memory_order_relaxed);
    extra->on_stop.reset();
  }
  release_room(word);
  pin_of(record).store(kUnpinned, std::memory_order_release);
  record.word.store(with_state(word & ~kCounted, kVoid), std::memory_order_release);
  give_back(record);
  producer()->leave();
}

// --- bounded queues --------------------------------------------------------------------------------------------------

// `slot`: the run of a schedule. It is submitted by whoever steps the timers, and everything else that has a moment
// would wait with it; so one that finds no room is left out.
std::optional<Error> Engine::make_room(Producer& producer, bool slot, bool& run_here) {
  const auto capacity = static_cast<std::int64_t>(options.capacity);
  std::optional<SteadyTime> until;
  for (;;) {
    // A number of places, and nothing behind them.
    std::int64_t taken = room_.load(std::memory_order_relaxed);
    while (taken < capacity) {
      if (room_.compare_exchange_weak(taken, taken + 1, std::memory_order_relaxed)) return std::nullopt;
    }
    switch (slot && options.when_full != WhenFull::drop_oldest ? WhenFull::refuse : options.when_full) {
      case WhenFull::refuse:
        return queue_full();
      case WhenFull::run_here:
        run_here = true;
        return std::nullopt;
      case WhenFull::drop_oldest:
        if (!drop_oldest()) return queue_full();
        break;
      case WhenFull::block:
        // A worker that waited for its own queue would wait for itself.
        if (own_worker() != nullptr || options.drive == Drive::manual) {
          run_here = true;
          return std::nullopt;
        }
        if (!until) until = saturating_add(clock->mono(), options.block_for.value_or(Duration::max()));
        if (!wait_for_room(producer, *until)) return queue_full();
        break;
    }
    if (const Intake now = intake.load(std::memory_order_relaxed); now >= Intake::closed) {
      return intake_error(options.name, now);
    }
  }
}

Error Engine::queue_full() const {
  return {Code::queue_full,
          "submit to queue \"" + options.name + "\": it is full (capacity " + std::to_string(options.capacity) + ")"};
}

// False when the time is over. The submit is not on its way meanwhile, so that a shutdown need not wait for it.
//
// Sequentially consistent, here and on the other side: we say that we wait, then look for room and at the intake;
// release_room() makes room, begin_shutdown() closes the intake, and then they look for who waits. One sees the other.
// Relaxed afterwards: it is looked at again, and a wake for nobody does no harm.
bool Engine::wait_for_room(Producer& producer, SteadyTime until) {
  room_waiters_.fetch_add(1, std::memory_order_seq_cst);
  const std::uint32_t seen = room_word_.load(std::memory_order_seq_cst);
  producer.leave();
  const bool full = room_.load(std::memory_order_seq_cst) >= static_cast<std::int64_t>(options.capacity);
  if (full && intake.load(std::memory_order_seq_cst) < Intake::closed) clock->wait(room_word_, seen, {until, {}});
  room_waiters_.fetch_sub(1, std::memory_order_relaxed);
  producer.enter();
  light_barrier();
  return clock->mono() < until || room_.load(std::memory_order_relaxed) < static_cast<std::int64_t>(options.capacity);
}

// `word`: of a task that waits no more. For the order see wait_for_room().
void Engine::release_room(std::uint64_t word) {
  if ((word & kCounted) == 0) return;
  room_.fetch_sub(1, std::memory_order_seq_cst);
  if (room_waiters_.load(std::memory_order_seq_cst) != 0) wake_submitters();
}

void Engine::wake_submitters() {
  room_word_.fetch_add(1, std::memory_order_seq_cst);
  clock->wake(room_word_, INT_MAX);
}

// Ends the task that waits longest; false if there was none to be had.
bool Engine::drop_oldest() {
  for (;;) {
    std::optional<WaitingTask> oldest;
    {
      MutexLock lock(line_mutex);
      oldest = line->pop_oldest();
    }
    if (!oldest) return false;
    Record* record = pool.find(oldest->id.value);
    if (record == nullptr) continue;  // a line of the user's own may say anything
    std::uint64_t word = record->word.load(std::memory_order_acquire);
    if (generation_in(word) != generation_in(oldest->id.value)) continue;
    if (raw_state(word) != raw(TaskState::available) || !take_out(*record, word, kEnding)) continue;
    end_unstarted(*record, word, TaskState::discarded, Error(Code::discarded, "dropped: the queue was full"));
    return true;
  }
}

void Engine::announce(int priority) {
  // The sleeper's side of this is in park(): it lowers signals and enlists, has everybody execute a barrier, then
  // looks.
  light_barrier();
  const std::uint32_t bit = 1u << priority;
  if ((signals.load(std::memory_order_relaxed) & bit) == 0) [[unlikely]]
    signals.fetch_or(bit, std::memory_order_release);
  if (parking.wakeable()) [[unlikely]]
    parking.wake_one();
  if (options.drive == Drive::manual) [[unlikely]]
    wake_driver();
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
