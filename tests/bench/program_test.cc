// What a load program prints, and how it ends.

#include "program.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

using Json = nlohmann::json;

namespace {

// Three times as fast as its rival, which has two runs at least.
void won_and_lost(bench::Suite& suite) {
  for (const char* workload : {"W won", "W lost"})
    suite.measure(workload, "M tasks/s", true, {{"errand", [] { return 6.0; }}, {"rival", [] { return 2.0; }}});
  suite.measure("W behind", "us", false,
                {{"errand", [] { return 6.0; }}, {"rival", [] { return 2.0; }}, {"raw", [] { return 1.0; }, true}});
}

// Measured while the cores were contended; and the last of three runs when they were far apart.
void contended(bench::Suite& suite) {
  const bench::Column rival{"rival", {2, 2, 2}, false, {50, 50, 50}};
  for (const auto& [workload, last] : {std::pair("W contended", 300.0), {"W far at last", 150.0}}) {
    if (suite.wants(workload))
      suite.rows.push_back({workload, "M tasks/s", true, {{"errand", {6, 7, 8}, false, {300, 300, last}}, rival}});
  }
}

const std::vector<bench::Goal>& goals() {
  static const std::vector<bench::Goal> all = {
      {.row = "W won", .against = "best", .bound = 2},
      {.row = "W lost", .against = "rival", .bound = 4},
      {.row = "W contended", .against = "rival", .bound = 2, .far = 1, .stretch = 4},
      {.row = "W far at last", .against = "rival", .bound = 9, .far = 4},
      {.row = "W left out", .against = "rival", .bound = 1},
  };
  return all;
}

struct Ended {
  int code;
  std::string out, err;
};

// `errand_bench toy OPTIONS`, with two runs.
Ended run(std::vector<std::string> options) {
  const bench::Tier tier{"toy", {won_and_lost, contended}, goals(), bench::print_memory_page};
  options.insert(options.end(), {"--runs", "2", "--scale", "0.001"});
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int code = bench::run(tier, options);
  return {code, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST(Check, IsContentWhereEachGoalIsMet) {
  const Ended ended = run({"--only", "W won", "--check"});
  EXPECT_EQ(ended.code, 0);
  EXPECT_FALSE(holds(ended.err, "errand_bench"));
  EXPECT_EQ(run({"--only", "W far", "--check"}).code, 0);
}

TEST(Check, FailsAndNamesTheWorkloadWhereAGoalIsMissed) {
  for (const char* form : {"--check", "--json", "--page"}) {
    const Ended ended = run({"--check", form});
    EXPECT_EQ(ended.code, 1) << form;
    EXPECT_TRUE(holds(ended.err, "errand_bench: W lost, against rival: missed\n")) << ended.err;
    EXPECT_FALSE(holds(ended.err, "W won, against")) << ended.err;
  }
}

TEST(Check, FailsWhereAllRunsWereContended) {
  const Ended ended = run({"--only", "W contended", "--check"});
  EXPECT_EQ(ended.code, 1);
  EXPECT_TRUE(holds(ended.err, "errand_bench: W contended, against rival: contended: measure again\n")) << ended.err;
}

TEST(Check, FailsWhereAGoalWasNotMeasured) {
  const bench::Tier tier{"toy",
                         {[](bench::Suite& suite) {
                           suite.measure("W left out", "", true, {{"errand", [] { return 1.0; }}});
                         }},
                         goals(),
                         bench::print_memory_page};
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  EXPECT_EQ(bench::run(tier, {"--only", "W left", "--scale", "0.001", "--check"}), 1);
  testing::internal::GetCapturedStdout();
  EXPECT_TRUE(holds(testing::internal::GetCapturedStderr(), "errand_bench: W left out, against rival: not measured\n"));
}

TEST(Program, MissesGoalsInPeaceWhereNobodyAsks) {
  EXPECT_EQ(run({}).code, 0);
}

TEST(Program, IsMisusedWithoutAWorkloadOrWithAnUnknownOption) {
  EXPECT_EQ(run({"--only", "X"}).code, 2);
  EXPECT_EQ(run({"--fast"}).code, 2);
  EXPECT_EQ(run({"--only"}).code, 2);
  EXPECT_EQ(run({"--counted", "/nowhere"}).code, 2);
}

TEST(Json, CarriesWhereItComesFromAndEachRun) {
  setenv("ERRAND_COMMIT", "abc123", 1);
  setenv("ERRAND_COMMAND", "./dev bench toy --only \"W won\"", 1);
  const Json all = Json::parse(run({"--json"}).out);
  unsetenv("ERRAND_COMMIT");
  unsetenv("ERRAND_COMMAND");
  EXPECT_EQ(all.at("commit"), "abc123");
  EXPECT_EQ(all.at("command"), "./dev bench toy --only \"W won\"");
  EXPECT_TRUE(holds(all.at("machine"), " of memory, Linux "));

  const Json& row = all.at("rows").at(0);
  EXPECT_EQ(row.at("workload"), "W won");
  EXPECT_EQ(row.at("unit"), "M tasks/s");
  EXPECT_EQ(row.at("more_is_better"), true);
  EXPECT_EQ(row.at("columns").at(0).at("who"), "errand");
  EXPECT_EQ(row.at("columns").at(0).at("runs"), (Json{6, 6}));
  EXPECT_EQ(row.at("columns").at(1).at("hand_overs_ns").size(), 2U);
  EXPECT_EQ(all.at("rows").at(2).at("columns").at(2).at("limit"), true);
}

TEST(Json, CarriesGoalsAndWhatBecameOfThem) {
  const Json all = Json::parse(run({"--json"}).out).at("goals");
  const auto goal = [&](const std::string& workload) -> const Json& {
    for (const Json& one : all) {
      if (one.at("workload") == workload) return one;
    }
    throw std::out_of_range(workload);
  };
  EXPECT_EQ(goal("W won").at("outcome"), "met");
  EXPECT_EQ(goal("W won").at("against"), "rival");
  EXPECT_EQ(goal("W won").at("windows").at(0).at("median"), 3);
  EXPECT_EQ(goal("W won").at("windows").at(0).at("bound"), 2);
  EXPECT_EQ(goal("W won").at("windows").at(0).at("cores"), nullptr);
  EXPECT_EQ(goal("W lost").at("outcome"), "missed");
  EXPECT_EQ(goal("W contended").at("outcome"), "contended: measure again");
  EXPECT_EQ(goal("W contended").at("windows").at(0).at("met"), nullptr);
  EXPECT_EQ(goal("W far at last").at("windows").at(1).at("cores"), "far");
  EXPECT_EQ(goal("W far at last").at("windows").at(2).at("figures"), (Json{3, 3.5}));
  EXPECT_EQ(goal("W left out").at("outcome"), "not measured");
}

TEST(Page, SaysWhereItComesFromAndWhatIsLost) {
  setenv("ERRAND_COMMIT", "abc123", 1);
  const Ended ended = run({"--page", "--only", "W"});
  unsetenv("ERRAND_COMMIT");
  for (const char* line : {
           "\n- command: `errand_bench toy --page --only W --runs 2 --scale 0.001`\n",
           "\n- commit: abc123\n",
           "\n| W won | rival | - | 2 | 3 (3 to 3) | 2 | met |\n",
           "\n| W lost | rival | - | 2 | 3 (3 to 3) | 4 | **missed** |\n",
           ("\n| W contended | rival | contended | 3 | 3.5 (3 to 4) | 4 | **contended: measure again; stretch not "
            "reached** |\n"),
           "\n| W far at last | rival | near | 0 | - | 9 | **not measured** |\n",
           "\n| W far at last | rival | far | 1 | 4 (4 to 4) | 4 | met |\n",
           "\n| W far at last | rival | contended | 2 | 3.25 (3 to 3.5) | - | **contended: does not count** |\n",
           "\n| W left out | rival | - | 0 | - | - | **not measured** |\n",
           "\n| rival | 2 (2 to 2) | **3 (3 to 3) x** |\n",
           "\n| raw (limit) | 1 (1 to 1) | 6 (6 to 6) x |\n",
       }) {
    EXPECT_TRUE(holds(ended.out, line)) << line;
  }
}

// What is counted passes nothing from core to core.
TEST(Page, NamesNoHandOverWhereNoneWasMeasured) {
  const std::string counted = testing::TempDir() + "counted.txt";
  std::FILE* const file = std::fopen(counted.c_str(), "w");
  ASSERT_NE(file, nullptr);
  std::fputs("submit\t246 247\n", file);
  std::fclose(file);
  const Ended ended = run({"--page", "--only", "instructions", "--counted", counted});
  std::remove(counted.c_str());
  EXPECT_TRUE(holds(ended.out, "### instructions, submit\n\nIn instructions a task.\n")) << ended.out;
}
