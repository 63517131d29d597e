// Tasks that are enqueued by somebody who does not wait for the store.

#include "threads.h"

namespace {

class Acceptances : public Named {};
ERRAND_ON_BOTH_STORES(Acceptances);

}  // namespace

TEST_P(Acceptances, SayWhatBecameOfTheTask) {
  std::vector<std::string> ran;
  queue->handle<Mail>([&](const Mail& mail) {
    ran.push_back(mail.to);
    return Receipt{mail.user};
  });
  const auto sent = queue->enqueue_async(Mail{"a", 7});
  queue->dispatch();
  EXPECT_TRUE(sent.ready());
  auto task = sent.result();
  ASSERT_TRUE(task) << task.error().message();
  queue->dispatch();
  EXPECT_EQ(ran, std::vector<std::string>{"a"});
  EXPECT_EQ(task->result()->code, 7);
  // As often as one likes, and each is a handle of its own.
  EXPECT_EQ(sent.result()->id(), task->id());
}

TEST_P(Acceptances, AreWaitedForWithoutAnybodyElse) {
  queue->handle<Mail>([](const Mail& mail) { return Receipt{mail.user}; });
  std::vector<errand::Acceptance<Receipt>> sent;
  for (int i = 0; i < 3; ++i) sent.push_back(queue->enqueue_async(Mail{"a", i}));
  const auto last = sent.back().result();
  ASSERT_TRUE(last) << last.error().message();
  for (const auto& one : sent) EXPECT_TRUE(one.ready());
  EXPECT_LT(sent[0].result()->id(), sent[1].result()->id());
  EXPECT_LT(sent[1].result()->id(), last->id());
}

TEST_P(Acceptances, KeepTheOrderInWhichOneThreadEnqueued) {
  queue->handle<Report>([](const Report&) {});
  const auto first = queue->enqueue_async(Report{1});
  const auto second = queue->enqueue(Report{2});
  const auto third = queue->enqueue_async(Report{3});
  EXPECT_LT(first.result()->id(), second->id());
  EXPECT_LT(second->id(), third.result()->id());
}

TEST_P(Acceptances, TellOfAClash) {
  queue->handle<Mail>([](const Mail&) { return Receipt{}; });
  const auto first = queue->enqueue_async(Mail{"a", 1}, {.unique = {.key = "one"}});
  const auto second = queue->enqueue_async(Mail{"a", 2}, {.unique = {.key = "one"}});
  EXPECT_FALSE(first.result()->existed());
  EXPECT_TRUE(second.result()->existed());
  EXPECT_EQ(first.result()->id(), second.result()->id());
}

TEST_P(Acceptances, OfWhatCannotBeRightSaySoAtOnce) {
  queue->handle<Report>([](const Report&) {});
  const auto refused = queue->enqueue_async(Report{1}, {.priority = 11});
  EXPECT_TRUE(refused.ready());
  ASSERT_FALSE(refused.result());
  EXPECT_EQ(refused.result().error().code(), errand::Code::invalid);
  EXPECT_EQ(queue->stats().refused, 1u);
  EXPECT_TRUE(queue->find({})->empty());
}

// However many there are: a transaction takes some of them.
TEST_P(Acceptances, OfManyAreAllSeenToByHand) {
  queue->handle<Report>([](const Report&) {});
  std::vector<errand::Acceptance<>> sent;
  for (int i = 0; i < 3000; ++i) sent.push_back(queue->enqueue_async(Report{i}, {.delay = 1h}));
  while (queue->dispatch() <= clock->mono()) {
  }
  for (const auto& one : sent) ASSERT_TRUE(one.ready());
}

TEST_P(Acceptances, MayBeDropped) {
  int ran = 0;
  int finished = 0;
  queue->handle<Report>([&](const Report&) { ++ran; });
  static_cast<void>(queue->enqueue_async(Report{1}, {.on_finish = [&](const errand::TaskInfo& info) {
                                           finished += info.state == errand::TaskState::completed ? 1 : 0;
                                         }}));
  for (int i = 0; i < 3; ++i) queue->dispatch();
  EXPECT_EQ(ran, 1);
  EXPECT_EQ(finished, 1);
}

TEST_P(Acceptances, AreKnownWhenTheQueueHasGone) {
  queue->handle<Report>([](const Report&) {});
  const auto sent = queue->enqueue_async(Report{1});
  queue->shutdown({.timeout = 1s});
  const auto late = queue->enqueue_async(Report{2});
  queue.reset();
  EXPECT_TRUE(sent.ready());
  const auto task = sent.result();
  ASSERT_TRUE(task) << task.error().message();
  EXPECT_EQ(task->info().error().code(), errand::Code::gone);
  ASSERT_FALSE(late.result());
  EXPECT_EQ(late.result().error().code(), errand::Code::shutting_down);
  EXPECT_TRUE(store->find(task->id(), clock->now()));
}

TEST(Acceptance, CannotBeWaitedForInsideOfATransaction) {
  const Folder folder;
  auto store = errand::open_sqlite(folder.file("tasks.db"));
  ASSERT_TRUE(store);
  errand::Queue queue({.name = "mail", .drive = errand::Drive::manual, .store = *store});
  queue.handle<Report>([](const Report&) {});
  std::optional<errand::Acceptance<>> sent;
  ASSERT_TRUE(store->transaction([&](errand::Transaction&) -> errand::Result<void> {
    sent = queue.enqueue_async(Report{1});
    EXPECT_FALSE(sent->ready());
    EXPECT_EQ(sent->result().error().code(), errand::Code::would_block);
    return {};
  }));
  EXPECT_TRUE(sent->result());
}

