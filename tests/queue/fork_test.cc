// In a forked child a queue belongs to the parent: it says so, and nothing hangs.

#include <memory>

#include "support.h"
#include "support/child.h"

using errand::Code;

TEST(Fork, EveryCallIsRefusedInTheChild) {
  auto queue = std::make_unique<errand::Queue>(errand::QueueOptions{.workers = 2});
  auto waiting = queue->submit_in(1h, [] {});
  auto tick = queue->every(1h, [] {}, {.name = "tick"});
  EXPECT_EQ(queue->submit([] { return 1; }).get(), 1);
  EXPECT_EQ(in_child([&] {
              require(queue->submit([] {}).error().code() == Code::forked, 1);
              require(queue->submit([] {}, {.priority = 2}).error().code() == Code::forked, 2);
              require(queue->submit_in(1s, [] {}).error().code() == Code::forked, 3);
              require(!queue->start(), 4);
              require(queue->every(1s, [] {}).error().code() == Code::forked, 5);
              require(queue->cancel(waiting.id()).error().code() == Code::forked, 6);
              require(queue->submit_message(1).error().code() == Code::forked, 7);
              require(queue->schedule("tick").error().code() == Code::forked, 8);
              require(queue->schedules().empty(), 9);
              require(!queue->observe().wait_for(0s), 10);
              tick.trigger();
              tick.pause();
              queue->pause();
              require(!queue->paused(), 11);
              queue->resume();
              require(queue->observe().take().empty(), 12);
              require(queue->info(waiting.id()).error().code() == Code::forked, 13);
              require(queue->list().empty(), 14);
              require(queue->retry(waiting.id()).error().code() == Code::forked, 15);
              require(queue->set_priority(waiting.id(), 1).error().code() == Code::forked, 16);
              require(queue->run_one(waiting.id()).error().code() == Code::forked, 17);
              require(queue->cron("* * * * *", [] {}).error().code() == Code::forked, 18);
              queue->handle_bytes([](std::span<const std::byte>) {});
              require(queue->submit_bytes({}).error().code() == Code::forked, 19);
              require(queue->submit_at(errand::WallTime(1h), [] {}).error().code() == Code::forked, 20);
              queue->set_workers(3);
              require(queue->workers() == 2, 21);
              require(queue->dispatch() == errand::SteadyTime::max(), 22);
              queue->run({});
              require(queue->stats().submitted == 0, 23);
              tick.resume();
              tick.cancel();
              require(tick.next(1).empty() && tick.info().cancelled, 24);
            }),
            0);
  EXPECT_EQ(waiting.state(), errand::TaskState::scheduled);
  EXPECT_EQ(queue->submit([] { return 2; }).get(), 2);  // the parent goes on
}

TEST(Fork, HandlesSayInTheChildWhyTheyWaitForNothing) {
  errand::Queue queue({.workers = 2});
  auto waiting = queue.submit_in(1h, [] { return 1; });
  auto done = queue.submit([] { return 2; });
  EXPECT_TRUE(done.wait_for(kSoon));
  auto failed = queue.submit([] { throw std::runtime_error("no"); }, {.max_attempts = 1});
  EXPECT_TRUE(failed.wait_for(kSoon));
  EXPECT_EQ(in_child([&] {
              require(waiting.info().error().code() == Code::forked, 1);
              require(waiting.cancel().error().code() == Code::forked, 2);
              require(!waiting.wait_for(1h), 3);
              require(waiting.result().error().code() == Code::forked, 4);
              require(!errand::wait_all({&waiting}, 1h), 5);
              require(errand::wait_any({&waiting}, 1h) == -1, 7);
              require(done.result().value() == 2, 6);  // the value is in the child's copy of the memory
              require(failed.result().error().code() == Code::forked, 8);  // what went wrong stands under a lock
            }),
            0);
}

TEST(Fork, ShutdownReturnsAtOnceInTheChild) {
  errand::Queue queue({.workers = 2});
  queue.submit_in(1h, [] {});
  EXPECT_EQ(in_child([&] {
              require(queue.shutdown({.drain = errand::Drain::queued}).cancelled == 0, 1);
              require(queue.submit([] {}).error().code() == Code::forked, 2);
              require(!queue.wait_idle(1h), 3);
            }),
            0);
}

TEST(Fork, DestructorsDoNothingInTheChild) {
  auto queue = std::make_unique<errand::Queue>(errand::QueueOptions{.workers = 2});
  auto task = std::make_unique<errand::Task<>>(queue->submit_in(1h, [] {}));
  EXPECT_EQ(in_child([&] {
              queue.reset();
              task.reset();
            }),
            0);
}

// The child's queue goes first, as in the parent: what is left finds out that it is not there.
TEST(Fork, HandlesMayOutliveTheQueueInTheChild) {
  auto queue = std::make_unique<errand::Queue>(errand::QueueOptions{.workers = 2});
  auto tick = queue->every(1h, [] {});
  auto waiting = queue->submit_in(1h, [] {});
  EXPECT_EQ(in_child([&] {
              queue.reset();
              require(waiting.info().error().code() == Code::forked, 1);
              require(waiting.cancel().error().code() == Code::forked, 2);
              require(!waiting.wait_for(1h), 3);
              require(waiting.result().error().code() == Code::forked, 4);
              require(errand::wait_any({&waiting}, 1h) == -1, 5);
              tick.trigger();
              tick.pause();
              require(tick.next(1).empty(), 6);
              require(tick.info().cancelled, 7);
            }),
            0);
}

TEST(Fork, HandlesWhoseQueueWasGoneBeforeSaySoOfTheForkInTheChild) {
  auto queue = std::make_unique<errand::Queue>(errand::QueueOptions{.workers = 2});
  auto failed = queue->submit([] { throw std::runtime_error("no"); }, {.max_attempts = 1});
  EXPECT_TRUE(failed.wait_for(kSoon));
  queue.reset();
  EXPECT_EQ(failed.result().error().code(), Code::failed);
  EXPECT_EQ(failed.info().error().code(), Code::gone);
  EXPECT_EQ(in_child([&] {
              require(failed.result().error().code() == Code::forked, 1);
              require(failed.info().error().code() == Code::forked, 2);
            }),
            0);
}

TEST(Fork, AChildMayHaveQueuesOfItsOwn) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer ends a process that forks with threads and then starts others";
#endif
  errand::Queue queue({.workers = 1});
  EXPECT_EQ(in_child([&] {
              errand::Queue own({.workers = 1});
              require(own.submit([] { return 5; }).get() == 5, 1);
              require(!queue.submit([] {}), 2);
            }),
            0);
}
