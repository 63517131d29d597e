#include "engine/page_pool.h"

#include <errand/testing.h>
#include <gtest/gtest.h>

#include "engine/lane.h"

namespace errand {
inline namespace v0 {
namespace detail {
namespace {

class PagePoolTest : public testing::Test {
 protected:
  PagePoolTest() {
    for (Page*& page : pages) page = &filled();
  }
  // A page with all its records in use, by tasks that run.
  Page& filled() {
    Page* page = nullptr;
    EXPECT_EQ(pool.acquire({&page, 1}), 1u);
    PageCursor cursor;
    cursor.open(*page);
    while (!cursor.exhausted()) {
      const PageCursor::Slot slot = cursor.take();
      pin_of(*slot.record).store(kUnpinned);
      slot.record->word.store(make_word(generation_in(slot.id), 5, 0, raw(TaskState::running)));
    }
    EXPECT_FALSE(page->give_back(kHeld));
    return *page;
  }
  // These lines' tasks end, from `first` on; the page goes to the pool where that makes it worth it.
  void end(Page& page, int first, int count, TaskState as, std::uint64_t flags = 0) {
    std::uint64_t bits = 0;
    for (int line = first; line < first + count; ++line) {
      auto& word = page.line(line).word;
      word.store(with_state(word.load(), raw(as)) | flags);
      bits |= bit_of(static_cast<std::size_t>(line));
    }
    Page* one[] = {&page};
    if (page.give_back(bits)) pool.retire(one);
  }
  void complete(Page& page) { end(page, kFirstLine, static_cast<int>(kRecordsPerPage), TaskState::completed); }
  // Whether the next page that is wanted is this one.
  bool is_free(const Page& page) {
    Page* next = nullptr;
    EXPECT_EQ(pool.acquire({&next, 1}), 1u);
    return next == &page;
  }

  PagePool pool{7, 2 * kRecordsPerPage, std::make_shared<ManualClock>()};
  Page* pages[5] = {};
};

TEST_F(PagePoolTest, KeepsAPageUntilSoManyHaveCompletedBehindIt) {
  complete(*pages[0]);
  complete(*pages[1]);
  EXPECT_FALSE(is_free(*pages[0]));
  complete(*pages[2]);
  EXPECT_TRUE(is_free(*pages[0]));
}

TEST_F(PagePoolTest, AllowsForPagesThatComeBackLate) {
  pool.expect_in_progress(1);
  complete(*pages[0]);
  complete(*pages[1]);
  complete(*pages[2]);
  EXPECT_FALSE(is_free(*pages[0]));
  complete(*pages[3]);
  EXPECT_TRUE(is_free(*pages[0]));
}

TEST_F(PagePoolTest, CountsNoTasksThatEndedInOtherWays) {
  complete(*pages[0]);
  complete(*pages[1]);
  end(*pages[2], kFirstLine, 61, TaskState::completed);
  end(*pages[2], kFirstLine + 61, 1, TaskState::cancelled, kSingle);
  EXPECT_FALSE(is_free(*pages[0])) << "one of those behind it was cancelled";
  complete(*pages[3]);
  EXPECT_TRUE(is_free(*pages[0]));
}

TEST_F(PagePoolTest, KeepsWhatEndedAfterItsPageCameBack) {
  end(*pages[0], kFirstLine, 52, TaskState::completed);  // comes back, with ten that still run
  complete(*pages[1]);
  end(*pages[0], kFirstLine + 52, 10, TaskState::completed);
  complete(*pages[2]);
  EXPECT_FALSE(is_free(*pages[0])) << "only 62 came after its last ten";
  complete(*pages[3]);
  EXPECT_TRUE(is_free(*pages[1]));
  complete(*pages[4]);
  EXPECT_TRUE(is_free(*pages[0]));
}

}  // namespace
}  // namespace detail
}  // namespace v0
}  // namespace errand
