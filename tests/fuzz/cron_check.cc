#include "cron_check.h"

#include "schedule/cron_next.h"
#include "schedule/cron_parse.h"
#include "schedule/describe.h"
#include "schedule/instant.h"

#include <time.h>

#include <algorithm>
#include <vector>

namespace errand {

namespace {

using namespace std::chrono_literals;
using Kind = CronItem::Kind;

constexpr int kFires = 4;
constexpr Duration kLongest = 3s;  // of CPU time, for all of the 1,600 searches; they take about a millisecond

std::string written(const CronItem& item) {
  std::string first = std::to_string(item.first);
  const std::string step = item.step != 1 ? "/" + std::to_string(item.step) : "";
  switch (item.kind) {
    case Kind::any:
      return "*" + step;
    case Kind::number:
      return first;
    case Kind::range:
      return first + "-" + std::to_string(item.last) + step;
    case Kind::last_day:
      return "L";
    case Kind::last_workday:
      return "LW";
    case Kind::nearest_workday:
      return first + "W";
    case Kind::nth_weekday:
      return first + "#" + std::to_string(item.last);
    case Kind::last_weekday:
      return first + "L";
  }
  return "?";
}

// The expression from its parts, always with six fields.
std::string written(const CronExpression& expression) {
  if (expression.every > Duration::zero()) return "@every " + std::to_string(expression.every / 1s) + "s";
  std::string text;
  for (const CronField& field : expression.fields) {
    text += text.empty() ? "" : " ";
    for (std::size_t i = 0; i < field.items.size(); ++i) text += (i > 0 ? "," : "") + written(field.items[i]);
  }
  return text;
}

bool same_parts(const CronExpression& a, const CronExpression& b) {
  const auto same = [](const CronField& x, const CronField& y) {
    return x.items == y.items && x.starts_with_star == y.starts_with_star && x.bits == y.bits;
  };
  return a.every == b.every && std::equal(a.fields.begin(), a.fields.end(), b.fields.begin(), same) &&
         a.last_day == b.last_day && a.last_workday == b.last_workday && a.nearest_workdays == b.nearest_workdays &&
         a.nth_weekdays == b.nth_weekdays && a.last_weekdays == b.last_weekdays;
}

bool is_printable(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

std::string broken_refusal(std::string_view text, const CronRemark& remark) {
  if (!is_printable(to_string(remark))) return "the reason is not printable";
  const bool inside = remark.column >= 1 && static_cast<std::size_t>(remark.column) <= text.size() + 1;
  return inside ? "" : "column " + std::to_string(remark.column) + " is outside of the text";
}

Duration cpu_time() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

// Asks for one schedule's fires, and remembers the first promise that was broken.
class Fires {
 public:
  Fires(const CronExpression& expression, const CronExpression& again, const Zone& zone, Dst dst)
      : expression_(expression), again_(again), zone_(zone), dst_(dst) {}

  void from(WallTime moment) {
    for (int i = 0; i < kFires && broken_.empty(); ++i) {
      const auto fire = next_after(moment);
      if (!fire) return;
      if (*fire <= moment) return blame(moment, "fires at " + format_instant(*fire));
      if (next(again_, zone_, dst_, moment) != fire) return blame(moment, "fires at another time when written again");
      // Right before it, it is the next one as well. Every interval counts from where one asks.
      const bool fixed = expression_.every == Duration::zero() && *fire - moment > 1s;
      if (fixed && next_after(*fire - 1s) != fire)
        return blame(moment, "misses " + format_instant(*fire) + " from near");
      moment = *fire;
    }
  }
  [[nodiscard]] const std::string& broken() const { return broken_; }

 private:
  std::optional<WallTime> next_after(WallTime moment) const { return next(expression_, zone_, dst_, moment); }
  void blame(WallTime moment, std::string_view what) {
    broken_ = "in " + zone_.name() + ", dst " + std::string(to_string(dst_)) + ", after " + format_instant(moment) +
              ": " + std::string(what);
  }

  const CronExpression& expression_;
  const CronExpression& again_;
  const Zone& zone_;
  const Dst dst_;
  std::string broken_;
};

// With gaps and repeats of an hour, of half an hour, of a day, and at midnight. A system without a database has UTC.
const std::vector<Zone>& zones() {
  static const std::vector<Zone> all = [] {
    std::vector<Zone> found{Zone::utc()};
    for (const char* name : {"America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo"}) {
      if (auto zone = find_zone(name)) found.push_back(*zone);
    }
    return found;
  }();
  return all;
}

// Before a gap in New York, before a repeat, before the day that Apia never had, and near the ends of time.
const std::vector<WallTime>& moments() {
  static const std::vector<WallTime> all = [] {
    std::vector<WallTime> found{WallTime::min(), WallTime::max() - 1s, WallTime::max()};
    for (const char* text : {"2026-03-08T06:58:59.5Z", "2026-11-01T04:59:00Z", "2011-12-29T12:00:00Z",
                             "2018-11-03T23:00:00Z", "2261-12-30T00:00:00Z", "1678-01-01T00:00:00Z"}) {
      found.push_back(parse_instant(text, Zone::utc()).value());
    }
    return found;
  }();
  return all;
}

std::string broken_promise(const CronExpression& expression) {
  if (!is_printable(describe(expression))) return "the description is not printable";
  const std::string text = written(expression);
  const auto again = parse_cron(text);
  if (!again) return "written as \"" + text + "\" it is refused: " + again.error().message();
  if (!same_parts(expression, *again)) return "written as \"" + text + "\" it has other parts";
  const Duration begin = cpu_time();
  for (const Zone& zone : zones()) {
    for (const Dst dst : {Dst::after, Dst::skip, Dst::both}) {
      Fires fires(expression, *again, zone, dst);
      for (const WallTime moment : moments()) fires.from(moment);
      if (!fires.broken().empty()) return fires.broken();
    }
  }
  return cpu_time() - begin > kLongest ? "it takes longer than 3 s to find the fires" : "";
}

}  // namespace

CronChecked check_cron(std::string_view text) {
  const auto read = read_cron(text);
  if (const auto* remark = std::get_if<CronRemark>(&read)) return {false, broken_refusal(text, *remark)};
  return {true, broken_promise(std::get<CronExpression>(read))};
}

}  // namespace errand
