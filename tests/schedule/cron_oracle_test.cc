// next() against the oracle: known transitions, random expressions, and with ERRAND_LONG=1, which ./dev stress sets,
// many more of these and every zone of the system.

#include "oracle.h"
#include "schedule/cron_next.h"
#include "schedule/cron_parse.h"
#include "schedule/instant.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

namespace errand {
namespace {

using namespace std::chrono;

constexpr std::int64_t kDay = 86'400;
constexpr Dst kAllDst[] = {Dst::after, Dst::skip, Dst::both};

std::string shown(std::int64_t at, const Zone& zone) {
  const WallTime moment{seconds(at)};
  return format_instant(moment) + " = " + format_local(moment, zone);
}

// Both say the same about every instant of the ticks but for the first `unseen` seconds. The oracle does not see what
// readings came before its ticks, so either no clock is changed shortly before, or these seconds are two days.
testing::AssertionResult agree(const std::string& text, const Zone& zone, Dst dst,
                               const std::vector<oracle::Tick>& ticks, std::int64_t unseen = 0) {
  const auto expression = parse_cron(text);
  if (!expression) return testing::AssertionFailure() << expression.error().message();
  const std::int64_t begin = ticks.front().utc + unseen, end = ticks.back().utc;
  std::int64_t last = begin;
  const auto failed = [&] {
    return testing::AssertionFailure() << "\"" << text << "\" in " << zone.name() << ", dst " << to_string(dst)
                                       << ", after " << shown(last, zone) << ": ";
  };
  auto fire = next(*expression, zone, dst, WallTime{seconds(begin)});
  for (const std::int64_t expected : oracle::fires(text, std::string(to_string(dst)), ticks)) {
    if (expected <= begin) continue;
    if (!fire) return failed() << "nothing, expected " << shown(expected, zone);
    const std::int64_t found = fire->time_since_epoch() / seconds(1);
    if (found != expected) return failed() << shown(found, zone) << ", expected " << shown(expected, zone);
    last = found;
    fire = next(*expression, zone, dst, *fire);
  }
  if (fire && *fire <= WallTime{seconds(end)})
    return failed() << shown(fire->time_since_epoch() / seconds(1), zone) << ", expected nothing";
  return testing::AssertionSuccess();
}

struct Window {
  const char* zone;
  int year, month, day;  // of a change of the clock
};

// The zones of CRON.md where their clocks change.
constexpr Window kPinned[] = {
    {"America/New_York", 2026, 3, 8},
    {"America/New_York", 2026, 11, 1},
    {"America/New_York", 2044, 3, 13},
    {"Europe/London", 2026, 3, 29},
    {"Europe/London", 2026, 10, 25},
    {"Europe/Dublin", 2026, 3, 29},
    {"Europe/Dublin", 2026, 10, 25},
    {"America/Sao_Paulo", 2018, 2, 18},
    {"America/Sao_Paulo", 2018, 11, 4},
    {"Australia/Lord_Howe", 2026, 4, 5},
    {"Australia/Lord_Howe", 2026, 10, 4},
    {"Pacific/Apia", 2011, 12, 30},
    {"Africa/Casablanca", 2026, 2, 15},
    {"Africa/Casablanca", 2026, 3, 22},
    {"Asia/Gaza", 2026, 3, 28},
    {"Asia/Gaza", 2026, 10, 24},
    {"UTC", 2026, 3, 1},
};

std::vector<oracle::Tick> around(const Window& window, std::int64_t before, std::int64_t after, std::int64_t step) {
  const std::int64_t middle = oracle::utc(window.year, window.month, window.day);
  return oracle::ticks(window.zone, middle - before, middle + after, step);
}

const char* const kPatterns[] = {
    "* * * * *",        "*/30 * * * *",  "*/7 * * * *",     "*/30 2 * * *",   "*/15 0-3 * * *", "0 * * * *",
    "30 * * * *",       "15 */2 * * *",  "0 */3 * * *",     "*,5 2 * * *",    "0 0 * * *",      "30 0 * * *",
    "0 1 * * *",        "30 1 * * *",    "0 2 * * *",       "30 2 * * *",     "0 3 * * *",      "30 3 * * *",
    "15 0,1,2,3 * * *", "0,30 2 * * *",  "0-59 2 * * *",    "0-59 1 * * *",   "5,* 1 * * *",    "0/15 0-4 * * *",
    "59 23 * * *",      "0 12 * * *",    "0 9 * * MON-FRI", "30 2 * * SUN",   "30 1 * * SUN",   "30 0 * * SUN#1",
    "30 2 * 3 SUN#2",   "30 1 * * SUNL", "0 12 30 12 *",    "0 12 30,31 * *", "30 2 L * *",     "0 0 LW * *",
    "45 1 15W * *",     "0 2 */2 * 0",   "30 1 1-31 * 0",   "30 2 8 3 *",     "20 2 29 3 FRI",  "45 1 * 10,11 SUN",
    "17 2-3 * * *",     "10 0 4 * SUN",  "@daily",          "@hourly",
};

TEST(CronOracle, AgreesAroundThePinnedChanges) {
  for (const Window& window : kPinned) {
    const Zone zone = *find_zone(window.zone);
    const auto ticks = around(window, 4 * kDay, 4 * kDay, 60);
    for (const char* text : kPatterns) {
      for (const Dst dst : kAllDst) ASSERT_TRUE(agree(text, zone, dst, ticks));
    }
  }
}

TEST(CronOracle, AgreesToTheSecondAroundThePinnedChanges) {
  for (const Window& window : kPinned) {
    const Zone zone = *find_zone(window.zone);
    const auto ticks = around(window, kDay / 2, kDay, 1);
    for (const char* text : {"* * * * * *", "*/20 30 * * * *", "* 30 2 * * *", "15 30 2 * * *", "*/17 0-59 1 * * *",
                             "59 59 0 * * *", "30 0 12 * * *", "0,30 */30 2 * * *"}) {
      for (const Dst dst : kAllDst) ASSERT_TRUE(agree(text, zone, dst, ticks));
    }
  }
}

// Expressions by the grammar, with a liking for the hours in which clocks are changed.
class RandomCron {
 public:
  explicit RandomCron(std::uint64_t seed) : random_(seed) {}

