#include "contract.h"

using errand::TaskId;
using errand::TaskState;

namespace {

class InMemory final : public Kept {
 public:
  errand::StorePtr open() override { return errand::open_memory(); }
};

class InLittleMemory final : public Kept {
 public:
  errand::StorePtr open() override { return errand::open_memory(3); }
};

INSTANTIATE_TEST_SUITE_P(Memory, StoreContract, testing::Values([] { return std::make_unique<InMemory>(); }));

class MemoryRetention : public StoreContract {
 protected:
  TaskId finished(errand::NewTask one, TaskState as) {
    const TaskId id = add(std::move(one)).id;
    now += std::chrono::seconds(1);
    EXPECT_TRUE(finish(done(claim_one(), as)));
    return id;
  }
  // Ids by when their tasks were added.
  std::vector<TaskId> kept_as(TaskState state) { return ids_of({.state = state}); }
};

INSTANTIATE_TEST_SUITE_P(Memory, MemoryRetention, testing::Values([] { return std::make_unique<InLittleMemory>(); }));

TEST_P(MemoryRetention, KeepsTheLastOfEachFinalState) {
  std::vector<TaskId> completed;
  std::vector<TaskId> discarded;
  for (int i = 0; i < 5; ++i) {
    completed.push_back(finished(task(), TaskState::completed));
    discarded.push_back(finished(task(), TaskState::discarded));
  }
  EXPECT_EQ(kept_as(TaskState::completed), std::vector(completed.end() - 3, completed.end()));
  EXPECT_EQ(kept_as(TaskState::discarded), std::vector(discarded.end() - 3, discarded.end()));
}

TEST_P(MemoryRetention, GoesByWhatEndedFirstAndNotByTheClock) {
  for (int i = 0; i < 3; ++i) finished(task(), TaskState::completed);
  now -= std::chrono::hours(1);
  const TaskId last = finished(task(), TaskState::completed);
  ASSERT_EQ(kept_as(TaskState::completed).size(), 3u);
  EXPECT_EQ(kept_as(TaskState::completed).back(), last);
}

TEST_P(MemoryRetention, CountsEachQueueByItself) {
  const TaskId quiet = finished(task(), TaskState::completed);
  errand::NewTask elsewhere = task();
  elsewhere.queue = "busy";
  for (int i = 0; i < 5; ++i) {
    add(elsewhere);
    const errand::Claimed claimed = claim(1, "busy");
    ASSERT_EQ(claimed.tasks.size(), 1u);
    EXPECT_TRUE(finish(done(claimed.tasks[0])));
  }
  EXPECT_EQ(ids_of({.queue = "mail"}), std::vector{quiet});
  EXPECT_EQ(counts("busy").completed, 3u);
}

TEST_P(MemoryRetention, LeavesOutWhatKeepsItsKeyFromOthers) {
  errand::NewTask once = task();
  once.unique.key = "once";
  once.unique.states |= errand::bit(TaskState::completed);
  const TaskId holder = finished(once, TaskState::completed);
  for (int i = 0; i < 5; ++i) finished(task(), TaskState::completed);
  EXPECT_EQ(kept_as(TaskState::completed).size(), 4u);
  EXPECT_EQ(add(once).id, holder);
}

TEST_P(MemoryRetention, CountsWhoHadToGiveUpItsKey) {
  errand::NewTask once = task();
  once.unique.key = "once";
  once.unique.states |= errand::bit(TaskState::completed);
  for (int i = 0; i < 10; ++i) {
    once.unique.until = now + std::chrono::milliseconds(1);
    finished(once, TaskState::completed);
  }
  EXPECT_EQ(kept_as(TaskState::completed).size(), 4u) << "three, and the one that has the key";
}

TEST_P(MemoryRetention, HoldsForWhatWasCancelledOrBeganAgain) {
  std::vector<TaskId> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(add(task()).id);
  change({.queue = "mail"}, {.what = errand::Change::What::cancel});
  EXPECT_EQ(kept_as(TaskState::cancelled), std::vector(ids.end() - 3, ids.end()));
  // One that waits again makes room for another.
  change(only(ids[2]), {.what = errand::Change::What::retry});
  const TaskId later = add(task()).id;
  now += std::chrono::seconds(1);
  change(only(later), {.what = errand::Change::What::cancel});
  EXPECT_EQ(kept_as(TaskState::cancelled), (std::vector{ids[3], ids[4], later}));
  EXPECT_EQ(find(ids[2]).state, TaskState::available);
}

TEST(RunningBody, AStoreInMemoryBlamesNobody) {
  errand::RunningBody body(errand::open_memory());
  EXPECT_FALSE(body);
  body.begins(errand::TaskId{1}, errand::WallTime{});
  body.is_over();
  EXPECT_FALSE(errand::RunningBody(nullptr));
}

}  // namespace
