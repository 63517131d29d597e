#include "schedule/cron_next.h"

#include "oracle.h"
#include "schedule/cron_parse.h"
#include "schedule/instant.h"

#include <gtest/gtest.h>

namespace errand {
namespace {

using namespace std::chrono_literals;

WallTime moment(std::string_view text) {
  return *parse_instant(text, Zone::utc());
}

// The fire times after `from`, up to `until`, on the zone's clock: "03-08 03:00".
std::vector<std::string> fires(std::string_view text, std::string_view zone_name, Dst dst, std::string_view from,
                               std::string_view until) {
  const auto expression = *parse_cron(text);
  const Zone zone = *find_zone(zone_name);
  std::vector<std::string> readings;
  auto at = next(expression, zone, dst, *parse_instant(from, zone));
  for (; at && *at <= *parse_instant(until, zone); at = next(expression, zone, dst, *at)) {
    readings.push_back(format_local(*at, zone).substr(5, 11));
    if (readings.size() > 100) break;
  }
  return readings;
}

using Readings = std::vector<std::string>;

std::string next_utc(std::string_view text, std::string_view from) {
  const auto at = next(*parse_cron(text), Zone::utc(), Dst::after, moment(from));
  return at ? format_instant(*at) : "never";
}

// New York: 2026-03-08 02:00 -> 03:00, and 2026-11-01 02:00 -> 01:00.
constexpr std::string_view kNewYork = "America/New_York";

TEST(Cron, FiresStrictlyLater) {
  EXPECT_EQ(next_utc("0 9 * * *", "2026-01-01T08:59:59.999999999Z"), "2026-01-01T09:00:00Z");
  EXPECT_EQ(next_utc("0 9 * * *", "2026-01-01T09:00:00Z"), "2026-01-02T09:00:00Z");
  EXPECT_EQ(next_utc("0 9 * * *", "2026-01-01T09:00:00.000000001Z"), "2026-01-02T09:00:00Z");
  EXPECT_EQ(next_utc("* * * * * *", "2026-12-31T23:59:59Z"), "2027-01-01T00:00:00Z");
  EXPECT_EQ(next_utc("0 0 1 1 *", "1900-01-01T00:00:00Z"), "1901-01-01T00:00:00Z");
  EXPECT_EQ(next_utc("30 0 1 1 *", "1969-12-31T23:59:59.5Z"), "1970-01-01T00:30:00Z");
}

TEST(Cron, NeedsOneDayFieldOnlyIfBothAreRestricted) {
  const auto days = [](std::string_view text) {
    return fires(text, "UTC", Dst::after, "2026-02-01", "2026-02-15 23:59");
  };
  EXPECT_EQ(days("0 0 13 * MON"), (Readings{"02-02 00:00", "02-09 00:00", "02-13 00:00"}));
  EXPECT_EQ(days("0 0 13 * *"), (Readings{"02-13 00:00"}));
  EXPECT_EQ(days("0 0 * * MON"), (Readings{"02-02 00:00", "02-09 00:00"}));
  EXPECT_EQ(days("0 0 */2 * 1"), (Readings{"02-09 00:00"})) << "Mondays with an odd date";
  EXPECT_EQ(days("0 0 ?/2 * 1"), (Readings{"02-09 00:00"}));
  EXPECT_EQ(days("0 0 13 * */3"), Readings{}) << "the 13th, if a Sunday, Wednesday or Saturday";
  EXPECT_EQ(days("0 0 1-31 * 1").size(), 14u) << "1-31 is restricted";
  EXPECT_EQ(days("0 0 *,13 * 1"), (Readings{"02-02 00:00", "02-09 00:00"}));
}

TEST(Cron, KnowsTheMonthsLastDays) {
  const auto days = [](std::string_view text) { return fires(text, "UTC", Dst::after, "2025-12-31", "2026-06-30"); };
  EXPECT_EQ(days("0 0 L * *"),
            (Readings{"01-31 00:00", "02-28 00:00", "03-31 00:00", "04-30 00:00", "05-31 00:00", "06-30 00:00"}));
  EXPECT_EQ(days("0 0 LW * *"),
            (Readings{"01-30 00:00", "02-27 00:00", "03-31 00:00", "04-30 00:00", "05-29 00:00", "06-30 00:00"}));
  EXPECT_EQ(days("0 0 * * FRIL"),
            (Readings{"01-30 00:00", "02-27 00:00", "03-27 00:00", "04-24 00:00", "05-29 00:00", "06-26 00:00"}));
  EXPECT_EQ(days("0 0 * 2 0L"), (Readings{"02-22 00:00"}));
  EXPECT_EQ(days("0 0 L * MON#1"),
            (Readings{"01-05 00:00", "01-31 00:00", "02-02 00:00", "02-28 00:00", "03-02 00:00", "03-31 00:00",
                      "04-06 00:00", "04-30 00:00", "05-04 00:00", "05-31 00:00", "06-01 00:00", "06-30 00:00"}))
      << "both count as restricted";
}

TEST(Cron, KeepsTheNearestWorkdayInItsMonth) {
  const auto days = [](std::string_view text) { return fires(text, "UTC", Dst::after, "2025-12-31", "2026-12-31"); };
  EXPECT_EQ(days("0 0 1W 1-3,8 *"), (Readings{"01-01 00:00", "02-02 00:00", "03-02 00:00", "08-03 00:00"}))
      << "1 February and 1 March are Sundays, 1 August is a Saturday";
  EXPECT_EQ(days("0 0 15W 2,3,8,11 *"), (Readings{"02-16 00:00", "03-16 00:00", "08-14 00:00", "11-16 00:00"}));
  EXPECT_EQ(days("0 0 31W * *"), (Readings{"01-30 00:00", "03-31 00:00", "05-29 00:00", "07-31 00:00", "08-31 00:00",
                                           "10-30 00:00", "12-31 00:00"}))
      << "a month without that day has no fire";
}

TEST(Cron, CountsTheWeekdaysOfAMonth) {
  const auto days = [](std::string_view text) { return fires(text, "UTC", Dst::after, "2025-12-31", "2026-06-30"); };
  EXPECT_EQ(days("0 0 * * TUE#1"),
            (Readings{"01-06 00:00", "02-03 00:00", "03-03 00:00", "04-07 00:00", "05-05 00:00", "06-02 00:00"}));
  EXPECT_EQ(days("0 0 * * THU#5"), (Readings{"01-29 00:00", "04-30 00:00"})) << "not every month has five";
  EXPECT_EQ(days("0 0 1 2,4 SUN#5,FRI#5"), (Readings{"02-01 00:00", "04-01 00:00"})) << "nor spills into the next";
  EXPECT_EQ(days("0 0 31W 2,4 SUN#1"), (Readings{"02-01 00:00", "04-05 00:00"}));
  EXPECT_EQ(days("0 0 * 1 SUN#1,SAT#5"), (Readings{"01-04 00:00", "01-31 00:00"}));
}

TEST(Cron, FindsTheRareDay) {
  EXPECT_EQ(next_utc("0 0 29 2 *", "2026-01-01T00:00:00Z"), "2028-02-29T00:00:00Z");
  EXPECT_EQ(next_utc("0 0 29 2 *", "2096-03-01T00:00:00Z"), "2104-02-29T00:00:00Z") << "2100 has none";
  EXPECT_EQ(next_utc("0 0 */28 2 MON", "2026-01-01T00:00:00Z"), "2027-02-01T00:00:00Z");
  EXPECT_EQ(next_utc("59 59 23 31 12 ?", "2026-12-31T23:59:59Z"), "2027-12-31T23:59:59Z");
}

TEST(Cron, FiresATimeThatDstRemovesRightAfterTheGap) {
  EXPECT_EQ(fires("30 2 * * *", kNewYork, Dst::after, "2026-03-07", "2026-03-10"),
            (Readings{"03-07 02:30", "03-08 03:00", "03-09 02:30"}));
  EXPECT_EQ(fires("30 2 * * *", kNewYork, Dst::both, "2026-03-08", "2026-03-09"), (Readings{"03-08 03:00"}));
  EXPECT_EQ(fires("0 2 8 3 *", kNewYork, Dst::after, "2026-03-01", "2026-03-31"), (Readings{"03-08 03:00"}));
}

TEST(Cron, SkipsTheHourThatDstRemovesIfAskedTo) {
  EXPECT_EQ(fires("30 2 * * *", kNewYork, Dst::skip, "2026-03-07", "2026-03-10"),
            (Readings{"03-07 02:30", "03-09 02:30"}));
  EXPECT_EQ(fires("0 3 * * *", kNewYork, Dst::skip, "2026-03-08", "2026-03-09"), (Readings{"03-08 03:00"}));
}

TEST(Cron, MakesOneFireOfAllTimesInOneGapAndOfOneOnItsEnd) {
  for (const char* text : {"0,30 2 * * *", "0-59 2 * * *", "0 2,3 * * *", "* 30 2 * * *", "15 30 2 * * *"}) {
    EXPECT_EQ(fires(text, kNewYork, Dst::after, "2026-03-08", "2026-03-08 03:30"), (Readings{"03-08 03:00"})) << text;
  }
  EXPECT_EQ(fires("30 2,3 * * *", kNewYork, Dst::after, "2026-03-08", "2026-03-09"),
            (Readings{"03-08 03:00", "03-08 03:30"}));
}

TEST(Cron, MatchesTheDayOfTheMissingTime) {
  EXPECT_EQ(fires("0 12 30 12 *", "Pacific/Apia", Dst::after, "2011-12-01", "2012-01-05"), (Readings{"12-31 00:00"}));
  EXPECT_EQ(fires("0 12 * * FRI", "Pacific/Apia", Dst::after, "2011-12-29 13:00", "2012-01-02"),
            (Readings{"12-31 00:00"}))
      << "30 December was to be a Friday";
  EXPECT_EQ(fires("0 12 * * *", "Pacific/Apia", Dst::after, "2011-12-29", "2012-01-01"),
            (Readings{"12-29 12:00", "12-31 00:00", "12-31 12:00"}));
  EXPECT_EQ(fires("0 12 30 12 *", "Pacific/Apia", Dst::skip, "2011-12-01", "2012-01-05"), Readings{});
  EXPECT_EQ(fires("0 0 4 11 *", "America/Sao_Paulo", Dst::after, "2018-11-01", "2018-11-05"), (Readings{"11-04 01:00"}))
      << "the gap is at midnight";
}

TEST(Cron, FiresARepeatedTimeAtItsFirstOccurrence) {
  for (const Dst dst : {Dst::after, Dst::skip}) {
    EXPECT_EQ(fires("30 1 * * *", kNewYork, dst, "2026-11-01", "2026-11-03"), (Readings{"11-01 01:30", "11-02 01:30"}));
    EXPECT_EQ(
        format_instant(*next(*parse_cron("30 1 * * *"), *find_zone(kNewYork), dst, moment("2026-11-01T00:00:00Z"))),
        "2026-11-01T05:30:00Z");
  }
}

TEST(Cron, FiresARepeatedTimeTwiceIfAskedTo) {
  EXPECT_EQ(fires("30 1 * * *", kNewYork, Dst::both, "2026-11-01", "2026-11-02"),
            (Readings{"11-01 01:30", "11-01 01:30"}));
  EXPECT_EQ(fires("0 1,2 * * *", kNewYork, Dst::both, "2026-11-01", "2026-11-02"),
            (Readings{"11-01 01:00", "11-01 01:00", "11-01 02:00"}));
}

TEST(Cron, AsksOnceMoreInsideTheRepeatedHourAndDoesNotFireAgain) {
  const auto at = next(*parse_cron("30 1 * * *"), *find_zone(kNewYork), Dst::after, moment("2026-11-01T06:10:00Z"));
  EXPECT_EQ(format_instant(*at), "2026-11-02T06:30:00Z");
}

TEST(Cron, GoesThroughTheGapByTheClockWhereMinuteOrHourIsAStar) {
  for (const Dst dst : {Dst::after, Dst::skip, Dst::both}) {
    EXPECT_EQ(fires("*/30 2 * * *", kNewYork, dst, "2026-03-08", "2026-03-09"), Readings{})
        << "a missing reading is silent";
    EXPECT_EQ(fires("0 * * * *", kNewYork, dst, "2026-03-08 00:30", "2026-03-08 04:30"),
              (Readings{"03-08 01:00", "03-08 03:00", "03-08 04:00"}));
    EXPECT_EQ(fires("30 */2 * * *", kNewYork, dst, "2026-03-08", "2026-03-08 05:00"),
              (Readings{"03-08 00:30", "03-08 04:30"}));
  }
}

TEST(Cron, GoesThroughTheRepeatedHourTwiceWhereMinuteOrHourIsAStar) {
  for (const Dst dst : {Dst::after, Dst::skip, Dst::both}) {
    EXPECT_EQ(fires("*/30 1 * * *", kNewYork, dst, "2026-11-01", "2026-11-02"),
              (Readings{"11-01 01:00", "11-01 01:30", "11-01 01:00", "11-01 01:30"}));
    EXPECT_EQ(fires("15 * * * *", kNewYork, dst, "2026-11-01", "2026-11-01 02:30"),
              (Readings{"11-01 00:15", "11-01 01:15", "11-01 01:15", "11-01 02:15"}));
  }
}

TEST(Cron, DecidesBySpellingWhetherItFollowsTheClock) {
  EXPECT_EQ(fires("0-59/30 2 * * *", kNewYork, Dst::after, "2026-03-08", "2026-03-09"), (Readings{"03-08 03:00"}));
  EXPECT_EQ(fires("*,5 2 * * *", kNewYork, Dst::after, "2026-03-08", "2026-03-09"), Readings{});
  EXPECT_EQ(fires("5,* 2 * * *", kNewYork, Dst::after, "2026-03-08", "2026-03-09"), (Readings{"03-08 03:00"}));
}

TEST(Cron, ChangesHalfAnHourWhereTheZoneDoes) {
  EXPECT_EQ(fires("15 2 * * *", "Australia/Lord_Howe", Dst::after, "2026-10-03", "2026-10-05"),
            (Readings{"10-03 02:15", "10-04 02:30"}));
  EXPECT_EQ(fires("45 1 * * *", "Australia/Lord_Howe", Dst::both, "2026-04-05", "2026-04-06"),
            (Readings{"04-05 01:45", "04-05 01:45"}));
}

TEST(Cron, TakesNegativeSavingTimeAsTheClockShowsIt) {
  EXPECT_EQ(fires("30 1 * * *", "Europe/Dublin", Dst::after, "2026-03-29", "2026-03-30"), (Readings{"03-29 02:00"}));
  EXPECT_EQ(fires("30 1 * * *", "Europe/Dublin", Dst::both, "2026-10-25", "2026-10-26"),
            (Readings{"10-25 01:30", "10-25 01:30"}));
}

TEST(Cron, RefusesWhatNeverFires) {
  const auto check = [](std::string_view text, std::string_view zone, Dst dst, std::string_view from) {
    return check_fires(*parse_cron(text), *find_zone(zone), dst, moment(from));
  };
  for (const char* text : {"0 0 31 2 *", "0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 31W 2 *"}) {
    const auto checked = check(text, "UTC", Dst::after, "2026-01-01T00:00:00Z");
    ASSERT_FALSE(checked) << text;
    EXPECT_EQ(checked.error().code(), Code::invalid);
  }
  EXPECT_EQ(check("0 0 31 2 *", "UTC", Dst::after, "2026-01-01T00:00:00Z").error().message(),
            "cron \"0 0 31 2 *\": never fires: there is no such time within 50 years of 2026-01-01T00:00:00Z in UTC");
  EXPECT_TRUE(check("0 0 29 2 *", "UTC", Dst::after, "2026-01-01T00:00:00Z"));
  EXPECT_TRUE(check("0 0 30,31 1,2 *", "UTC", Dst::after, "2026-01-01T00:00:00Z"));
  EXPECT_TRUE(check("@every 10d", "UTC", Dst::after, "2026-01-01T00:00:00Z"));
}

TEST(Cron, JudgesNeverWithZoneAndDst) {
  // 02:30 on the second Sunday of March is missing in New York every year.
  const auto expression = *parse_cron("30 2 * 3 SUN#2");
  const auto from = moment("2026-01-01T00:00:00Z");
  EXPECT_TRUE(check_fires(expression, *find_zone(kNewYork), Dst::after, from));
  EXPECT_FALSE(check_fires(expression, *find_zone(kNewYork), Dst::skip, from));
  EXPECT_TRUE(check_fires(expression, Zone::utc(), Dst::skip, from));
}

TEST(Cron, EndsWithTheTimeThatCanBeExpressed) {
  const auto expression = *parse_cron("0 0 1 1 *");
  EXPECT_EQ(next_utc("0 0 1 1 *", "2261-06-01T00:00:00Z"), "2262-01-01T00:00:00Z");
  EXPECT_EQ(next(expression, Zone::utc(), Dst::after, moment("2261-06-01T00:00:00Z") + 24h * 220), std::nullopt);
  EXPECT_EQ(next(expression, Zone::utc(), Dst::after, WallTime::max()), std::nullopt);
  EXPECT_TRUE(next(expression, *find_zone(kNewYork), Dst::after, WallTime::min()));
}

TEST(Cron, CountsEveryFromTheGivenInstantWithoutAnAnchor) {
  EXPECT_EQ(next_utc("@every 1h30m", "2026-01-01T00:00:07.25Z"), "2026-01-01T01:30:07.25Z");
}

}  // namespace
}  // namespace errand
