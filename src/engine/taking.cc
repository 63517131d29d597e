// Where a worker's next task comes from: what it has in hand, its children, the lanes, the user's line, and what others
// have in hand.

#include <algorithm>
#include <cstring>

#include "base/cpu.h"
#include "engine/engine.h"
#include "engine/worker.h"

namespace errand {
inline namespace v0 {
namespace detail {

namespace {

// Hand::tail, see worker.h.
constexpr std::uint64_t make_tail(std::uint32_t page, int end, std::uint32_t generation) noexcept {
  return (std::uint64_t{page} << 38) | (static_cast<std::uint64_t>(end) << 32) | generation;
}
constexpr std::uint32_t page_of_tail(std::uint64_t tail) noexcept {
  return static_cast<std::uint32_t>(tail >> 38);
}
constexpr int end_of_tail(std::uint64_t tail) noexcept {
  return static_cast<int>((tail >> 32) & 0x3f);
}

// Records ahead that a worker asks for: their lines were last written by a producer on another core. May point past the
// page; a prefetch does not fault.
constexpr int kPrefetch = 8;
// Looks at a lane while another taker is at it.
constexpr int kLooksBeforeYield = 64;
constexpr int kMostLooks = 1'000'000;

// Ends are 1 to 64 in six bits: 64 is written as 0, which no end is.
constexpr int kEndBits = 0x3f;
constexpr int unpack_end(std::uint64_t tail) noexcept {
  return end_of_tail(tail) == 0 ? kLines : end_of_tail(tail);
}

}  // namespace

Worker::Claimed Worker::claim() {
  return claim(engine_.signals.load(std::memory_order_acquire));
}

// Between two bodies the best priority anywhere is looked for: what is in hand of a worse one waits.
Worker::Claimed Worker::claim(std::uint32_t signals) {
  if ((signals & (kPaused | kHalted)) != 0) return {};
  if ((signals & kResized) != 0 && !engine_.may_work(*this)) return {};
  if (engine_.line != nullptr) return take_from_line();
  for (std::uint32_t look = in_hand_ | with_children_ | (signals & kPriorities); look != 0; look &= look - 1) {
    const int priority = std::countr_zero(look);
    const std::uint32_t bit = 1u << priority;
    if ((with_children_ & bit) != 0) [[unlikely]] {
      if (const Claimed claimed = take_child(priority); claimed.record != nullptr) return claimed;
    }
    do {
      if ((in_hand_ & bit) != 0) {
        if (const Claimed claimed = next_in_hand(priority); claimed.record != nullptr) return claimed;
        in_hand_ &= ~bit;
      }
      // What another worker has in hand, and does not get to, comes before anything of a worse priority.
    } while (take_from_late(priority) || take_from_lanes(priority) || take_from_others(priority));
    if (engine_.options.order == Order::depth_first) [[unlikely]] {
      if (const Claimed claimed = take_child(priority); claimed.record != nullptr) return claimed;
      if (const Claimed claimed = steal_child(priority); claimed.record != nullptr) return claimed;
    }
  }
  return {};
}

// The task of this record if it is still to be had, and of this priority.
[[gnu::always_inline]] inline Worker::Claimed Worker::claim_record(Record& record, std::uint64_t word, int priority) {
  while (raw_state(word) == raw(TaskState::available)) {
    if (priority != kAnyPriority && priority_in(word) != priority) return {};
    const std::uint64_t next = with_run(with_state(word, raw(TaskState::running)), 1) & ~kCounted;
    // Acquire: what the submitter wrote into the record. A waiter may set its flag meanwhile.
    if (record.word.compare_exchange_weak(word, next, std::memory_order_acq_rel, std::memory_order_acquire)) {
      if ((word & kCounted) != 0) [[unlikely]]
        engine_.release_room(word);
      return {&record, next};
    }
  }
  return {};
}

// The task at this line if it is still to be had: nothing if somebody else took it, if it was never there, or if it has
// been given another priority since it was put in line for this one, and stands there as well.
[[gnu::always_inline]] inline Worker::Claimed Worker::claim_here(Page& page, std::uint32_t generation, int line,
                                                                 int priority) {
  Record& record = page.line(line);
  const std::uint64_t word = record.word.load(std::memory_order_acquire);
  if (generation_in(word) != generation) return {};
  if (raw_state(word) == kForward) [[unlikely]]
    return claim_forward(record, word, priority);
  return claim_record(record, word, priority);
}

Worker::Claimed Worker::claim_line(Page& page, std::uint32_t generation, int line, int priority) {
  return claim_here(page, generation, line, priority);
}

// The entry is used up; the task behind it has its own record. A second worker may be here as well: one gets it.
Worker::Claimed Worker::claim_forward(Record& forward, std::uint64_t word, int priority) {
  if (!forward.word.compare_exchange_strong(word, with_state(word, kVoid), std::memory_order_acq_rel)) return {};
  std::uint64_t id;
  std::memcpy(&id, forward.body, sizeof id);
  give_back(page_of(forward), bit_of(line_of(forward)));
  Record& record = *engine_.pool.find(id);
  word = record.word.load(std::memory_order_acquire);
  if (generation_in(word) != generation_in(id)) return {};
  after_moment_ = true;
  return claim_record(record, word, priority);
}

// Whether claim() would find nothing at these priorities, as far as a few loads tell.
bool Worker::nothing_at(std::uint32_t priorities) const noexcept {
  if (engine_.options.order == Order::depth_first) return false;
  if ((engine_.orphaned.load(std::memory_order_acquire) & priorities) != 0) return false;
  const int count = engine_.worker_count.load(std::memory_order_acquire);
  for (; priorities != 0; priorities &= priorities - 1) {
    const int priority = std::countr_zero(priorities);
    for (const Lane* lane = engine_.producers->first_lane(priority); lane != nullptr; lane = lane->next) {
      if (!lane->quiet()) return false;
    }
    for (int i = 0; i < count && count > 1; ++i) {
      const Worker* other = engine_.all_workers[i].load(std::memory_order_acquire);
      // Relaxed: it decides nothing but whether to look properly.
      if (other != this && other->hands_[priority].tail.load(std::memory_order_relaxed) != 0) return false;
    }
  }
  return true;
}

Worker::Claimed Worker::next_in_hand(int priority) {
  Batch& batch = batches_[priority];
  Hand& hand = hands_[priority];
  for (;;) {
    // Relaxed: a thief that took the end as well loses, or wins, the claim of the single task.
    const std::uint64_t tail = hand.tail.load(std::memory_order_relaxed);
    const int line = batch.begin;
    if (tail == 0 || line >= unpack_end(tail)) break;
    batch.begin = line + 1;
    __builtin_prefetch(&batch.page->line(line + kPrefetch), 1);
    hand.at.store(static_cast<std::uint32_t>(line + 1), std::memory_order_relaxed);
    const Claimed claimed = claim_here(*batch.page, batch.generation, line, priority);
    if (claimed.record != nullptr) return claimed;
  }
  // Relaxed: a thief that still sees the old one wins, or loses, single tasks.
  hand.tail.store(0, std::memory_order_relaxed);
  return {};
}

void Worker::push_child(std::uint64_t id, int priority) {
  Children* children = this->children(priority);
  if (children == nullptr) [[unlikely]] {
    children = new Children;
    children_[priority].store(children, std::memory_order_release);
  }
  children->push(id);
  with_children_ |= 1u << priority;
}

// What bodies on this worker submitted, newest first; after so many in a row the shared lanes have their turn.
Worker::Claimed Worker::take_child(int priority) {
  const std::uint32_t bit = 1u << priority;
  if ((with_children_ & bit) == 0) return {};
  if (children_in_a_row_ >= kChildrenInARow) {
    children_in_a_row_ = 0;
    return {};
  }
  while (const std::uint64_t id = children(priority)->pop_newest()) {
    const Claimed claimed = claim_id(id, priority);
    if (claimed.record == nullptr) continue;
    ++children_in_a_row_;
    return claimed;
  }
  with_children_ &= ~bit;
  children_in_a_row_ = 0;
  return {};
}

Worker::Claimed Worker::claim_id(std::uint64_t id, int priority) {
  Record* record = engine_.pool.find(id);
  if (record == nullptr) return {};
  return claim_line(page_of(*record), generation_in(id), static_cast<int>(line_of(*record)), priority);
}

// A batch that has seen every worker take another one since is in the hands of one that is slow, or does not run at
// all: it comes before the lanes, so that no task is overtaken by more than that.
bool Worker::take_from_late(int priority) {
  const int count = engine_.worker_count.load(std::memory_order_acquire);
  if (count < 2) return false;
  const std::uint32_t now = engine_.batches_taken[priority].load(std::memory_order_relaxed);
  const auto most = static_cast<std::uint32_t>(std::max(engine_.workers(), 2));
  for (int i = 0; i < count; ++i) {
    Worker* other = engine_.all_workers[i].load(std::memory_order_acquire);
    const Hand& hand = other->hands_[priority];
    // A ticket that does not belong to this tail only means a needless look, or one that comes a batch later.
    if (other == this || hand.tail.load(std::memory_order_relaxed) == 0) continue;
    if (now - hand.ticket.load(std::memory_order_relaxed) >= most && steal_from(*other, priority, true)) return true;
  }
  return false;
}

bool Worker::take_from_lanes(int priority) {
  const std::uint32_t bit = 1u << priority;
  if ((engine_.orphaned.load(std::memory_order_relaxed) & bit) != 0) {
    MutexLock lock(engine_.orphans_mutex);
    auto& orphans = engine_.orphans;
    const auto found = std::find_if(orphans.begin(), orphans.end(), [&](const auto& o) { return o.first == priority; });
    if (found != orphans.end()) {
      hold(priority, found->second, engine_.batches_taken[priority].fetch_add(1, std::memory_order_relaxed));
      orphans.erase(found);
      return true;
    }
    engine_.orphaned.fetch_and(~bit, std::memory_order_relaxed);  // under the mutex, as where it is set
  }
  // A lane that another taker is at may hold more than that one takes, and nothing of a worse priority may begin before
  // it: so it is looked at again. The other one needs a few loads, unless its thread has lost its CPU; that there is an
  // end to it is for real-time threads, which would wait for one that they keep from running.
  for (int look = 0; look < kMostLooks; ++look) {
    bool busy = false;
    if (take_from_a_lane(priority, busy)) return true;
    if (!busy) return false;
    if (look < kLooksBeforeYield) {
      relax_cpu();
    } else {
      yield_thread();
    }
  }
  return false;
}

bool Worker::take_from_a_lane(int priority, bool& busy) {
  Lane* const first = engine_.producers->first_lane(priority);
  if (first == nullptr) return false;
  // Threads take turns: the lane after the one served last comes next.
  Lane* lane = turn_[priority] != nullptr && turn_[priority]->next != nullptr ? turn_[priority]->next : first;
  Lane* const start = lane;
  do {
    if (!lane->quiet()) {
      const Lane::Taken taken = lane->take(engine_.pool, engine_.workers());
      busy = busy || taken.busy;
      if (taken.passed != nullptr) retire(*taken.passed);
      if (taken.batch.begin < taken.batch.end) {
        turn_[priority] = lane;
        hold(priority, taken.batch, engine_.batches_taken[priority].fetch_add(1, std::memory_order_relaxed));
        return true;
      }
    }
    lane = lane->next != nullptr ? lane->next : first;
  } while (lane != start);
  return false;
}

void Worker::hold(int priority, const Batch& batch, std::uint32_t ticket) {
  Hand& hand = hands_[priority];
  after_moment_ = false;
  batches_[priority] = batch;
  hand.at.store(static_cast<std::uint32_t>(batch.begin), std::memory_order_relaxed);
  hand.ticket.store(ticket, std::memory_order_relaxed);
  // Release: a thief that sees the batch sees where it begins.
  hand.tail.store(make_tail(index_of(*batch.page), batch.end & kEndBits, batch.generation), std::memory_order_release);
  in_hand_ |= 1u << priority;
  // What came while the wake for this batch was on its way woke nobody, in whatever lane and of whatever priority it
  // is.
  if (engine_.parking.wakeable() && (batch.end - batch.begin > 1 || finds_work())) [[unlikely]]
    engine_.parking.wake_one();
}

bool Worker::take_from_others(int priority) {
  const int count = engine_.worker_count.load(std::memory_order_acquire);
  if (count < 2) return false;
  const int from = static_cast<int>(rng.below(static_cast<std::uint64_t>(count)));
  for (int i = 0; i < count; ++i) {
    Worker* victim = engine_.all_workers[(from + i) % count].load(std::memory_order_acquire);
    if (victim != nullptr && victim != this && steal_from(*victim, priority)) return true;
  }
  return false;
}

// The oldest child of another worker's: the root of the largest part of the work, as a rule.
Worker::Claimed Worker::steal_child(int priority) {
  const int count = engine_.worker_count.load(std::memory_order_acquire);
  for (int i = 0; i < count; ++i) {
    Worker* victim = engine_.all_workers[i].load(std::memory_order_acquire);
    Children* children = victim != this ? victim->children(priority) : nullptr;
    if (children == nullptr) continue;
    while (const std::uint64_t id = children->steal_oldest()) {
      const Claimed claimed = claim_id(id, priority);
      if (claimed.record == nullptr) continue;
      // As in hold(): it may have been woken for this child, and others have come of a worse priority since.
      if (engine_.parking.wakeable() && (!children->empty() || finds_work())) engine_.parking.wake_one();
      return claimed;
    }
  }
  return {};
}

bool Worker::steal_from(Worker& victim, int priority, bool late) {
  Hand& hand = victim.hands_[priority];
  std::uint64_t tail = hand.tail.load(std::memory_order_acquire);
  if (tail == 0) return false;
  int at = static_cast<int>(hand.at.load(std::memory_order_relaxed));
  const int end = unpack_end(tail);
  if (late && at == end && at > kFirstLine) --at;
  if (at >= end) return false;
  const int middle = at + (end - at) / 2;
  // Of the life that the batch belongs to: the page may have begun another one, and passed these tasks over.
  const auto generation = static_cast<std::uint32_t>(tail);
  const Batch stolen{&engine_.pool.page(page_of_tail(tail)), generation, middle, end};
  // It may be a later batch by now that looks alike, with its beginning elsewhere. What it has left is in one part or
  // in the other all the same.
  const std::uint64_t cut = make_tail(page_of_tail(tail), middle & kEndBits, generation);
  if (!hand.tail.compare_exchange_strong(tail, cut, std::memory_order_acq_rel)) return false;
  hold(priority, stolen, hand.ticket.load(std::memory_order_relaxed));
  return true;
}

void Worker::surrender() {
  for (int priority = 0; priority < 10; ++priority) {
    // Against a thief's cut: one of the two has the end that the other one sees.
    const std::uint64_t tail = hands_[priority].tail.exchange(0, std::memory_order_acq_rel);
    if (tail == 0) continue;
    Batch rest = batches_[priority];
    rest.end = unpack_end(tail);
    if (rest.begin >= rest.end) continue;
    engine_.add_orphan(priority, rest);
  }
  for (; with_children_ != 0; with_children_ &= with_children_ - 1) {
    const int priority = std::countr_zero(with_children_);
    while (const std::uint64_t id = children(priority)->steal_oldest()) {
      engine_.place_forward(id, priority);
      engine_.announce(priority);
    }
  }
  in_hand_ = 0;
  settle();
}

Worker::Claimed Worker::take_from_line() {
  for (;;) {
    std::optional<WaitingTask> entry;
    bool more = false;
    {
      MutexLock lock(engine_.line_mutex);
      entry = engine_.line->pop(engine_.clock->mono().time_since_epoch().count());
      more = engine_.line->size() != 0;
    }
    if (!entry) return {};
    const Claimed claimed = claim_id(entry->id.value, entry->priority);
    if (claimed.record == nullptr) continue;
    if (more) engine_.wake_next();
    return claimed;
  }
}

bool Worker::finds_work() const {
  return finds_work_in(engine_, this);
}

bool Worker::finds_work_in(const Engine& engine_, const Worker* self) {
  const std::uint32_t signals = engine_.signals.load(std::memory_order_acquire);
  if ((signals & kCallbacks) != 0) return true;
  if ((signals & (kPaused | kHalted)) != 0) return false;
  if (engine_.line != nullptr) {
    MutexLock lock(engine_.line_mutex);
    return engine_.line->size() != 0;
  }
  std::uint32_t found = engine_.orphaned.load(std::memory_order_acquire);
  for (int priority = 0; priority < 10; ++priority) {
    for (Lane* lane = engine_.producers->first_lane(priority); lane != nullptr; lane = lane->next) {
      if (!lane->empty(engine_.pool)) found |= 1u << priority;
    }
  }
  if (found != 0) {
    engine_.signals.fetch_or(found, std::memory_order_release);
    return true;
  }
  const int count = engine_.worker_count.load(std::memory_order_acquire);
  for (int i = 0; i < count; ++i) {
    Worker* other = engine_.all_workers[i].load(std::memory_order_acquire);
    if (other == nullptr || other == self) continue;
    for (int priority = 0; priority < 10; ++priority) {
      const Children* children = other->children(priority);
      if (children != nullptr && !children->empty()) found |= 1u << priority;
      const Hand& hand = other->hands_[priority];
      const std::uint64_t tail = hand.tail.load(std::memory_order_acquire);
      if (tail != 0 && static_cast<int>(hand.at.load(std::memory_order_relaxed)) < unpack_end(tail))
        found |= 1u << priority;
    }
  }
  if (found != 0) engine_.signals.fetch_or(found, std::memory_order_release);
  return found != 0;
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
