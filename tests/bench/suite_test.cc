// Ratios and verdicts of the load programs.

#include "suite.h"

#include <gtest/gtest.h>

#include <set>

#include "measure.h"

using bench::Goal;
using bench::Outcome;
using bench::Row;

namespace {

// errand is 2, 3 and 4 times as fast as its best rival.
Row row(bool more_is_better = true) {
  return {"W", "M tasks/s", more_is_better, {{"errand", {4, 6, 8}}, {"rival", {2, 2, 2}}, {"other", {1, 1, 1}}}};
}

// The same, with what the hand-over took before errand's runs and before the rival's.
Row row(std::vector<double> before_errand, std::vector<double> before_rival) {
  Row measured = row();
  measured.columns[0].hand_overs = std::move(before_errand);
  measured.columns[1].hand_overs = std::move(before_rival);
  return measured;
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
  EXPECT_EQ(verdict.outcome, Outcome::met);
  EXPECT_EQ(verdict.against, "rival");
  ASSERT_EQ(verdict.windows.size(), 1U);
  EXPECT_EQ(verdict.windows[0].figures, (std::vector<double>{2, 3, 4}));
  EXPECT_EQ(verdict.windows[0].cores, std::nullopt);
}

TEST(Judge, AsksForMoreOrForLess) {
  const Goal goal{.row = "W", .against = "rival", .bound = 3.5};
  EXPECT_EQ(bench::judge(goal, {row(true)}).outcome, Outcome::missed);
  EXPECT_EQ(bench::judge(goal, {row(false)}).outcome, Outcome::met);
  const Goal figure{.row = "W", .bound = 6};
  EXPECT_EQ(bench::judge(figure, {row(true)}).outcome, Outcome::met);
  EXPECT_EQ(bench::judge(figure, {row(false)}).outcome, Outcome::met);
}

// The ratios are 2, 3 and 4.
TEST(Judge, HoldsEachRunToTheBoundOfItsCores) {
  const auto outcome = [](double near, double far, std::vector<double> hand_overs) {
    const Goal goal{.row = "W", .against = "rival", .bound = near, .far = far};
    return bench::judge(goal, {row(hand_overs, hand_overs)}).outcome;
  };
  EXPECT_EQ(outcome(3, 9, {50, 50, 50}), Outcome::met);
  EXPECT_EQ(outcome(9, 3, {200, 200, 200}), Outcome::met);
  // The first two were far: their median is 2.5.
  EXPECT_EQ(outcome(4, 2.5, {200, 200, 50}), Outcome::met);
  EXPECT_EQ(outcome(4.1, 2.5, {200, 200, 50}), Outcome::missed);
  EXPECT_EQ(outcome(4, 2.6, {200, 200, 50}), Outcome::missed);
}

TEST(Judge, ShowsContendedRunsApartAndDoesNotCountThem) {
  const Goal goal{.row = "W", .against = "rival", .bound = 3, .far = 2};
  const auto verdict = bench::judge(goal, {row({300, 50, 50}, {50, 50, 50})});
  EXPECT_EQ(verdict.outcome, Outcome::met);
  ASSERT_EQ(verdict.windows.size(), 3U);
  EXPECT_EQ(verdict.windows[0].cores, bench::Cores::near);
  EXPECT_EQ(verdict.windows[0].figures, (std::vector<double>{3, 4}));
  EXPECT_EQ(verdict.windows[2].cores, bench::Cores::contended);
  EXPECT_EQ(verdict.windows[2].figures, (std::vector<double>{2}));
  EXPECT_EQ(verdict.windows[2].bound, std::nullopt);
}

TEST(Judge, ShowsThatTheOtherOfTwoBoundsHadNoRuns) {
  const std::vector<double> all_near = {50, 50, 50};
  const auto verdict = bench::judge({.row = "W", .against = "rival", .bound = 3, .far = 2}, {row(all_near, all_near)});
  EXPECT_EQ(verdict.outcome, Outcome::met);
  ASSERT_EQ(verdict.windows.size(), 2U);
  EXPECT_EQ(verdict.windows[1].cores, bench::Cores::far);
  EXPECT_TRUE(verdict.windows[1].figures.empty());
  EXPECT_FALSE(verdict.windows[1].met);
  const auto one = bench::judge({.row = "W", .against = "rival", .bound = 3, .far = 3}, {row(all_near, all_near)});
  EXPECT_EQ(one.windows.size(), 1U);
}

TEST(Judge, MeetsNoGoalWhereAllRunsWereContended) {
  const Goal goal{.row = "W", .against = "rival", .bound = 1, .far = 1};
  EXPECT_EQ(bench::judge(goal, {row({300, 300, 300}, {50, 50, 50})}).outcome, Outcome::contended);
  // Where far cores make no difference to a goal, contended ones do not either.
  EXPECT_EQ(bench::judge({.row = "W", .against = "rival", .bound = 1}, {row({300, 300, 300}, {50, 50, 50})}).outcome,
            Outcome::met);
}

TEST(Judge, GoesByTheLongerHandOverOfTheTwoRuns) {
  const Goal goal{.row = "W", .against = "rival", .bound = 1, .far = 1};
  const auto verdict = bench::judge(goal, {row({50, bench::kFar, 50}, {50, 50, bench::kContended})});
  ASSERT_EQ(verdict.windows.size(), 3U);
  EXPECT_EQ(verdict.windows[0].figures, (std::vector<double>{2}));
  EXPECT_EQ(verdict.windows[1].figures, (std::vector<double>{3}));
  EXPECT_EQ(verdict.windows[2].figures, (std::vector<double>{4}));
}

TEST(Judge, SaysNothingOfWhatWasNotMeasured) {
  EXPECT_EQ(bench::judge({.row = "another"}, {row()}).outcome, Outcome::not_measured);
  EXPECT_EQ(bench::judge({.row = "W", .who = "nobody"}, {row()}).outcome, Outcome::not_measured);
  EXPECT_EQ(bench::judge({.row = "W", .against = "nobody"}, {row()}).outcome, Outcome::not_measured);
}

TEST(Suite, RunsAloneNobodyButTheOneNamed) {
  bench::Suite suite({.size = 0.001, .runs = 1, .alone = "rival"});
  suite.measure_apart({{"W", "MiB", false}, {"W too", "MiB", false}}, {{"errand",
                                                                        [] {
                                                                          return std::vector{1.0, 2.0};
                                                                        }},
                                                                       {"rival", [] {
                                                                          return std::vector{3.0, 4.0};
                                                                        }}});
  ASSERT_EQ(suite.rows.size(), 2U);
  ASSERT_EQ(suite.rows[1].columns.size(), 1U);
  EXPECT_EQ(suite.rows[1].columns[0].runs, (std::vector<double>{4}));
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

TEST(Suite, MeasuresTheHandOverBeforeEachRun) {
  bench::Suite suite({.size = 0.001, .runs = 2});
  suite.measure("W", "", true, {{"a", [] { return 1.0; }}, {"b", [] { return 1.0; }}});
  for (const bench::Column& column : suite.rows.at(0).columns) {
    ASSERT_EQ(column.hand_overs.size(), 2U);
    EXPECT_GT(column.hand_overs[0], 0);
  }
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
