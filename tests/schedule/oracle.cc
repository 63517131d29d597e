#include "oracle.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <ctime>
#include <map>
#include <sstream>
#include <stdexcept>

namespace oracle {

namespace {

constexpr std::int64_t kDay = 86'400;

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, at);) parts.push_back(part);
  return parts;
}

struct Date {
  int day, month, weekday, length;
};

Date date_of(std::int64_t day_number) {
  const auto at = [](std::int64_t day) {
    const std::time_t time = day * kDay;
    std::tm tm{};
    gmtime_r(&time, &tm);
    return tm;
  };
  const std::tm tm = at(day_number);
  int length = tm.tm_mday;
  while (at(day_number + length - tm.tm_mday + 1).tm_mon == tm.tm_mon) ++length;
  return {tm.tm_mday, tm.tm_mon + 1, tm.tm_wday, length};
}

bool is_workday(const Date& date, int day) {
  const int weekday = ((date.weekday + day - date.day) % 7 + 7) % 7;
  return weekday != 0 && weekday != 6;
}

// The working day of this month that is the fewest days away from day n.
int nearest(const Date& date, int n) {
  int best = 0;
  for (int day = 1; day <= date.length; ++day) {
    if (is_workday(date, day) && (best == 0 || std::abs(day - n) < std::abs(best - n))) best = day;
  }
  return best;
}

