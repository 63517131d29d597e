// Named tasks when their queue starts and ends: what a shutdown waits for, and what may come before and after it.

#include "threads.h"

namespace {

class Ends : public Named {
 protected:
  errand::QueueOptions options(int workers) const { return {.name = "mail", .workers = workers, .store = store}; }
  void begin(errand::QueueOptions opts) {
    queue.reset();
    queue = std::make_unique<errand::Queue>(std::move(opts));
  }
  // So many at once, numbered.
  [[nodiscard]] bool enqueue(int count) {
    std::vector<Report> reports;
    for (int i = 0; i < count; ++i) reports.push_back({i});
    const auto tasks = queue->enqueue_many(reports);
    return std::all_of(tasks.begin(), tasks.end(), [](const auto& task) { return bool(task); });
  }
  [[nodiscard]] bool on_disk() const { return GetParam() == Where::sqlite; }
  // Of a shutdown that has nothing to wait for.
  static bool is_quick(errand::SteadyTime since) { return errand::real_clock()->mono() - since < kSoon; }
};

ERRAND_ON_BOTH_STORES(Ends);

}  // namespace

TEST_P(Ends, AtOnceWithWhatAStoreKeeps) {
  begin(options(1));
  queue->handle<Report>([](const Report&) { ADD_FAILURE() << "it is paused"; });
  queue->pause();
  ASSERT_TRUE(enqueue(200));
  auto later = queue->enqueue(Report{0}, {.delay = 1h});
  ASSERT_TRUE(later);
  const auto before = errand::real_clock()->mono();
  queue->shutdown({.drain = errand::Drain::due, .timeout = 60s});
  EXPECT_TRUE(is_quick(before)) << "it took its whole time";
  EXPECT_EQ(later->state(), errand::TaskState::scheduled);
  const auto waiting = queue->find({.state = errand::TaskState::available}, 1000);
  ASSERT_TRUE(waiting);
  EXPECT_EQ(waiting->size(), 200u);
  queue.reset();
}

TEST_P(Ends, AreWaitedForWhereNothingWouldBeClaimed) {
  begin(options(0));
  queue->handle<Report>([](const Report&) {});
  EXPECT_TRUE(queue->wait_idle(kSoon)) << "there is nothing";
  auto task = queue->enqueue(Report{1});
  ASSERT_TRUE(task);
  EXPECT_FALSE(queue->wait_idle(1ms)) << "and nobody to run it";
  EXPECT_TRUE(queue->hold(task->id()));
  EXPECT_TRUE(queue->wait_idle(kSoon));
  EXPECT_TRUE(task->cancel());
  begin(options(1));
  queue->handle<Report>([](const Report&) {});
  queue->pause();
  auto other = queue->enqueue(Report{2});
  ASSERT_TRUE(other);
  EXPECT_FALSE(queue->wait_idle(1ms));
  EXPECT_TRUE(other->cancel());
  EXPECT_TRUE(queue->wait_idle(kSoon));
  queue.reset();
}

TEST_P(Ends, AtOnceWithWhatIsClaimedAhead) {
  Gate began;
  Gate gate;
  begin(options(1));
  queue->handle<Report>([&](const Report&) {
    began.open();
    gate.wait();
  });
  ASSERT_TRUE(enqueue(200));
  EXPECT_TRUE(began.wait());
  Threads opens(1, [&](int) {
    // It has begun to close, and waits for the body.
    EXPECT_TRUE(soon([&] { return !queue->enqueue(Report{}); }));
    gate.open();
  });
  const auto before = errand::real_clock()->mono();
  queue->shutdown({.drain = on_disk() ? errand::Drain::due : errand::Drain::running, .timeout = 60s});
  EXPECT_TRUE(is_quick(before)) << "it took its whole time";
  opens.join();
  const auto counts = store->counts(errand::real_clock()->now());
  ASSERT_TRUE(counts && counts->size() == 1);
  EXPECT_EQ(counts->front().running, 0u) << "what had not begun went back";
  EXPECT_GE(counts->front().available + counts->front().completed, 200u);
  queue.reset();
}

