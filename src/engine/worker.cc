#include "engine/worker.h"

#include <cxxabi.h>

#include "core/exception_text.h"
#include "engine/engine.h"

namespace errand {
inline namespace v0 {
namespace detail {

namespace {

// initial-exec: two loads instead of a call for each task.
constinit thread_local Frame* top_frame __attribute__((tls_model("initial-exec"))) = nullptr;

}  // namespace

Frame* current_frame() noexcept {
  return top_frame;
}

Worker::Worker(Engine& engine, int number, std::uint64_t seed) : number(number), rng(seed), engine_(engine) {}

Worker::~Worker() {
  for (const auto& children : children_) delete children.load(std::memory_order_relaxed);
}

bool Worker::step() {
  // In the middle of a run of tasks the end of the last one is as good as now.
  const std::int64_t next = engine_.timers.next_mono();
  if (next != INT64_MAX) {
    const std::int64_t now = last_stamp_ != 0 ? last_stamp_ : engine_.ticks.stamp();
    if (!quiet_.holds(now, next)) [[unlikely]]
      engine_.look_at_timers(quiet_, next);
  }
  std::uint32_t signals = engine_.signals.load(std::memory_order_acquire);
  if ((signals & kCallbacks) != 0) [[unlikely]] {
    engine_.wake_next();  // for the tasks that came meanwhile: a callback may take long
    engine_.run_callbacks();
    signals = engine_.signals.load(std::memory_order_acquire);
  }
  // Most tasks: the next one of the batch in hand, and there is nothing better anywhere.
  Claimed claimed;
  const std::uint32_t best = in_hand_ & -in_hand_;
  const std::uint32_t better = (in_hand_ | with_children_ | (signals & kPriorities)) & (best - 1);
  if ((signals & ~kPriorities) == 0 && (best & ~with_children_) != 0 && (better == 0 || nothing_at(better))) [[likely]]
    claimed = next_in_hand(std::countr_zero(best));
  if (claimed.record == nullptr) claimed = claim(signals);
  if (claimed.record == nullptr) {
    last_stamp_ = 0;
    return false;
  }
  run(claimed);
  return true;
}

// What there is now, at every priority, then run; what the bodies submit meanwhile is not in it.
void Worker::run_all_now() {
  std::vector<std::pair<int, Batch>> batches;
  std::size_t in_line = 0;
  if (engine_.line != nullptr) {
    MutexLock lock(engine_.line_mutex);
    in_line = engine_.line->size();
  }
  for (int priority = 0; priority < 10; ++priority) {
    while (take_from_lanes(priority)) batches.emplace_back(priority, batches_[priority]);
    hands_[priority].tail.store(0, std::memory_order_relaxed);  // as in next_in_hand()
  }
  in_hand_ = 0;
  engine_.run_callbacks();
  const auto stopped = [&] { return (engine_.signals.load(std::memory_order_acquire) & (kPaused | kHalted)) != 0; };
  for (; in_line > 0 && !stopped(); --in_line) {
    if (const Claimed claimed = take_from_line(); claimed.record != nullptr) run(claimed);
  }
  for (auto& [priority, batch] : batches) {
    for (; batch.begin < batch.end; ++batch.begin) {
      if (stopped()) break;
      const Claimed claimed = claim_line(*batch.page, batch.generation, batch.begin, priority);
      if (claimed.record != nullptr) run(claimed);
    }
    if (batch.begin < batch.end) engine_.add_orphan(priority, batch);
  }
  last_stamp_ = 0;
}

bool Worker::run_if_available(std::uint64_t id) {
  const Claimed claimed = claim_id(id);
  if (claimed.record == nullptr) return false;
  // The stamp of the task around it is no longer the end of the last one.
  last_stamp_ = 0;
  run(claimed);
  last_stamp_ = 0;
  return true;
}

void Worker::run(Claimed claimed) {
  Record& record = *claimed.record;
  Frame here(*this, record, claimed.word, frame);
  const bool timed = engine_.is_timed(claimed.word);
  if (timed) [[likely]] {
    here.started = last_stamp_ != 0 ? last_stamp_ : engine_.ticks.stamp();
    const bool cold = (claimed.word & kCold) != 0;
    const std::int64_t since = cold ? PagePool::cold(record).available_at.load(std::memory_order_relaxed)
                                    : record.stamp.load(std::memory_order_relaxed);
    const float waited = engine_.ticks.float_between(since, here.started);
    // Release, as `ran` below: for readers by id, see Record.
    record.waited.store(waited, std::memory_order_release);
    if (cold && !engine_.begin_attempt(here)) {
      last_stamp_ = 0;
      return;
    }
    meter.start_delay.record(waited);
  }
  frame = &here;
  Frame* const outer_top = std::exchange(top_frame, &here);
  depth.store(depth.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  if (engine_.observed.load(std::memory_order_relaxed))
    engine_.emit(here.attempt.id().value, TaskState::running, here.attempt.number());

  Ran ran;
  try {
    ran = record.ops->run(record, here.attempt);
  } catch (abi::__forced_unwind&) {
    // pthread_exit or a cancellation of the thread: nobody may stop it.
    throw;
  } catch (...) {
    here.ended = ended_by_exception(std::current_exception());
    ran = Ran::failed;
  }

  top_frame = outer_top;
  frame = here.outer;
  std::int64_t ended = 0;
  if (timed) [[likely]] {
    ended = engine_.ticks.stamp();
    const float took = engine_.ticks.float_between(here.started, ended);
    meter.attempt_duration.record(took);
    record.ran.store(took, std::memory_order_release);
  } else {
    meter.add(Count::untimed);
  }
  if (here.has_token) engine_.stop_tokens.forget(here.id());
  if (ran == Ran::done && (claimed.word & (kCold | kSingle)) == 0 && !here.has_extra &&
      !engine_.observed.load(std::memory_order_relaxed) && engine_.options.metrics == nullptr) {
    // What decide() says of it without being asked: completed. The flags may have changed meanwhile, the state has not.
    const std::uint64_t finish = raw(TaskState::completed) - raw(TaskState::running) + (record.ops->value ? kValue : 0);
    const auto destroy_value = record.ops->destroy_value;
    // Release: the value comes before the state.
    const std::uint64_t before = record.word.fetch_add(finish, std::memory_order_release);
    meter.add(Count::completed);
    if ((before & kWaiter) != 0) [[unlikely]]
      engine_.wake_waiters(record);
    if (destroy_value != nullptr) [[unlikely]]
      leave_value(record, destroy_value);
    give_back(page_of(record), bit_of(line_of(record)));
    last_stamp_ = ended;
  } else {
    // One that failed is timed after all, from here on.
    if (!timed) here.started = ended = engine_.ticks.stamp();
    engine_.conclude(*this, here, ran, ended);
    last_stamp_ = 0;
  }
  depth.store(depth.load(std::memory_order_relaxed) - 1, std::memory_order_release);
}

// Finished records are given back together, as long as they are of one page.
void Worker::give_back_others(Page& page) {
  if (done_page_ != nullptr && done_page_->give_back(done_)) retire(*done_page_);
  done_page_ = &page;
  done_ = 0;
}

void Worker::retire(Page& page) {
  retired_[retired_count_++] = &page;
  if (retired_count_ == std::size(retired_)) {
    engine_.pool.retire(retired_);
    engine_.pages_came_back();
    retired_count_ = 0;
  }
}

void Worker::settle() {
  if (done_page_ != nullptr && done_page_->give_back(done_)) retire(*done_page_);
  done_page_ = nullptr;
  done_ = 0;
  if (retired_count_ != 0) {
    engine_.pool.retire({retired_, retired_count_});
    engine_.pages_came_back();
  }
  retired_count_ = 0;
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
