#include "cron_print.h"

#include "json_text.h"
#include "schedule/cron_parse.h"
#include "schedule/describe.h"
#include "schedule/instant.h"
#include "schedule/words.h"

#include <algorithm>
#include <ostream>

namespace errand::cli {

namespace {

// A longer expression does not fit on a line, and a caret under it helps nobody.
constexpr std::size_t kLongestWithCaret = 200;

template <class Items, class Print>
std::string json_array(const Items& items, Print print) {
  std::string out = "[";
  for (const auto& item : items) out.append(out.size() > 1 ? "," : "").append(print(item));
  return out + "]";
}

std::string json_remark(const CronRemark& remark) {
  std::string out = "{";
  if (remark.part) out += "\"field\":" + json_string(to_string(*remark.part)) + ",";
  return out + "\"column\":" + std::to_string(remark.column) + ",\"reason\":" + json_string(remark.reason) + "}";
}

std::string weekday_of(WallTime at, const Zone& zone) {
  using namespace std::chrono;
  const weekday day(floor<days>(zone.to_local(floor<seconds>(at))));
  return weekday_name(static_cast<int>(day.c_encoding())).substr(0, 3);
}

// Two columns, or one in UTC.
void print_fires(std::ostream& out, const CronAnswer& answer) {
  const bool utc = answer.zone.name() == "UTC";
  std::vector<std::string> local;
  std::size_t width = 0;
  for (const WallTime fire : answer.fires) {
    local.push_back(weekday_of(fire, answer.zone) + (utc ? "" : " " + format_local(fire, answer.zone)));
    width = std::max(width, local.back().size());
  }
  const auto line = [&](const std::string& left, const std::string& right) {
    out << left << std::string(width - std::min(width, left.size()) + 2, ' ') << right << "\n";
  };
  if (!utc) line("local time", "UTC");
  for (std::size_t i = 0; i < local.size(); ++i) line(local[i], format_instant(answer.fires[i]));
}

}  // namespace

void print_table(std::ostream& out, const CronAnswer& answer) {
  out << describe(answer.expression) << "\n";
  for (const CronRemark& warning : answer.expression.warnings) out << "warning: " << to_string(warning) << "\n";
  out << "zone " << answer.zone.name() << ", dst " << to_string(answer.dst) << ", from " << format_instant(answer.from)
      << "\n\n";
  print_fires(out, answer);
}

void print_json(std::ostream& out, const CronAnswer& answer) {
  out << "{\"expression\":" << json_string(answer.expression.text)
      << ",\"description\":" << json_string(describe(answer.expression))
      << ",\"zone\":" << json_string(answer.zone.name()) << ",\"dst\":" << json_string(to_string(answer.dst))
      << ",\"from\":" << json_string(format_instant(answer.from))
      << ",\"warnings\":" << json_array(answer.expression.warnings, json_remark)
      << ",\"next\":" << json_array(answer.fires, [](WallTime fire) { return json_string(format_instant(fire)); })
      << "}\n";
}

void print_refusal(std::ostream& err, std::string_view expression, const CronRemark& remark) {
  err << "errand cron: " << to_string(remark) << "\n";
  if (expression.size() > kLongestWithCaret) return;
  std::string line(expression), caret;
  for (char& c : line) {
    if (c != '\t' && (c < ' ' || c > '~')) c = '?';  // one column each, so that the caret stands where it should
  }
  for (const char c : line.substr(0, static_cast<std::size_t>(remark.column) - 1)) caret += c == '\t' ? '\t' : ' ';
  err << "  " << line << "\n  " << caret << "^\n";
}

void print_json_refusal(std::ostream& out, std::string_view expression, const CronRemark& remark) {
  out << "{\"expression\":" << json_string(expression) << ",\"error\":" << json_remark(remark) << "}\n";
}

void print_json_refusal(std::ostream& out, std::string_view expression, std::string_view option,
                        std::string_view reason) {
  out << "{\"expression\":" << json_string(expression) << ",\"error\":{";
  if (!option.empty()) out << "\"option\":" << json_string(option) << ",";
  out << "\"reason\":" << json_string(reason) << "}}\n";
}

}  // namespace errand::cli
