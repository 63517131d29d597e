#include "schedule/slots.h"
#include "schedule/cron_next.h"

#include "schedule/cron_parse.h"
#include "schedule/instant.h"

#include <gtest/gtest.h>

#include <map>

namespace errand {
namespace {

using namespace std::chrono_literals;

const WallTime kStart = *parse_instant("2026-01-01T00:00:00Z", Zone::utc());

Timetable minutely() {
  return Timetable::cron(*parse_cron("* * * * *"), Zone::utc(), Dst::after, kStart);
}
Timetable every_minute() {
  return Timetable::every(kStart, 1min);
}

TEST(Slots, AreTheAnchorPlusWholePeriods) {
  EXPECT_EQ(next_slot(kStart, 10s, kStart), kStart + 10s);
  EXPECT_EQ(next_slot(kStart, 10s, kStart + 9s), kStart + 10s);
  EXPECT_EQ(next_slot(kStart, 10s, kStart + 10s), kStart + 20s);
  EXPECT_EQ(next_slot(kStart, 10s, kStart + 10s + 1ns), kStart + 20s);
  EXPECT_EQ(next_slot(kStart, 10s, kStart - 1h), kStart) << "there are none before the anchor";
  EXPECT_EQ(next_slot(SteadyTime(5s), 3ns, SteadyTime(6s)), SteadyTime(6s + 2ns)) << "works for either clock";
}

TEST(Slots, DoNotOverflow) {
  EXPECT_EQ(next_slot(kStart, 1h, WallTime::max()), WallTime::max());
  EXPECT_EQ(next_slot(WallTime::min(), 1ns, WallTime::max() - 1ns), WallTime::max());
  EXPECT_EQ(next_slot(WallTime::min(), Duration::max(), WallTime::min()), WallTime(-1ns));
  EXPECT_EQ(next_slot(WallTime::min(), Duration::max(), WallTime(5ns)), WallTime::max() - 1ns);
}

TEST(Slots, DoNotDrift) {
  WallTime at = kStart;
  for (int i = 1; i <= 1'000; ++i) {
    at = next_slot(kStart, 7s, at + 3s);  // asked late each time
    EXPECT_EQ(at, kStart + 7s * i);
  }
}

TEST(Timetable, CountsEveryFromItsAnchor) {
  const auto table = Timetable::cron(*parse_cron("@every 90s"), Zone::utc(), Dst::after, kStart + 1s);
  EXPECT_EQ(table.next(kStart + 1s), kStart + 91s);
  EXPECT_EQ(table.next(kStart + 100s), kStart + 181s);
}

TEST(Timetable, EndsWithTime) {
  EXPECT_EQ(Timetable::every(kStart, 1h).next(WallTime::max() - 1min), std::nullopt);
  const auto daily = parse_cron("@every 1d").value();
  EXPECT_EQ(next(daily, Zone::utc(), Dst::after, WallTime::max() - 25h), WallTime::max() - 1h);
  EXPECT_EQ(next(daily, Zone::utc(), Dst::after, WallTime::max() - 1h), std::nullopt);
}

TEST(Timetable, KnowsTheShortestTimeBetweenTwoSlots) {
  const auto shortest = [](const char* expression) {
    return Timetable::cron(*parse_cron(expression), Zone::utc(), Dst::after, kStart).shortest_interval(kStart + 12h);
  };
  EXPECT_EQ(every_minute().shortest_interval(kStart), 1min);
  EXPECT_EQ(shortest("@every 90s"), 90s);
  EXPECT_EQ(shortest("* * * * *"), 1min);
  EXPECT_EQ(shortest("0 9,17 * * MON-FRI"), 8h) << "the night comes first, but the days count as well";
  EXPECT_EQ(Timetable::cron(*parse_cron("* * * * *"), Zone::utc(), Dst::after, kStart)
                .shortest_interval(WallTime::max() - 1s),
            std::nullopt);
}

TEST(Timetable, ListsTheNewestSlotsThatPassedAndCountsAll) {
  for (const auto& table : {minutely(), every_minute()}) {
    const auto passed = table.passed(kStart, kStart + 10min, 3);
    EXPECT_EQ(passed.count, 10u) << "the first instant is left out, the last one is not";
    EXPECT_EQ(passed.newest, (std::vector<WallTime>{kStart + 8min, kStart + 9min, kStart + 10min}));
    EXPECT_EQ(table.passed(kStart, kStart + 10min - 1ns, 100).newest.size(), 9u);
    EXPECT_EQ(table.passed(kStart, kStart + 59s, 3).count, 0u);
    EXPECT_EQ(table.passed(kStart, kStart - 1h, 3).count, 0u);
    EXPECT_EQ(table.passed(kStart, kStart + 10min, 0).count, 10u);
  }
}

TEST(Timetable, CountsAYearOfMillisecondsAtOnce) {
  const auto passed = Timetable::every(kStart, 1ms).passed(kStart, kStart + 24h * 365, 2);
  EXPECT_EQ(passed.count, 31'536'000'000u);
  EXPECT_EQ(passed.newest, (std::vector<WallTime>{kStart + 24h * 365 - 1ms, kStart + 24h * 365}));
}

TEST(MissedSlots, FireWhatIsOnTimeUnderEveryPolicy) {
  for (const Missed missed : {Missed::skip, Missed::latest, Missed::all}) {
    const auto due = catch_up(minutely(), kStart, kStart + 1min + 5ms, {.missed = missed});
    EXPECT_EQ(due.fire, (std::vector<WallTime>{kStart + 1min})) << to_string(missed);
    EXPECT_EQ(due.skipped, 0u);
    EXPECT_TRUE(catch_up(minutely(), kStart + 1min, kStart + 2min - 1ns, {.missed = missed}).fire.empty());
  }
}

TEST(MissedSlots, AreLeftOutAndCountedUnderSkip) {
  const auto hourly = Timetable::every(kStart, 1h);
  const auto late = catch_up(hourly, kStart, kStart + 5h + 30min, {.missed = Missed::skip});
  EXPECT_TRUE(late.fire.empty());
  EXPECT_EQ(late.skipped, 5u);
  const auto just = catch_up(hourly, kStart, kStart + 5h + 30s, {.missed = Missed::skip});
  EXPECT_EQ(just.fire, (std::vector<WallTime>{kStart + 5h}));
  EXPECT_EQ(just.skipped, 4u);
}

TEST(MissedSlots, FireTheNewestOneUnderLatest) {
  const auto due = catch_up(Timetable::every(kStart, 1h), kStart, kStart + 5h + 30min, {});
  EXPECT_EQ(due.fire, (std::vector<WallTime>{kStart + 5h}));
  EXPECT_EQ(due.skipped, 4u);
}

TEST(MissedSlots, FireAllOldestFirstUpToTheCap) {
  const auto all = catch_up(minutely(), kStart, kStart + 5min + 30s, {.missed = Missed::all});
  EXPECT_EQ(all.fire,
            (std::vector<WallTime>{kStart + 1min, kStart + 2min, kStart + 3min, kStart + 4min, kStart + 5min}));
  EXPECT_EQ(all.skipped, 0u);
  for (const auto& table : {minutely(), every_minute()}) {
    const auto capped = catch_up(table, kStart, kStart + 24h, {.missed = Missed::all});
    ASSERT_EQ(capped.fire.size(), 100u);
    EXPECT_EQ(capped.fire.front(), kStart + 24h - 99min);
    EXPECT_EQ(capped.fire.back(), kStart + 24h);
    EXPECT_EQ(capped.skipped, 1'340u);
  }
}

TEST(MissedSlots, AreLeftOutBeyondTheWindow) {
  const auto hourly = Timetable::every(kStart, 1h);
  const WallTime now = kStart + 5h + 30min;
  const auto all = catch_up(hourly, kStart, now, {.missed = Missed::all, .window = 2h});
  EXPECT_EQ(all.fire, (std::vector<WallTime>{kStart + 4h, kStart + 5h}));
  EXPECT_EQ(all.skipped, 3u);
  EXPECT_TRUE(catch_up(hourly, kStart, now, {.window = 29min}).fire.empty());
  EXPECT_EQ(catch_up(hourly, kStart, now, {.window = 30min}).fire.size(), 1u);
  EXPECT_EQ(catch_up(hourly, kStart, kStart + 1h + 30s, {.window = 1s}).fire.size(), 1u) << "on time, so not missed";
}

TEST(MissedSlots, AreDueWhenTheirJitterIsOver) {
  const auto hourly = Timetable::every(kStart, 1h);
  const Spread spread{"report", 50min};
  const WallTime fires = spread.fire_time(kStart + 5h);
  ASSERT_GT(fires, kStart + 5h + 2min) << "late by the slot, and on time by its jitter";
  for (const Missed missed : {Missed::skip, Missed::latest, Missed::all}) {
    const MissedRules rules{.missed = missed, .window = 1s, .spread = spread};
    const auto early = catch_up(hourly, kStart + 4h, fires - 1ns, rules);
    EXPECT_TRUE(early.fire.empty());
    EXPECT_EQ(early.skipped, 0u);
    EXPECT_EQ(early.last, std::nullopt);
    EXPECT_EQ(catch_up(hourly, kStart + 4h, fires, rules).fire, (std::vector<WallTime>{kStart + 5h}));
    EXPECT_EQ(catch_up(hourly, kStart + 4h, fires, rules).last, kStart + 5h);
  }
  const auto all = catch_up(hourly, kStart, fires - 1ns, {.missed = Missed::all, .at_most = 3, .spread = spread});
  EXPECT_EQ(all.fire, (std::vector<WallTime>{kStart + 2h, kStart + 3h, kStart + 4h}));
  EXPECT_EQ(all.skipped, 1u);
}

namespace {

// Five slots of an hour each, the last of them just now.
Turn five(Overlap overlap, int live, bool one_waits = false, bool paused = false) {
  return take_turn(Timetable::every(kStart, 1h), kStart, kStart + 5h,
                   {.missed = {.missed = Missed::all, .at_most = 4}, .overlap = overlap, .paused = paused}, live,
                   one_waits);
}
std::vector<WallTime> hours(std::initializer_list<int> all) {
  std::vector<WallTime> slots;
  for (const int hour : all) slots.push_back(kStart + 1h * hour);
  return slots;
}

}  // namespace

TEST(Turns, QueueOneStartsOneAndKeepsOneWaiting) {
  const Turn idle = five(Overlap::queue_one, 0);
  EXPECT_EQ(idle.starts, hours({2}));
  EXPECT_EQ(idle.waits, kStart + 3h);
  EXPECT_EQ(idle.skipped, 3u);
  EXPECT_EQ(idle.behind, 2u) << "the first was left out before";
  EXPECT_EQ(idle.last, kStart + 5h);
  const Turn busy = five(Overlap::queue_one, 1);
  EXPECT_TRUE(busy.starts.empty());
  EXPECT_EQ(busy.waits, kStart + 2h);
  EXPECT_EQ(busy.skipped, 4u);
  EXPECT_EQ(busy.behind, 3u);
  const Turn full = five(Overlap::queue_one, 1, true);
  EXPECT_TRUE(full.starts.empty() && !full.waits);
  EXPECT_EQ(full.skipped, 5u);
}

TEST(Turns, TheOthersStartWhatTheirOverlapLets) {
  EXPECT_EQ(five(Overlap::skip, 0).starts, hours({2}));
  EXPECT_EQ(five(Overlap::skip, 0).skipped, 4u);
  EXPECT_EQ(five(Overlap::skip, 1).skipped, 5u);
  EXPECT_EQ(five(Overlap::allow, 3).starts, hours({2, 3, 4, 5}));
  EXPECT_EQ(five(Overlap::allow, 3).skipped, 1u);
  EXPECT_FALSE(five(Overlap::allow, 3).cancels);
  EXPECT_EQ(five(Overlap::cancel_previous, 1).starts, hours({5}));
  EXPECT_EQ(five(Overlap::cancel_previous, 1).skipped, 4u);
  EXPECT_TRUE(five(Overlap::cancel_previous, 1).cancels);
}

TEST(Turns, APauseLeavesAllOfThemOut) {
  for (const Overlap overlap : {Overlap::skip, Overlap::queue_one, Overlap::cancel_previous, Overlap::allow}) {
    const Turn turn = five(overlap, 0, false, true);
    EXPECT_TRUE(turn.starts.empty() && !turn.waits && !turn.cancels);
    EXPECT_EQ(turn.skipped, 5u);
    EXPECT_EQ(turn.last, kStart + 5h);
  }
}

TEST(OverlapPolicy, StartsWhereNothingIsInTheWay) {
  for (const Overlap overlap : {Overlap::skip, Overlap::queue_one, Overlap::cancel_previous, Overlap::allow}) {
    EXPECT_EQ(decide_overlap(overlap, 0, 0), SlotAction::start);
  }
}

TEST(OverlapPolicy, DecidesByRunsThatRunOrWait) {
  EXPECT_EQ(decide_overlap(Overlap::skip, 1, 0), SlotAction::skip);
  EXPECT_EQ(decide_overlap(Overlap::skip, 0, 1), SlotAction::skip);
  EXPECT_EQ(decide_overlap(Overlap::queue_one, 1, 0), SlotAction::queue);
  EXPECT_EQ(decide_overlap(Overlap::queue_one, 3, 0), SlotAction::queue);
  EXPECT_EQ(decide_overlap(Overlap::queue_one, 1, 1), SlotAction::skip);
  EXPECT_EQ(decide_overlap(Overlap::queue_one, 0, 1), SlotAction::skip);
  EXPECT_EQ(decide_overlap(Overlap::cancel_previous, 1, 0), SlotAction::cancel_earlier);
  EXPECT_EQ(decide_overlap(Overlap::cancel_previous, 1, 1), SlotAction::cancel_earlier);
  EXPECT_EQ(decide_overlap(Overlap::cancel_previous, 0, 1), SlotAction::cancel_earlier);
  EXPECT_EQ(decide_overlap(Overlap::allow, 5, 5), SlotAction::start);
}

TEST(SlotJitter, IsTheSameForOneSlotInEveryProcessAndVersion) {
  EXPECT_EQ(slot_jitter("report", kStart, 1min), slot_jitter("report", kStart, 1min));
  EXPECT_EQ(slot_jitter("report", kStart, 1min), 35'329'088'869ns) << "pinned: changing it moves everybody's runs";
  EXPECT_NE(slot_jitter("report", kStart, 1min), slot_jitter("report", kStart + 1h, 1min));
  EXPECT_NE(slot_jitter("report", kStart, 1min), slot_jitter("backup", kStart, 1min));
}

TEST(SlotJitter, StaysInItsRangeAndSpreads) {
  EXPECT_EQ(slot_jitter("report", kStart, 0ns), 0ns);
  std::map<std::int64_t, int> tenths;
  for (int i = 0; i < 10'000; ++i) {
    const Duration jitter = slot_jitter("report", kStart + 1min * i, 10s);
    ASSERT_GE(jitter, 0ns);
    ASSERT_LE(jitter, 10s);
    ++tenths[jitter / 1s];
    ASSERT_LE(slot_jitter("x", kStart + 1s * i, 1ns), 1ns);
  }
  for (int tenth = 0; tenth < 10; ++tenth) EXPECT_NEAR(tenths[tenth], 1'000, 150);
}

TEST(Policies, HaveTheirWords) {
  EXPECT_EQ(to_string(Dst::after), "after");
  EXPECT_EQ(to_string(Dst::skip), "skip");
  EXPECT_EQ(to_string(Dst::both), "both");
  EXPECT_EQ(to_string(Missed::skip), "skip");
  EXPECT_EQ(to_string(Missed::latest), "latest");
  EXPECT_EQ(to_string(Missed::all), "all");
  EXPECT_EQ(to_string(Overlap::skip), "skip");
  EXPECT_EQ(to_string(Overlap::queue_one), "queue_one");
  EXPECT_EQ(to_string(Overlap::cancel_previous), "cancel_previous");
  EXPECT_EQ(to_string(Overlap::allow), "allow");
}

}  // namespace
}  // namespace errand
