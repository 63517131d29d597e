#include "engine/options.h"

#include "base/time.h"
#include "core/text.h"
#include "engine/lines.h"

namespace errand {
inline namespace v0 {
namespace detail {

namespace {

std::string expected(std::string_view field, std::string_view what, const std::string& got) {
  return std::string(field) + ": expected " + std::string(what) + ", got " + got;
}

std::optional<std::string> positive(std::string_view field, const std::optional<Duration>& d) {
  if (d && *d <= Duration::zero()) return expected(field, "more than zero, or unset for no limit", to_text(*d));
  return std::nullopt;
}

std::optional<std::string> in_range(std::string_view field, int value, int low, int high) {
  if (value >= low && value <= high) return std::nullopt;
  return expected(field, std::to_string(low) + " to " + std::to_string(high), std::to_string(value));
}

std::optional<std::string> at_most(std::string_view field, std::size_t size, std::size_t limit) {
  if (size <= limit) return std::nullopt;
  return expected(field, "at most " + std::to_string(limit) + " bytes", std::to_string(size));
}

std::optional<std::string> check_attempts(const std::optional<int>& attempts) {
  if (!attempts || *attempts >= 1 || *attempts == unlimited) return std::nullopt;
  return expected("max_attempts", "1 or more, or errand::unlimited", std::to_string(*attempts));
}

std::optional<std::string> check_retry(const std::optional<Retry>& retry) {
  if (retry) {
    if (auto checked = retry->check(); !checked) return checked.error().message();
  }
  return std::nullopt;
}

// The first of several complaints.
template <class... Complaint>
std::optional<std::string> first_of(Complaint&&... complaints) {
  std::optional<std::string> found;
  static_cast<void>(((complaints ? (found = std::move(complaints), true) : false) || ...));
  return found;
}

std::size_t bytes_in(const Metadata& metadata) {
  std::size_t sum = 0;
  for (const auto& [key, value] : metadata) sum += key.size() + value.size();
  return sum;
}

}  // namespace

bool has_wishes(const TaskOptions& options) {
  return options.at || options.max_attempts || options.retry || options.timeout || options.max_elapsed ||
         options.expires_at || options.stop.stop_possible() || !options.name.empty() || options.on_finish ||
         !options.metadata.empty();
}

std::optional<std::string> check(const TaskOptions& options) {
  // Most have no more than a delay or a priority: a few comparisons.
  const bool in_order = options.delay >= Duration::zero() && options.priority >= 0 && options.priority <= 9;
  if (in_order && !has_wishes(options)) return std::nullopt;
  std::optional<std::string> both;
  if (options.at && options.delay != Duration::zero()) both = "at and delay: expected one of the two, got both";
  std::optional<std::string> negative;
  if (options.delay < Duration::zero()) negative = expected("delay", "zero or more", to_text(options.delay));
  return first_of(negative, both, in_range("priority", options.priority, 0, 9), check_attempts(options.max_attempts),
                  check_retry(options.retry), positive("timeout", options.timeout),
                  positive("max_elapsed", options.max_elapsed), at_most("name", options.name.size(), 256),
                  at_most("metadata", bytes_in(options.metadata), 4096));
}

std::optional<std::string> check(const ScheduleOptions& options, bool by_interval) {
  std::optional<std::string> jitter;
  if (options.jitter < Duration::zero()) jitter = expected("jitter", "zero or more", to_text(options.jitter));
  std::optional<std::string> useless;
  if (by_interval && options.time_zone != ScheduleOptions{}.time_zone) {
    useless = "time_zone: an interval is the same everywhere; use cron() for times of day";
  } else if (by_interval && options.dst != ScheduleOptions{}.dst) {
    useless = "dst: an interval knows no clock changes; use cron() for times of day";
  } else if (!by_interval && options.first != ScheduleOptions{}.first) {
    useless = "first: a cron expression says when it comes first; trigger() runs it now";
  } else if (options.missed != Missed::all && options.catch_up_cap != ScheduleOptions{}.catch_up_cap) {
    useless = "catch_up_cap: expected Missed::all beside it; no other choice makes up for more than one slot";
  } else if (options.missed == Missed::skip && options.catch_up_window) {
    useless = "catch_up_window: expected no Missed::skip beside it, which makes up for nothing";
  }
  return first_of(
      useless, at_most("name", options.name.size(), 256), jitter, in_range("priority", options.priority, 0, 9),
      check_attempts(options.max_attempts), check_retry(options.retry), positive("timeout", options.timeout),
      in_range("catch_up_cap", options.catch_up_cap, 1, 10'000), positive("catch_up_window", options.catch_up_window));
}

std::optional<std::string> check(const QueueOptions& options) {
  std::optional<std::string> line;
  const bool own_line = options.order != Order::fair || options.age_step;
  if (options.line && own_line) line = "line: expected no order and no age_step beside a line of one's own";
  if (options.age_step && options.order == Order::depth_first)
    line = "age_step: expected no Order::depth_first beside it";
  if (options.capacity != 0 && options.order == Order::depth_first)
    line = "capacity: expected no Order::depth_first beside it";
  std::optional<std::string> useless;
  if (options.capacity == 0 && options.when_full != WhenFull::refuse) {
    useless = "when_full: expected a capacity beside it; this queue is never full";
  } else if (options.store != nullptr && options.when_full == WhenFull::drop_oldest) {
    useless =
        "when_full: expected no drop_oldest beside a store, whose tasks are not to be dropped; give closures a "
        "queue of their own";
  } else if (options.block_for && options.when_full != WhenFull::block) {
    useless = "block_for: expected WhenFull::block beside it";
  } else if (options.on_wake && options.drive != Drive::manual) {
    useless = "on_wake: expected Drive::manual beside it; workers wake by themselves";
  } else if (options.spin != Duration::zero() && options.drive == Drive::manual) {
    useless = "spin: expected Drive::threads beside it; there is nobody to spin";
  } else if (!options.timed && options.metrics != nullptr) {
    useless = "timed: expected true beside metrics, which would hear of no durations";
  }
  std::optional<std::string> spin;
  if (options.spin < Duration::zero()) spin = expected("spin", "zero or more", to_text(options.spin));
  std::optional<std::string> age;
  if (options.retention.age < Duration::zero())
    age = expected("retention.age", "zero or more", to_text(options.retention.age));
  std::optional<std::string> name;
  if (!is_utf8(options.name) || options.name.find('\0') != std::string::npos) name = "name: expected UTF-8 without NUL";
  return first_of(at_most("name", options.name.size(), 64), name,
                  in_range("workers", options.workers.value_or(1), 0, 1024), positive("block_for", options.block_for),
                  positive("age_step", options.age_step), line, useless, check_retry(options.retry),
                  positive("stuck_after", options.stuck_after), age, spin);
}

std::shared_ptr<WaitingLine> make_line(const QueueOptions& options) {
  if (options.line) return options.line;
  if (options.order == Order::strict || options.age_step || options.capacity != 0) {
    return std::make_shared<PriorityLine>(options.age_step.value_or(Duration::zero()));
  }
  return nullptr;
}

}  // namespace detail

Result<void> QueueOptions::check() const {
  if (auto complaint = detail::check(*this)) return Error(Code::invalid, "queue options: " + *complaint);
  return {};
}

}  // namespace v0
}  // namespace errand
