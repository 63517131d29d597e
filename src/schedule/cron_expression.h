#pragma once
// A cron expression, taken apart: what each field says, and which numbers that comes to.

#include <errand/clock.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace errand {
inline namespace v0 {

/// The fields in the order they are written. An expression of five has no seconds, which then are 0.
enum class CronPart : unsigned char { second, minute, hour, day_of_month, month, day_of_week };
inline constexpr int kCronParts = 6;

/// "day-of-month".
[[nodiscard]] std::string_view to_string(CronPart part) noexcept;

struct CronLimits {
  int lowest;
  int highest;  ///< of a day of week 7, which is Sunday as 0 is
};
[[nodiscard]] CronLimits limits_of(CronPart part) noexcept;

/// Something to say about one place of an expression.
struct CronRemark {
  std::optional<CronPart> part{};  ///< unset: about the expression as a whole
  int column = 1;                  ///< counted from 1, in bytes
  std::string reason{};

  friend bool operator==(const CronRemark&, const CronRemark&) = default;
};

/// One item of a field's list.
struct CronItem {
  enum class Kind : unsigned char {
    any,              ///< `*`, and with a step `*/n`
    number,           ///< `first`
    range,            ///< `first-last`, and `first/step` up to the field's top
    last_day,         ///< `L`: the month's last day
    last_workday,     ///< `LW`: the month's last Monday to Friday
    nearest_workday,  ///< `firstW`: the Monday to Friday nearest to that day, in the same month
    nth_weekday,      ///< `first#last`: the month's last-th such day
    last_weekday,     ///< `firstL`: the month's last such day
  };
  Kind kind = Kind::any;
  int first = 0;
  int last = 0;
  int step = 1;

  friend bool operator==(const CronItem&, const CronItem&) = default;
};

struct CronField {
  std::vector<CronItem> items{};
  bool starts_with_star = false;  ///< by spelling: `*`, `?`, `*/5` and `*,5` do, `0-59` and `5,*` do not
  std::uint64_t bits = 0;         ///< bit n is set where a plain item contains n; of a day of week 7 counts as 0
};

/// An expression as parse_cron() understood it. Nobody else makes one.
///
/// Threads: a plain value.
struct CronExpression {
  std::string text{};  ///< as it was given
  std::array<CronField, kCronParts> fields{};
  Duration every{};  ///< of `@every`; zero for all others, and only then the fields mean something
  std::vector<CronRemark> warnings{};

  // The day items that no fixed set of numbers can express.
  bool last_day = false;
  bool last_workday = false;
  std::uint32_t nearest_workdays = 0;          ///< bit d: dW
  std::array<std::uint8_t, 7> nth_weekdays{};  ///< of each day of the week, bit n: d#n
  std::uint8_t last_weekdays = 0;              ///< bit d: dL
  bool has_monthly_days = false;               ///< any of the above

  [[nodiscard]] const CronField& field(CronPart part) const noexcept { return fields[static_cast<std::size_t>(part)]; }
  [[nodiscard]] CronField& field(CronPart part) noexcept { return fields[static_cast<std::size_t>(part)]; }

  /// Whether it goes on through changes of the clock by what the clock shows. Minutes and hours decide, seconds do not.
  [[nodiscard]] bool follows_the_clock() const noexcept {
    return field(CronPart::minute).starts_with_star || field(CronPart::hour).starts_with_star;
  }
};

/// Fills in the bits and the monthly days from the fields' items.
void compile(CronExpression& expression);

}  // namespace v0
}  // namespace errand
