#include "engine/page_pool.h"

#include <errand/testing.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

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
  // A handle on each record.
  void hold(Page& page, std::uint8_t pin = kPinned) {
    for (Record& record : page.records) pin_of(record).store(pin);
  }
  void let_go(Page& page) { hold(page, kUnpinned); }
  // Pages that have come back, with a handle on each record.
  std::vector<Page*> some_held(std::size_t count) {
    std::vector<Page*> held(count);
    EXPECT_EQ(pool.acquire(held), count);
    for (Page* page : held) hold(*page);
    pool.retire(held);
    return held;
  }
  void come_to_those_that_are_held() {
    std::vector<Page*> others(100);
    EXPECT_EQ(pool.acquire(others), others.size());
    pool.retire(others);
  }
  // Pages are filled, and their handles go when all are there; but for the first ones, which stay held.
  void pass_with_handles(std::size_t count, std::size_t stay) {
    std::vector<Page*> held;
    while (held.size() < count) {
      std::vector<Page*> some = some_held(8);
      held.insert(held.end(), some.begin(), some.end());
    }
    for (std::size_t i = stay; i < count; ++i) let_go(*held[i]);
  }
  static std::ptrdiff_t given_back(const std::vector<Page*>& pages) {
    return std::count_if(pages.begin(), pages.end(),
                         [](const Page* page) { return slab_of(page).is_released(index_of(*page) % kPagesPerSlab); });
  }
  // The round that is going on, and one in which nothing is needed.
  void give_back_unneeded() {
    for (int round = 0; round < 2; ++round) {
      while (pool.trim()) {
      }
    }
  }
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

// More than a slab: the last of them are given back first, and the first ones are wanted first again.
TEST_F(PagePoolTest, HandsOutWhatWasGivenBackFromTheLowestOn) {
  std::vector<Page*> many(kPagesPerSlab + 300);
  ASSERT_EQ(pool.acquire(many), many.size());
  const std::uint32_t end = pool.end_index();
  std::reverse(many.begin(), many.end());
  pool.retire(many);
  give_back_unneeded();

  std::vector<Page*> again(many.size());
  ASSERT_EQ(pool.acquire(again), again.size());
  EXPECT_EQ(pool.end_index(), end) << "pages that nobody has had yet, while others are there";
  std::vector<std::uint32_t> indices(again.size());
  std::transform(again.begin(), again.end(), indices.begin(), [](const Page* page) { return index_of(*page); });
  const auto given_back = std::is_sorted_until(indices.rbegin(), indices.rend(), std::greater());
  EXPECT_GT(given_back - indices.rbegin(), static_cast<std::ptrdiff_t>(kPagesPerSlab));
  std::sort(indices.begin(), indices.end());
  EXPECT_EQ(std::adjacent_find(indices.begin(), indices.end()), indices.end()) << "a page was handed out twice";
}

TEST_F(PagePoolTest, FindsPagesThatWereGivenBackBelowTheLastOneItHandedOut) {
  std::vector<Page*> many(400);
  ASSERT_EQ(pool.acquire(many), many.size());
  const std::uint32_t end = pool.end_index();
  pool.retire(std::span(many).subspan(200));
  give_back_unneeded();
  pool.retire(std::span(many).first(200));
  give_back_unneeded();
  ASSERT_EQ(pool.acquire(many), many.size());
  EXPECT_EQ(pool.end_index(), end);
}

// As a program does that submits many tasks, keeps their handles, asks for all the values, and begins again.
TEST_F(PagePoolTest, UsesPagesAgainWhoseHandlesAreGone) {
  pass_with_handles(800, 0);
  const std::uint32_t end = pool.end_index();
  for (int i = 0; i < 4; ++i) pass_with_handles(800, 0);
  EXPECT_EQ(pool.end_index(), end);
}

TEST_F(PagePoolTest, UsesPagesAgainBetweenThoseThatAreHeldForLong) {
  pass_with_handles(800, 300);
  const std::uint32_t end = pool.end_index();
  for (int i = 0; i < 100; ++i) pass_with_handles(800, 0);
  EXPECT_LT(pool.end_index(), end + 800);
}

TEST_F(PagePoolTest, GivesPagesBackWhoseHandlesAreGone) {
  std::vector<Page*> held = some_held(300);
  come_to_those_that_are_held();
  for (Page* page : held) let_go(*page);
  EXPECT_TRUE(pool.worth_trimming());
  give_back_unneeded();
  give_back_unneeded();
  EXPECT_GT(given_back(held), 200);
}

// However few records of a page are in use.
TEST_F(PagePoolTest, IsAtRestWhereNothingCanBeGivenBack) {
  std::vector<Page*> held = some_held(300);
  for (Page* page : held) {
    let_go(*page);
    pin_of(page->records[0]).store(kPinned);
  }
  give_back_unneeded();
  come_to_those_that_are_held();
  give_back_unneeded();
  give_back_unneeded();
  EXPECT_FALSE(pool.worth_trimming());
  EXPECT_EQ(given_back(held), 0);
}

TEST_F(PagePoolTest, StacksPagesThatGoFromEitherEnd) {
  PageStack stack;
  for (int i = 0; i < 4; ++i) stack.push(*pages[i]);
  EXPECT_EQ(&stack.pop(), pages[3]);
  EXPECT_EQ(&stack.pop_bottom(), pages[0]);
  stack.push(*pages[4]);
  EXPECT_EQ(&stack.pop_bottom(), pages[1]);
  EXPECT_EQ(&stack.pop(), pages[4]);
  EXPECT_EQ(&stack.pop_bottom(), pages[2]);
  EXPECT_EQ(stack.size(), 0u);
  stack.push(*pages[0]);
  EXPECT_EQ(&stack.pop_bottom(), pages[0]) << "after it was empty";
  stack.push(*pages[1]);
  EXPECT_EQ(&stack.pop(), pages[1]);
  EXPECT_EQ(stack.size(), 0u);
}

}  // namespace
}  // namespace detail
}  // namespace v0
}  // namespace errand