TEST_P(Ends, OfAQueueThatNeverStarted) {
  Tally ran(200);
  errand::QueueOptions opts = options(2);
  opts.start = false;
  begin(std::move(opts));
  queue->handle<Report>([&](const Report& report) { ran.add(report.pages); });
  ASSERT_TRUE(enqueue(200));
  const auto before = errand::real_clock()->mono();
  queue->shutdown({.drain = errand::Drain::due, .timeout = 60s});
  EXPECT_TRUE(is_quick(before)) << "it took its whole time";
  EXPECT_EQ(ran.all(), on_disk() ? 0 : 200) << "it still owes what it is to drain";
  queue.reset();
}

TEST_P(Ends, ByHandWithAllThatIsDue) {
  int ran = 0;
  queue->handle<Report>([&](const Report&) { ++ran; });
  ASSERT_TRUE(enqueue(200));
  queue->shutdown({.drain = errand::Drain::due});
  EXPECT_EQ(ran, on_disk() ? 0 : 200);
  queue.reset();
}

TEST_P(Ends, ByHandWithAllThatWaits) {
  int ran = 0;
  queue->handle<Report>(
      [&](const Report&, errand::Attempt& attempt) {
        ++ran;
        return attempt.number() == 1 ? errand::retry("once more") : errand::done();
      },
      {.retry = errand::Retry::fixed(1min)});
  auto task = queue->enqueue(Report{}, {.delay = 5min});
  ASSERT_TRUE(task);
  queue->shutdown({.drain = errand::Drain::queued, .timeout = 1h});
  EXPECT_EQ(ran, on_disk() ? 0 : 2);
  EXPECT_EQ(task->state(), on_disk() ? errand::TaskState::scheduled : errand::TaskState::completed);
  queue.reset();
}

TEST_P(Ends, ByHandWithWhatIsGivenBackInTheStore) {
  queue->handle<Report>([](const Report&) { ADD_FAILURE() << "nobody drains it"; });
  const auto task = queue->enqueue(Report{});
  ASSERT_TRUE(task);
  const auto state = [&] { return store->find(task->id(), clock->now())->state; };
  EXPECT_EQ(state(), errand::TaskState::running) << "it is claimed";
  queue->shutdown({.drain = errand::Drain::running});
  EXPECT_EQ(state(), errand::TaskState::available) << "before the queue goes";
}

// What waits in the store is nobody's to claim any more, however often it is asked for.
TEST_P(Ends, Once) {
  begin(options(1));
  queue->handle<Report>([&](const Report&) { ADD_FAILURE() << "it ran after the end"; });
  auto waits = queue->enqueue(Report{}, {.delay = 1h});
  ASSERT_TRUE(waits);
  queue->shutdown({.drain = errand::Drain::running});
  EXPECT_FALSE(queue->start());
  queue->shutdown({.drain = errand::Drain::due});
  queue->resume();
  ASSERT_TRUE(queue->reschedule(waits->id(), errand::WallTime()));
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(queue->set_priority(waits->id(), i % 10));
  const auto kept = store->find(waits->id(), errand::real_clock()->now());
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->state, errand::TaskState::available);
  EXPECT_EQ(kept->token, 0u) << "it was claimed after the end";
  queue.reset();
}

TEST(EndsOfMemory, ComeWithAllThatIsDueEvenIfItIsPaused) {
  Tally ran(200);
  errand::Queue queue({.workers = 1});
  queue.handle<Report>([&](const Report& report) { ran.add(report.pages); });
  queue.pause();
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(queue.enqueue(Report{i}));
  const auto before = errand::real_clock()->mono();
  queue.shutdown({.drain = errand::Drain::due, .timeout = 60s});
  EXPECT_LT(errand::real_clock()->mono() - before, kSoon) << "it took its whole time";
  EXPECT_EQ(ran.others_than(1, 200), 0) << "as closures do";
}

TEST(EndsOfMemory, AreKnownToWhatIsMadeAfterwards) {
  errand::Queue queue({.workers = 1});
  queue.shutdown();
  queue.handle<Report>([](const Report&) {});
  const auto task = queue.enqueue(Report{});
  ASSERT_FALSE(task);
  EXPECT_EQ(task.error().code(), errand::Code::shutting_down);
}

