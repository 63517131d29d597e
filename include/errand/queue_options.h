#pragma once
/// How a queue is to work, and how it is to end.

#include <errand/callback.h>
#include <errand/clock.h>
#include <errand/result.h>
#include <errand/retry.h>
#include <errand/store.h>
#include <errand/task.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace errand {
inline namespace v0 {

class WaitingLine;

/// Who runs the tasks.
enum class Drive : unsigned char {
  threads,  ///< worker threads of the queue's own
  manual,   ///< whoever calls dispatch() or run()
};

/// What submit() does when a bounded queue has no room.
enum class WhenFull : unsigned char {
  refuse,       ///< says `queue_full`
  block,        ///< waits for room, at most QueueOptions::block_for
  drop_oldest,  ///< discards the available task that waits longest; if all are scheduled, says `queue_full`; not in a
                ///< queue with named tasks
  run_here,     ///< runs the new task in the calling thread before submit() returns
};

/// In which order available tasks of one priority start.
enum class Order : unsigned char {
  fair,         ///< first in, first out per submitting thread; the threads take turns
  strict,       ///< one line for all threads; slower
  depth_first,  ///< as fair, but what a body submits runs next on its worker, newest first: for recursive work
};

/// How far a shutdown goes on working. Named tasks in a durable store are safe there: `due` and `queued` finish no more
/// of these than what runs, and the rest is given back.
enum class Drain : unsigned char {
  none,     ///< stop what runs at once
  running,  ///< let what runs come to its end
  due,      ///< also run what is available, or due by now
  queued,   ///< also wait for scheduled and retryable tasks (not for schedules)
};

struct ShutdownOptions {
  Drain drain = Drain::due;
  /// Then stop tokens fire; unset: 30 s; zero or less: at once.
  std::optional<Duration> timeout{};
};

/// What a shutdown left behind. `finished` counts every task that came to its own end since the shutdown began.
struct Report {
  std::size_t finished = 0;
  std::size_t cancelled = 0;  ///< ended by the shutdown
  std::size_t left_over = 0;  ///< still running when it returned
};

/// How long finished tasks can still be asked about: closures, and named tasks that were given no store, of which at
/// least 1,000 are kept.
struct Retention {
  std::size_t count = 10'000;            ///< at least the last so many per final state; 0 keeps none
  Duration age = std::chrono::hours(1);  ///< and none longer than this
};

/// The receiver of a queue's measurements, for systems of one's own. Calls come from workers, never under a lock; what
/// they throw is logged.
class MetricsSink {
 public:
  virtual ~MetricsSink() = default;
  /// After each attempt. `state` is where it left the task; a named one has its progress and log as of its claim.
  virtual void attempt_ended(const TaskInfo& task, TaskState state, Duration waited, Duration took) = 0;
};

/// Errors: check() says which value is out of range; the constructor throws std::invalid_argument with the same text.
struct QueueOptions {
  std::string name{};            ///< by which a store knows its tasks; unset: queue-1, queue-2 ... as queues are made,
                                 ///< which may be another one's after a restart; at most 64 bytes
  std::optional<int> workers{};  ///< 0 to 1024; unset: one per usable CPU; 0: none here
  Duration spin{};               ///< how long an idle worker goes on looking before it sleeps: a submit then starts
                                 ///< within a microsecond, for the price of a CPU; Duration::max(): it never sleeps
  Drive drive = Drive::threads;
  bool start = true;                      ///< false: workers wait for start()
  StorePtr store{};                       ///< where named tasks are kept; unset: in memory, gone with the queue
  std::size_t capacity = 0;               ///< available and scheduled closures it holds at most; 0: no bound
  WhenFull when_full = WhenFull::refuse;  ///< needs a capacity
  std::optional<Duration> block_for{};    ///< for WhenFull::block; unset: without end
  Order order = Order::fair;
  std::optional<Duration> age_step{};   ///< a waiting task gains a priority each time this passes; unset: never; a
                                        ///< named task is claimed by its own priority, some thousands ahead
  std::shared_ptr<WaitingLine> line{};  ///< unset: errand's own
  Retry retry{};                        ///< for tasks that may try again and do not say how
  Duration stuck_after = std::chrono::seconds(30);  ///< past its timeout, before a handler counts as stuck
  Retention retention{};
  ShutdownOptions close{};                ///< what the destructor does
  Callback<void()> on_wake{};             ///< manual drive: dispatch() has work sooner than it last said; any thread
  Callback<void(int)> on_worker_start{};  ///< on each new worker thread, with its number
  Callback<void(int)> on_worker_stop{};
  std::shared_ptr<MetricsSink> metrics{};
  bool timed = true;  ///< false: tasks without options have no times, and the duration histograms lack them; that saves
                      ///< two looks at the clock each
  std::shared_ptr<Clock> clock{};       ///< unset: the machine's
  std::optional<std::uint64_t> seed{};  ///< for jitter and generations; unset: from the machine

  [[nodiscard]] Result<void> check() const;
};

}  // namespace v0
}  // namespace errand
