#include "duration.h"

#include <cmath>
#include <cstdio>
#include <optional>
#include <string>

namespace errand::cli {

namespace {

constexpr double kMostSeconds = 10.0 * 365 * 86'400;

struct Unit {
  std::string_view name;
  double seconds;
};
constexpr Unit kUnits[] = {{"ms", 1e-3}, {"s", 1}, {"min", 60}, {"m", 60}, {"h", 3'600}, {"d", 86'400}};

// Takes digits with at most one point from the front of `text`. No sign, no exponent, no locale.
std::optional<double> take_number(std::string_view& text) {
  double value = 0, place = 1;
  std::size_t digits = 0, i = 0;
  bool point = false;
  for (; i < text.size(); ++i) {
    if (text[i] == '.' && !point) {
      point = true;
      continue;
    }
    if (text[i] < '0' || text[i] > '9') break;
    ++digits;
    if (point) place /= 10;
    value = point ? value + (text[i] - '0') * place : value * 10 + (text[i] - '0');
  }
  text.remove_prefix(i);
  return digits > 0 ? std::optional(value) : std::nullopt;
}

// Takes the longest unit that `text` starts with.
std::optional<double> take_unit(std::string_view& text) {
  const Unit* found = nullptr;
  for (const Unit& unit : kUnits) {
    if (text.starts_with(unit.name) && (found == nullptr || unit.name.size() > found->name.size())) found = &unit;
  }
  if (found == nullptr) return std::nullopt;
  text.remove_prefix(found->name.size());
  return found->seconds;
}

std::optional<double> read_seconds(std::string_view text) {
  double total = 0;
  bool first = true;
  do {
    const auto number = take_number(text);
    if (!number) return std::nullopt;
    if (first && text.empty()) return *number;  // a bare number: seconds
    const auto unit = take_unit(text);
    if (!unit) return std::nullopt;
    total += *number * *unit;
    first = false;
  } while (!text.empty());
  return total;
}

std::string two_units(long long high, const char* high_name, long long low, const char* low_name) {
  char text[48];
  std::snprintf(text, sizeof text, "%lld%s%02lld%s", high, high_name, low, low_name);
  return text;
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  const auto seconds = read_seconds(text);
  if (!seconds || *seconds > kMostSeconds) {
    const char* expected = seconds ? "at most 3650d" : "a duration such as 500ms, 2s or 1m30s";
    return Error(Code::invalid, std::string("expected ") + expected + ", got \"" + std::string(text) + "\"");
  }
  return Duration(std::llround(*seconds * 1e9));
}

std::string rough_text(Duration duration) {
  const long long s = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  if (s < 60) return std::to_string(s) + "s";
  if (s < 3'600) return two_units(s / 60, "m", s % 60, "s");
  if (s < 86'400) return two_units(s / 3'600, "h", s % 3'600 / 60, "m");
  return two_units(s / 86'400, "d", s % 86'400 / 3'600, "h");
}

}  // namespace errand::cli
