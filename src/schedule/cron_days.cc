#include "schedule/cron_days.h"

#include <bit>

namespace errand {
inline namespace v0 {

namespace {

// A month as bits: bit d is day d.
struct Month {
  int length;
  int first_weekday;  // of day 1; 0 is Sunday

  [[nodiscard]] std::uint32_t all() const { return ((std::uint32_t{1} << length) - 1) << 1; }
  [[nodiscard]] int weekday_of(int day) const { return (first_weekday + day - 1) % 7; }
  [[nodiscard]] int first(int weekday) const { return 1 + (weekday - first_weekday + 7) % 7; }
  [[nodiscard]] int last(int weekday) const { return first(weekday) + (length - first(weekday)) / 7 * 7; }
};

constexpr int kSaturday = 6;
constexpr int kSunday = 0;

std::uint32_t bit(int day) {
  return std::uint32_t{1} << day;
}

Month month_of(std::chrono::year_month month) {
  using namespace std::chrono;
  const auto first = month / 1;
  const auto length = static_cast<unsigned>((month / std::chrono::last).day());
  return {static_cast<int>(length), static_cast<int>(weekday(sys_days(first)).c_encoding())};
}

// A weekend moves to the Friday before or the Monday after, but not into another month.
int nearest_workday(const Month& month, int day) {
  switch (month.weekday_of(day)) {
    case kSaturday:
      return day > 1 ? day - 1 : day + 2;
    case kSunday:
      return day < month.length ? day + 1 : day - 2;
    default:
      return day;
  }
}

int last_workday(const Month& month) {
  switch (month.weekday_of(month.length)) {
    case kSaturday:
      return month.length - 1;
    case kSunday:
      return month.length - 2;
    default:
      return month.length;
  }
}

// The days on which one of the set weekdays falls.
std::uint32_t days_on(std::uint64_t weekdays, const Month& month) {
  // Turned so that bit 0 is the weekday of day 1, and repeated for five weeks.
  const std::uint64_t week = (weekdays >> month.first_weekday | weekdays << (7 - month.first_weekday)) & 0x7f;
  const std::uint64_t five = week | week << 7 | week << 14 | week << 21 | week << 28;
  return static_cast<std::uint32_t>(five << 1) & month.all();
}

std::uint32_t monthly_days_of_month(const CronExpression& expression, const Month& month) {
  std::uint32_t days = 0;
  if (expression.last_day) days |= bit(month.length);
  if (expression.last_workday) days |= bit(last_workday(month));
  for (std::uint32_t left = expression.nearest_workdays & month.all(); left != 0; left &= left - 1) {
    days |= bit(nearest_workday(month, std::countr_zero(left)));
  }
  return days;
}

std::uint32_t monthly_days_of_week(const CronExpression& expression, const Month& month) {
  std::uint32_t days = 0;
  for (int weekday = 0; weekday < 7; ++weekday) {
    if (expression.last_weekdays >> weekday & 1) days |= bit(month.last(weekday));
    for (int n = 1; n <= 5; ++n) {
      const int day = month.first(weekday) + 7 * (n - 1);
      if (expression.nth_weekdays[static_cast<std::size_t>(weekday)] >> n & 1 && day <= month.length) days |= bit(day);
    }
  }
  return days;
}

}  // namespace

std::uint32_t matching_days(const CronExpression& expression, std::chrono::year_month year_month) noexcept {
  const Month month = month_of(year_month);
  const CronField& of_month = expression.field(CronPart::day_of_month);
  const CronField& of_week = expression.field(CronPart::day_of_week);
  std::uint32_t by_month = static_cast<std::uint32_t>(of_month.bits) & month.all();
  std::uint32_t by_week = days_on(of_week.bits, month);
  if (expression.has_monthly_days) {
    by_month |= monthly_days_of_month(expression, month);
    by_week |= monthly_days_of_week(expression, month);
  }
  const bool either = !of_month.starts_with_star && !of_week.starts_with_star;
  return either ? by_month | by_week : by_month & by_week;
}

}  // namespace v0
}  // namespace errand
