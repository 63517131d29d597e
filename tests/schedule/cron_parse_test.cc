#include "schedule/cron_parse.h"

#include <gtest/gtest.h>

namespace errand {
namespace {

CronExpression parsed(std::string_view text) {
  auto expression = parse_cron(text);
  EXPECT_TRUE(expression) << (expression ? "" : expression.error().message());
  return expression ? *expression : CronExpression{};
}

CronRemark refused(std::string_view text) {
  auto read = read_cron(text);
  const auto* remark = std::get_if<CronRemark>(&read);
  EXPECT_NE(remark, nullptr) << "accepted: " << text;
  return remark ? *remark : CronRemark{};
}

std::uint64_t bits(std::initializer_list<int> numbers) {
  std::uint64_t all = 0;
  for (const int n : numbers) all |= std::uint64_t{1} << n;
  return all;
}

std::uint64_t minutes(std::string_view field) {
  return parsed(std::string(field) + " * * * *").field(CronPart::minute).bits;
}
std::uint64_t weekdays(std::string_view field) {
  return parsed("0 0 * * " + std::string(field)).field(CronPart::day_of_week).bits;
}
std::uint64_t months(std::string_view field) {
  return parsed("0 0 1 " + std::string(field) + " *").field(CronPart::month).bits;
}

TEST(CronGrammar, TakesFiveFieldsOrSixWithLeadingSeconds) {
  EXPECT_EQ(parsed("1 2 3 4 5").field(CronPart::second).bits, bits({0}));
  const auto six = parsed("30 1 2 3 4 5");
  EXPECT_EQ(six.field(CronPart::second).bits, bits({30}));
  EXPECT_EQ(six.field(CronPart::minute).bits, bits({1}));
  EXPECT_EQ(six.field(CronPart::hour).bits, bits({2}));
  EXPECT_EQ(six.field(CronPart::day_of_month).bits, bits({3}));
  EXPECT_EQ(six.field(CronPart::month).bits, bits({4}));
  EXPECT_EQ(six.field(CronPart::day_of_week).bits, bits({5}));
}

TEST(CronGrammar, TakesListsRangesAndSteps) {
  EXPECT_EQ(minutes("5"), bits({5}));
  EXPECT_EQ(minutes("5,10,5"), bits({5, 10}));
  EXPECT_EQ(minutes("5-8"), bits({5, 6, 7, 8}));
  EXPECT_EQ(minutes("8-8"), bits({8}));
  EXPECT_EQ(minutes("*/20"), bits({0, 20, 40}));
  EXPECT_EQ(minutes("?/20"), bits({0, 20, 40}));
  EXPECT_EQ(minutes("10-20/5"), bits({10, 15, 20}));
  EXPECT_EQ(minutes("10-19/5,59"), bits({10, 15, 59}));
}

TEST(CronGrammar, RunsAnOpenStepToTheFieldsTop) {
  EXPECT_EQ(minutes("50/4"), bits({50, 54, 58}));
  EXPECT_EQ(parsed("0 20/2 * * *").field(CronPart::hour).bits, bits({20, 22}));
  EXPECT_EQ(parsed("0 0 29/1 * *").field(CronPart::day_of_month).bits, bits({29, 30, 31}));
  EXPECT_EQ(months("11/1"), bits({11, 12}));
  EXPECT_EQ(weekdays("5/1"), bits({5, 6, 0}));
  EXPECT_EQ(weekdays("MON/2"), bits({1, 3, 5, 0}));
  EXPECT_EQ(weekdays("0/7"), bits({0}));
}

TEST(CronGrammar, CountsSundayAsZeroAndSeven) {
  EXPECT_EQ(weekdays("0"), bits({0}));
  EXPECT_EQ(weekdays("7"), bits({0}));
  EXPECT_EQ(weekdays("0-7"), bits({0, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(weekdays("5-7"), bits({5, 6, 0}));
  EXPECT_EQ(weekdays("5-7/2"), bits({5, 0}));
  EXPECT_EQ(weekdays("6-7/2"), bits({6}));
}

TEST(CronGrammar, TakesSunAsTheEndOfARangeForSeven) {
  EXPECT_EQ(weekdays("FRI-SUN"), bits({5, 6, 0}));
  EXPECT_EQ(weekdays("SUN-MON"), bits({0, 1}));
  EXPECT_EQ(weekdays("SUN-SUN"), bits({0, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(weekdays("5-SUN"), bits({5, 6, 0}));
}

TEST(CronGrammar, TakesNamesInAnyCaseWhereverANumberMayStand) {
  EXPECT_EQ(months("jan,MAR,oCt-dEc/2"), bits({1, 3, 10, 12}));
  EXPECT_EQ(months("FEB/5"), bits({2, 7, 12}));
  EXPECT_EQ(weekdays("mon-3,SAT"), bits({1, 2, 3, 6}));
  for (const char* all : {"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"})
    months(all);
  for (const char* all : {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}) weekdays(all);
}

TEST(CronGrammar, TakesMonthlyDaysInAnyCaseAndInLists) {
  const auto days = parsed("0 0 l,LW,15w,3W,7 * *");
  EXPECT_TRUE(days.last_day);
  EXPECT_TRUE(days.last_workday);
  EXPECT_EQ(days.nearest_workdays, bits({15, 3}));
  EXPECT_EQ(days.field(CronPart::day_of_month).bits, bits({7}));
  const auto week = parsed("0 0 * * MON#2,5#5,7#1,friL,0l,WED");
  EXPECT_EQ(week.nth_weekdays[1], bits({2}));
  EXPECT_EQ(week.nth_weekdays[5], bits({5}));
  EXPECT_EQ(week.nth_weekdays[0], bits({1}));
  EXPECT_EQ(week.last_weekdays, bits({5, 0}));
  EXPECT_EQ(week.field(CronPart::day_of_week).bits, bits({3}));
}

TEST(CronGrammar, TakesQuestionMarkForStarInEveryField) {
  const auto marks = parsed("? ? ? ? ? ?");
  const auto stars = parsed("* * * * * *");
  for (int i = 0; i < kCronParts; ++i) {
    EXPECT_EQ(marks.field(static_cast<CronPart>(i)).bits, stars.field(static_cast<CronPart>(i)).bits);
    EXPECT_TRUE(marks.field(static_cast<CronPart>(i)).starts_with_star);
  }
}

TEST(CronGrammar, TellsAFieldThatStartsWithAStarBySpelling) {
  for (const char* field : {"*", "?", "*/2", "*,5", "?/3", "*/1"}) {
    EXPECT_TRUE(parsed(std::string(field) + " 5 * * *").follows_the_clock()) << field;
  }
  for (const char* field : {"0-59", "0/15", "5,*", "5", "0-59/1"}) {
    EXPECT_FALSE(parsed(std::string(field) + " 5 * * *").follows_the_clock()) << field;
  }
  EXPECT_TRUE(parsed("5 */2 * * *").follows_the_clock());
  EXPECT_FALSE(parsed("* 5 5 * * *").follows_the_clock()) << "seconds do not count";
}

TEST(CronGrammar, TakesNicknamesInAnyCase) {
  const std::pair<const char*, const char*> nicknames[] = {
      {"@yearly", "0 0 1 1 *"}, {"@ANNUALLY", "0 0 1 1 *"}, {"@Monthly", "0 0 1 * *"}, {"@weekly", "0 0 * * 0"},
      {"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {" @hourly ", "0 * * * *"}};
  for (const auto& [name, fields] : nicknames) {
    const auto by_name = parsed(name), by_fields = parsed(fields);
    for (int i = 0; i < kCronParts; ++i) {
      const auto part = static_cast<CronPart>(i);
      EXPECT_EQ(by_name.field(part).bits, by_fields.field(part).bits) << name;
      EXPECT_EQ(by_name.field(part).starts_with_star, by_fields.field(part).starts_with_star) << name;
    }
    EXPECT_EQ(by_name.text, name);
  }
}

TEST(CronGrammar, TakesEveryWithWholeUnits) {
  using namespace std::chrono_literals;
  EXPECT_EQ(parsed("@every 90s").every, 90s);
  EXPECT_EQ(parsed("@EVERY 1H30M").every, 90min);
  EXPECT_EQ(parsed(" @every\t2d ").every, 48h);
  EXPECT_EQ(parsed("@every 0h1s").every, 1s);
  EXPECT_EQ(parsed("@every 007m").every, 7min);
  EXPECT_EQ(parsed("@every 18262d").every, 24h * 18'262);
}

TEST(CronGrammar, ForgivesBlanksLeadingZerosAndRepeatedItems) {
  EXPECT_EQ(parsed("  \t005  09 * \t * *  ").field(CronPart::minute).bits, bits({5}));
  EXPECT_EQ(minutes("00000000000000000000000000000005"), bits({5}));
  EXPECT_EQ(minutes("1,1,1-1,*/1"), minutes("*"));
}

TEST(CronGrammar, WarnsOfAStepAboveItsRange) {
  const auto warned = parsed("*/60 9-17/9 * * 0/7");
  ASSERT_EQ(warned.warnings.size(), 2u);
  EXPECT_EQ(to_string(warned.warnings[0]),
            "field minute, column 3: the step 60 is larger than the range 0-59, so only 0 is left");
  EXPECT_EQ(to_string(warned.warnings[1]),
            "field hour, column 11: the step 9 is larger than the range 9-17, so only 9 is left");
  EXPECT_EQ(warned.field(CronPart::minute).bits, bits({0}));
  EXPECT_EQ(warned.field(CronPart::hour).bits, bits({9}));
  EXPECT_EQ(parsed("0 0 * * */7").warnings.size(), 1u);
  EXPECT_EQ(parsed("*/99999999999999999999 * * * *").field(CronPart::minute).bits, bits({0}));
  EXPECT_TRUE(parsed("*/59 */23 */30 */11 */6").warnings.empty());
}

struct Refusal {
  const char* text;
  const char* message;
};

class CronRefusal : public testing::TestWithParam<Refusal> {};

TEST_P(CronRefusal, NamesFieldPositionAndReason) {
  const auto [text, message] = GetParam();
  EXPECT_EQ(to_string(refused(text)), message) << text;
}

INSTANTIATE_TEST_SUITE_P(
    Numbers, CronRefusal,
    testing::Values(Refusal{"0 25 * * *", "field hour, column 3: 25 is out of range 0-23"},
                    Refusal{"60 * * * *", "field minute, column 1: 60 is out of range 0-59"},
                    Refusal{"60 * * * * *", "field second, column 1: 60 is out of range 0-59"},
                    Refusal{"0 0 0 * *", "field day-of-month, column 5: 0 is out of range 1-31"},
                    Refusal{"0 0 32 * *", "field day-of-month, column 5: 32 is out of range 1-31"},
                    Refusal{"0 0 1 13 *", "field month, column 7: 13 is out of range 1-12"},
                    Refusal{"0 0 1 0 *", "field month, column 7: 0 is out of range 1-12"},
                    Refusal{"0 0 * * 8", "field day-of-week, column 9: 8 is out of range 0-7"},
                    Refusal{"0 99999999999999999999 * * *",
                            "field hour, column 3: 999999999999... is out of range 0-23"},
                    Refusal{"+5 * * * *", "field minute, column 1: unexpected '+'; expected 0-59"},
                    Refusal{"-5 * * * *", "field minute, column 1: unexpected '-'; expected 0-59"},
                    Refusal{"5--6 * * * *", "field minute, column 3: unexpected '-'; expected 0-59"},
                    Refusal{"0x5 * * * *", "field minute, column 2: unexpected 'x'; expected 0-59"},
                    Refusal{"1e1 * * * *", "field minute, column 2: unexpected 'e'; expected 0-59"},
                    Refusal{"1.5 * * * *", "field minute, column 2: unexpected '.'; expected ',', '-' or '/'"},
                    Refusal{"5W * * * *", "field minute, column 2: unexpected 'W'; expected 0-59"}));

INSTANTIATE_TEST_SUITE_P(
    Ranges, CronRefusal,
    testing::Values(Refusal{"0 22-6 * * *", "field hour, column 3: the range 22-6 runs backwards; write 22-23,0-6"},
                    Refusal{"0 0 * * 5-0", "field day-of-week, column 9: the range 5-0 runs backwards; write 5-7"},
                    Refusal{"0 0 * * SAT-MON",
                            "field day-of-week, column 9: the range 6-1 runs backwards; write 6,0-1"},
                    Refusal{"0 0 1 NOV-FEB *", "field month, column 7: the range 11-2 runs backwards; write 11-12,1-2"},
                    Refusal{"5- * * * *", "field minute, column 3: the end of the range is missing; expected 0-59"},
                    Refusal{"5-,6 * * * *", "field minute, column 3: the end of the range is missing; expected 0-59"},
                    Refusal{"1-2-3 * * * *", "field minute, column 4: unexpected '-'; expected ',' or '/'"},
                    Refusal{"1-99 * * * *", "field minute, column 3: 99 is out of range 0-59"},
                    Refusal{"*-5 * * * *", "field minute, column 2: unexpected '-'; expected ',' or '/' after it"},
                    Refusal{"** * * * *", "field minute, column 2: unexpected '*'; expected ',' or '/' after it"},
                    Refusal{"5* * * * *", "field minute, column 2: unexpected '*'; expected ',', '-' or '/'"}));

INSTANTIATE_TEST_SUITE_P(
    Steps, CronRefusal,
    testing::Values(
        Refusal{"*/0 * * * *", "field minute, column 3: a step of 0 gets nowhere; expected a whole number from 1"},
        Refusal{"*/ * * * *", "field minute, column 3: a step is missing after '/'; expected a whole number from 1"},
        Refusal{"*/-5 * * * *", "field minute, column 3: a step is missing after '/'; expected a whole number from 1"},
        Refusal{"0 0 * */FEB *", "field month, column 9: a step is missing after '/'; expected a whole number from 1"},
        Refusal{"*/5/5 * * * *", "field minute, column 4: unexpected '/'; expected ',' after the step"},
        Refusal{"1-5/2-3 * * * *", "field minute, column 6: unexpected '-'; expected ',' after the step"},
        Refusal{"*/5x * * * *", "field minute, column 4: unexpected 'x'; expected ',' after the step"},
        Refusal{"/5 * * * *", "field minute, column 1: unexpected '/'; expected 0-59"}));

INSTANTIATE_TEST_SUITE_P(
    Lists, CronRefusal,
    testing::Values(Refusal{",5 * * * *", "field minute, column 1: an item of the list is empty; expected 0-59"},
                    Refusal{"5,,6 * * * *", "field minute, column 3: an item of the list is empty; expected 0-59"},
                    Refusal{"5, * * * *", "field minute, column 3: an item of the list is empty; expected 0-59"},
                    Refusal{"0 0 * * 1,",
                            "field day-of-week, column 11: an item of the list is empty; expected 0-7 or SUN-SAT"}));

INSTANTIATE_TEST_SUITE_P(
    Words, CronRefusal,
    testing::Values(
        Refusal{"0 0 1 FOO *", "field month, column 7: \"FOO\" is not known here; expected 1-12 or JAN-DEC"},
        Refusal{"0 0 1 JANUARY *", "field month, column 7: \"JANUARY\" is not known here; expected 1-12 or JAN-DEC"},
        Refusal{"0 0 1 MON *", "field month, column 7: \"MON\" is not known here; expected 1-12 or JAN-DEC"},
        Refusal{"0 0 * * JAN", "field day-of-week, column 9: \"JAN\" is not known here; expected 0-7 or SUN-SAT"},
        Refusal{"0 0 * * MONDAY", "field day-of-week, column 12: unexpected 'D'; expected 0-7 or SUN-SAT"},
        Refusal{"0 MON * * *", "field hour, column 3: \"MON\" is not known here; expected 0-23"},
        Refusal{"0 0 * * L",
                "field day-of-week, column 9: L alone is not a day of the week; the last Friday of the month is 5L or "
                "FRIL"},
        Refusal{"0 0 L-3 * *", "field day-of-month, column 6: L and LW take no range, step or offset"},
        Refusal{"0 0 LW/2 * *", "field day-of-month, column 7: L and LW take no range, step or offset"},
        Refusal{"0 0 L5 * *", "field day-of-month, column 6: L and LW take no range, step or offset"},
        Refusal{"0 0 WL * *", "field day-of-month, column 5: \"WL\" is not known here; expected 1-31, L, LW or nW"},
        Refusal{"0 0 LX * *", "field day-of-month, column 5: expected 1-31, L, LW or nW"},
        Refusal{"0 0 15W-20 * *", "field day-of-month, column 8: nW takes no range, step or offset"},
        Refusal{"0 0 1-15W * *", "field day-of-month, column 7: L and W take no range"},
        Refusal{"0 0 32W * *", "field day-of-month, column 5: 32 is out of range 1-31"},
        Refusal{"0 0 5L * *", "field day-of-month, column 6: unexpected 'L'; expected 1-31, L, LW or nW"},
        Refusal{"L * * * *", "field minute, column 1: \"L\" is not known here; expected 0-59"},
        Refusal{"0 0 * * 5L/2", "field day-of-week, column 11: dL takes no range, step or offset"},
        Refusal{"0 0 * * 1-5L", "field day-of-week, column 11: L and W take no range"},
        Refusal{"0 0 * * MON#0", "field day-of-week, column 13: 0 is out of range 1-5"},
        Refusal{"0 0 * * MON#6", "field day-of-week, column 13: 6 is out of range 1-5"},
        Refusal{"0 0 * * MON#", "field day-of-week, column 13: a number is missing after '#'; expected 1-5"},
        Refusal{"0 0 * * 1#2/2", "field day-of-week, column 12: d#n takes no range, step or offset"},
        Refusal{"0 0 * * 1-3#2", "field day-of-week, column 12: unexpected '#'; expected ',' or '/'"},
        Refusal{"0 0 1#2 * *", "field day-of-month, column 6: # belongs to day-of-week only"}));

INSTANTIATE_TEST_SUITE_P(
    Whole, CronRefusal,
    testing::Values(
        Refusal{"",
                "column 1: the expression is empty; expected minute hour day-of-month month day-of-week, or these with "
                "seconds first"},
        Refusal{" \t ",
                "column 1: the expression is empty; expected minute hour day-of-month month day-of-week, or these "
                "with seconds first"},
        Refusal{"0 9 * *",
                "column 8: 4 fields; expected minute hour day-of-month month day-of-week, or these with seconds "
                "first"},
        Refusal{"5",
                "column 2: 1 field; expected minute hour day-of-month month day-of-week, or these with seconds first"},
        Refusal{"0 0 9 * * * 2026",
                "column 13: 7 fields; expected minute hour day-of-month month day-of-week, or these "
                "with seconds first"},
        Refusal{"0 9 * * *\n", "field day-of-week, column 10: unexpected byte \\x0a; expected ',' or '/' after it"},
        Refusal{"0 9 * * \xc3\xbc",
                "field day-of-week, column 9: unexpected byte \\xc3 (not ASCII); expected 0-7 or SUN-SAT"},
        Refusal{"0\xc2\xa0 9 * * *",
                "field minute, column 2: unexpected byte \\xc2 (not ASCII); expected ',', '-' or '/'"},
        Refusal{"@reboot",
                "column 1: unknown nickname; known are @yearly @annually @monthly @weekly @daily @midnight "
                "@hourly and @every"},
        Refusal{"@daily 5", "column 8: nothing may follow @daily"},
        Refusal{"@every", "column 7: a duration is missing after @every, such as 90s or 1h30m"},
        Refusal{"@every 0s", "column 8: the interval is zero; it has to be above zero"},
        Refusal{"@every 90",
                "column 10: a unit is missing; a duration is whole numbers with s, m, h or d, such as 90s"},
        Refusal{"@every 1w", "column 9: unexpected 'w' as a unit; allowed are s, m, h and d"},
        Refusal{"@every 1.5h", "column 9: unexpected '.' as a unit; allowed are s, m, h and d"},
        Refusal{"@every -1h", "column 8: unexpected '-'; a duration is whole numbers with s, m, h or d, such as 1h30m"},
        Refusal{"@every h", "column 8: unexpected 'h'; a duration is whole numbers with s, m, h or d, such as 1h30m"},
        Refusal{"@every 1h 30m", "column 11: nothing may follow the duration; write it in one piece, such as 1h30m"},
        Refusal{"@every 18263d", "column 8: an interval of more than 50 years never fires"},
        Refusal{"@every 99999999999s", "column 8: an interval of more than 50 years never fires"},
        Refusal{"@every 1s99999999999999999999999d", "column 10: an interval of more than 50 years never fires"}));

TEST(CronGrammar, NamesTheExpressionInItsError) {
  const auto error = parse_cron("0 25 * * *").error();
  EXPECT_EQ(error.code(), Code::invalid);
  EXPECT_EQ(error.message(), "cron \"0 25 * * *\": field hour, column 3: 25 is out of range 0-23");
  EXPECT_FALSE(error.transient());
}

TEST(CronGrammar, KeepsItsErrorsToOneReadableLine) {
  const auto error = parse_cron("a\n\"\\\x01\xff" + std::string(5'000, 'x')).error();
  EXPECT_LT(error.message().size(), 600u);
  for (const char c : error.message()) EXPECT_TRUE(c >= ' ' && c <= '~');
  EXPECT_NE(error.message().find("a\\x0a\\\"\\\\\\x01\\xff"), std::string::npos) << error.message();
}

TEST(CronGrammar, SurvivesEveryEndingOfALongExpression) {
  const std::string text = "*/5,1-2/3 0-23/2,? L,LW,15W,1-31/7 JAN-DEC/2,3 MON#2,FRIL,1-5/2,SUN";
  EXPECT_TRUE(parse_cron(text));
  for (std::size_t size = 0; size < text.size(); ++size) (void)read_cron(text.substr(0, size));
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (int c = 0; c < 256; ++c) {
      std::string changed = text;
      changed[at] = static_cast<char>(c);
      auto read = read_cron(changed);
      if (const auto* remark = std::get_if<CronRemark>(&read)) {
        ASSERT_GE(remark->column, 1) << changed;
        ASSERT_LE(remark->column, static_cast<int>(changed.size()) + 1) << changed;
        ASSERT_FALSE(remark->reason.empty());
      }
    }
  }
}

}  // namespace
}  // namespace errand
