#pragma once
/// What a body can ask about, and say during, the attempt it is in.

#include <errand/clock.h>
#include <errand/detail/record.h>
#include <errand/result.h>
#include <errand/task_id.h>
#include <errand/task_state.h>

#include <cstdint>
#include <stop_token>
#include <string_view>

namespace errand {
inline namespace v0 {

struct Finish;
struct Output;

namespace detail {
struct Frame;
[[nodiscard]] Result<Finish> completion(Attempt& attempt, Output output);
}  // namespace detail

/// One run of a body. Valid during that run only; its stop_token() may be kept.
///
/// Threads: use it on the thread the body runs on.
class Attempt {
 public:
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  [[nodiscard]] TaskId id() const noexcept;
  /// 1 for the first attempt.
  [[nodiscard]] int number() const noexcept;

  // Of named tasks; empty for closures. Views into the attempt.
  [[nodiscard]] std::string_view kind() const noexcept;
  [[nodiscard]] std::string_view payload() const noexcept;
  [[nodiscard]] std::string_view content_type() const noexcept;

  /// Whether somebody wants this attempt to end: a cancel, its timeout, the queue's shutdown, or the submitter's token.
  [[nodiscard]] bool stop_requested() const noexcept;
  /// Who, first.
  [[nodiscard]] StopReason stop_reason() const noexcept;
  /// For libraries that take a token. The same wish as stop_requested(), with callbacks.
  [[nodiscard]] std::stop_token stop_token();

  /// Sleeps, or returns false at once when the attempt is asked to stop. Under manual drive with a ManualClock the
  /// sleep moves that clock.
  bool sleep_for(Duration time);

  /// How far the work has come, for whoever looks at the task: `done` of `total` (0 = unknown), and a note, cut after
  /// 256 bytes.
  void progress(std::uint64_t done, std::uint64_t total, std::string_view note = {});
  /// Adds a line to the task's own log, cut after 1024 bytes; the last 32 lines are kept.
  void log(std::string_view line);
  /// Sets one of the task's metadata fields. False, and nothing is changed, if all together would be more than 4 KiB.
  bool metadata(std::string_view key, std::string_view value);
  /// Says that the attempt is alive: a handler that outlived its timeout is not seen as stuck until `stuck_after` from
  /// now.
  void heartbeat();

 private:
  friend struct detail::Frame;
  friend Result<Finish> detail::completion(Attempt&, Output);
  friend void detail::say(Attempt&, Outcome);
  friend void detail::fail(Attempt&, Error);
  explicit Attempt(detail::Frame& frame) noexcept : frame_(frame) {}

  detail::Frame& frame_;
};

/// The attempt this thread is in, or null outside of any.
[[nodiscard]] Attempt* current_attempt() noexcept;

}  // namespace v0
}  // namespace errand
