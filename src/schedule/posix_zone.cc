#include "schedule/posix_zone.h"

#include "schedule/text.h"

#include <algorithm>
#include <array>

namespace errand {
inline namespace v0 {

namespace {

using namespace std::chrono;

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  std::optional<PosixZone> read() {
    PosixZone zone;
    if (!read_name(zone.standard.abbreviation) || !read_offset(zone.standard.offset)) return std::nullopt;
    if (rest_.empty()) return zone;
    PosixZone::Saving saving;
    if (!read_name(saving.offset.abbreviation)) return std::nullopt;
    saving.offset.offset = zone.standard.offset + hours(1);
    if (!rest_.empty() && rest_[0] != ',' && !read_offset(saving.offset.offset)) return std::nullopt;
    if (!read_change(saving.begins) || !read_change(saving.ends) || !rest_.empty()) return std::nullopt;
    zone.saving = std::move(saving);
    return zone;
  }

 private:
  bool take(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool read_name(std::string& name) {
    const bool angled = take('<');
    const auto ends = [&](char c) { return angled ? c == '>' : !is_letter(c); };
    const auto end = std::find_if(rest_.begin(), rest_.end(), ends);
    name.assign(rest_.begin(), end);
    rest_.remove_prefix(name.size());
    return (!angled || take('>')) && name.size() >= 3;
  }

  bool read_number(int& number, int lowest, int highest) {
    std::size_t digits = 0;
    for (number = 0; digits < rest_.size() && is_digit(rest_[digits]) && number <= highest; ++digits) {
      number = number * 10 + (rest_[digits] - '0');
    }
    rest_.remove_prefix(digits);
    return digits > 0 && number >= lowest && number <= highest;
  }

  // [+-]h[:m[:s]]
  bool read_time(seconds& time) {
    const bool negative = take('-');
    if (!negative) take('+');
    int h = 0, m = 0, s = 0;
    if (!read_number(h, 0, 167)) return false;
    if (take(':') && !read_number(m, 0, 59)) return false;
    if (take(':') && !read_number(s, 0, 59)) return false;
    time = hours(h) + minutes(m) + seconds(s);
    if (negative) time = -time;
    return true;
  }

  // POSIX counts west of Greenwich as positive; everybody else the other way.
  bool read_offset(seconds& offset) {
    if (!read_time(offset)) return false;
    offset = -offset;
    return true;
  }

  bool read_change(PosixChange& change) {
    using Form = PosixChange::Form;
    if (!take(',')) return false;
    if (take('M')) {
      change.form = Form::weekday_of_month;
      if (!read_number(change.month, 1, 12) || !take('.') || !read_number(change.week, 1, 5) || !take('.') ||
          !read_number(change.day, 0, 6)) {
        return false;
      }
    } else {
      change.form = take('J') ? Form::julian_day : Form::day_of_year;
      if (!read_number(change.day, change.form == Form::julian_day ? 1 : 0, 365)) return false;
    }
    return !take('/') || read_time(change.time);
  }

  std::string_view rest_;
};

local_days day_of(const PosixChange& change, year y) {
  using Form = PosixChange::Form;
  const local_days new_year{y / January / 1};
  switch (change.form) {
    case Form::day_of_year:
      return new_year + days(change.day);
    case Form::julian_day:
      return new_year + days(change.day - 1 + (y.is_leap() && change.day > 59 ? 1 : 0));
    case Form::weekday_of_month:
      break;
  }
  const year_month in = y / std::chrono::month(static_cast<unsigned>(change.month));
  const weekday day(static_cast<unsigned>(change.day));
  if (change.week == 5) return local_days{in / day[last]};
  return local_days{in / day[static_cast<unsigned>(change.week)]};
}

ZoneSpan span_from(const PosixChange& change, year y, const PosixZone::Offset& before, const PosixZone::Offset& after) {
  const local_seconds local = day_of(change, y) + change.time;
  return {sys_seconds(local.time_since_epoch() - before.offset), after.offset, after.abbreviation};
}

}  // namespace

void add_span(std::vector<ZoneSpan>& spans, ZoneSpan span) {
  while (!spans.empty() && spans.back().begin >= span.begin) spans.pop_back();
  if (!spans.empty() && spans.back().offset == span.offset && spans.back().abbreviation == span.abbreviation) return;
  spans.push_back(std::move(span));
}

std::optional<PosixZone> parse_posix_zone(std::string_view text) {
  return Reader(text).read();
}

void extend_spans(std::vector<ZoneSpan>& spans, const PosixZone& rule) {
  if (!rule.saving) return;
  const sys_seconds last_listed = spans.back().begin;
  // A file without a single change is all rule; nobody saved daylight before 1900.
  const year first = std::max(year_month_day(floor<days>(last_listed)).year(), year(1900));
  for (year y = first; y <= year(kLastYear); ++y) {
    std::array changes{span_from(rule.saving->begins, y, rule.standard, rule.saving->offset),
                       span_from(rule.saving->ends, y, rule.saving->offset, rule.standard)};
    if (changes[1].begin < changes[0].begin) std::swap(changes[0], changes[1]);
    for (ZoneSpan& change : changes) {
      if (change.begin > last_listed) add_span(spans, std::move(change));
    }
  }
}

}  // namespace v0
}  // namespace errand
