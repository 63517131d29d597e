#include "schedule/cron_field.h"

#include <algorithm>

namespace errand {
inline namespace v0 {

namespace {

using Kind = CronItem::Kind;

constexpr std::string_view kMonths[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                        "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::string_view kWeekdays[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

// Far above every field, and far below an overflow.
constexpr int kHuge = 1'000'000;

int number_in(std::string_view digits) {
  int number = 0;
  for (const char c : digits) number = std::min(number * 10 + (c - '0'), kHuge);
  return number;
}

// The number a month or weekday's name stands for, or -1.
int number_of(CronPart part, std::string_view name) {
  const auto find = [&](const auto& names) {
    const auto found = std::find(std::begin(names), std::end(names), name);
    return found == std::end(names) ? -1 : static_cast<int>(found - std::begin(names));
  };
  if (part == CronPart::month) return find(kMonths) < 0 ? -1 : find(kMonths) + 1;
  return part == CronPart::day_of_week ? find(kWeekdays) : -1;
}

// Digits for a message.
std::string brief(std::string_view digits) {
  return std::string(digits.substr(0, 12)) + (digits.size() > 12 ? "..." : "");
}

std::string range_text(int first, int last) {
  return first == last ? std::to_string(first) : std::to_string(first) + "-" + std::to_string(last);
}

std::string allowed_in(CronPart part) {
  const CronLimits limits = limits_of(part);
  std::string numbers = range_text(limits.lowest, limits.highest);
  switch (part) {
    case CronPart::day_of_month:
      return numbers + ", L, LW or nW";
    case CronPart::month:
      return numbers + " or JAN-DEC";
    case CronPart::day_of_week:
      return numbers + " or SUN-SAT";
    default:
      return numbers;
  }
}

// What a range that runs backwards was likely meant to be: 22-6 -> "22-23,0-6".
std::string two_ranges(CronPart part, int first, int last) {
  const CronLimits limits = limits_of(part);
  if (part == CronPart::day_of_week && last == 0) return range_text(first, 7);
  const int top = part == CronPart::day_of_week ? 6 : limits.highest;
  return range_text(first, top) + "," + range_text(limits.lowest, last);
}

}  // namespace

std::optional<CronField> CronFieldReader::read() {
  CronField field;
  field.starts_with_star = ahead('*') || ahead('?');
  do {
    CronItem item;
    if (!read_item(item)) return std::nullopt;
    field.items.push_back(item);
  } while (take(','));
  return field;
}

bool CronFieldReader::read_item(CronItem& item) {
  if (at_item_end()) return fail(at_, "an item of the list is empty; expected " + allowed_in(part_));
  if (ahead('*') || ahead('?')) return read_star(item);
  if (lower(text_[at_]) == 'l' && (part_ == CronPart::day_of_month || part_ == CronPart::day_of_week)) {
    return read_last(item);
  }
  Value value;
  return read_value(value) && read_after_value(item, value);
}

bool CronFieldReader::read_star(CronItem& item) {
  ++at_;
  item = {Kind::any, limits_.lowest, part_ == CronPart::day_of_week ? 6 : limits_.highest};
  if (ahead('/')) return read_step(item);
  return at_item_end() || fail_unexpected("',' or '/' after it");
}

bool CronFieldReader::read_last(CronItem& item) {
  const std::size_t at = at_;
  const std::string word = lower(take_letters());
  if (part_ == CronPart::day_of_week) {
    if (word != "l") return fail(at, "no day of the week is called that; expected " + allowed_in(part_));
    return fail(at, "L alone is not a day of the week; the last Friday of the month is 5L or FRIL");
  }
  if (word != "l" && word != "lw") return fail(at, "expected " + allowed_in(part_));
  item = {word == "l" ? Kind::last_day : Kind::last_workday};
  return at_item_end() || fail(at_, "L and LW take no range, step or offset");
}

bool CronFieldReader::read_after_value(CronItem& item, const Value& value) {
  item = {Kind::number, value.number};
  if (value.with_last || value.with_near) {
    item.kind = value.with_last ? Kind::last_weekday : Kind::nearest_workday;
    return at_item_end() || fail(at_, std::string(value.with_last ? "dL" : "nW") + " takes no range, step or offset");
  }
  if (at_item_end()) return true;
  if (ahead('-')) return read_range_end(item, value);
  if (ahead('#') && part_ == CronPart::day_of_week) return read_nth(item);
  if (ahead('#')) return fail(at_, "# belongs to day-of-week only");
  if (ahead('/')) {
    item = {Kind::range, value.number, limits_.highest};
    return read_step(item);
  }
  return fail_unexpected("',', '-' or '/'");
}

bool CronFieldReader::read_range_end(CronItem& item, const Value& first) {
  ++at_;
  if (at_item_end()) return fail(at_, "the end of the range is missing; expected " + allowed_in(part_));
  Value last;
  if (!read_value(last)) return false;
  if (last.with_last || last.with_near) return fail(last.at, "L and W take no range");
  if (last.is_sun) last.number = 7;
  if (last.number < first.number) {
    return fail(first.at, "the range " + range_text(first.number, last.number) + " runs backwards; write " +
                              two_ranges(part_, first.number, last.number));
  }
  item = {Kind::range, first.number, last.number};
  if (ahead('/')) return read_step(item);
  return at_item_end() || fail_unexpected("',' or '/'");
}

bool CronFieldReader::read_nth(CronItem& item) {
  ++at_;
  const std::size_t at = at_;
  const std::string_view digits = take_digits();
  if (digits.empty()) return fail(at, "a number is missing after '#'; expected 1-5");
  item.kind = Kind::nth_weekday;
  item.last = number_in(digits);
  if (item.last < 1 || item.last > 5) return fail(at, brief(digits) + " is out of range 1-5");
  return at_item_end() || fail(at_, "d#n takes no range, step or offset");
}

bool CronFieldReader::read_step(CronItem& item) {
  ++at_;
  const std::size_t at = at_;
  const std::string_view digits = take_digits();
  if (digits.empty()) return fail(at, "a step is missing after '/'; expected a whole number from 1");
  item.step = number_in(digits);
  if (item.step == 0) return fail(at, "a step of 0 gets nowhere; expected a whole number from 1");
  if (!at_item_end()) return fail_unexpected("',' after the step");
  if (item.step > item.last - item.first) {
    warnings_.push_back({part_, static_cast<int>(at) + 1,
                         "the step " + brief(digits) + " is larger than the range " +
                             range_text(item.first, item.last) + ", so only " + std::to_string(item.first) +
                             " is left"});
  }
  return true;
}

bool CronFieldReader::read_value(Value& value) {
  value.at = at_;
  if (is_digit(text_[at_])) return read_number(value);
  if (is_letter(text_[at_])) return read_name(value);
  return fail_unexpected(allowed_in(part_));
}

bool CronFieldReader::read_number(Value& value) {
  const std::string_view digits = take_digits();
  value.number = number_in(digits);
  if (value.number < limits_.lowest || value.number > limits_.highest) {
    return fail(value.at, brief(digits) + " is out of range " + range_text(limits_.lowest, limits_.highest));
  }
  const std::size_t at = at_;
  const std::string_view letters = take_letters();
  return letters.empty() || read_suffix(value, letters, at);
}

bool CronFieldReader::read_name(Value& value) {
  const std::string_view word = take_letters();
  value.number = number_of(part_, lower(word.substr(0, 3)));
  if (value.number < 0 || (part_ == CronPart::month && word.size() > 3)) {
    return fail(value.at, in_quotes(word) + " is not known here; expected " + allowed_in(part_));
  }
  value.is_sun = part_ == CronPart::day_of_week && value.number == 0;
  return word.size() == 3 || read_suffix(value, word.substr(3), value.at + 3);
}

bool CronFieldReader::read_suffix(Value& value, std::string_view letters, std::size_t at) {
  const std::string suffix = lower(letters);
  if (part_ == CronPart::day_of_week && suffix == "l") return value.with_last = true;
  if (part_ == CronPart::day_of_month && suffix == "w") return value.with_near = true;
  return fail(at, "unexpected " + shown(letters[0]) + "; expected " + allowed_in(part_));
}

std::string_view CronFieldReader::take_digits() noexcept {
  const std::size_t begin = at_;
  while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
  return text_.substr(begin, at_ - begin);
}

std::string_view CronFieldReader::take_letters() noexcept {
  const std::size_t begin = at_;
  while (at_ < text_.size() && is_letter(text_[at_])) ++at_;
  return text_.substr(begin, at_ - begin);
}

bool CronFieldReader::fail(std::size_t at, std::string reason) {
  problem_ = {part_, static_cast<int>(at) + 1, std::move(reason)};
  return false;
}

bool CronFieldReader::fail_unexpected(std::string_view expected) {
  return fail(at_, "unexpected " + shown(text_[at_]) + "; expected " + std::string(expected));
}

}  // namespace v0
}  // namespace errand