TEST(Acceptance, TellsWhyTheStoreDidNotTakeTheTask) {
  const auto store = std::make_shared<Shaky>(true);
  errand::Queue queue({.name = "mail", .drive = errand::Drive::manual, .store = store});
  queue.handle<Report>([](const Report&) {});
  store->fails = true;
  const auto lost = queue.enqueue_async(Report{1});
  ASSERT_FALSE(lost.result());
  EXPECT_EQ(lost.result().error().code(), errand::Code::unavailable);
  EXPECT_EQ(queue.stats().refused, 1u);
  store->fails = false;
  EXPECT_TRUE(queue.enqueue_async(Report{2}).result());
}

// A loop that dispatches is told that it has to; the one who enqueues does not wait for the disk.
TEST(Acceptance, WakesALoopThatDrivesTheQueue) {
  int woken = 0;
  const auto store = std::make_shared<Shaky>(true);
  errand::Queue queue({.name = "mail", .drive = errand::Drive::manual, .store = store, .on_wake = [&] { ++woken; }});
  queue.handle<Report>([](const Report&) {});
  queue.dispatch();
  const int before = woken;
  const auto sent = queue.enqueue_async(Report{1});
  EXPECT_GT(woken, before);
  EXPECT_FALSE(sent.ready());
  queue.dispatch();
  EXPECT_TRUE(sent.ready());
}

// It sleeps until what it was told, and something is due sooner by now.
TEST(Acceptance, WakesALoopForWhatIsDueSooner) {
  int woken = 0;
  const auto store = std::make_shared<Shaky>(true);
  errand::Queue queue({.name = "mail", .drive = errand::Drive::manual, .store = store, .on_wake = [&] { ++woken; }});
  queue.handle<Report>([](const Report&) {});
  static_cast<void>(queue.dispatch());
  const auto wakes = [&](auto&& what) { return std::exchange(woken, 0), what(), woken > 0; };
  std::optional<errand::Task<>> task;
  EXPECT_TRUE(wakes([&] { task = *queue.enqueue(Report{1}, {.delay = 1h}); }));
  EXPECT_TRUE(wakes([&] { EXPECT_TRUE(queue.set_priority(task->id(), 1)); }));
  queue.pause();
  EXPECT_TRUE(wakes([&] { queue.resume(); }));
  auto tick = *queue.every(1min, Report{2}, {.name = "tick"});
  tick.pause();
  EXPECT_TRUE(wakes([&] { tick.resume(); }));
}

// While one transaction is on its way the next one fills.
TEST(Acceptance, OfManyShareAFlush) {
  constexpr int kAll = 1000;
  const auto store = std::make_shared<Shaky>(true);
  Tally ran(kAll);
  errand::Queue queue({.name = "mail", .workers = 2, .store = store});
  queue.handle<Report>([&](const Report& report) { ran.add(report.pages); });
  Gate flushed;
  store->before_commit([&](const errand::Batch&) { flushed.wait(); });
  std::vector<errand::Acceptance<>> sent;
  for (int i = 0; i < kAll; ++i) sent.push_back(queue.enqueue_async(Report{i}));
  EXPECT_FALSE(sent.back().ready());
  EXPECT_FALSE(queue.wait_idle(0ms));
  flushed.open();
  for (const auto& one : sent) EXPECT_TRUE(one.result());
  EXPECT_TRUE(ran.reaches(kAll));
  EXPECT_EQ(ran.others_than(1, kAll), 0);
  queue.shutdown();
}

// What is on its way has a limit; whoever goes past it waits for the disk.
TEST(Acceptance, OfWhatDoesNotFitIntoMemoryIsWaitedFor) {
  const auto store = std::make_shared<Shaky>(true);
  errand::Queue queue({.name = "mail", .drive = errand::Drive::manual, .store = store});
  const std::string payload(1 << 20, 'x');
  queue.handle("blob", [](std::span<const std::byte>) {});
  std::vector<errand::Acceptance<>> sent;
  for (int i = 0; i < 100; ++i)
    sent.push_back(queue.enqueue_bytes_async("blob", std::as_bytes(std::span(payload)), {.delay = 1h}));
  const auto ready = std::count_if(sent.begin(), sent.end(), [](const auto& one) { return one.ready(); });
  EXPECT_GT(ready, 0);
  EXPECT_LT(ready, 100);
}

// Others post as fast as the store takes it; whoever waits does not wait for that.
TEST(Acceptance, OfOthersHoldsUpNoCaller) {
  const Folder folder;
  const auto store = errand::open_sqlite(folder.file("tasks.db"));
  errand::Queue queue({.name = "mail", .store = *store});
  queue.pause();
  std::atomic<bool> over{false};
  Threads producer(1, [&](int) {
    while (!over) static_cast<void>(queue.enqueue_bytes_async("report", {}));
  });
  std::atomic<int> done{0};
  Threads caller(1, [&](int) {
    for (int i = 0; i < 5; ++i) {
      EXPECT_TRUE(queue.enqueue_bytes("report", {}));
      ++done;
    }
  });
  EXPECT_TRUE(soon([&] { return done == 5; }));
  over = true;
}
