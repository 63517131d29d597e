#pragma once
// How a named task gets to the engine's workers, and back.
//
// A named task is kept in a store; what the engine has is one run of it, in a record like any other, which stands in a
// lane from the claim on and is gone when the attempt is over. So a named task meets the same lanes, workers, timers
// and stop tokens as a closure; only what follows its attempt is said elsewhere.
//
//   claimed ──post()──► available ──► running ──► NamedRun::end()
//                           └── cancelled, paused, shut down ──► NamedRun::give_back()

#include <errand/attempt.h>
#include <errand/random.h>
#include <errand/store.h>
#include <errand/task.h>
#include <errand/task_id.h>

#include <optional>
#include <string_view>

#include "core/decide.h"

namespace errand {
inline namespace v0 {
namespace detail {

// In the word of a live record, whose value can't be there yet: it is the run of a named task, of which the engine's
// readers know nothing.
inline constexpr std::uint64_t kNamed = kValue;

/// One run of a named task. The engine calls begin(), run() and end(), in this order and once each, on the worker; or
/// give_back() alone, on any thread. After these two it is gone.
///
/// Threads: on the worker that has the task.
class NamedRun {
 public:
  explicit NamedRun(TaskId id) noexcept : id(id) {}
  virtual ~NamedRun() = default;

  /// How long the attempt may take. False: it is not to begin; end() is not called, give_back() is.
  [[nodiscard]] virtual bool begin(std::optional<Duration>& limit) = 0;
  /// The body; may throw.
  [[nodiscard]] virtual Ran run(Record& record, Attempt& attempt) = 0;

  struct Over {
    Ended ended{};
    StopReason stop = StopReason::none;
    bool outlived_grace = false;
    Duration took{};
    TaskInfo* info = nullptr;  ///< not null: becomes the task, as the attempt left it
  };
  struct Verdict {
    TaskState to = TaskState::completed;  ///< where the attempt left the task
    bool failed = false;
    int attempts = 0;  ///< as they count from now on
  };
  /// The attempt is over: decides what follows, and sees that the store learns it.
  [[nodiscard]] virtual Verdict end(Over over, Rng& rng) noexcept = 0;
  virtual void give_back() noexcept = 0;

  // What the body sees and says through its Attempt.
  [[nodiscard]] virtual int number() const noexcept = 0;
  [[nodiscard]] virtual std::string_view kind() const noexcept = 0;
  [[nodiscard]] virtual std::string_view payload() const noexcept = 0;
  [[nodiscard]] virtual std::string_view content_type() const noexcept = 0;
  virtual void progress(std::uint64_t done, std::uint64_t total, std::string_view note) = 0;
  virtual void log(std::string_view line) = 0;
  virtual bool metadata(std::string_view key, std::string_view value) = 0;
  /// What the store is told where the task is completed in a transaction of the body's own; `run_at` is now.
  [[nodiscard]] virtual Finish completion(std::string output, std::string output_type) const = 0;

  const TaskId id;
};

/// Where named tasks come from, as far as the engine asks.
class NamedSource {
 public:
  virtual ~NamedSource() = default;
  /// Whether no named task of the queue is available, running, or on its way back to the store.
  [[nodiscard]] virtual bool idle() const = 0;
  /// Whether none waits for its time either.
  [[nodiscard]] virtual bool empty() const = 0;
  /// The queue is about to end what it has in hand: nothing is posted any more.
  virtual void stop_claims() = 0;
  /// Manual drive: one pass over what is due, and what became of attempts. Returns when there is something to do again.
  [[nodiscard]] virtual SteadyTime step() = 0;
  /// The named task that a record of the engine is a run of; 0 if it is none any more.
  [[nodiscard]] virtual TaskId task_of(std::uint64_t record_id) const = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace errand
