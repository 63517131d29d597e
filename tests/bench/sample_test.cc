// What is asked about a run afterwards.

#include "sample.h"

#include <gtest/gtest.h>

TEST(MayBeGone, OnlyWhereEnoughOthersEndedLater) {
  const std::vector<std::int64_t> ended_at = {10, 20, 20, 30};
  EXPECT_TRUE(bench::may_be_gone(5, ended_at, 4));
  EXPECT_TRUE(bench::may_be_gone(10, ended_at, 4));
  EXPECT_FALSE(bench::may_be_gone(11, ended_at, 4));
  EXPECT_TRUE(bench::may_be_gone(20, ended_at, 3));
  EXPECT_FALSE(bench::may_be_gone(31, ended_at, 1));
  EXPECT_FALSE(bench::may_be_gone(5, {}, 1));
}

TEST(Sample, PicksAboutAThousand) {
  bench::Sample sample(1'000'000);
  int picked = 0;
  for (int i = 0; i < 1'000'000; ++i) picked += sample.picks() ? 1 : 0;
  EXPECT_GT(picked, 700);
  EXPECT_LT(picked, 1300);
}

// Of a queue that keeps nothing, and is asked as if it did.
TEST(Sample, EndsTheProgramWhereTheQueueForgetsTooEarly) {
  const auto run = [](errand::Retention retention, std::uint64_t retained) {
    errand::Queue queue({.drive = errand::Drive::manual, .retention = retention});
    bench::Sample sample(1000);
    for (int i = 0; i < 1000; ++i) {
      const auto submit = [&](auto body) { return queue.submit(body); };
      const auto body = [] {};
      if (sample.picks()) {
        sample.note(submit, body);
      } else {
        queue.submit(body);
      }
    }
    queue.dispatch();
    sample.check(queue, retained);
  };
  run({}, 10'000);
  run({.count = 0}, 0);
  EXPECT_EXIT(run({.count = 0}, 1), testing::ExitedWithCode(1), "among the last ones to retain");
}
