#include "schedule/words.h"

#include <bit>

namespace errand {
inline namespace v0 {

namespace {

std::string two_digits(int number) {
  return (number < 10 ? "0" : "") + std::to_string(number);
}

}  // namespace

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " and " : ", ";
    text += words[i];
  }
  return text;
}

std::string ordinal(int number) {
  const bool teen = number % 100 / 10 == 1;
  constexpr std::string_view endings[] = {"th", "st", "nd", "rd"};
  const int last = number % 10;
  return std::to_string(number).append(teen || last > 3 ? endings[0] : endings[last]);
}

std::string weekday_name(int weekday) {
  constexpr const char* names[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
  return names[weekday % 7];
}

std::string month_name(int month) {
  constexpr const char* names[] = {"January", "February", "March",     "April",   "May",      "June",
                                   "July",    "August",   "September", "October", "November", "December"};
  return names[month - 1];
}

std::string clock_time(int hour, int minute) {
  return two_digits(hour) + ":" + two_digits(minute);
}

std::string clock_time(int hour, int minute, int second) {
  return clock_time(hour, minute) + ":" + two_digits(second);
}

std::string interval_words(Duration interval) {
  struct Unit {
    std::int64_t seconds;
    const char* name;
  };
  constexpr Unit units[] = {{86'400, "day"}, {3'600, "hour"}, {60, "minute"}, {1, "second"}};
  std::int64_t left = std::chrono::duration_cast<std::chrono::seconds>(interval).count();
  for (const Unit& unit : units) {
    if (left == unit.seconds) return unit.name;
  }
  std::string text;
  for (const Unit& unit : units) {
    const std::int64_t number = left / unit.seconds;
    left %= unit.seconds;
    if (number == 0) continue;
    if (!text.empty()) text += " ";
    text += std::to_string(number) + " " + unit.name + (number == 1 ? "" : "s");
  }
  return text;
}

std::vector<int> numbers_in(std::uint64_t bits) {
  std::vector<int> numbers;
  for (; bits != 0; bits &= bits - 1) numbers.push_back(std::countr_zero(bits));
  return numbers;
}

int last_reached(const CronItem& item) {
  return item.first + (item.last - item.first) / item.step * item.step;
}

}  // namespace v0
}  // namespace errand
