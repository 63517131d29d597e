// What the page takes in besides the rows that were measured.

#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "counted.h"
#include "machine.h"

TEST(Counted, ReadsANameAndItsFigures) {
  std::istringstream lines("submit\t246.4 246.5\nW1 submit and run\t523\n");
  const auto rows = bench::parse_counted(lines);
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 2U);
  EXPECT_EQ(rows->at(0).workload, "instructions, submit");
  EXPECT_EQ(rows->at(0).columns.at(0).runs, (std::vector<double>{246.4, 246.5}));
  EXPECT_EQ(rows->at(1).columns.at(0).runs, (std::vector<double>{523}));
}

TEST(Counted, RefusesWhatIsNoTable) {
  for (const char* text : {"", "submit 246\n", "submit\t\n", "submit\t12 x\n"}) {
    std::istringstream lines(text);
    EXPECT_FALSE(bench::parse_counted(lines)) << text;
  }
}

TEST(References, AreThereOncePerRival) {
  std::set<std::string> seen;
  for (const bench::Reference& one : bench::references()) EXPECT_TRUE(seen.insert(one.row + "|" + one.who).second);
}

TEST(References, GiveAReasonWhereARivalIsAFifthSlower) {
  const auto beside = [](double figure, double mutex) {
    const bench::Row row{
        "W1 1 producer, 1 worker", "M tasks/s", true, {{"errand", {20}}, {"mutex and deque", {figure}}}};
    return bench::beside_references({row}, {{"mutex", mutex, 7}, {"rdtsc", 100, 10}}).at(0);
  };
  EXPECT_EQ(beside(7, 14).times, 1);
  EXPECT_EQ(beside(5.7, 14).reason, "");
  EXPECT_EQ(beside(3.5, 14).reason, "mutex 2.0 x");
  EXPECT_EQ(beside(3.5, 7).reason, "not known");
}

TEST(References, GoByTheHandOverBeforeTheRivalsOwnRuns) {
  bench::Row row{"W1 1 producer, 1 worker", "M tasks/s", true, {{"errand", {20}}, {"moodycamel", {3}}}};
  row.columns[0].hand_overs = {400};
  row.columns[1].hand_overs = {330};
  EXPECT_EQ(bench::beside_references({row}, {{"hand-over", 240, 165}}).at(0).reason, "hand-over 2.0 x");
}

TEST(References, LessIsBetterForLatencies) {
  const bench::Row row{"W5 idle pool, submit to body, p50", "us", false, {{"errand", {20}}, {"Boost.Asio", {62}}}};
  EXPECT_EQ(bench::beside_references({row}, {}).at(0).times, 0.5);
}