// The first named task comes while others look at the queue and start it.
TEST(EndsOfMemory, TheFirstNamedTaskComesWhileOthersLook) {
  for (int round = 0; round < 30; ++round) {
    Tally ran(1);
    errand::Queue queue({.workers = 1, .start = false});
    Threads look(3, [&](int which) {
      if (which == 0) {
        queue.handle<Report>([&](const Report& report) { ran.add(report.pages); });
        EXPECT_TRUE(queue.enqueue(Report{0}));
      } else if (which == 1) {
        queue.start();
      } else {
        static_cast<void>(queue.wait_idle(0s));
        static_cast<void>(queue.stats());
        static_cast<void>(queue.list());
      }
    });
    EXPECT_TRUE(ran.reaches(1));
  }
}

// Either it is refused, or it runs: a queue in memory has nobody else to leave it to.
TEST(EndsOfMemory, WhatIsAcceptedIsDrained) {
  for (int round = 0; round < 100; ++round) {
    std::atomic<int> ran{0};
    std::atomic<int> accepted{0};
    errand::Queue queue({.workers = 2});
    queue.handle<Report>([&](const Report&) { ++ran; });
    {
      Threads producers(2, [&](int) {
        while (queue.enqueue(Report{})) ++accepted;
      });
      EXPECT_TRUE(soon([&] { return accepted > 3; }));
      queue.shutdown({.drain = errand::Drain::due, .timeout = 30s});
    }
    ASSERT_EQ(ran, accepted) << "round " << round;
  }
}

TEST_P(Ends, WithABodyThatShutsItDown) {
  begin(options(1));
  Tally ran(1);
  queue->handle<Report>([&](const Report&) {
    queue->shutdown({.drain = errand::Drain::running, .timeout = 60s});
    ran.add(0);
  });
  auto task = queue->enqueue(Report{});
  ASSERT_TRUE(task);
  EXPECT_TRUE(ran.reaches(1));
  queue->shutdown();
  EXPECT_EQ(task->state(), errand::TaskState::completed);
  queue.reset();
}

namespace {

// A clock on which whoever looks after the store sleeps on when it is woken, until somebody else has done its work. The
// test's thread and the worker's do not.
class LateRiser final : public errand::Clock {
 public:
  errand::WallTime now() const noexcept override { return real_->now(); }
  errand::SteadyTime mono() const noexcept override { return real_->mono(); }
  void wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected, const errand::WaitUntil& until) override {
    real_->wait(word, expected, until);
    const auto self = std::this_thread::get_id();
    if (self != test_ && worker_.load() != std::thread::id() && self != worker_.load())
      static_cast<void>(soon([this] { return done_.load(); }));
  }
  void wake(const std::atomic<std::uint32_t>& word, int count) override { real_->wake(word, count); }
  void falls_asleep(std::thread::id worker) { worker_ = worker; }
  void is_done() { done_ = true; }

 private:
  const std::shared_ptr<errand::Clock> real_ = errand::real_clock();
  const std::thread::id test_ = std::this_thread::get_id();
  std::atomic<std::thread::id> worker_{};
  std::atomic<bool> done_{false};
};

}  // namespace

// It ends when the queue has waited for its shutdown, and has nothing more to wait for.
TEST(EndsOfBodies, ThatOutliveTheShutdownAreInTheStore) {
  const auto store = std::make_shared<Shaky>();
  const auto clock = std::make_shared<LateRiser>();
  Gate goes_on;
  errand::set_logger([&](const errand::LogLine&) { goes_on.open(); });  // it is named as one that ignores its stop
  auto queue = std::make_unique<errand::Queue>(
      errand::QueueOptions{.name = "mail", .workers = 1, .store = store, .close = {.timeout = 0s}, .clock = clock});
  Gate began;
  queue->handle<Report>([&](const Report&) {
    began.open();
    EXPECT_TRUE(goes_on.wait());
    clock->falls_asleep(std::this_thread::get_id());
    return errand::done();
  });
  const auto task = queue->enqueue(Report{});
  ASSERT_TRUE(task && began.wait());
  store->after_commit([&] { clock->is_done(); });
  queue.reset();
  errand::set_logger({});
  const auto kept = store->find(task->id(), errand::real_clock()->now());
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->state, errand::TaskState::completed);
}
