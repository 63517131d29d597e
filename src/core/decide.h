#pragma once
// What follows an attempt: the one place that knows.

#include <errand/outcome.h>
#include <errand/retry.h>
#include <errand/task_state.h>

#include <optional>

namespace errand {
inline namespace v0 {

/// What there is to know about the task whose attempt just ended.
struct Attempted {
  int attempt = 1;                            ///< this attempt's number, from 1
  int max_attempts = 1;                       ///< or `unlimited`
  SteadyTime first_started{};                 ///< when its first attempt began
  std::optional<Duration> max_elapsed{};      ///< for all attempts and the waits between them
  StopReason stop = StopReason::none;         ///< set if the attempt was asked to stop before it ended
  bool outlived_grace = false;                ///< it went on past its timeout and the grace period after it
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
  TaskState to = TaskState::completed;  ///< completed, cancelled, discarded, retryable, scheduled (snooze), available (given back)
  Duration wait{};                      ///< retryable and scheduled: how long from now
  bool gives_back = false;              ///< the attempt does not count
  std::optional<Error> error{};         ///< what is kept as the task's last error; never "attempts exhausted" alone
};

/// Decides, and does nothing else.
///
/// An attempt that came back without an explicit outcome (returned, or threw) after it was asked to stop was
/// interrupted: cancelled, or stopped by the submitter's own token -> cancelled; timed out -> a failed attempt; shutting
/// down or lease lost -> available, given back. An explicit outcome counts as it stands, except a done() that comes after
/// the grace period: the timeout has failed that attempt.
/// A failure is retried while attempts are left, the policy says yes, and its wait ends within max_elapsed; otherwise the
/// task is discarded with its own last error, to which the reason for giving up is added in words.
[[nodiscard]] Transition decide(const Attempted& task, Ended ended, SteadyTime now, const Retry& retry, Rng& rng);

}  // namespace v0
}  // namespace errand
