#pragma once
/// When a failed task gets another attempt.

#include <errand/callback.h>
#include <errand/clock.h>
#include <errand/random.h>
#include <errand/result.h>

#include <memory>
#include <string>
#include <string_view>

namespace errand {
inline namespace v0 {

/// TaskOptions::max_attempts without an end.
inline constexpr int unlimited = -1;

/// How long a failed task waits before its next attempt. How often it is tried is TaskOptions::max_attempts.
///
/// After attempt n the wait is: immediate 0; fixed base; linear base * n; exponential base * factor^(n-1); custom
/// what the function says. It is cut to max, and then spread evenly over +-jitter of itself, as far as max allows: a
/// wait at the cap is spread below it.
///
///     Retry::exponential(1s, 1h)                          1 s, 2 s, 4 s ... an hour, each +-10 %
///     Retry::fixed(5s).with_jitter(0.5)                   2.5 s to 7.5 s
///     Retry::linear(1s).when(is_network_error)            anything else is not tried again
///
/// Jitter is 0.1 for exponential, whose waits are there to ease the load on somebody else, and 0 for all the others,
/// which are taken at their word. Where no max is given there is none.
/// Units:   nanoseconds as Duration; jitter is a fraction, 0 to 1.
/// Errors:  check() says which value is out of range and what is allowed; queues call it where the policy comes in.
/// Threads: a plain value; copies share the functions, which may be called from several threads at once.
/// Source:  M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
class Retry {
 public:
  enum class Kind : unsigned char { none, immediate, fixed, linear, exponential, custom };
  /// The wait after failed attempt `attempt` (from 1). Negative answers count as zero; a throw as the library's
  /// default, which still keeps to this policy's max.
  using Wait = Callback<Duration(int attempt, const Error& error)>;
  /// Whether this error is worth another attempt. A throw counts as yes.
  using Worth = Callback<bool(const Error& error)>;

  /// The library's default: exponential(1 s, 1 h), jitter 0.1. With 20 attempts about 8 hours in all.
  Retry();

  [[nodiscard]] static Retry none();       ///< no further attempt
  [[nodiscard]] static Retry immediate();  ///< at once
  [[nodiscard]] static Retry fixed(Duration wait);
  [[nodiscard]] static Retry linear(Duration step);
  [[nodiscard]] static Retry linear(Duration step, Duration max);
  [[nodiscard]] static Retry exponential(Duration base, Duration max);  ///< factor 2
  [[nodiscard]] static Retry exponential(Duration base, Duration max, double factor);
  [[nodiscard]] static Retry custom(Wait wait);

  [[nodiscard]] Retry with_jitter(double jitter) const;  ///< 0 = always the same wait
  [[nodiscard]] Retry with_max(Duration max) const;      ///< a cap that holds with jitter too
  [[nodiscard]] Retry when(Worth worth) const;           ///< further attempts only for errors this says yes to

  /// base <= 0, max < base, factor < 1 or infinite, jitter outside 0..1 and an empty function are `invalid`.
  [[nodiscard]] Result<void> check() const;

  /// As text, for stores: "exponential base=1000000000 max=3600000000000 factor=2
  /// jitter=0.1", in nanoseconds. `invalid` where a function belongs to it.
  [[nodiscard]] Result<std::string> text() const;
  /// Reads what text() wrote; anything else is `invalid`.
  [[nodiscard]] static Result<Retry> parse(std::string_view text);

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  /// Whether `error` may be followed by another attempt, as far as this policy is asked. none() always says no.
  [[nodiscard]] bool worth(const Error& error) const;
  /// From 0 to max, whatever the attempt's number. REQUIRES: attempt >= 1 and check().
  [[nodiscard]] Duration wait_after(int attempt, const Error& error, Rng& rng) const;

 private:
  Retry(Kind kind, Duration base, Duration max, double factor, double jitter);

  Kind kind_;
  Duration base_;
  Duration max_;
  double factor_;
  double jitter_;
  std::shared_ptr<const Wait> wait_{};
  std::shared_ptr<const Worth> worth_{};
};

}  // namespace v0
}  // namespace errand