  std::string expression() {
    const std::string text =
        field(0, 59, 2) + " " + field(0, 23, 0) + " " + day_of_month() + " " + month() + " " + day_of_week();
    return below(20) == 0 ? std::string(below(2) ? "@daily" : "@Hourly") : text;
  }

 private:
  int below(int n) { return static_cast<int>(random_() % static_cast<std::uint64_t>(n)); }
  int number(int lowest, int highest) {
    if (highest == 23 && below(3) > 0) return below(5);
    return lowest + below(highest - lowest + 1);
  }

  std::string plain_item(int lowest, int highest) {
    const int first = number(lowest, highest), last = first + below(highest - first + 1);
    const std::string step = "/" + std::to_string(1 + below(highest));
    switch (below(7)) {
      case 0:
        return "*";
      case 1:
        return "*" + step;
      case 2:
        return std::to_string(first) + "-" + std::to_string(last);
      case 3:
        return std::to_string(first) + "-" + std::to_string(last) + step;
      case 4:
        return std::to_string(first) + step;
      default:
        return std::to_string(first);
    }
  }

  template <class Item>
  std::string list(Item item) {
    std::string text = item();
    while (below(3) == 0) text += "," + item();
    return text;
  }

  std::string field(int lowest, int highest, int star_of_five) {
    if (below(5) < star_of_five) return below(2) ? "*" : "?/" + std::to_string(1 + below(highest));
    return list([&] { return plain_item(lowest, highest); });
  }

  std::string month() {
    static const char* const names[] = {"jan", "Feb", "MAR", "apr-JUN", "OCT/1", "sep-nov/2"};
    return below(3) > 0 ? "*" : below(2) ? names[below(6)] : field(1, 12, 0);
  }

  std::string day_of_month() {
    if (below(2)) return "*";
    return list([&]() -> std::string {
      switch (below(6)) {
        case 0:
          return "L";
        case 1:
          return "lw";
        case 2:
          return std::to_string(1 + below(31)) + "W";
        default:
          return plain_item(1, 31);
      }
    });
  }

