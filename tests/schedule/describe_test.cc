#include "schedule/describe.h"

#include "schedule/cron_parse.h"

#include <gtest/gtest.h>

namespace errand {
namespace {

struct Case {
  const char* text;
  const char* words;
};

class Describe : public testing::TestWithParam<Case> {};

TEST_P(Describe, SaysTheExpressionInEnglish) {
  EXPECT_EQ(describe(*parse_cron(GetParam().text)), GetParam().words);
}

INSTANTIATE_TEST_SUITE_P(
    Times, Describe,
    testing::Values(
        Case{"* * * * *", "Every minute"}, Case{"*/15 * * * *", "Every 15 minutes"},
        Case{"*/1 * * * *", "Every minute"}, Case{"*/7 * * * *", "Every 7th minute from 0 to 56 of every hour"},
        Case{"5 * * * *", "At minute 5 of every hour"}, Case{"*/60 * * * *", "At minute 0 of every hour"},
        Case{"1,2,10-20/5 * * * *", "At minutes 1, 2 and every 5th from 10 to 20 of every hour"},
        Case{"0 9 * * *", "At 09:00, every day"},
        Case{"0,30 9,17 * * *", "At 09:00, 09:30, 17:00 and 17:30, every day"},
        Case{"30 0 9 * * *", "At 09:00:30, every day"}, Case{"0 */2 * * *", "Every 2 hours from 00:00 to 22:00"},
        Case{"5 9-17 * * *", "Every hour from 09:05 to 17:05"},
        Case{"0 9-17/3 * * *", "Every 3 hours from 09:00 to 15:00"},
        Case{"*/10 9-17 * * *", "Every 10 minutes from 09:00 to 17:59"},
        Case{"* 9 * * *", "Every minute from 09:00 to 09:59"},
        Case{"*/10 8,12-14 * * *", "Every 10 minutes of hours 8 and 12 to 14"}, Case{"* * * * * *", "Every second"},
        Case{"*/10 * * * * *", "Every 10 seconds"}, Case{"30 * * * * *", "At second 30 of every minute"},
        Case{"30 */5 * * * *", "At second 30, every 5 minutes"},
        Case{"*/20 5 1 * * *", "Every 20 seconds, at minute 5 of hour 1"}));

INSTANTIATE_TEST_SUITE_P(
    Dates, Describe,
    testing::Values(
        Case{"0 9 * * MON-FRI", "At 09:00, Monday to Friday"}, Case{"0 9 * * 1", "At 09:00, on Monday"},
        Case{"0 9 * * 6,7", "At 09:00, on Saturday and Sunday"},
        Case{"0 9 * * 1-5/2", "At 09:00, on Monday, Wednesday and Friday"},
        Case{"0 9 * * FRI-SUN", "At 09:00, Friday to Sunday"},
        Case{"0 9 * * MON#2,FRIL", "At 09:00, on the second Monday and the last Friday of the month"},
        Case{"0 9 * * 1,MON,1", "At 09:00, on Monday"},
        Case{"0 9 * * 0,MON-FRI,7", "At 09:00, on Sunday and Monday to Friday"},
        Case{"0 9 1 * *", "At 09:00, on day 1 of the month"}, Case{"0 9 1,01 * *", "At 09:00, on day 1 of the month"},
        Case{"0 9 L,L * *", "At 09:00, on the last day of the month"},
        Case{"0 9 1,15-20 * *", "At 09:00, on days 1 and 15 to 20 of the month"},
        Case{"0 9 L * *", "At 09:00, on the last day of the month"},
        Case{"0 9 LW * *", "At 09:00, on the last working day (Monday to Friday) of the month"},
        Case{"0 9 15W * *", "At 09:00, on the working day (Monday to Friday) nearest to day 15 of the month"},
        Case{"0 9 13 * FRI", "At 09:00, on day 13 of the month or on Friday"},
        Case{"0 9 */2 * MON", "At 09:00, on every 2nd day from 1 to 31 of the month, and only if that is Monday"},
        Case{"0 9 * 6 *", "At 09:00, every day in June"},
        Case{"0 9 1 JAN-MAR,12 *", "At 09:00, on day 1 of the month, in January to March and December"},
        Case{"* * * */6 *", "Every minute, in January and July"},
        Case{"0 0 29 2 *", "At 00:00, on day 29 of the month, in February"}));

INSTANTIATE_TEST_SUITE_P(Nicknames, Describe,
                         testing::Values(Case{"@yearly", "At 00:00, on day 1 of the month, in January"},
                                         Case{"@weekly", "At 00:00, on Sunday"},
                                         Case{"@hourly", "At minute 0 of every hour"},
                                         Case{"@every 90s", "Every 1 minute 30 seconds"},
                                         Case{"@every 60m", "Every hour"}, Case{"@every 2d", "Every 2 days"}));

}  // namespace
}  // namespace errand
