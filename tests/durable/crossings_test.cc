// Calls that meet each other: each two of them end as if one had come after the other, and none is lost.

#include <stdexcept>

#include "slow_waker.h"
#include "threads.h"

namespace {

class Crossing : public testing::TestWithParam<bool> {
 protected:
  errand::QueueOptions options(int workers = 1) const {
    return {.name = "mail", .workers = workers, .store = store, .close = {.timeout = 5s}};
  }
  void make_queue_that_waits_for_start() {
    errand::QueueOptions opts = options();
    opts.start = false;
    queue = std::make_unique<errand::Queue>(std::move(opts));
  }

  std::shared_ptr<Shaky> store = std::make_shared<Shaky>(GetParam());
  std::unique_ptr<errand::Queue> queue;
};

INSTANTIATE_TEST_SUITE_P(Stores, Crossing, testing::Values(true, false),
                         [](const auto& info) { return info.param ? "Durable" : "InMemory"; });

}  // namespace

TEST_P(Crossing, OfManyCallersLetsOneLead) {
  queue = std::make_unique<errand::Queue>(options(3));
  constexpr int kAll = 500;  // each of them gives way a dozen times, which is slow where much else runs
  Tally ran(kAll);
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  std::atomic<bool> over{false};
  store->before_commit([&](const errand::Batch&) {
    const int now = ++inside;
    if (now > most) most = now;
    for (int i = 0; i < 5; ++i) std::this_thread::yield();
    --inside;
  });
  queue->handle<Report>([&](const Report& report) { ran.add(report.pages); });
  Threads flickers(1, [&](int) {
    while (!over) {
      store->fails = true;
      std::this_thread::yield();
      store->fails = false;
      std::this_thread::yield();
    }
  });
  for (int i = 0; i < kAll; ++i) {
    while (!queue->enqueue(Report{i})) std::this_thread::yield();
  }
  over = true;
  flickers.join();
  EXPECT_TRUE(ran.reaches(kAll));
  EXPECT_TRUE(queue->wait_idle(kSoon));
  EXPECT_EQ(ran.others_than(1, kAll), 0);
  EXPECT_EQ(most, 1) << "one transaction at a time";
  queue.reset();
}

// The store's thread is told that a moment comes sooner, looks while the caller still leads, and sleeps again.
TEST_P(Crossing, OfACallAndAThreadThatLooksTooEarlyMissesNoMoment) {
  const auto clock = std::make_shared<SlowWaker>();
  errand::QueueOptions opts = options(1);
  opts.clock = clock;
  queue = std::make_unique<errand::Queue>(std::move(opts));
  Tally ran(1);
  queue->handle<Report>([&](const Report& report) { ran.add(report.pages); });
  EXPECT_TRUE(soon([&] { return queue->wait_idle(0s) && clock->waiting() == 2; })) << "the worker, and the store's";
  clock->hold_up_the_next();
  ASSERT_TRUE(queue->enqueue(Report{0}, {.delay = 1s}));
  EXPECT_TRUE(soon([&] { return clock->waiting() == 2; }));
  clock->advance(2s);
  EXPECT_TRUE(ran.reaches(1)) << "not when it is time to tidy up";
  queue.reset();
}

// A commit that is on its way when a kind gets its handler may still set tasks of that kind aside.
TEST_P(Crossing, OfAClaimAndANewHandlerSetsNothingAside) {
  Tally ran(1);
  make_queue_that_waits_for_start();
  ASSERT_TRUE(queue->enqueue(Report{0}));
  Gate claims;
  Gate goes_on;
  std::atomic<bool> first{true};
  store->before_commit([&](const errand::Batch& batch) {
    if (batch.claims.empty() || !first.exchange(false)) return;
    claims.open();
    goes_on.wait();
  });
  queue->handle<Mail>([](const Mail&) { return Receipt{}; });
  queue->start();
  ASSERT_TRUE(claims.wait());
  queue->handle<Report>([&](const Report& report) { ran.add(report.pages); });
  goes_on.open();
  EXPECT_TRUE(ran.reaches(1));
  queue.reset();
}

// The claim that is on its way found nothing because of the pause, and comes back when that is over.
TEST_P(Crossing, OfAClaimAndTheEndOfAPauseFindsWhatWaits) {
  Tally ran(1);
  make_queue_that_waits_for_start();
  queue->handle<Report>([&](const Report& report) { ran.add(report.pages); });
  ASSERT_TRUE(queue->enqueue(Report{0}));
  std::atomic<bool> first{true};
  store->before_commit([&](const errand::Batch& batch) {
    if (!batch.claims.empty() && first) {
      EXPECT_TRUE(store->set_paused("mail", true));
    }
  });
  store->after_commit([&] {
    if (first.exchange(false)) queue->resume();
  });
  queue->start();
  EXPECT_TRUE(ran.reaches(1));
  queue.reset();
}

// A body ends and wants another attempt while its task is cancelled: the store still has it for running, and here it is
// over.
TEST_P(Crossing, OfACancelAndTheEndOfABodyCancels) {
  Gate began;
  Gate body;
  Gate ends;
  Gate changed;
  std::atomic<int> bodies{0};
  queue = std::make_unique<errand::Queue>(options(1));
  queue->handle<Report>([&](const Report&) {
    ++bodies;
    began.open();
    body.wait();
    return errand::retry_after(1ms, "again");
  });
  auto task = queue->enqueue(Report{0});
  ASSERT_TRUE(task);
  ASSERT_TRUE(began.wait());
  store->before_commit([&](const errand::Batch& batch) {
    if (batch.finished.empty()) return;
    ends.open();
    changed.wait();
  });
  store->before_change = [&] {
    body.open();
    ends.wait();
  };
  store->after_change = [&] { changed.open(); };
  EXPECT_TRUE(queue->change({.ids = {task->id()}}, {.what = errand::Change::What::cancel}));
  EXPECT_TRUE(soon([&] { return task->state() == errand::TaskState::cancelled; }));
  EXPECT_EQ(bodies, 1);
  queue.reset();
}

