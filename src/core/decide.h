#pragma once
// What follows an attempt: the one place that knows.

#include <errand/outcome.h>
#include <errand/retry.h>
#include <errand/task_state.h>

#include <optional>
#include <string>

namespace errand {
inline namespace v0 {

/// What there is to know about the task whose attempt just ended.
struct Attempted {
  int attempt = 1;                        ///< this attempt's number, from 1
  int max_attempts = 1;                   ///< or `unlimited`
  SteadyTime first_started{};             ///< when its first attempt began, snoozed ones included
  std::optional<Duration> max_elapsed{};  ///< for all attempts and the waits between them
  StopReason stop = StopReason::none;     ///< set if the attempt was asked to stop before it ended
  bool outlived_grace = false;            ///< it went on past its timeout and the grace period after it
};

/// How the body came back.
struct Ended {
  enum class How : unsigned char {
    returned,  ///< with a value or nothing, and no word about its outcome
    outcome,   ///< with an explicit outcome
    failed,    ///< with a throw or an error
  };
  How how = How::returned;
  Outcome outcome{};             ///< how == outcome
  std::optional<Error> error{};  ///< how == failed
  bool worth_retrying = true;    ///< how == failed: not a DoNotRetry
};

/// What becomes of the task.
struct Transition {
  /// completed, cancelled, discarded, retryable, scheduled (snooze) or available (given back)
  TaskState to = TaskState::completed;
  Duration wait{};          ///< retryable and scheduled: how long from now, at most kLongestWait
  bool gives_back = false;  ///< the attempt does not count
  /// What is kept as the task's last error, clean (text.h); never "attempts exhausted" alone.
  std::optional<Error> error{};
};

/// No wait is longer, whatever a body or a policy asks for: a moment this far from now still has a number.
inline constexpr Duration kLongestWait = std::chrono::hours(24 * 365 * 100);

/// Decides, and does nothing else.
///
/// An attempt that came back without an explicit outcome (returned, or threw) after it was asked to stop was
/// interrupted: cancelled, or stopped by the submitter's own token -> cancelled; timed out -> a failed attempt;
/// shutting down or lease lost -> available, given back, the last error as it was.
/// An explicit outcome counts as it stands, with two limits. A cancelled task does not come back: its retry() or
/// snooze() ends cancelled, or a body that always snoozes could not be cancelled while it runs. And a done() or
/// snooze() that comes after the grace period counts for nothing: the attempt is judged as one that was interrupted.
/// A failure is retried while attempts are left, the policy says yes, and its wait ends within max_elapsed; otherwise
/// the task is discarded with its own last error, to which the reason for giving up is added in words. A snooze does
/// not count as an attempt, but has to end within max_elapsed as well.
[[nodiscard]] Transition decide(const Attempted& task, Ended ended, SteadyTime now, const Retry& retry, Rng& rng);

/// The error of a task that ends between two attempts: the one it has, and the reason behind it in words.
[[nodiscard]] Error gave_up(const Error& error, const std::string& reason);

}  // namespace v0
}  // namespace errand
