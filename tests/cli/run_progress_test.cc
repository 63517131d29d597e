// When errand run says how far it has come.

#include "run/progress_report.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace errand::cli {
namespace {

using namespace std::chrono_literals;

constexpr SteadyTime kStart{1h};

// Steps a report whenever it asks for that, and once in between. Returns what it said, and how long after the start.
std::vector<std::pair<std::chrono::seconds, std::string>> said(ProgressReport::Form form, Duration until) {
  const auto tally = Tally::make().value();
  for (int i = 0; i < 3; ++i) tally->submit();
  tally->start();
  Screen screen;
  ProgressReport report(form, *tally, screen, kStart);
  std::vector<std::pair<std::chrono::seconds, std::string>> all;
  const auto step = [&](SteadyTime now) {
    testing::internal::CaptureStderr();
    const SteadyTime next = report.step(now);
    const std::string text = testing::internal::GetCapturedStderr();
    if (!text.empty()) all.emplace_back(std::chrono::floor<std::chrono::seconds>(now - kStart), text);
    return next;
  };
  for (SteadyTime now = kStart; now <= kStart + until;) {
    const SteadyTime next = step(now);
    EXPECT_GT(next, now);
    EXPECT_EQ(step(next - 1ns), next) << "said something too early, or thought better of it";
    now = next;
  }
  return all;
}

TEST(RunProgressReport, WritesLinesToALogLessAndLessOften) {
  const std::string line = "errand run: 0 done, 1 running\n";
  using Line = std::pair<std::chrono::seconds, std::string>;
  EXPECT_EQ(said(ProgressReport::Form::lines, 45min),
            (std::vector<Line>{
                {30s, line}, {90s, line}, {210s, line}, {450s, line}, {930s, line}, {1530s, line}, {2130s, line}}));
}

TEST(RunProgressReport, DrawsABarFiveTimesASecondAfterTheFirst) {
  const auto bars = said(ProgressReport::Form::bar, 3s);
  ASSERT_EQ(bars.size(), 11u);
  EXPECT_EQ(bars.front().first, 1s);
  EXPECT_EQ(bars.front().second, "\r0  1 running\x1b[K");
}

}  // namespace
}  // namespace errand::cli
