#include "engine/timekeeper.h"

#include <errand/testing.h>
#include <gtest/gtest.h>

#include "engine/cold.h"
#include "engine/lane.h"

namespace errand {
inline namespace v0 {
namespace detail {
namespace {

using namespace std::chrono_literals;

class TimekeeperTest : public testing::Test {
 protected:
  TimekeeperTest() {
    Page* page = nullptr;
    EXPECT_EQ(pool.acquire({&page, 1}), 1u);
    cursor.open(*page);
  }
  // A task of nobody's that waits until then.
  Timekeeper::Wake wait_for(Duration after) {
    const PageCursor::Slot slot = cursor.take();
    std::uint64_t word = make_word(generation_in(slot.id), 5, kCold, kVacant);
    slot.record->word.store(word);
    PagePool::cold(*slot.record).timer = {};
    Timekeeper::Wake wake;
    const Moment at{false, (clock->mono() + after).time_since_epoch().count()};
    EXPECT_TRUE(timers.arm(*slot.record, word, raw(TaskState::scheduled), at, wake));
    return wake;
  }

  // Fifty tasks that are due together, a little after a slot of 4.3 s begins; how many steps of four take them all out.
  // `ahead` is called before, at every millisecond of the last second.
  template <class Ahead>
  int steps_for_a_crowd(Ahead ahead) {
    const Duration slot(std::int64_t{1} << 32);
    const Duration due = slot + 1ms - clock->mono().time_since_epoch();
    for (int i = 0; i < 50; ++i) wait_for(due);
    clock->advance(due - 1s);
    for (int i = 0; i < 1000; ++i) {
      ahead();
      clock->advance(1ms);
    }
    Timekeeper::Due out[4];
    int steps = 0;
    for (std::size_t left = 50; left > 0 && steps < 1000; ++steps) {
      left -= timers.collect(out, clock->mono(), clock->now()).count;
    }
    return steps;
  }
  void collect() {
    Timekeeper::Due none[4];
    EXPECT_EQ(timers.collect(none, clock->mono(), clock->now()).count, 0u);
  }

  std::shared_ptr<ManualClock> clock = std::make_shared<ManualClock>();
  PagePool pool{7, 0, clock};
  PageCursor cursor;
  Timekeeper timers{*clock};
};

// Who comes a grace after the next moment need not be told of one that comes after that moment, grace or not.
TEST_F(TimekeeperTest, WakesTheTimerThreadOnlyForAnEarlierMoment) {
  EXPECT_TRUE(wait_for(10ms).watch) << "it had nothing to come for";
  EXPECT_EQ(timers.back_up(2ms).mono, clock->mono() + 12ms);
  EXPECT_FALSE(wait_for(11ms).watch);
  EXPECT_FALSE(wait_for(10ms).watch);
  EXPECT_TRUE(wait_for(9ms).watch);
}

// Each of the fifty sinks through three levels, four moves to a step, and then comes out.
TEST_F(TimekeeperTest, ACrowdThatNobodySpreadIsLate) {
  EXPECT_GE(steps_for_a_crowd([] {}), 50);
}
TEST_F(TimekeeperTest, IdleWorkersSpreadACrowdAhead) {
  int calls = 0;
  const auto once = [&] {
    if (++calls != 990) return;
    collect();
    while (timers.spread_ahead()) {
    }
  };
  EXPECT_LE(steps_for_a_crowd(once), 39);
}
TEST_F(TimekeeperTest, BusyWorkersSpreadACrowdAheadStepByStep) {
  EXPECT_LE(steps_for_a_crowd([&] { collect(); }), 39);
}

}  // namespace
}  // namespace detail
}  // namespace v0
}  // namespace errand
