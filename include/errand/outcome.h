#pragma once
/// What a body can say about how its attempt went.

#include <errand/clock.h>
#include <errand/result.h>

#include <optional>
#include <string>
#include <utility>

namespace errand {
inline namespace v0 {

/// How an attempt ended, in the body's own words. Returning nothing, or a plain value, means done().
struct [[nodiscard]] Outcome {
  enum class Kind : unsigned char { done, retry, snooze, cancel, discard };

  Kind kind = Kind::done;
  std::optional<Duration> after{};  ///< retry and snooze: when to come back; unset leaves it to the retry policy
  std::string why{};                ///< kept as the task's last error
};

/// The task is completed.
inline Outcome done() {
  return {};
}
/// The attempt failed; the retry policy says whether and when there is another.
inline Outcome retry(std::string why) {
  return {Outcome::Kind::retry, {}, std::move(why)};
}
/// The attempt failed; if there is another one, it comes after `after` (below zero counts as zero).
inline Outcome retry_after(Duration after, std::string why) {
  return {Outcome::Kind::retry, after, std::move(why)};
}
/// Not now: come back after `after`. The attempt does not count.
inline Outcome snooze(Duration after) {
  return {Outcome::Kind::snooze, after, {}};
}
/// The task ends cancelled.
inline Outcome cancel(std::string why) {
  return {Outcome::Kind::cancel, {}, std::move(why)};
}
/// The task ends discarded: trying again would not help.
inline Outcome discard(std::string why) {
  return {Outcome::Kind::discard, {}, std::move(why)};
}

/// A value (the task is completed with it), or another outcome.
template <class T>
class [[nodiscard]] OutcomeOf {
 public:
  using value_type = T;

  OutcomeOf(T value) : value_(std::move(value)) {}
  /// REQUIRES: the outcome is not done(), since there is no value.
  OutcomeOf(Outcome outcome) : outcome_(std::move(outcome)) { ERRAND_ASSERT(outcome_.kind != Outcome::Kind::done); }

  [[nodiscard]] bool has_value() const noexcept { return value_.has_value(); }
  [[nodiscard]] T& value() & { return *value_; }
  [[nodiscard]] Outcome& outcome() & { return outcome_; }

 private:
  std::optional<T> value_;
  Outcome outcome_;
};

/// Thrown by a body: the attempt failed, and trying again would not help. Also found when nested in another exception
/// (std::throw_with_nested).
class DoNotRetry : public std::exception {
 public:
  explicit DoNotRetry(std::string why) : why_(std::move(why)) {}
  [[nodiscard]] const char* what() const noexcept override { return why_.c_str(); }

 private:
  std::string why_;
};

}  // namespace v0
}  // namespace errand
