#pragma once
// What is to happen to tasks at a moment.
//
// There is no need for a timer thread as long as a worker is awake, or sleeps with the next moment as its limit; who
// steps the Timekeeper is the engine's business (timers.cc).

#include <errand/clock.h>

#include <span>

#include "base/mutex.h"
#include "engine/page_pool.h"
#include "engine/wheel.h"

namespace errand {
inline namespace v0 {
namespace detail {

/// A moment of either clock, in nanoseconds since its epoch.
struct Moment {
  bool wall = false;
  std::int64_t ns = 0;
};

/// Threads: any. A task has at most one moment; what it means follows from its state.
class Timekeeper {
 public:
  explicit Timekeeper(const Clock& clock);

  /// Who has to be woken because of a moment that comes before the one they sleep for.
  struct Wake {
    bool sleeper = false;  // a worker
    bool watch = false;    // the timer thread
  };
  /// Moves the task to `state` and sets its moment, as one step: nobody sees one without the other. False, and nothing
  /// done, if its word is not `word` any more (kWaiter aside). `word` becomes the new one. A moment that the task has
  /// already goes.
  bool arm(Record& record, std::uint64_t& word, std::uint64_t state, Moment at, Wake& wake);
  /// The task has no moment any more.
  void disarm(Record& record);

  /// The moment of a task that waits for one of the monotonic clock.
  [[nodiscard]] SteadyTime due_of(const TimerNode& timer) const {
    MutexLock lock(mu_);
    return SteadyTime(Duration(timer.due));
  }

  struct Due {
    Record* record = nullptr;
    std::uint64_t word = 0;  // as it was when the moment was taken away
    Moment at;
  };
  struct Collected {
    std::size_t count = 0;
    bool more = false;    // call again at once
    bool upkeep = false;  // the moment of plan_upkeep() has come, and is taken away
  };
  /// Takes away moments that have come, oldest first, as many as fit.
  Collected collect(std::span<Due> out, SteadyTime now, WallTime wall_now);

  /// For idle moments: moves a few of the moments that come in some seconds to where they will be needed, so that a
  /// crowd of them is not late by the time that takes. True if there are more.
  bool spread_ahead();

  /// The next moment, exactly; nothing: unset.
  [[nodiscard]] WaitUntil next() const;
  /// Whether something has been due for longer than `by`, and is still here.
  [[nodiscard]] bool overdue(Duration by) const;
  /// As next(), for somebody who is about to sleep until then, and wants to be woken for an earlier moment. Every
  /// sleeper gives its place in `sleeping_until`; of two the earlier one keeps watch, and the other need not (unset).
  [[nodiscard]] std::optional<WaitUntil> keep_watch(const void* sleeper);
  void watch_over(const void* sleeper);
  /// As keep_watch, for the timer thread: it comes `grace` later, if nobody else was there.
  [[nodiscard]] WaitUntil back_up(Duration grace);

  /// next() as one number for a look between two tasks: nanoseconds of the monotonic clock, INT64_MAX if there is none.
  /// Wall moments count as of the clocks when they were set. Relaxed: who comes on account of it asks again under the
  /// mutex, and who goes to sleep does that first, in keep_watch().
  [[nodiscard]] std::int64_t next_mono() const noexcept { return next_mono_.load(std::memory_order_relaxed); }

  /// Tasks in state scheduled, and in state retryable. `left` is for whoever moves a task out of its state.
  struct Waiting {
    std::size_t scheduled = 0;
    std::size_t retryable = 0;
  };
  [[nodiscard]] Waiting waiting() const noexcept {
    const std::uint64_t both = waiting_.load(std::memory_order_acquire);
    return {both & 0xffffffff, both >> 32};
  }
  void entered(std::uint64_t word) noexcept;
  void left(std::uint64_t word) noexcept;

  /// A moment outside of any task's (a schedule's slot) has been set.
  Wake note(Moment at);
  /// The next such moments: they count for next().
  void set_slots(WaitUntil next);

  /// A moment for the queue's own upkeep. Whoever keeps watch comes for it; it is not in next(), since it brings no
  /// task.
  Wake plan_upkeep(SteadyTime at);

 private:
  [[nodiscard]] std::int64_t as_mono(Moment at) const;
  [[nodiscard]] Wake wake_for(std::int64_t mono) ERRAND_REQUIRES(mu_);
  [[nodiscard]] WaitUntil next_locked() const ERRAND_REQUIRES(mu_);
  void publish_next() ERRAND_REQUIRES(mu_);
  void collect_from(Wheel& wheel, std::int64_t now, std::span<Due> out, Collected& collected) ERRAND_REQUIRES(mu_);

  const Clock& clock_;
  std::atomic<std::int64_t> next_mono_{INT64_MAX};
  // Scheduled tasks, and retryable ones in the upper half: one that goes from here to there is never seen twice. There
  // are fewer than 2^32 records. Release and acquire: where a task is counted whose attempt is not quite over,
  // Worker::depth shows that attempt; see Engine::idle().
  std::atomic<std::uint64_t> waiting_{0};

  // Lock order: nothing is taken under it; records' words and cold lines are touched.
  mutable Mutex mu_;
  Wheel mono_ ERRAND_GUARDED_BY(mu_);
  Wheel wall_ ERRAND_GUARDED_BY(mu_);
  WaitUntil slots_ ERRAND_GUARDED_BY(mu_);
  std::int64_t upkeep_ ERRAND_GUARDED_BY(mu_) = INT64_MAX;
  std::int64_t wall_seen_ ERRAND_GUARDED_BY(mu_) = INT64_MIN;
  const void* watcher_ ERRAND_GUARDED_BY(mu_) = nullptr;           // the worker that sleeps until
  std::int64_t watcher_until_ ERRAND_GUARDED_BY(mu_) = INT64_MAX;  // this moment
  std::int64_t backed_up_ ERRAND_GUARDED_BY(mu_) = INT64_MAX;      // the moment that the timer thread comes for, later
};

}  // namespace detail
}  // namespace v0
}  // namespace errand
