#include "schedule/cron_expression.h"

namespace errand {
inline namespace v0 {

namespace {

std::uint64_t bits_of(const CronItem& item, CronPart part) {
  using Kind = CronItem::Kind;
  if (item.kind != Kind::any && item.kind != Kind::number && item.kind != Kind::range) return 0;
  std::uint64_t bits = 0;
  const int last = item.kind == Kind::number ? item.first : item.last;
  for (int n = item.first; n <= last; n += item.step) {
    // Ranges and steps count as written; only then does 7 become 0.
    bits |= std::uint64_t{1} << (part == CronPart::day_of_week && n == 7 ? 0 : n);
  }
  return bits;
}

void add_monthly(CronExpression& expression, const CronItem& item) {
  using Kind = CronItem::Kind;
  const int weekday = item.first % 7;
  switch (item.kind) {
    case Kind::any:
    case Kind::number:
    case Kind::range:
      return;
    case Kind::last_day:
      expression.last_day = true;
      break;
    case Kind::last_workday:
      expression.last_workday = true;
      break;
    case Kind::nearest_workday:
      expression.nearest_workdays |= std::uint32_t{1} << item.first;
      break;
    case Kind::nth_weekday:
      expression.nth_weekdays[static_cast<std::size_t>(weekday)] |= 1u << item.last;
      break;
    case Kind::last_weekday:
      expression.last_weekdays |= 1u << weekday;
      break;
  }
  expression.has_monthly_days = true;
}

}  // namespace

std::string_view to_string(CronPart part) noexcept {
  switch (part) {
    case CronPart::second:
      return "second";
    case CronPart::minute:
      return "minute";
    case CronPart::hour:
      return "hour";
    case CronPart::day_of_month:
      return "day-of-month";
    case CronPart::month:
      return "month";
    case CronPart::day_of_week:
      return "day-of-week";
  }
  return "unknown";
}

CronLimits limits_of(CronPart part) noexcept {
  switch (part) {
    case CronPart::second:
    case CronPart::minute:
      return {0, 59};
    case CronPart::hour:
      return {0, 23};
    case CronPart::day_of_month:
      return {1, 31};
    case CronPart::month:
      return {1, 12};
    case CronPart::day_of_week:
      return {0, 7};
  }
  return {0, 0};
}

void compile(CronExpression& expression) {
  for (int i = 0; i < kCronParts; ++i) {
    const auto part = static_cast<CronPart>(i);
    CronField& field = expression.field(part);
    for (const CronItem& item : field.items) {
      field.bits |= bits_of(item, part);
      add_monthly(expression, item);
    }
  }
}

}  // namespace v0
}  // namespace errand
