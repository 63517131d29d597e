#include "schedule/instant.h"

#include <gtest/gtest.h>

namespace errand {
namespace {

using namespace std::chrono_literals;

std::string read(std::string_view text, std::string_view zone = "UTC") {
  const auto at = parse_instant(text, *find_zone(zone));
  return at ? format_instant(*at) : at.error().message();
}

TEST(Instant, PrintsAFractionOnlyWhereThereIsOne) {
  EXPECT_EQ(format_instant(WallTime{}), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_instant(WallTime{1500ms}), "1970-01-01T00:00:01.5Z");
  EXPECT_EQ(format_instant(WallTime{-1ns}), "1969-12-31T23:59:59.999999999Z");
}

TEST(Instant, PrintsTheClockOnTheWall) {
  const auto at = *parse_instant("2026-03-29T01:00:00Z", Zone::utc());
  EXPECT_EQ(format_local(at, *find_zone("Europe/Berlin")), "2026-03-29 03:00:00 +02:00 CEST");
  EXPECT_EQ(format_local(at, *find_zone("America/St_Johns")), "2026-03-28 22:30:00 -02:30 NDT");
}

TEST(Instant, ReadsWhatItPrints) {
  for (const char* text : {"2026-03-29T01:00:00Z", "1969-12-31T23:59:59.999999999Z", "2261-12-31T23:59:59Z"}) {
    EXPECT_EQ(read(text), text);
  }
}

TEST(Instant, ReadsOffsetsAndShortForms) {
  EXPECT_EQ(read("2026-03-29T03:00:00+02:00"), "2026-03-29T01:00:00Z");
  EXPECT_EQ(read("2026-03-29t03:00-05:30"), "2026-03-29T08:30:00Z");
  EXPECT_EQ(read("2026-03-29 03:00z"), "2026-03-29T03:00:00Z");
  EXPECT_EQ(read("2026-03-29T03:00:00.25Z"), "2026-03-29T03:00:00.25Z");
}

TEST(Instant, ReadsTheZonesOwnTimeWhereNoOffsetIsGiven) {
  EXPECT_EQ(read("2026-07-01", "Europe/Berlin"), "2026-06-30T22:00:00Z");
  EXPECT_EQ(read("2026-07-01 12:30:00.5", "Europe/Berlin"), "2026-07-01T10:30:00.5Z");
  EXPECT_EQ(read("2026-03-29 02:30", "Europe/Berlin"), "2026-03-29T01:00:00Z") << "missing: the end of the gap";
  EXPECT_EQ(read("2026-10-25 02:30", "Europe/Berlin"), "2026-10-25T00:30:00Z") << "repeated: the first";
}

TEST(Instant, RefusesWhatIsNoMoment) {
  for (const char* text : {"", "now", "2026-02-29", "2026-13-01", "2026-1-1", "2026-01-01T", "2026-01-01T24:00Z",
                           "2026-01-01T23:60Z", "2026-01-01T23:59:60Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00Zx",
                           "2026-01-01T00:00+0200", "1500-01-01", "9999-01-01", "2026-01-01T00:00:00.1234567890Z"}) {
    EXPECT_FALSE(parse_instant(text, Zone::utc())) << text;
  }
  EXPECT_NE(read("now").find("got \"now\""), std::string::npos);
}

}  // namespace
}  // namespace errand
