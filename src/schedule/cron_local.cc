#include "schedule/cron_local.h"

#include "schedule/cron_days.h"

#include <bit>

namespace errand {
inline namespace v0 {

namespace {

using namespace std::chrono;

// The lowest set bit from `from` on, or -1.
int next_bit(std::uint64_t bits, int from) {
  const std::uint64_t left = from >= 64 ? 0 : bits >> from;
  return left == 0 ? -1 : from + std::countr_zero(left);
}

// The first matching second of a day from `from` on, both counted from midnight, or -1.
int next_second_of_day(const CronExpression& expression, int from) {
  const std::uint64_t hours_set = expression.field(CronPart::hour).bits;
  const std::uint64_t minutes_set = expression.field(CronPart::minute).bits;
  const std::uint64_t seconds_set = expression.field(CronPart::second).bits;
  const int first_minute = next_bit(minutes_set, 0);
  const int first_second = next_bit(seconds_set, 0);

  const int hour = next_bit(hours_set, from / 3'600);
  if (hour < 0) return -1;
  if (hour > from / 3'600) return hour * 3'600 + first_minute * 60 + first_second;

  const int minute = next_bit(minutes_set, from / 60 % 60);
  if (minute == from / 60 % 60) {
    const int second = next_bit(seconds_set, from % 60);
    if (second >= 0) return hour * 3'600 + minute * 60 + second;
  }
  const int later_minute = next_bit(minutes_set, from / 60 % 60 + 1);
  if (later_minute >= 0) return hour * 3'600 + later_minute * 60 + first_second;
  const int later_hour = next_bit(hours_set, hour + 1);
  return later_hour < 0 ? -1 : later_hour * 3'600 + first_minute * 60 + first_second;
}

// The first day from `from` on, and not after `last`, that the day and month fields match.
std::optional<local_days> next_day(const CronExpression& expression, local_days from, local_days last) {
  const std::uint64_t months_set = expression.field(CronPart::month).bits;
  const year_month_day date(from);
  year_month month = date.year() / date.month();
  int first_day = static_cast<int>(static_cast<unsigned>(date.day()));
  while (local_days(month / 1) <= last) {
    const int number = static_cast<int>(static_cast<unsigned>(month.month()));
    const int found = next_bit(months_set, number);
    if (found == number) {
      const int day = next_bit(matching_days(expression, month), first_day);
      if (day > 0) return local_days(month / day);
      month += months(1);
    } else if (found > 0) {
      month = month.year() / found;
    } else {
      month = (month.year() + years(1)) / next_bit(months_set, 1);
    }
    first_day = 1;
  }
  return std::nullopt;
}

}  // namespace

std::optional<local_seconds> next_match(const CronExpression& expression, local_seconds from,
                                        local_seconds end) noexcept {
  if (from >= end) return std::nullopt;
  const local_days last = floor<days>(end - seconds(1));
  local_days day = floor<days>(from);
  int second = static_cast<int>((from - day).count());
  while (const auto matching = next_day(expression, day, last)) {
    if (*matching > day) second = 0;
    day = *matching;
    const int found = next_second_of_day(expression, second);
    if (found >= 0) {
      const local_seconds match = day + seconds(found);
      return match < end ? std::optional(match) : std::nullopt;
    }
    day += days(1);
    second = 0;
  }
  return std::nullopt;
}

}  // namespace v0
}  // namespace errand
