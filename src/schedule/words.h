#pragma once
// Small pieces of English for describe().

#include "schedule/cron_expression.h"

namespace errand {
inline namespace v0 {

/// "a", "a and b", "a, b and c".
[[nodiscard]] std::string joined(const std::vector<std::string>& words);
/// 1 -> "1st", 22 -> "22nd".
[[nodiscard]] std::string ordinal(int number);
/// 1 -> "Monday"; 0 and 7 are Sunday.
[[nodiscard]] std::string weekday_name(int weekday);
/// 1 -> "January".
[[nodiscard]] std::string month_name(int month);
/// "09:05", and with a second "09:05:30".
[[nodiscard]] std::string clock_time(int hour, int minute);
[[nodiscard]] std::string clock_time(int hour, int minute, int second);
/// "1 hour 30 minutes"; one unit once has no number: "hour".
[[nodiscard]] std::string interval_words(Duration interval);

/// The numbers whose bits are set.
[[nodiscard]] std::vector<int> numbers_in(std::uint64_t bits);
/// The last number that the item's steps reach.
[[nodiscard]] int last_reached(const CronItem& item);

}  // namespace v0
}  // namespace errand
