// Ratios and verdicts of the load programs.

#include "suite.h"

#include <gtest/gtest.h>

#include <set>

#include "measure.h"

using bench::Goal;
using bench::Row;

namespace {

// errand is 2, 3 and 4 times as fast as its best rival.
Row row(bool more_is_better = true) {
  return {"W", "M tasks/s", more_is_better, {{"errand", {4, 6, 8}}, {"rival", {2, 2, 2}}, {"other", {1, 1, 1}}}, 50};
}

}  // namespace

TEST(Quantile, LiesBetweenTheValuesAroundIt) {
  EXPECT_EQ(bench::quantile({}, 0.5), 0);
  EXPECT_EQ(bench::quantile({3}, 0.99), 3);
  EXPECT_EQ(bench::quantile({4, 1, 3, 2}, 0), 1);
  EXPECT_EQ(bench::quantile({4, 1, 3, 2}, 1), 4);
  EXPECT_EQ(bench::median({4, 1, 3, 2}), 2.5);
  EXPECT_DOUBLE_EQ(bench::quantile({0, 10}, 0.25), 2.5);
}

TEST(Ratios, AreTakenRunByRun) {
  EXPECT_EQ(bench::ratios({"a", {2, 9}}, {"b", {1, 3}}), (std::vector<double>{2, 3}));
}

TEST(Judge, TakesTheBestRivalButNoLimit) {
  Row limited = row();
  limited.columns.push_back({"a limit", {100, 100, 100}, true});
  const Goal goal{.row = "W", .against = "best", .bound = 3};
  const auto verdict = bench::judge(goal, {limited});
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->against, "rival");
  EXPECT_EQ(verdict->median, 3);
  EXPECT_EQ(verdict->least, 2);
  EXPECT_EQ(verdict->most, 4);
  EXPECT_TRUE(verdict->met);
}

TEST(Judge, AsksForMoreOrForLess) {
  const Goal goal{.row = "W", .against = "rival", .bound = 3.5};
  EXPECT_FALSE(bench::judge(goal, {row(true)})->met);
  EXPECT_TRUE(bench::judge(goal, {row(false)})->met);
  const Goal figure{.row = "W", .bound = 6};
  EXPECT_TRUE(bench::judge(figure, {row(true)})->met);
  EXPECT_TRUE(bench::judge(figure, {row(false)})->met);
}

TEST(Judge, GoesByHowFarTheCoresAreApart) {
  const Goal goal{.row = "W", .against = "rival", .bound = 3.5, .far = 2.5};
  Row measured = row();
  EXPECT_FALSE(bench::judge(goal, {measured})->met);
  measured.hand_over = bench::kFar;
  EXPECT_TRUE(bench::judge(goal, {measured})->met);
  measured.hand_over = bench::kContended;
  measured.columns[0].runs = {1, 1, 1};
  EXPECT_FALSE(bench::judge(goal, {measured})->bound);
  EXPECT_TRUE(bench::judge(goal, {measured})->met);
}

TEST(Judge, SaysNothingOfWhatWasNotMeasured) {
  EXPECT_FALSE(bench::judge({.row = "another"}, {row()}));
  EXPECT_FALSE(bench::judge({.row = "W", .who = "nobody"}, {row()}));
  EXPECT_FALSE(bench::judge({.row = "W", .against = "nobody"}, {row()}));
}

TEST(Suite, LetsTheContendersTakeTurns) {
  bench::Suite suite({.size = 0.001, .runs = 2});
  std::string turns;
  const auto contender = [&](const char* who) {
    return bench::Contender{who, [&turns, who] {
                              turns += who;
                              return static_cast<double>(turns.size());
                            }};
  };
  suite.measure("W", "", true, {contender("a"), contender("b"), contender("c")});
  EXPECT_EQ(turns, "abcbca");
  ASSERT_EQ(suite.rows.size(), 1U);
  EXPECT_EQ(suite.rows[0].columns[0].runs, (std::vector<double>{1, 6}));
  EXPECT_EQ(suite.rows[0].columns[2].runs, (std::vector<double>{3, 5}));
}

TEST(Suite, LeavesOutWhoIsNotInstalled) {
  bench::Suite suite({.size = 0.001, .runs = 1});
  const auto measure = [&](const char* workload) {
    suite.measure(workload, "", true, {{"a", [] { return 1.0; }}, {"b", [] { return 2.0; }, false, "b-server"}});
  };
  testing::internal::CaptureStderr();
  measure("W");
  EXPECT_NE(testing::internal::GetCapturedStderr().find("errand_bench: without b; install b-server\n"),
            std::string::npos);
  ASSERT_EQ(suite.rows.size(), 1U);
  EXPECT_EQ(suite.rows[0].find("b"), nullptr);
  EXPECT_EQ(suite.rows[0].find("a")->runs, (std::vector<double>{1}));

  testing::internal::CaptureStderr();
  measure("another");
  EXPECT_EQ(testing::internal::GetCapturedStderr().find("install"), std::string::npos);
}

TEST(Goals, EachIsThereOnce) {
  for (const auto* goals : {&bench::memory_goals(), &bench::durable_goals()}) {
    std::set<std::string> seen;
    for (const Goal& goal : *goals)
      EXPECT_TRUE(seen.insert(goal.row + "|" + goal.who + "|" + goal.against).second) << goal.row;
  }
}
