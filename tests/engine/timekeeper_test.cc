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

}  // namespace
}  // namespace detail
}  // namespace v0
}  // namespace errand
