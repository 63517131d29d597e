#include "schedule/describe.h"

#include "schedule/words.h"

#include <algorithm>

namespace errand {
inline namespace v0 {

namespace {

using Kind = CronItem::Kind;

// More single times than this are easier to read as minutes of hours.
constexpr std::size_t kMostTimes = 6;

bool is_number(const CronItem& item) {
  const bool plain = item.kind == Kind::any || item.kind == Kind::number || item.kind == Kind::range;
  return plain && (item.kind == Kind::number || item.first == last_reached(item));
}

bool all_numbers(const CronField& field) {
  return std::all_of(field.items.begin(), field.items.end(), is_number);
}

// `*`, and lists such as `*,5` that leave nothing out either.
bool is_every(const CronField& field) {
  return std::any_of(field.items.begin(), field.items.end(),
                     [](const auto& item) { return item.kind == Kind::any && item.step == 1; });
}

bool is_only(const CronField& field, int number) {
  return all_numbers(field) && field.bits == std::uint64_t{1} << number;
}

bool is_single(const CronField& field) {
  return all_numbers(field) && numbers_in(field.bits).size() == 1;
}

bool is_stepped(const CronItem& item) {
  return (item.kind == Kind::any || item.kind == Kind::range) && item.step > 1;
}

// As joined(), each word once: `1,1,MON` is Monday.
std::string listed(const std::vector<std::string>& words) {
  std::vector<std::string> once;
  for (const std::string& word : words) {
    if (std::find(once.begin(), once.end(), word) == once.end()) once.push_back(word);
  }
  return joined(once);
}

// "5", "10 to 20", "every 7th from 0 to 56".
std::string number_words(const CronItem& item) {
  if (is_number(item)) return std::to_string(item.first);
  const std::string range = std::to_string(item.first) + " to " + std::to_string(last_reached(item));
  return is_stepped(item) ? "every " + ordinal(item.step) + " from " + range : range;
}

std::string number_list(const CronField& field) {
  std::vector<std::string> words(field.items.size());
  std::transform(field.items.begin(), field.items.end(), words.begin(), number_words);
  return listed(words);
}

// Comes at one pace through all of them: `*`, and `*/15` of 60.
bool is_even(const CronField& field) {
  const CronItem& first = field.items.front();
  return is_every(field) ||
         (field.items.size() == 1 && first.kind == Kind::any && first.step < 60 && 60 % first.step == 0);
}

// "every minute", "every 15 minutes", "every 7th minute from 0 to 56", "at minute 5", "at minutes 5 and 10 to 20".
std::string unit_words(const CronField& field, const std::string& unit) {
  if (is_every(field)) return "every " + unit;
  const CronItem& first = field.items.front();
  if (is_single(field)) return "at " + unit + " " + std::to_string(numbers_in(field.bits).front());
  if (is_even(field)) return "every " + std::to_string(first.step) + " " + unit + "s";
  if (field.items.size() > 1 || !is_stepped(first)) return "at " + unit + "s " + number_list(field);
  return "every " + ordinal(first.step) + " " + unit + " from " + std::to_string(first.first) + " to " +
         std::to_string(last_reached(first));
}

// "at 09:00 and 17:30", where the time fields come to a few single times.
std::string single_times(const CronExpression& expression) {
  const CronField& second = expression.field(CronPart::second);
  const CronField& minute = expression.field(CronPart::minute);
  const CronField& hour = expression.field(CronPart::hour);
  if (!all_numbers(second) || !all_numbers(minute) || !all_numbers(hour)) return {};
  std::vector<std::string> times;
  for (const int h : numbers_in(hour.bits)) {
    for (const int m : numbers_in(minute.bits)) {
      for (const int s : numbers_in(second.bits)) {
        times.push_back(is_only(second, 0) ? clock_time(h, m) : clock_time(h, m, s));
      }
    }
  }
  return times.size() > kMostTimes ? std::string() : "at " + listed(times);
}

// "every 2 hours from 09:05 to 17:05", where one minute of evenly spaced hours is meant.
std::string spaced_hours(const CronExpression& expression) {
  const CronField& minute = expression.field(CronPart::minute);
  const CronField& hour = expression.field(CronPart::hour);
  if (!is_only(expression.field(CronPart::second), 0) || !is_single(minute) || hour.items.size() != 1) return {};
  const CronItem& item = hour.items.front();
  if (item.kind == Kind::number || (item.kind == Kind::any && item.step == 1)) return {};
  const int m = numbers_in(minute.bits).front();
  const int last = last_reached(item);
  if (last == item.first) return "at " + clock_time(last, m);
  return "every " + (item.step == 1 ? "hour" : std::to_string(item.step) + " hours") + " from " +
         clock_time(item.first, m) + " to " + clock_time(last, m);
}

// What follows the words for seconds and minutes.
std::string hour_words(const CronField& hour, bool of_minutes) {
  if (is_every(hour)) return of_minutes ? " of every hour" : "";
  const CronItem& first = hour.items.front();
  if (!of_minutes && hour.items.size() == 1 && !is_stepped(first)) {
    return " from " + clock_time(first.first, 0) + " to " +
           clock_time(first.kind == Kind::number ? first.first : first.last, 59);
  }
  return std::string(is_single(hour) ? " of hour " : " of hours ") + number_list(hour);
}

std::string time_words(const CronExpression& expression) {
  if (auto words = single_times(expression); !words.empty()) return words;
  if (auto words = spaced_hours(expression); !words.empty()) return words;
  const CronField& second = expression.field(CronPart::second);
  const CronField& minute = expression.field(CronPart::minute);
  const std::string minutes = unit_words(minute, "minute");
  const std::string hours = hour_words(expression.field(CronPart::hour), !is_even(minute));
  if (is_only(second, 0)) return minutes + hours;
  const std::string seconds = unit_words(second, "second");
  if (!is_every(minute)) return seconds + ", " + minutes + hours;
  return seconds + (is_even(second) ? "" : " of every minute") + hours;
}

std::string monthly_words(const CronItem& item) {
  constexpr const char* counts[] = {"", "first", "second", "third", "fourth", "fifth"};
  switch (item.kind) {
    case Kind::last_day:
      return "the last day";
    case Kind::last_workday:
      return "the last working day (Monday to Friday)";
    case Kind::nearest_workday:
      return "the working day (Monday to Friday) nearest to day " + std::to_string(item.first);
    case Kind::nth_weekday:
      return std::string("the ") + counts[item.last] + " " + weekday_name(item.first);
    case Kind::last_weekday:
      return "the last " + weekday_name(item.first);
    default:
      return {};
  }
}

// "day 1", "days 1 and 15", "every 2nd day from 1 to 31", "day 1 and the last day"; all of the month.
std::string day_of_month_words(const CronField& field) {
  std::vector<std::string> plain, steps, monthly;
  for (const CronItem& item : field.items) {
    if (const std::string words = monthly_words(item); !words.empty()) {
      monthly.push_back(words);
    } else if (is_stepped(item) && last_reached(item) != item.first) {
      steps.push_back("every " + ordinal(item.step) + " day from " + std::to_string(item.first) + " to " +
                      std::to_string(last_reached(item)));
    } else {
      plain.push_back(number_words(item));
    }
  }
  std::vector<std::string> all;
  const std::string days = listed(plain);
  const bool one_day = days.find(' ') == std::string::npos;
  if (!plain.empty()) all.push_back((one_day ? "day " : "days ") + days);
  all.insert(all.end(), steps.begin(), steps.end());
  all.insert(all.end(), monthly.begin(), monthly.end());
  return listed(all) + " of the month";
}

// The names that an item of months or weekdays comes to; a range without steps stays one.
void add_names(const CronItem& item, std::string (*name)(int), std::vector<std::string>& words) {
  if (item.kind == Kind::range && item.step == 1 && item.first != item.last) {
    words.push_back(name(item.first) + " to " + name(item.last));
    return;
  }
  const int last = item.kind == Kind::number ? item.first : item.last;
  for (int n = item.first; n <= last; n += item.step) words.push_back(name(n));
}

std::string day_of_week_words(const CronField& field) {
  std::vector<std::string> words, monthly;
  for (const CronItem& item : field.items) {
    if (const std::string special = monthly_words(item); !special.empty()) {
      monthly.push_back(special);
    } else {
      add_names(item, weekday_name, words);
    }
  }
  if (monthly.empty()) return listed(words);
  words.push_back(listed(monthly) + " of the month");
  return listed(words);
}

// What follows the time, beginning with a comma.
std::string date_words(const CronExpression& expression, bool single) {
  const CronField& of_month = expression.field(CronPart::day_of_month);
  const CronField& of_week = expression.field(CronPart::day_of_week);
  const bool any_of_month = is_every(of_month), any_of_week = is_every(of_week);
  const bool either = !of_month.starts_with_star && !of_week.starts_with_star;
  std::string text;
  if (!any_of_month) text += ", on " + day_of_month_words(of_month);
  if (!any_of_week && any_of_month) {
    const CronItem& item = of_week.items.front();
    const bool one_range = of_week.items.size() == 1 && item.kind == Kind::range && item.step == 1;
    text += (one_range ? ", " : ", on ") + day_of_week_words(of_week);
  } else if (!any_of_week) {
    text += (either ? " or on " : ", and only if that is ") + day_of_week_words(of_week);
  }
  if (const CronField& month = expression.field(CronPart::month); !is_every(month)) {
    std::vector<std::string> names;
    for (const CronItem& item : month.items) add_names(item, month_name, names);
    text += (text.empty() && single ? ", every day in " : ", in ") + listed(names);
  }
  return text.empty() && single ? ", every day" : text;
}

}  // namespace

std::string describe(const CronExpression& expression) {
  if (expression.every > Duration(0)) return "Every " + interval_words(expression.every);
  std::string text = time_words(expression);
  text += date_words(expression, text.starts_with("at") && text.find(':') != std::string::npos);
  text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

}  // namespace v0
}  // namespace errand
