#pragma once
/// A task as the program sees it: what it is given, what is known of it, and a handle to wait with.

#include <errand/callback.h>
#include <errand/clock.h>
#include <errand/detail/record.h>
#include <errand/result.h>
#include <errand/retry.h>
#include <errand/task_id.h>
#include <errand/task_state.h>
#include <errand/unique.h>

#include <optional>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace errand {
inline namespace v0 {

/// 0 is served first, 9 last.
inline constexpr int kHigh = 2;
inline constexpr int kNormal = 5;
inline constexpr int kLow = 8;

/// A task's own labels, in the order given.
using Metadata = std::vector<std::pair<std::string, std::string>>;

/// One failed attempt, as kept in TaskInfo::history.
struct AttemptInfo {
  int number = 0;
  WallTime started_at{};
  Duration took{};
  std::optional<Error> error{};  ///< why it failed
};

/// Everything known of a task at one moment; a copy.
struct TaskInfo {
  TaskId id{};
  TaskState state{};
  std::string queue{};
  std::string kind{};      ///< of a named task; empty: a closure
  std::string name{};      ///< TaskOptions::name, or empty
  std::string schedule{};  ///< the name of the schedule it is a run of, or empty
  int priority = kNormal;
  int attempts = 0;      ///< attempts that have begun, less those given back
  int max_attempts = 1;  ///< or `unlimited`
  int crashes = 0;       ///< of the attempts, those that ended with their process
  std::string last_error{};
  std::vector<AttemptInfo> history{};  ///< the last 8 failed attempts, oldest first
  WallTime created_at{};
  std::optional<WallTime> next_run_at{};  ///< scheduled and retryable: when it becomes available
  std::optional<WallTime> started_at{};   ///< of the last attempt
  std::optional<WallTime> finished_at{};  ///< final states
  std::optional<WallTime> expires_at{};   ///< no attempt begins after this
  bool stuck = false;                     ///< running past its timeout and the grace period
  bool held = false;                      ///< waits until it is released
  bool no_handler = false;                ///< waits for a process that has a handler for its kind
  std::uint64_t progress_done = 0;
  std::uint64_t progress_total = 0;
  std::string progress_note{};
  std::vector<std::string> log{};
  std::vector<std::string> tags{};
  Metadata metadata{};
};

/// What can be said about one task. The defaults run a closure as soon as a worker is free, once; a named task has 20
/// attempts. What is unset of `max_attempts`, `retry` and `timeout` is, for a named task, what HandlerOptions says of
/// its kind, and its `delay` goes by the time of day, which outlives the process.
///
/// Units:   Duration is nanoseconds; moments are WallTime.
/// Errors:  a value out of range refuses the task as `invalid`, and the message names the field.
struct TaskOptions {
  Duration delay{};                             ///< available this long from now, by the monotonic clock; 0 = now
  std::optional<WallTime> at{};                 ///< available at this time of day; follows the wall clock; past = now
  int priority = kNormal;                       ///< 0 (first) to 9
  std::optional<int> max_attempts{};            ///< 1 or more, or `unlimited`; unset: 1, or 20 where `retry` is given
  std::optional<Retry> retry{};                 ///< unset: the queue's
  std::optional<Duration> timeout{};            ///< for each attempt: then its stop token fires; > 0
  std::optional<Duration> max_elapsed{};        ///< for all attempts and the waits between; then discarded; > 0
  std::optional<WallTime> expires_at{};         ///< no attempt begins after this: discarded instead
  std::stop_token stop{};                       ///< the submitter's own: when it fires the closure is cancelled
  Unique unique{};                              ///< named tasks: when it is the same as another one
  std::string name{};                           ///< for people; need not be unique; at most 256 bytes
  Callback<void(const TaskInfo&)> on_finish{};  ///< exactly once, in every final state, on a worker, no lock held
  Metadata metadata{};                          ///< at most 4 KiB in all
  std::vector<std::string> tags{};              ///< named tasks: to find them by; at most 16 of 64 bytes
  bool ephemeral = false;                       ///< named tasks: gone when it completes
};

namespace detail {

struct TaskMaker;
struct NamedHandle;

// What the handle of a named task knows of the value that the task leaves.
struct OutputReader {
  // Decodes the output into the `std::optional<T>` that `value` points to.
  Result<void> (*read)(std::string_view bytes, std::string_view content_type, void* value) = nullptr;
};

/// What every Task<T> can do, whatever its T; implemented in the library.
class TaskBase {
 public:
  TaskBase(TaskBase&& other) noexcept
      : record_(std::exchange(other.record_, nullptr)), id_or_error_(std::exchange(other.id_or_error_, 0)) {}

  /// False where the task was refused.
  explicit operator bool() const noexcept { return record_ != nullptr; }
  /// The null id where the task was refused.
  [[nodiscard]] TaskId id() const noexcept { return TaskId{record_ != nullptr ? id_or_error_ : 0}; }
  /// Of a closure one load. Acquire: who sees a final state sees what the body did. Of a named task what its store
  /// says; `refused` where that can't be had.
  [[nodiscard]] TaskState state() const noexcept {
    if (is_named()) [[unlikely]]
      return named_state();
    return record_ != nullptr ? state_of(record_->word.load(std::memory_order_acquire)) : TaskState::refused;
  }
  /// Why the task was refused. REQUIRES: it was.
  [[nodiscard]] const Error& error() const noexcept;
  [[nodiscard]] Result<TaskInfo> info() const;
  /// Named tasks: whether a task with the same unique key was there already; then this is that one.
  [[nodiscard]] bool existed() const noexcept;
  /// Of one that existed: whether it has taken over the payload, the time or both of the new one, see OnClash.
  [[nodiscard]] bool replaced() const noexcept;
  /// As Queue::cancel(id()).
  Result<void> cancel();

  /// Waits until the task is final, at most `timeout`; true if it is. A refused task is final. On a worker of the same
  /// queue an available task is run right here; one that waits for time can't be waited for, and false is returned.
  bool wait_for(Duration timeout) const;
  /// The same without an end. Returns early, with the task not final, only where waiting could never end.
  void wait() const;

  /// For wait_any(): whether it is final; if not, whoever ends it will say so.
  [[nodiscard]] bool ended_or_watched() const;
  /// For wait_any(): whether waiting for it here could never end.
  [[nodiscard]] bool never_ends_here() const;
  /// The clock its waits go by; null where it was refused.
  [[nodiscard]] Clock* clock() const noexcept;

 protected:
  explicit TaskBase(Record* record, std::uint64_t id_or_error) noexcept : record_(record), id_or_error_(id_or_error) {}
  explicit TaskBase(NamedHandle* named, std::uint64_t id) noexcept : named_(named), id_or_error_(id) {}
  ~TaskBase() = default;

  void swap(TaskBase& other) noexcept {
    std::swap(record_, other.record_);
    std::swap(id_or_error_, other.id_or_error_);
  }
  /// Waits; then nothing if the task completed and its value is still there to take, else the error to give.
  [[nodiscard]] std::optional<Error> wait_for_value(bool has_value) const;
  /// Drops the error of a refused handle, or what the handle of a named task has.
  void release_other() noexcept;
  /// The top bit of an id says that it is a store's. Addresses do not have it.
  [[nodiscard]] bool is_named() const noexcept { return static_cast<std::int64_t>(id_or_error_) < 0; }
  [[nodiscard]] TaskState named_state() const noexcept;
  /// Waits; then the output, into the std::optional<T> that `value` points to (null: none is wanted).
  [[nodiscard]] Result<void> wait_for_output(void* value) const;

  union {
    Record* record_;
    NamedHandle* named_;  // of a named task, by is_named()
  };
  std::uint64_t id_or_error_;  // the id, or the address of a heap-allocated Error where record_ is null
};

}  // namespace detail

/// A handle to one task, and to the value it will have. Dropping it neither waits nor cancels; it may outlive its
/// Queue.
///
/// Threads: one at a time uses a handle; other threads may work on the same task through its id.
template <class T = void>
class Task : public detail::TaskBase {
 public:
  Task(Task&&) noexcept = default;
  Task& operator=(Task&& other) noexcept {
    Task taken(std::move(other));
    this->swap(taken);
    return *this;
  }
  ~Task() {
    if (record_ != nullptr && !is_named()) [[likely]] {
      detail::unpin<T>(*record_);
    } else if (id_or_error_ != 0) {
      release_other();
    }
  }

  /// Waits, then the value, moved out: a second call gives `gone`. An attempt that failed gives its error; a cancelled
  /// or refused task says so; where waiting could never end, `would_block`. A named task's can be had again and again,
  /// as long as its store keeps it.
  Result<T> result() {
    if (is_named()) [[unlikely]]
      return named_result();
    if (auto error = wait_for_value(!std::is_void_v<T>)) return std::move(*error);
    if constexpr (std::is_void_v<T>) {
      return {};
    } else {
      return detail::take_value<T>(*record_);
    }
  }
  /// Waits, then the value, moved out. Throws what the attempt threw, or an ErrorException.
  T get() {
    auto result = this->result();
    if (!result) result.error().raise();
    if constexpr (!std::is_void_v<T>) return std::move(*result);
  }

 private:
  friend struct detail::TaskMaker;
  Task(detail::Record* record, std::uint64_t id_or_error) noexcept : TaskBase(record, id_or_error) {}
  Task(detail::NamedHandle* named, std::uint64_t id) noexcept : TaskBase(named, id) {}

  Result<T> named_result() {
    if constexpr (std::is_void_v<T>) {
      return wait_for_output(nullptr);
    } else {
      std::optional<T> value;
      if (auto read = wait_for_output(&value); !read) return read.error();
      return std::move(*value);
    }
  }
};

/// Waits until every task is final, at most `timeout`; true if all are.
bool wait_all(std::initializer_list<const detail::TaskBase*> tasks, Duration timeout);
/// Waits until one of the tasks is final, at most `timeout`; its index, or -1, which comes at once where waiting for
/// each of them could never end. Their queues have one clock.
int wait_any(std::initializer_list<const detail::TaskBase*> tasks, Duration timeout);

}  // namespace v0
}  // namespace errand
