#include "core/decide.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/time.h"
#include "core/text.h"

namespace errand {
inline namespace v0 {

namespace {

// What the rules look at, beside how the attempt went.
struct Context {
  const Attempted& task;
  SteadyTime now;
  const Retry& retry;
  Rng& rng;
};

// An attempt that failed, for whatever reason.
struct Failure {
  Error error;
  bool worth_retrying = true;
  std::optional<Duration> after{};  // the body's own wait
};

Error make_error(Code code, const std::string& why, const char* without_why) {
  return Error(code, why.empty() ? without_why : clean_text(why));
}

// The error with a text before or behind its own, and with the exception it came from.
Error around(std::string before, const Error& error, const std::string& behind = {}) {
  const std::size_t room = kMaxErrorText - before.size() - behind.size();
  return Error(error.code(), before + clean_text(error.message(), room) + behind, error.exception());
}

Error with_code(Code code, const Error& error) {
  return Error(code, error.message(), error.exception());
}

Duration within_limits(Duration wait) {
  return std::clamp(wait, Duration::zero(), kLongestWait);
}

// Moments that come from a store may be any numbers.
Duration between(SteadyTime from, SteadyTime to) {
  if (to <= from) return Duration::zero();
  std::int64_t ns = 0;
  const bool too_far = __builtin_sub_overflow(to.time_since_epoch().count(), from.time_since_epoch().count(), &ns);
  return too_far ? Duration::max() : Duration(ns);
}

// Whether a wait from now ends within max_elapsed.
bool in_time(const Context& context, Duration wait) {
  const std::optional<Duration>& most = context.task.max_elapsed;
  if (!most) return true;
  const Duration gone = between(context.task.first_started, context.now);
  return gone <= *most && wait <= *most - gone;
}

Duration wait_after(const Context& context, const std::optional<Duration>& asked, const Error& error) {
  return within_limits(asked ? *asked : context.retry.wait_after(context.task.attempt, error, context.rng));
}

std::string too_late(const Attempted& task) {
  return "max_elapsed of " + to_text(*task.max_elapsed) + " would be over";
}

Transition give_up(const Error& error, const std::string& reason) {
  return {.to = TaskState::discarded, .error = gave_up(error, reason)};
}

Transition after_failure(const Context& context, const Failure& failure) {
  const Attempted& task = context.task;
  const Error error = clean_error(failure.error);
  if (!failure.worth_retrying) return give_up(error, "not worth retrying");
  if (task.max_attempts != unlimited && task.attempt >= task.max_attempts) {
    // A task that never was to try again did not give up: its error is all there is to say.
    if (task.max_attempts == 1) return {.to = TaskState::discarded, .error = error};
    return give_up(error, "attempt " + std::to_string(task.attempt) + " of " + std::to_string(task.max_attempts));
  }
  if (!context.retry.worth(error)) return give_up(error, "the retry policy says no");
  const Duration wait = wait_after(context, failure.after, error);
  if (!in_time(context, wait)) return give_up(error, too_late(task));
  return {.to = TaskState::retryable, .wait = wait, .error = error};
}

Transition after_snooze(const Context& context, const Outcome& outcome) {
  const Error why = make_error(Code::failed, outcome.why, "snoozed");
  const Duration wait = wait_after(context, outcome.after, why);
  if (!in_time(context, wait)) return give_up(why, too_late(context.task));
  Transition transition{.to = TaskState::scheduled, .wait = wait, .gives_back = true};
  if (!outcome.why.empty()) transition.error = why;
  return transition;
}

bool is_cancelled(const Attempted& task) {
  return task.stop == StopReason::cancelled || task.stop == StopReason::caller;
}

// `said` is what the body threw, or why it wanted to come back.
Transition after_cancel(const std::optional<Error>& said) {
  const std::string text = "cancelled while it ran";
  const Error error = said ? with_code(Code::cancelled, around(text + ": ", *said)) : Error(Code::cancelled, text);
  return {.to = TaskState::cancelled, .error = error};
}

Transition after_timeout(const Context& context, const Ended& ended) {
  std::string text = context.task.outlived_grace ? "timed out, and ended after the grace period" : "timed out";
  if (!ended.error) return after_failure(context, {Error(Code::failed, std::move(text)), ended.worth_retrying});
  return after_failure(context, {around(text + ": ", *ended.error), ended.worth_retrying});
}

Transition after_interruption(const Context& context, const Ended& ended) {
  if (is_cancelled(context.task)) return after_cancel(ended.error);
  const StopReason stop = context.task.stop;
  if (stop == StopReason::shutting_down || stop == StopReason::lease_lost) {
    return {.to = TaskState::available, .gives_back = true};
  }
  return after_timeout(context, ended);
}

Transition after_outcome(const Context& context, const Outcome& outcome) {
  const bool comes_back = outcome.kind == Outcome::Kind::retry || outcome.kind == Outcome::Kind::snooze;
  if (comes_back && is_cancelled(context.task)) {
    return after_cancel(outcome.why.empty() ? std::nullopt : std::optional(Error(Code::cancelled, outcome.why)));
  }
  switch (outcome.kind) {
    case Outcome::Kind::done:
      return {.to = TaskState::completed};
    case Outcome::Kind::snooze:
      return after_snooze(context, outcome);
    case Outcome::Kind::cancel:
      return {.to = TaskState::cancelled,
              .error = make_error(Code::cancelled, outcome.why, "cancelled by its own body")};
    case Outcome::Kind::discard:
      return {.to = TaskState::discarded,
              .error = make_error(Code::discarded, outcome.why, "discarded by its own body")};
    case Outcome::Kind::retry:
      break;
  }
  return after_failure(context,
                       {make_error(Code::failed, outcome.why, "the body asked for a retry"), true, outcome.after});
}

// Whether the body said something about its outcome that still counts.
bool has_a_say(const Attempted& task, const Ended& ended) {
  if (ended.how != Ended::How::outcome) return false;
  const Outcome::Kind kind = ended.outcome.kind;
  return !(task.outlived_grace && (kind == Outcome::Kind::done || kind == Outcome::Kind::snooze));
}

}  // namespace

Transition decide(const Attempted& task, Ended ended, SteadyTime now, const Retry& retry, Rng& rng) {
  const Context context{task, now, retry, rng};
  if (has_a_say(task, ended)) return after_outcome(context, ended.outcome);
  if (task.stop != StopReason::none || task.outlived_grace) return after_interruption(context, ended);
  if (ended.how == Ended::How::returned) return {.to = TaskState::completed};
  const Error error = ended.error ? *ended.error : Error(Code::failed, "the body failed without saying why");
  return after_failure(context, {error, ended.worth_retrying});
}

Error gave_up(const Error& error, const std::string& reason) {
  return around("", error, " (gave up: " + reason + ")");
}

}  // namespace v0
}  // namespace errand
