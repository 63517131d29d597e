#include "schedule/zone.h"

#include "oracle.h"
#include "schedule/posix_zone.h"
#include "schedule/tzif.h"

#include <gtest/gtest.h>

#include <random>

namespace errand {
namespace {

using namespace std::chrono;

Zone zone(std::string_view name) {
  auto found = find_zone(name);
  EXPECT_TRUE(found) << (found ? "" : found.error().message());
  return found ? *found : Zone::utc();
}

sys_seconds at(int y, int m, int d, int hour = 0, int minute = 0, int second = 0) {
  return sys_seconds(seconds(oracle::utc(y, m, d, hour, minute, second)));
}
local_seconds local(int y, int m, int d, int hour = 0, int minute = 0, int second = 0) {
  return local_seconds(seconds(oracle::utc(y, m, d, hour, minute, second)));
}

// A zone file as zic writes it, of version 2, with one type and no listed change.
std::string slim_file(std::string_view footer, bool leap_second = false) {
  const std::string header = std::string("TZif2") + std::string(15, '\0') + std::string(8, '\0');
  const std::string counts("\0\0\0\0\0\0\0\1\0\0\0\4", 12);
  const std::string type("\xff\xff\xb9\xb0\0\0EST\0", 10);  // -18000 s
  const std::string none(4, '\0'), one("\0\0\0\1", 4);
  return header + none + counts + type + header + (leap_second ? one : none) + counts + type +
         std::string(leap_second ? 12 : 0, '\0') + "\n" + std::string(footer) + "\n";
}

TEST(Zone, UtcIsAlwaysThere) {
  const Zone utc = Zone::utc();
  EXPECT_EQ(utc.name(), "UTC");
  EXPECT_EQ(utc.to_local(at(2026, 7, 1, 12)), local(2026, 7, 1, 12));
  EXPECT_EQ(zone("UTC").name(), "UTC");
  EXPECT_EQ(zone("Etc/UTC").name(), "Etc/UTC");
}

TEST(Zone, NamesTheZoneItDoesNotKnow) {
  for (const char* name :
       {"Europe/Berln", "", "utc", "localtime", "posixrules", "right/Europe/Berlin", "/etc/localtime",
        "Europe/../Europe/Berlin", "Europe", "Europe/", "zone.tab", "Europe/Berlin\n", "B\xc3\xa9"}) {
    const auto found = find_zone(name);
    ASSERT_FALSE(found) << name;
    EXPECT_EQ(found.error().code(), Code::invalid);
    EXPECT_EQ(found.error().message().find("zone \""), 0u) << found.error().message();
  }
  EXPECT_NE(find_zone("Europe/Berln").error().message().find("\"Europe/Berln\""), std::string::npos);
  EXPECT_FALSE(find_zone(std::string(100'000, 'A')));
}

TEST(Zone, ShowsLocalTimeOnBothSidesOfAChange) {
  const Zone york = zone("America/New_York");
  EXPECT_EQ(york.to_local(at(2026, 3, 8, 6, 59, 59)), local(2026, 3, 8, 1, 59, 59));
  EXPECT_EQ(york.to_local(at(2026, 3, 8, 7)), local(2026, 3, 8, 3));
  EXPECT_EQ(york.to_local(at(2026, 11, 1, 5, 59, 59)), local(2026, 11, 1, 1, 59, 59));
  EXPECT_EQ(york.to_local(at(2026, 11, 1, 6)), local(2026, 11, 1, 1));
  EXPECT_EQ(york.span_of(at(2026, 7, 1)).abbreviation, "EDT");
  EXPECT_EQ(york.span_of(at(2026, 12, 1)).abbreviation, "EST");
}

TEST(Zone, FindsTheInstantOfALocalTimeThatIsShownOnce) {
  const auto found = zone("America/New_York").to_utc(local(2026, 7, 1, 12));
  EXPECT_EQ(found.count, 1);
  EXPECT_EQ(found.first, at(2026, 7, 1, 16));
  EXPECT_EQ(found.last, found.first);
}

TEST(Zone, FindsTheEndOfTheGapForALocalTimeThatIsMissing) {
  for (const auto missing : {local(2026, 3, 8, 2), local(2026, 3, 8, 2, 59, 59)}) {
    const auto found = zone("America/New_York").to_utc(missing);
    EXPECT_EQ(found.count, 0);
    EXPECT_EQ(found.first, at(2026, 3, 8, 7));
  }
  const auto apia = zone("Pacific/Apia").to_utc(local(2011, 12, 30, 12));
  EXPECT_EQ(apia.count, 0);
  EXPECT_EQ(apia.first, at(2011, 12, 30, 10));
}

TEST(Zone, FindsBothInstantsOfALocalTimeThatIsRepeated) {
  const auto found = zone("America/New_York").to_utc(local(2026, 11, 1, 1, 30));
  EXPECT_EQ(found.count, 2);
  EXPECT_EQ(found.first, at(2026, 11, 1, 5, 30));
  EXPECT_EQ(found.last, at(2026, 11, 1, 6, 30));
}

TEST(Zone, GoesOnByTheRuleAfterTheLastListedChange) {
  // Files list changes up to 2037 at most.
  for (const char* name : {"America/New_York", "Europe/London", "Europe/Dublin", "Australia/Lord_Howe"}) {
    oracle::use_zone(name);
    const Zone found = zone(name);
    for (int year = 2030; year <= 2100; ++year) {
      for (const int month : {1, 7}) {
        const auto expected = oracle::offset_at(oracle::utc(year, month, 1));
        EXPECT_EQ(found.span_of(at(year, month, 1)).offset.count(), expected.seconds) << name << " " << year;
        EXPECT_EQ(found.span_of(at(year, month, 1)).abbreviation, expected.abbreviation) << name << " " << year;
      }
    }
  }
}

TEST(Zone, AgreesWithTheCLibraryInEveryZone) {
  const auto names = oracle::zones(true);
  ASSERT_GT(names.size(), 300u);
  std::mt19937_64 random(1);
  std::uniform_int_distribution<std::int64_t> moments(oracle::utc(1902, 1, 1), oracle::utc(2199, 1, 1));
  for (const auto& name : names) {
    const Zone found = zone(name);
    oracle::use_zone(name);
    std::vector<std::int64_t> tried;
    for (int i = 0; i < 60; ++i) tried.push_back(moments(random));
    // The last second before a change and the first after it say more than any others.
    for (const ZoneSpan& span : found.spans()) {
      const auto begin = span.begin.time_since_epoch().count();
      if (begin < oracle::utc(1970, 1, 1) || begin > oracle::utc(2060, 1, 1)) continue;
      tried.push_back(begin);
      tried.push_back(begin - 1);
    }
    for (const auto moment : tried) {
      const auto expected = oracle::offset_at(moment);
      const ZoneSpan& span = found.span_of(sys_seconds(seconds(moment)));
      ASSERT_EQ(span.offset.count(), expected.seconds) << name << " at " << moment;
      ASSERT_EQ(span.abbreviation, expected.abbreviation) << name << " at " << moment;
    }
  }
}

TEST(Zone, ReadsAFileThatIsAllRule) {
  const auto spans = read_tzif(slim_file("EST5EDT,M3.2.0,M11.1.0"));
  ASSERT_TRUE(spans) << spans.error().message();
  const Zone slim("Slim", *spans), york = zone("America/New_York");
  for (int year = 2008; year <= 2100; ++year) {
    for (int month = 1; month <= 12; ++month) {
      for (const int day : {1, 8, 14}) {
        EXPECT_EQ(slim.to_local(at(year, month, day, 6, 30)), york.to_local(at(year, month, day, 6, 30)));
      }
    }
  }
}

TEST(Zone, RefusesADamagedFileAtEveryLength) {
  const std::string whole = slim_file("EST5EDT,M3.2.0,M11.1.0");
  ASSERT_TRUE(read_tzif(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(read_tzif(whole.substr(0, size))) << size;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const int byte : {0, 1, 0x7f, 0x80, 0xff}) {
      std::string changed = whole;
      changed[i] = static_cast<char>(byte);
      (void)read_tzif(changed);  // whatever it says, it says it without reading elsewhere
    }
  }
  const auto leaping = read_tzif(slim_file("EST5EDT,M3.2.0,M11.1.0", true));
  ASSERT_FALSE(leaping) << "every time would be shifted";
  EXPECT_NE(leaping.error().message().find("leap seconds"), std::string::npos);
  EXPECT_FALSE(read_tzif(slim_file("EST5EDT,M13.2.0,M11.1.0")));
}

TEST(PosixZone, ReadsAllFormsOfTheRule) {
  EXPECT_EQ(parse_posix_zone("UTC0")->standard.offset, seconds(0));
  EXPECT_EQ(parse_posix_zone("<+0545>-5:45")->standard.offset, minutes(345));
  EXPECT_EQ(parse_posix_zone("<+0545>-5:45")->standard.abbreviation, "+0545");
  EXPECT_FALSE(parse_posix_zone("<-03>3")->saving);
  const auto dublin = parse_posix_zone("IST-1GMT0,M10.5.0,M3.5.0/1");
  ASSERT_TRUE(dublin);
  EXPECT_EQ(dublin->standard.offset, hours(1));
  EXPECT_EQ(dublin->saving->offset.offset, hours(0));
  EXPECT_EQ(dublin->saving->begins.time, hours(2));
  EXPECT_EQ(dublin->saving->ends.time, hours(1));
  const auto nuuk = parse_posix_zone("<-02>2<-01>,M3.5.0/-1,M10.5.0/0");
  ASSERT_TRUE(nuuk);
  EXPECT_EQ(nuuk->saving->begins.time, -hours(1));
  EXPECT_EQ(nuuk->saving->offset.offset, -hours(1));
  EXPECT_EQ(parse_posix_zone("EET-2EEST,M3.4.4/50,M10.4.4/50")->saving->begins.time, hours(50));
  EXPECT_EQ(parse_posix_zone("AAA3BBB,J60/2:30:15,365")->saving->ends.day, 365);
}

TEST(PosixZone, RefusesWhatMakesNoSense) {
  for (const char* rule :
       {"", "A5", "EST", "EST5EDT", "EST5EDT,M3.2.0", "EST5EDT,M3.2.0,M11.1.0,", "EST5EDT,M3.2.7,M11.1.0",
        "EST5EDT,M3.6.0,M11.1.0", "EST5EDT,J0,J5", "EST5EDT,366,1", "<EST5", "EST168", "EST5EDT,M3.2.0/x,1"}) {
    EXPECT_FALSE(parse_posix_zone(rule)) << rule;
  }
}

TEST(PosixZone, CountsJulianDaysWithoutTheLeapDay) {
  std::vector<ZoneSpan> spans{{kBeginningOfTime, hours(0), "AAA"}};
  extend_spans(spans, *parse_posix_zone("AAA0BBB,J60/0,J61/0"));
  const Zone by_julian("Julian", spans);
  EXPECT_EQ(by_julian.span_of(at(2024, 3, 1, 12)).abbreviation, "BBB");
  EXPECT_EQ(by_julian.span_of(at(2026, 3, 1, 12)).abbreviation, "BBB");
  spans = {{kBeginningOfTime, hours(0), "AAA"}};
  extend_spans(spans, *parse_posix_zone("AAA0BBB,59/0,60/0"));
  const Zone by_day("Day", spans);
  EXPECT_EQ(by_day.span_of(at(2024, 2, 29, 12)).abbreviation, "BBB");
  EXPECT_EQ(by_day.span_of(at(2026, 3, 1, 12)).abbreviation, "BBB");
}

TEST(PosixZone, CanSaveDaylightAllYear) {
  std::vector<ZoneSpan> spans{{kBeginningOfTime, -hours(5), "EST"}};
  extend_spans(spans, *parse_posix_zone("EST5EDT,0/0,J365/25"));
  const Zone always("Always", spans);
  for (int month = 1; month <= 12; ++month) EXPECT_EQ(always.span_of(at(2026, month, 1, 5)).abbreviation, "EDT");
}

}  // namespace
}  // namespace errand
