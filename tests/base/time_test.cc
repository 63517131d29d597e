#include "base/time.h"

#include <gtest/gtest.h>

namespace errand {
namespace {

using namespace std::chrono_literals;

TEST(SaturatingAdd, AddsWhatFits) {
  EXPECT_EQ(saturating_add(SteadyTime(5s), 2s), SteadyTime(7s));
  EXPECT_EQ(saturating_add(WallTime(5s), -7s), WallTime(-2s));
}

TEST(SaturatingAdd, StopsAtTheEndsOfTime) {
  EXPECT_EQ(saturating_add(SteadyTime(1ns), Duration::max()), SteadyTime::max());
  EXPECT_EQ(saturating_add(SteadyTime::max(), 1ns), SteadyTime::max());
  EXPECT_EQ(saturating_add(WallTime(-2ns), Duration::min()), WallTime::min());
  EXPECT_EQ(saturating_add(SteadyTime::min(), Duration::max()), SteadyTime(-1ns));
}

TEST(DurationText, IsExactInTheLargestUnitThatFits) {
  EXPECT_EQ(to_text(Duration(0)), "0s");
  EXPECT_EQ(to_text(90s), "90s");
  EXPECT_EQ(to_text(1500ms), "1500ms");
  EXPECT_EQ(to_text(7us), "7us");
  EXPECT_EQ(to_text(1s + 1ns), "1000000001ns");
  EXPECT_EQ(to_text(-5s), "-5s");
  EXPECT_EQ(to_text(Duration::min()), "-9223372036854775808ns");
}

}  // namespace
}  // namespace errand