// A kind with a retention of its own is looked through first, and with all the others once more. A task that ran the
// first time waits for its next attempt the second time.
TEST_P(Crossing, OfACancelAndTheEndOfABodyBetweenTwoLooksIsTold) {
  Gate began;
  Gate body;
  Gate committed;
  Gate told;
  std::atomic<bool> ends{false};
  queue = std::make_unique<errand::Queue>(options(1));
  queue->handle<Report>(
      [&](const Report&) {
        began.open();
        body.wait();
        return errand::retry_after(1h, "again");
      },
      {.keep_cancelled = 1h});
  auto task = queue->enqueue(Report{0}, {.on_finish = [&](const errand::TaskInfo& info) {
                               EXPECT_EQ(info.state, errand::TaskState::cancelled);
                               told.open();
                             }});
  ASSERT_TRUE(task);
  ASSERT_TRUE(began.wait());
  store->before_commit([&](const errand::Batch& batch) { ends = ends || !batch.finished.empty(); });
  store->after_commit([&] {
    if (ends) committed.open();
  });
  store->after_change = [&] {
    body.open();
    EXPECT_TRUE(committed.wait());
  };
  const auto changed = queue->change({.ids = {task->id()}}, {.what = errand::Change::What::cancel});
  ASSERT_TRUE(changed) << changed.error().message();
  EXPECT_EQ(changed->ids, std::vector{task->id()});
  EXPECT_TRUE(changed->running.empty());
  EXPECT_TRUE(HasFailure() || told.wait());
  queue.reset();
}

// Its end is being decided on, by code of the user's, when it is cancelled.
TEST_P(Crossing, OfACancelAndARetryFunctionCancels) {
  Gate deciding;
  Gate decided;
  std::atomic<int> bodies{0};
  queue = std::make_unique<errand::Queue>(options(1));
  errand::HandlerOptions opts;
  opts.retry = errand::Retry::custom([&](int, const errand::Error&) {
    deciding.open();
    decided.wait();
    return errand::Duration(1ms);
  });
  queue->handle<Report>(
      [&](const Report&) {
        ++bodies;
        throw std::runtime_error("not today");
      },
      std::move(opts));
  auto task = queue->enqueue(Report{0});
  ASSERT_TRUE(task);
  ASSERT_TRUE(deciding.wait());
  EXPECT_TRUE(task->cancel());
  decided.open();
  EXPECT_TRUE(soon([&] { return is_final(task->state()); }));
  EXPECT_EQ(task->state(), errand::TaskState::cancelled);
  EXPECT_EQ(bodies, 1);
  queue.reset();
}

// A body that was asked to stop for the shutdown's sake would be given back, and run once more at the next start.
TEST_P(Crossing, OfACancelAndAShutdownCancels) {
  Gate stopped;
  Gate cancelled;
  std::atomic<int> bodies{0};
  queue = std::make_unique<errand::Queue>(options(1));
  const auto handle = [&] {
    queue->handle<Report>([&](const Report&, errand::Attempt& attempt) {
      if (++bodies > 1) return;
      while (!attempt.stop_requested()) attempt.sleep_for(1h);
      stopped.open();
      cancelled.wait();
    });
  };
  handle();
  auto task = queue->enqueue(Report{0});
  ASSERT_TRUE(task && soon([&] { return bodies == 1; }));
  const errand::TaskId id = task->id();
  Threads closer(1, [&](int) { queue->shutdown({.drain = errand::Drain::none, .timeout = kSoon}); });
  ASSERT_TRUE(stopped.wait());
  EXPECT_TRUE(queue->cancel(id));
  cancelled.open();
  closer.join();
  const auto kept = store->find(id, errand::real_clock()->now());
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->state, errand::TaskState::cancelled);
  queue.reset();
}

// A pause and a resume at the same time: whichever is the last one, store, queue and workers agree.
TEST_P(Crossing, OfAPauseAndAResumeLeavesAllOfOneMind) {
  Gate paused;
  std::atomic<bool> holds{true};
  std::atomic<bool> resumed{false};
  queue = std::make_unique<errand::Queue>(options(1));
  std::atomic<int> ran{0};
  queue->handle<Report>([&](const Report&) { ++ran; });
  store->before_pause = [&](bool pauses) {
    if (!pauses || !holds.exchange(false)) return;
    paused.open();
    // The other one overtakes it here, or waits for it.
    const auto until = errand::real_clock()->mono() + 50ms;
    while (!resumed && errand::real_clock()->mono() < until) std::this_thread::yield();
  };
  Threads one(1, [&](int) { queue->pause(); });
  ASSERT_TRUE(paused.wait());
  Threads other(1, [&](int) {
    queue->resume();
    resumed = true;
  });
  one.join();
  other.join();
  ASSERT_TRUE(queue->enqueue(Report{1}));
  if (queue->paused()) queue->resume();
  EXPECT_TRUE(soon([&] { return ran == 1; }));
  queue.reset();
}