class Matcher {
 public:
  explicit Matcher(std::string text) {
    static const std::map<std::string, std::string> nicknames = {
        {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"}, {"@weekly", "0 0 * * 0"},
        {"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {"@hourly", "0 * * * *"}};
    for (char& c : text) c = c == '\t' ? ' ' : c == '?' ? '*' : static_cast<char>(std::tolower(c));
    std::stringstream stream(nicknames.count(text) ? nicknames.at(text) : text);
    for (std::string field; stream >> field;) fields_.push_back(field);
    if (fields_.size() == 5) fields_.insert(fields_.begin(), "0");
    if (fields_.size() != 6) throw std::logic_error("the oracle takes valid expressions only: " + text);
    for (int n = 0; n < 60; ++n) {
      second_[n] = in_list(fields_[0], n, 0, 59);
      minute_[n] = in_list(fields_[1], n, 0, 59);
      hour_[n] = n < 24 && in_list(fields_[2], n, 0, 23);
    }
  }

  bool by_the_wall() const { return fields_[1][0] == '*' || fields_[2][0] == '*'; }

  bool matches(std::int64_t reading) {
    const std::int64_t day = reading >= 0 ? reading / kDay : -((kDay - 1 - reading) / kDay);
    const std::int64_t second = reading - day * kDay;
    if (!second_[second % 60] || !minute_[second / 60 % 60] || !hour_[second / 3'600]) return false;
    const auto known = days_.find(day);
    if (known != days_.end()) return known->second;
    return days_[day] = matches_day(date_of(day));
  }

 private:
  static int number(const std::string& word, bool ends_range = false) {
    static const std::vector<std::string> weekdays = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
    static const std::vector<std::string> months = {"",    "jan", "feb", "mar", "apr", "may", "jun",
                                                    "jul", "aug", "sep", "oct", "nov", "dec"};
    if (ends_range && word == "sun") return 7;
    for (const auto* names : {&weekdays, &months}) {
      const auto found = std::find(names->begin(), names->end(), word);
      if (found != names->end() && !word.empty()) return static_cast<int>(found - names->begin());
    }
    return std::stoi(word);
  }

  // Whether n is in an item such as "5", "5-9", "*/2", "5/2", "5-9/2".
  static bool in_item(const std::string& item, int n, int lowest, int highest) {
    const auto halves = split(item, '/');
    const auto ends = split(halves[0], '-');
    int first = lowest, last = highest;
    if (halves[0] != "*") {
      first = number(ends[0]);
      if (ends.size() == 2) last = number(ends[1], true);
      if (ends.size() == 1 && halves.size() == 1) last = first;
    }
    const int step = halves.size() == 2 ? std::stoi(halves[1]) : 1;
    return n >= first && n <= last && (n - first) % step == 0;
  }

  static bool in_list(const std::string& field, int n, int lowest, int highest) {
    for (const auto& item : split(field, ',')) {
      if (in_item(item, n, lowest, highest)) return true;
    }
    return false;
  }

  static bool month_day_item(const std::string& item, const Date& date) {
    if (item == "l") return date.day == date.length;
    if (item == "lw") {
      int last = date.length;
      while (!is_workday(date, last)) --last;
      return date.day == last;
    }
    if (item.back() == 'w') {
      const int n = std::stoi(item);
      return n <= date.length && date.day == nearest(date, n);
    }
    return in_item(item, date.day, 1, 31);
  }

  static bool weekday_item(const std::string& item, const Date& date) {
    if (item.find('#') != std::string::npos) {
      const auto halves = split(item, '#');
      return number(halves[0]) % 7 == date.weekday && (date.day + 6) / 7 == std::stoi(halves[1]);
    }
    if (item.back() == 'l') {
      return number(item.substr(0, item.size() - 1)) % 7 == date.weekday && date.day + 7 > date.length;
    }
    return in_item(item, date.weekday, 0, 7) || (date.weekday == 0 && item[0] != '*' && in_item(item, 7, 0, 7));
  }

  bool matches_day(const Date& date) const {
    if (!in_list(fields_[4], date.month, 1, 12)) return false;
    bool by_month = false, by_week = false;
    for (const auto& item : split(fields_[3], ',')) by_month |= month_day_item(item, date);
    for (const auto& item : split(fields_[5], ',')) by_week |= weekday_item(item, date);
    const bool both_restricted = fields_[3][0] != '*' && fields_[5][0] != '*';
    return both_restricted ? by_month || by_week : by_month && by_week;
  }

  std::vector<std::string> fields_;
  bool second_[60], minute_[60], hour_[60];
  std::map<std::int64_t, bool> days_;
};

void add_zones(const std::string& root, const std::string& under, bool with_links, std::vector<std::string>& names) {
  DIR* directory = opendir((root + under).c_str());
  if (directory == nullptr) return;
  while (const dirent* entry = readdir(directory)) {
    const std::string name = under + entry->d_name;
    struct stat info {};
    const std::string path = root + name;
    if (entry->d_name[0] < 'A' || entry->d_name[0] > 'Z') continue;
    if (lstat(path.c_str(), &info) != 0) continue;
    if (S_ISDIR(info.st_mode)) {
      add_zones(root, name + "/", with_links, names);
    } else if (S_ISREG(info.st_mode) || with_links) {
      names.push_back(name);
    }
  }
  closedir(directory);
}

}  // namespace

void use_zone(const std::string& zone) {
  setenv("TZ", (":" + zone).c_str(), 1);
  tzset();
}

Offset offset_at(std::int64_t utc) {
  const std::time_t time = utc;
  std::tm tm{};
  localtime_r(&time, &tm);
  return {tm.tm_gmtoff, tm.tm_zone};
}

std::vector<Tick> ticks(const std::string& zone, std::int64_t begin, std::int64_t end, std::int64_t step) {
  use_zone(zone);
  std::vector<Tick> all;
  for (std::int64_t at = begin; at <= end; at += step) {
    const std::time_t time = at;
    std::tm tm{};
    localtime_r(&time, &tm);
    all.push_back({at, at + tm.tm_gmtoff});
  }
  return all;
}

std::int64_t utc(int year, int month, int day, int hour, int minute, int second) {
  std::tm tm{};
  tm.tm_year = year - 1900;
  tm.tm_mon = month - 1;
  tm.tm_mday = day;
  tm.tm_hour = hour;
  tm.tm_min = minute;
  tm.tm_sec = second;
  return timegm(&tm);
}

std::vector<std::int64_t> fires(const std::string& expression, const std::string& dst, const std::vector<Tick>& ticks) {
  Matcher matcher(expression);
  const std::int64_t step = ticks[1].utc - ticks[0].utc;
  std::vector<std::int64_t> found;
  std::int64_t highest = ticks[0].reading;  // a reading up to here has been seen before
  for (std::size_t i = 1; i < ticks.size(); ++i) {
    const std::int64_t reading = ticks[i].reading;
    bool fire = matcher.matches(reading);
    if (!matcher.by_the_wall()) {
      if (reading <= highest && dst != "both") fire = false;
      for (std::int64_t missing = ticks[i - 1].reading + step; missing < reading && dst != "skip"; missing += step) {
        fire = fire || matcher.matches(missing);
      }
    }
    if (fire) found.push_back(ticks[i].utc);
    highest = std::max(highest, reading);
  }
  return found;
}

std::vector<std::string> zones(bool with_links) {
  std::vector<std::string> names;
  add_zones("/usr/share/zoneinfo/", "", with_links, names);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace oracle
