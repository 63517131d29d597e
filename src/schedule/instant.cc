#include "schedule/instant.h"

#include "schedule/text.h"

#include <optional>

namespace errand {
inline namespace v0 {

namespace {

using namespace std::chrono;

std::string padded(std::int64_t number, std::size_t width) {
  const std::string digits = std::to_string(number);
  return std::string(width - std::min(width, digits.size()), '0') + digits;
}

// "2026-03-29" + separator + "03:00:00", and the fraction where there is one.
std::string format_reading(local_time<Duration> reading, char separator) {
  const auto day = floor<days>(reading);
  const year_month_day date(day);
  const hh_mm_ss<Duration> time(reading - day);
  std::string text = padded(static_cast<int>(date.year()), 4) + "-" + padded(static_cast<unsigned>(date.month()), 2) +
                     "-" + padded(static_cast<unsigned>(date.day()), 2) + separator + padded(time.hours().count(), 2) +
                     ":" + padded(time.minutes().count(), 2) + ":" + padded(time.seconds().count(), 2);
  if (time.subseconds() != Duration(0)) {
    text += "." + padded(time.subseconds().count(), 9);
    text.erase(text.find_last_not_of('0') + 1);
  }
  return text;
}

std::string format_offset(seconds offset) {
  const hh_mm_ss<seconds> time(abs(offset));
  std::string text =
      (offset < seconds(0) ? "-" : "+") + padded(time.hours().count(), 2) + ":" + padded(time.minutes().count(), 2);
  if (time.seconds() != seconds(0)) text += ":" + padded(time.seconds().count(), 2);
  return text;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }

  bool take(std::string_view any_of) {
    if (rest_.empty() || any_of.find(rest_[0]) == std::string_view::npos) return false;
    taken_ = rest_[0];
    rest_.remove_prefix(1);
    return true;
  }
  [[nodiscard]] char taken() const { return taken_; }

  // Exactly `width` digits, not above `highest`.
  bool number(std::size_t width, int highest, int& number) {
    number = 0;
    for (std::size_t i = 0; i < width; ++i) {
      if (!take("0123456789")) return false;
      number = number * 10 + (taken_ - '0');
    }
    return number <= highest;
  }

  bool date(local_days& day) {
    int y = 0, m = 0, d = 0;
    if (!number(4, 9'999, y) || !take("-") || !number(2, 12, m) || !take("-") || !number(2, 31, d)) return false;
    const year_month_day date{year(y), month(static_cast<unsigned>(m)), std::chrono::day(static_cast<unsigned>(d))};
    // WallTime counts nanoseconds in 64 bits, and so goes from 1677 to 2262.
    if (!date.ok() || y < 1'678 || y >= 2'262) return false;
    day = local_days(date);
    return true;
  }

  // h:m[:s[.fraction]]
  bool time(Duration& time) {
    int h = 0, m = 0, s = 0;
    if (!number(2, 23, h) || !take(":") || !number(2, 59, m)) return false;
    if (take(":") && !number(2, 59, s)) return false;
    time = hours(h) + minutes(m) + seconds(s);
    if (!take(".")) return true;
    Duration unit = seconds(1);
    while (unit > Duration(1) && take("0123456789")) time += (unit /= 10) * (taken_ - '0');
    return unit < seconds(1);
  }

  bool offset(seconds& offset) {
    if (take("Zz")) return offset = seconds(0), true;
    if (!take("+-")) return false;
    const bool west = taken_ == '-';
    int h = 0, m = 0;
    if (!number(2, 23, h) || !take(":") || !number(2, 59, m)) return false;
    offset = hours(h) + minutes(m);
    if (west) offset = -offset;
    return true;
  }

 private:
  std::string_view rest_;
  char taken_ = 0;
};

std::optional<WallTime> read_instant(std::string_view text, const Zone& zone) {
  Reader reader(text);
  local_days day;
  Duration time{};
  if (!reader.date(day)) return std::nullopt;
  if (reader.take("Tt ") && !reader.time(time)) return std::nullopt;
  const local_time<Duration> reading = day + time;
  if (reader.at_end()) {
    const local_seconds whole = floor<seconds>(reading);
    const LocalInstants instants = zone.to_utc(whole);
    return instants.count == 0 ? WallTime(instants.first) : WallTime(instants.first) + (reading - whole);
  }
  seconds offset{};
  if (!reader.offset(offset) || !reader.at_end()) return std::nullopt;
  return WallTime(reading.time_since_epoch() - offset);
}

}  // namespace

std::string format_instant(WallTime at) {
  return format_reading(local_time<Duration>(at.time_since_epoch()), 'T') + "Z";
}

std::string format_local(WallTime at, const Zone& zone) {
  const ZoneSpan& span = zone.span_of(floor<seconds>(at));
  const local_time<Duration> reading(at.time_since_epoch() + span.offset);
  return format_reading(reading, ' ') + " " + format_offset(span.offset) + " " + span.abbreviation;
}

Result<WallTime> parse_instant(std::string_view text, const Zone& zone) {
  if (const auto at = read_instant(text, zone)) return *at;
  return Error(Code::invalid,
               "expected a moment from 1678 to 2261 such as 2026-03-29T01:00:00Z, 2026-03-29T03:00+02:00 or, "
               "in the zone's own time, 2026-03-29 03:00; got " +
                   in_quotes(text));
}

}  // namespace v0
}  // namespace errand
