#include "engine/lane.h"

#include <gtest/gtest.h>

namespace errand {
inline namespace v0 {
namespace detail {
namespace {

// A lane, with a producer that publishes records of no task.
class LaneTest : public testing::Test {
 protected:
  Page& new_page() {
    Page* page = nullptr;
    EXPECT_EQ(pool.acquire({&page, 1}), 1u);
    return *page;
  }
  void publish(int count) {
    for (; count > 0; --count) {
      if (lane.cursor.exhausted()) lane.extend(new_page());
      const PageCursor::Slot slot = lane.cursor.take();
      slot.record->word.store(make_word(generation_in(slot.id), lane.priority, 0, raw(TaskState::available)));
    }
  }
  // How many a taker gets, as long as it does not see that there is nothing new.
  int take() {
    int taken = 0;
    while (!lane.quiet()) {
      const Lane::Taken now = lane.take(pool, 1);
      taken += now.batch.end - now.batch.begin;
    }
    return taken;
  }

  static constexpr int kPage = kRecordsPerPage;
  PagePool pool{7, 0, real_clock()};
  Lane lane{5};
};

TEST_F(LaneTest, IsQuietOnceATakerFoundNothing) {
  EXPECT_FALSE(lane.quiet()) << "nobody has looked";
  publish(3);
  EXPECT_EQ(take(), 3);
  EXPECT_TRUE(lane.quiet());
  publish(1);
  EXPECT_FALSE(lane.quiet());
  EXPECT_EQ(take(), 1);
}

TEST_F(LaneTest, IsNotQuietWhereSomethingComesBehindAFullPage) {
  publish(kPage);
  EXPECT_EQ(take(), kPage);
  EXPECT_TRUE(lane.quiet());
  publish(2 * kPage + 1);
  EXPECT_FALSE(lane.quiet());
  EXPECT_EQ(take(), 2 * kPage + 1);
  EXPECT_TRUE(lane.quiet());
}

TEST_F(LaneTest, ForgetsAPageThatItHasPassed) {
  publish(kPage);
  Page& first = *lane.cursor.page();
  EXPECT_EQ(take(), kPage);
  publish(1);
  EXPECT_EQ(lane.take(pool, 1).batch.end, kFirstLine + 1);
  // The first page is opened again elsewhere, and looks as it did when nothing came behind it.
  open_page(first);
  publish(1);
  EXPECT_FALSE(lane.quiet());
}

TEST_F(LaneTest, SeesARecordThatWasBeingFilled) {
  publish(1);
  EXPECT_EQ(take(), 1);
  const PageCursor::Slot slot = lane.cursor.take();
  slot.record->word.store(make_word(generation_in(slot.id), lane.priority, 0, kVacant));
  EXPECT_EQ(take(), 0);
  EXPECT_TRUE(lane.quiet());
  slot.record->word.store(make_word(generation_in(slot.id), lane.priority, 0, raw(TaskState::available)));
  EXPECT_EQ(take(), 1);
}

}  // namespace
}  // namespace detail
}  // namespace v0
}  // namespace errand