  std::string day_of_week() {
    static const char* const names[] = {"SUN", "mon", "Tue", "WED", "thu", "FRI", "SAT", "FRI-SUN", "sun-TUE", "MON/2"};
    if (below(2)) return "*";
    return list([&]() -> std::string {
      switch (below(6)) {
        case 0:
          return std::string(names[below(7)]) + "L";
        case 1:
          return std::to_string(below(8)) + "#" + std::to_string(1 + below(5));
        case 2:
          return names[below(10)];
        default:
          return plain_item(0, 7);
      }
    });
  }

  std::mt19937_64 random_;
};

TEST(CronOracle, AgreesOnRandomExpressions) {
  const bool is_long = std::getenv("ERRAND_LONG") != nullptr;
  std::uint64_t seed = 1;
  for (const Window& window : kPinned) {
    const Zone zone = *find_zone(window.zone);
    const auto ticks = around(window, 16 * kDay, 16 * kDay, 60);
    for (int i = 0; i < (is_long ? 3'000 : 30); ++i, ++seed) {
      const std::string text = RandomCron(seed).expression();
      for (const Dst dst : kAllDst) ASSERT_TRUE(agree(text, zone, dst, ticks)) << "seed " << seed;
    }
  }
}

TEST(CronOracle, AgreesThroughWholeYears) {
  const bool is_long = std::getenv("ERRAND_LONG") != nullptr;
  for (const Window& window : {Window{"America/New_York", 2024, 1, 1}, Window{"Africa/Casablanca", 2026, 1, 1}}) {
    const Zone zone = *find_zone(window.zone);
    const std::int64_t begin = oracle::utc(window.year, 1, 1);
    const auto ticks = oracle::ticks(window.zone, begin, begin + 367 * kDay, 60);
    for (std::uint64_t seed = 1; seed <= (is_long ? 500u : 12u); ++seed) {
      ASSERT_TRUE(agree(RandomCron(1'000'000 + seed).expression(), zone, kAllDst[seed % 3], ticks)) << "seed " << seed;
    }
  }
}

TEST(CronOracle, RisesStrictlyFromAnyInstant) {
  std::mt19937_64 random(7);
  const Zone zone = *find_zone("America/New_York");
  const WallTime first = WallTime{seconds(oracle::utc(2026, 1, 1))};
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const auto expression = *parse_cron(RandomCron(seed).expression());
    const WallTime after =
        first + nanoseconds(random() % (365 * kDay)) * 1'000'000'000 + nanoseconds(random() % 1'000'000'000);
    const auto fire = next(expression, zone, Dst::both, after);
    if (!fire) continue;
    EXPECT_GT(*fire, after);
    // From every instant before the fire and after `after` the answer is the same.
    EXPECT_EQ(next(expression, zone, Dst::both, after + (*fire - after) / 2), fire) << expression.text;
    EXPECT_EQ(next(expression, zone, Dst::both, *fire - nanoseconds(1)), fire) << expression.text;
  }
}

// Every change of the clock of every zone, 2000 to 2045: minutes, in an optimised build.
TEST(CronOracle, AgreesInEveryZone) {
  if (std::getenv("ERRAND_LONG") == nullptr) GTEST_SKIP() << "./dev stress, or ERRAND_LONG=1, steps through every zone";
  std::uint64_t seed = 5'000'000;
  for (const std::string& name : oracle::zones(false)) {
    const Zone zone = *find_zone(name);
    oracle::use_zone(name);
    std::int64_t offset = oracle::offset_at(oracle::utc(2000, 1, 1)).seconds;
    for (std::int64_t at = oracle::utc(2000, 1, 1); at < oracle::utc(2046, 1, 1); at += 900) {
      const std::int64_t now = oracle::offset_at(at).seconds;
      if (now == offset) continue;
      offset = now;
      const std::int64_t middle = at - at % 60;
      const auto ticks = oracle::ticks(name, middle - 4 * kDay, middle + 2 * kDay, 60);
      for (const char* text : kPatterns) {
        for (const Dst dst : kAllDst) ASSERT_TRUE(agree(text, zone, dst, ticks, 2 * kDay));
      }
      for (int i = 0; i < 5; ++i, ++seed) {
        ASSERT_TRUE(agree(RandomCron(seed).expression(), zone, kAllDst[seed % 3], ticks, 2 * kDay)) << "seed " << seed;
      }
    }
  }
}

}  // namespace
}  // namespace errand
