#include <errand/retry.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>

#include "base/time.h"

namespace errand {
inline namespace v0 {

namespace {

using namespace std::chrono_literals;

constexpr Duration kNoCap = Duration::max();

std::string number_text(double number) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, number).ptr};
}

Error invalid(std::string what) {
  return Error(Code::invalid, "retry: " + std::move(what));
}

// The name under which each kind of policy takes its `base`.
const char* base_name(Retry::Kind kind) {
  switch (kind) {
    case Retry::Kind::fixed:
      return "wait";
    case Retry::Kind::linear:
      return "step";
    default:
      return "base";
  }
}

bool has_base(Retry::Kind kind) {
  return kind == Retry::Kind::fixed || kind == Retry::Kind::linear || kind == Retry::Kind::exponential;
}

// Only multiplications, so that the result is the same on every machine. REQUIRES: factor >= 1.
double power(double factor, int exponent) {
  double result = 1;
  for (; exponent > 0; exponent /= 2) {
    if (exponent % 2 != 0) result *= factor;
    factor *= factor;
  }
  return result;
}

Duration linear_wait(Duration step, int attempt) {
  std::int64_t ns = 0;
  if (__builtin_mul_overflow(step.count(), std::int64_t{attempt}, &ns)) return Duration::max();
  return Duration(ns);
}

Duration exponential_wait(Duration base, double factor, int attempt, Duration max) {
  const double ns = static_cast<double>(base.count()) * power(factor, attempt - 1);
  return ns < static_cast<double>(max.count()) ? Duration(static_cast<std::int64_t>(ns)) : max;
}

// Evenly from wait - jitter * wait to wait + jitter * wait, as far as max allows. Cutting off what lies above max
// instead would let half of all tasks that have reached the cap come back at the same moment.
Duration spread(Duration wait, double jitter, Duration max, Rng& rng) {
  const double most = static_cast<double>(wait.count()) * jitter;
  if (most < 1) return wait;
  const Duration by = most < static_cast<double>(wait.count()) ? Duration(static_cast<std::int64_t>(most)) : wait;
  const Duration low = wait - by;
  const Duration high = by > max - wait ? max : wait + by;
  return low + Duration(rng.below(static_cast<std::uint64_t>((high - low).count()) + 1));
}

}  // namespace

Retry::Retry(Kind kind, Duration base, Duration max, double factor, double jitter)
    : kind_(kind), base_(base), max_(max), factor_(factor), jitter_(jitter) {}

Retry::Retry() : Retry(Kind::exponential, 1s, 1h, 2, 0.1) {}

Retry Retry::none() {
  return {Kind::none, 0s, kNoCap, 1, 0};
}

Retry Retry::immediate() {
  return {Kind::immediate, 0s, kNoCap, 1, 0};
}

Retry Retry::fixed(Duration wait) {
  return {Kind::fixed, wait, kNoCap, 1, 0};
}

Retry Retry::linear(Duration step) {
  return linear(step, kNoCap);
}

Retry Retry::linear(Duration step, Duration max) {
  return {Kind::linear, step, max, 1, 0};
}

Retry Retry::exponential(Duration base, Duration max) {
  return exponential(base, max, 2);
}

Retry Retry::exponential(Duration base, Duration max, double factor) {
  return {Kind::exponential, base, max, factor, 0.1};
}

Retry Retry::custom(Wait wait) {
  Retry retry{Kind::custom, 0s, kNoCap, 1, 0};
  retry.wait_ = std::make_shared<const Wait>(std::move(wait));
  return retry;
}

Retry Retry::with_jitter(double jitter) const {
  Retry copy = *this;
  copy.jitter_ = jitter;
  return copy;
}

Retry Retry::with_max(Duration max) const {
  Retry copy = *this;
  copy.max_ = max;
  return copy;
}

Retry Retry::when(Worth worth) const {
  Retry copy = *this;
  copy.worth_ = std::make_shared<const Worth>(std::move(worth));
  return copy;
}

Result<void> Retry::check() const {
  const std::string_view name = base_name(kind_);
  if (has_base(kind_) && base_ <= 0s)
    return invalid(std::string(name) + " is " + to_text(base_) + "; expected more than 0s");
  if (has_base(kind_) && max_ < base_) {
    return invalid("max " + to_text(max_) + " is below " + std::string(name) + " " + to_text(base_) +
                   "; expected max >= " + std::string(name));
  }
  if (max_ < 0s) return invalid("max is " + to_text(max_) + "; expected 0s or more");
  if (!std::isfinite(factor_) || factor_ < 1)
    return invalid("factor is " + number_text(factor_) + "; expected 1 or more");
  if (!(jitter_ >= 0 && jitter_ <= 1)) return invalid("jitter is " + number_text(jitter_) + "; expected 0 to 1");
  if (wait_ && !*wait_) return invalid("the function of custom() is empty; expected a callable");
  if (worth_ && !*worth_) return invalid("the function of when() is empty; expected a callable");
  return {};
}

bool Retry::worth(const Error& error) const {
  if (kind_ == Kind::none) return false;
  if (!worth_ || !*worth_) return true;
  try {
    return (*worth_)(error);
  } catch (...) {
    return true;
  }
}

Duration Retry::wait_after(int attempt, const Error& error, Rng& rng) const {
  Duration wait{};
  switch (kind_) {
    case Kind::none:
    case Kind::immediate:
      return 0s;
    case Kind::fixed:
      wait = base_;
      break;
    case Kind::linear:
      wait = linear_wait(base_, attempt);
      break;
    case Kind::exponential:
      wait = exponential_wait(base_, factor_, attempt, max_);
      break;
    case Kind::custom:
      try {
        wait = std::max((*wait_)(attempt, error), Duration(0));
      } catch (...) {
        return std::min(Retry().wait_after(attempt, error, rng), max_);
      }
      break;
  }
  wait = std::min(wait, max_);
  return spread(wait, jitter_, max_, rng);
}

}  // namespace v0
}  // namespace errand
