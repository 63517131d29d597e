// A pause that its store is not told at once, or says only later: what was said last holds, here and in the store.

#include "threads.h"

namespace {

class Pause : public testing::TestWithParam<bool> {
 protected:
  void make_queue() {
    queue = std::make_unique<errand::Queue>(errand::QueueOptions{
        .name = "mail", .drive = errand::Drive::manual, .store = store, .clock = clock, .seed = 1});
    queue->handle<Report>([&](const Report&) { ++ran; });
  }
  void comes_back() {
    store->fails = false;
    clock->advance(10s);
    queue->dispatch();
  }
  [[nodiscard]] bool is_stored() const {
    const auto counts = store->counts(clock->now());
    for (const errand::Counts& one : counts.value()) {
      if (one.queue == "mail") return one.paused;
    }
    return false;
  }

  const std::shared_ptr<errand::ManualClock> clock = std::make_shared<errand::ManualClock>();
  const std::shared_ptr<Shaky> store = std::make_shared<Shaky>(GetParam());
  std::unique_ptr<errand::Queue> queue;
  int ran = 0;
};

INSTANTIATE_TEST_SUITE_P(Stores, Pause, testing::Values(true, false),
                         [](const auto& info) { return info.param ? "Durable" : "InMemory"; });

}  // namespace

// It comes between a claim's commit and its delivery.
TEST_P(Pause, HoldsForWhatWasBeingClaimed) {
  make_queue();
  store->after_commit([&] { queue->pause(); });
  ASSERT_TRUE(queue->enqueue(Report{1}));
  store->after_commit({});
  queue->dispatch();
  EXPECT_EQ(ran, 0);
  EXPECT_TRUE(is_stored());
  queue->resume();
  EXPECT_FALSE(is_stored());
  queue->dispatch();
  EXPECT_EQ(ran, 1);
}

TEST_P(Pause, EndsWhenTheStoreIsBackThatWasAwayWhenItWasToEnd) {
  make_queue();
  queue->pause();
  ASSERT_TRUE(queue->enqueue(Report{1}));
  store->fails = true;
  queue->resume();
  EXPECT_FALSE(queue->paused());
  queue->dispatch();
  EXPECT_EQ(ran, 0);
  store->fails = false;
  EXPECT_FALSE(queue->stats().healthy) << "the store answers, and has not been told yet";
  comes_back();
  EXPECT_EQ(ran, 1);
  EXPECT_FALSE(is_stored());
  EXPECT_TRUE(queue->stats().healthy);
}

TEST_P(Pause, IsStoredWhenTheStoreIsBackThatWasAwayWhenItBegan) {
  make_queue();
  store->fails = true;
  queue->pause();
  EXPECT_TRUE(queue->paused());
  comes_back();
  EXPECT_TRUE(is_stored());
  ASSERT_TRUE(queue->enqueue(Report{1}));
  queue->dispatch();
  EXPECT_EQ(ran, 0);
}

TEST_P(Pause, IsWhatWasSaidLastWhileTheStoreWasAway) {
  make_queue();
  store->fails = true;
  queue->pause();
  queue->resume();
  queue->pause();
  queue->resume();
  comes_back();
  EXPECT_FALSE(is_stored());
  queue->pause();
  EXPECT_TRUE(is_stored());
}

TEST_P(Pause, IsStoredThoughItsQueueGoesBeforeItWasToldAgain) {
  make_queue();
  store->fails = true;
  queue->pause();
  store->fails = false;
  queue.reset();
  EXPECT_TRUE(is_stored());
}

TEST_P(Pause, OfBeforeARestartIsReadWhenTheStoreIsBack) {
  ASSERT_TRUE(store->set_paused("mail", true));
  store->fails = true;
  make_queue();
  EXPECT_FALSE(queue->paused());
  EXPECT_FALSE(queue->stats().healthy);
  comes_back();
  EXPECT_TRUE(queue->paused());
  ASSERT_TRUE(queue->enqueue(Report{1}));
  queue->dispatch();
  EXPECT_EQ(ran, 0);
  queue->resume();
  queue->dispatch();
  EXPECT_EQ(ran, 1);
}

TEST_P(Pause, OfBeforeARestartIsNothingWhereSomebodyHasSaidSomethingSince) {
  ASSERT_TRUE(store->set_paused("mail", true));
  store->fails = true;
  make_queue();
  queue->resume();
  comes_back();
  EXPECT_FALSE(queue->paused());
  EXPECT_FALSE(is_stored());
}
