#include "schedule/cron_every.h"

#include <algorithm>

namespace errand {
inline namespace v0 {

namespace {

// No schedule is looked for further ahead than 50 years, so a longer interval would never fire.
constexpr std::int64_t kLongestSeconds = std::int64_t{50 * 365 + 12} * 86'400;

std::int64_t seconds_in(char unit) {
  switch (lower(unit)) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3'600;
    case 'd':
      return 86'400;
    default:
      return 0;
  }
}

}  // namespace

std::optional<CronRemark> read_duration(std::string_view text, Word word, Duration& every) {
  const auto problem = [](std::size_t at, std::string reason) {
    return CronRemark{std::nullopt, static_cast<int>(at) + 1, std::move(reason)};
  };
  std::int64_t total = 0;
  std::size_t at = word.begin;
  while (at < word.end()) {
    if (!is_digit(text[at])) {
      return problem(
          at, "unexpected " + shown(text[at]) + "; a duration is whole numbers with s, m, h or d, such as 1h30m");
    }
    const std::size_t number_at = at;
    std::int64_t number = 0;
    for (; at < word.end() && is_digit(text[at]); ++at)
      number = std::min(number * 10 + (text[at] - '0'), kLongestSeconds + 1);
    if (at == word.end())
      return problem(at, "a unit is missing; a duration is whole numbers with s, m, h or d, such as 90s");
    const std::int64_t unit = seconds_in(text[at]);
    if (unit == 0) return problem(at, "unexpected " + shown(text[at]) + " as a unit; allowed are s, m, h and d");
    ++at;
    total += number * unit;
    if (total > kLongestSeconds) return problem(number_at, "an interval of more than 50 years never fires");
  }
  if (total == 0) return problem(word.begin, "the interval is zero; it has to be above zero");
  every = std::chrono::seconds(total);
  return std::nullopt;
}

}  // namespace v0
}  // namespace errand
