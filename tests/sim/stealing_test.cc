// What a thief gets whose victim has been slow: logical workers, one step at a time.

#include <errand/errand.h>
#include <errand/testing.h>
#include <gtest/gtest.h>

#include "engine/engine.h"

namespace errand {
inline namespace v0 {

namespace {

using detail::Engine;
using detail::Seat;
using detail::Worker;

template <class F>
void submit(Engine& engine, F body) {
  const detail::Draft draft = engine.begin();
  detail::store<F>(*draft.record, std::move(body));
  engine.publish(draft, detail::kOps<F>);
  detail::unpin<void>(*draft.record);
}

}  // namespace

// All other tasks of the page are over, so it is opened again, and passes over the few that its worker has in hand.
TEST(Stealing, FindsTasksWhosePageHasBegunAnotherLife) {
  constexpr std::size_t kTasks = 20 * detail::kRecordsPerPage;
  Engine engine({.workers = 2,
                 .drive = Drive::manual,
                 .retention = {.count = 0},
                 .clock = std::make_shared<ManualClock>(),
                 .seed = 3});
  std::vector<int> runs(2 * kTasks, 0);
  const auto submit_from = [&](std::size_t first) {
    for (std::size_t i = first; i < first + kTasks; ++i) submit(engine, [&runs, i] { ++runs[i]; });
  };
  submit_from(0);
  Worker& slow = engine.borrow_guest();
  Worker& fast = engine.borrow_guest();
  {
    const Seat seat(engine, &slow);
    const Worker::Claimed first = slow.claim();
    ASSERT_NE(first.record, nullptr);
    detail::Page& page = detail::page_of(*first.record);
    while (!detail::worth_reopening(page.in_use.load())) {
      ASSERT_TRUE(fast.step());
      fast.settle();
    }
    ASSERT_GT(std::popcount(page.in_use.load()), 1) << "nothing is left to be stolen";
    const std::uint32_t generation = page.generation.load();
    submit_from(kTasks);
    ASSERT_NE(page.generation.load(), generation) << "it was not opened again";
    while (fast.step()) {
    }
    slow.run(first);
    while (slow.step()) {
    }
  }
  for (Worker* worker : {&slow, &fast}) engine.return_guest(*worker);
  for (std::size_t i = 0; i < runs.size(); ++i) EXPECT_EQ(runs[i], 1) << i;
}

}  // namespace v0
}  // namespace errand
