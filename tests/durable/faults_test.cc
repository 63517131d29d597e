// A store that is away for a while: who asks is told, what workers have to say is kept, and all goes on when it is
// back.

#include "slow_waker.h"
#include "threads.h"

namespace {

class Faults : public testing::TestWithParam<bool> {
 protected:
  errand::QueueOptions options(int workers = 2) const {
    return {.name = "mail", .workers = workers, .store = store, .close = {.timeout = 5s}};
  }
  [[nodiscard]] bool healthy() const { return queue->stats().healthy; }
  [[nodiscard]] errand::TaskState kept_state(errand::TaskId id) const {
    const auto kept = store->find(id, errand::real_clock()->now());
    return kept ? kept->state : errand::TaskState::refused;
  }
  // It is completed while the store is away, which is back when its queue has gone.
  [[nodiscard]] errand::Task<Receipt> left_by_a_queue_that_is_gone() {
    Gate began;
    Gate gate;
    errand::QueueOptions opts = options(1);
    opts.close = {.drain = errand::Drain::running, .timeout = 1ms};
    queue = std::make_unique<errand::Queue>(std::move(opts));
    queue->handle<Mail>([&](const Mail&) {
      began.open();
      gate.wait();
      return Receipt{3};
    });
    auto task = queue->enqueue(Mail{});
    EXPECT_TRUE(task && began.wait());
    store->fails = true;
    EXPECT_FALSE(queue->enqueue(Mail{}));
    gate.open();
    // What comes back after the shutdown's deadline would be given back.
    EXPECT_TRUE(soon([&] { return queue->stats().running == 0; }));
    queue.reset();
    store->fails = false;
    return std::move(*task);
  }

  void make_queue_by_hand() {
    queue = std::make_unique<errand::Queue>(errand::QueueOptions{
        .name = "mail", .drive = errand::Drive::manual, .store = store, .clock = clock, .seed = 1});
    queue->handle<Report>([](const Report&) {});
  }

  const std::shared_ptr<errand::ManualClock> clock = std::make_shared<errand::ManualClock>();
  std::shared_ptr<Shaky> store = std::make_shared<Shaky>(GetParam());
  std::unique_ptr<errand::Queue> queue;
};

INSTANTIATE_TEST_SUITE_P(Stores, Faults, testing::Values(true, false),
                         [](const auto& info) { return info.param ? "Durable" : "InMemory"; });

}  // namespace

TEST_P(Faults, AreSaidToCallersAndKeptFromWorkersUntilTheStoreIsBack) {
  constexpr int kAll = 20;
  Tally ran(kAll);
  Gate gate;
  queue = std::make_unique<errand::Queue>(options());
  queue->handle<Report>([&](const Report& report) {
    gate.wait();
    ran.add(report.pages);
  });
  std::vector<errand::TaskId> ids;
  for (int i = 0; i < kAll; ++i) {
    const auto task = queue->enqueue(Report{i});
    ASSERT_TRUE(task);
    ids.push_back(task->id());
  }
  EXPECT_TRUE(healthy());
  store->fails = true;
  const auto refused = queue->enqueue(Report{0});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), errand::Code::unavailable);
  EXPECT_EQ(refused.error().message(), "enqueue \"report\" to queue \"mail\": shaky: commit: the store is away");
  EXPECT_FALSE(healthy());
  gate.open();
  EXPECT_TRUE(ran.reaches(2));
  store->fails = false;
  // Nobody calls any more: the store's own thread finds out.
  EXPECT_TRUE(ran.reaches(kAll));
  for (const errand::TaskId id : ids) {
    EXPECT_TRUE(soon([&] { return queue->info(id)->state == errand::TaskState::completed; }));
  }
  EXPECT_TRUE(soon([&] { return healthy(); }));
  EXPECT_EQ(ran.others_than(1, kAll), 0);
  queue.reset();
}

// A caller that leads meets the fault, and takes its error home. What a worker said meanwhile is left to the store's
// thread, which slept through it.
TEST_P(Faults, ThatACallerMetAreMendedByNobodysCall) {
  Gate began;
  Gate body;
  Gate commits;
  Gate goes_on;
  queue = std::make_unique<errand::Queue>(options(1));
  queue->handle<Mail>([&](const Mail&) {
    began.open();
    body.wait();
    return Receipt{};
  });
  auto task = queue->enqueue(Mail{});
  ASSERT_TRUE(task);
  ASSERT_TRUE(began.wait());
  store->before_commit([&](const errand::Batch& batch) {
    if (batch.added.empty()) return;
    commits.open();
    goes_on.wait();
  });
  Threads caller(1, [&](int) { EXPECT_FALSE(queue->enqueue(Mail{}, {.delay = 1h})); });
  ASSERT_TRUE(commits.wait());
  body.open();
  EXPECT_TRUE(soon([&] { return queue->stats().running == 0; }));
  store->fails = true;
  goes_on.open();
  caller.join();
  store->fails = false;
  const auto before = errand::real_clock()->mono();
  EXPECT_TRUE(soon([&] { return task->state() == errand::TaskState::completed; }));
  EXPECT_LT(errand::real_clock()->mono() - before, 15s) << "not when it is time to tidy up";
  queue.reset();
}

TEST_P(Faults, AtTheStartDoNotKeepAQueueFromClaiming) {
  {
    errand::QueueOptions opts = options();
    opts.start = false;
    queue = std::make_unique<errand::Queue>(std::move(opts));
    // Given back by a queue that is gone, as it were.
    queue->handle<Report>([](const Report&) {});
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(queue->enqueue(Report{i}));
    queue->shutdown({.drain = errand::Drain::none});
    queue.reset();
  }
  Tally ran(5);
  errand::QueueOptions opts = options();
  opts.start = false;
  queue = std::make_unique<errand::Queue>(std::move(opts));
  queue->handle<Report>([&](const Report& report) { ran.add(report.pages); });
  store->fails = true;
  const int before = store->commits;
  queue->start();
  EXPECT_TRUE(soon([&] { return store->commits > before; }));
  EXPECT_FALSE(healthy());
  store->fails = false;
  EXPECT_TRUE(ran.reaches(5));
  queue.reset();
}

// The caller that met it has gone home, and the store's thread slept.
TEST_P(Faults, AreSeenToBeOverWithoutACall) {
  const auto clock = std::make_shared<SlowWaker>();
  errand::QueueOptions opts = options(1);
  opts.clock = clock;
  queue = std::make_unique<errand::Queue>(std::move(opts));
  queue->handle<Report>([](const Report&) {});
  EXPECT_TRUE(soon([&] { return queue->wait_idle(0s) && clock->waiting() == 2; })) << "the worker, and the store's";
  store->fails = true;
  EXPECT_FALSE(queue->enqueue(Report{0}));
  store->fails = false;
  EXPECT_FALSE(healthy()) << "nobody has asked it since";
  clock->advance(1s);
  EXPECT_TRUE(soon([&] { return healthy(); })) << "not when it is time to tidy up";
  queue.reset();
}

// Its queue goes while the store is away, and the other one's thread goes on trying.
TEST_P(Faults, LeaveNothingOfAQueueThatIsGone) {
  Tally ran(1);
  errand::Queue other({.name = "other", .workers = 1, .store = store, .close = {.timeout = 5s}});
  other.handle<Report>([&](const Report& report) { ran.add(report.pages); });
  const auto task = left_by_a_queue_that_is_gone();
  ASSERT_TRUE(other.enqueue(Report{0}));
  EXPECT_TRUE(ran.reaches(1));
  EXPECT_TRUE(other.wait_idle(kSoon));
  // What became of the attempt is told to the store all the same, by whoever is left.
  EXPECT_EQ(task.info().error().code(), errand::Code::gone);
  EXPECT_EQ(kept_state(task.id()), errand::TaskState::completed);
}

// The store is back when all its queues are gone: what became of their attempts is told to it by the next one.
TEST_P(Faults, LeaveNothingOfTheLastQueueThatIsGone) {
  const errand::TaskId id = left_by_a_queue_that_is_gone().id();
  EXPECT_EQ(kept_state(id), errand::TaskState::running);
  queue = std::make_unique<errand::Queue>(options());
  queue->start();
  EXPECT_TRUE(soon([&] { return kept_state(id) == errand::TaskState::completed; }));
  EXPECT_TRUE(queue->wait_idle(kSoon));
  queue.reset();
}

// Who waits for such a task by the next queue is told as well.
TEST_P(Faults, LetWaitForWhatAQueueThatIsGoneHasDone) {
  const errand::TaskId id = left_by_a_queue_that_is_gone().id();
  Gate commits;
  store->before_commit([&](const errand::Batch& batch) {
    if (!batch.finished.empty()) commits.wait();
  });
  queue = std::make_unique<errand::Queue>(options());
  queue->start();
  std::atomic<int> code{0};
  store->finds = 0;
  Threads caller(1, [&](int) { code = queue->task<Receipt>(id)->get().code; });
  EXPECT_TRUE(soon([&] { return store->finds >= 3; }));
  commits.open();
  EXPECT_TRUE(soon([&] { return code == 3; }));
  caller.join();
  queue.reset();
}

// The task ends before there is anybody to be told, and then it can't be read for a while.
TEST_P(Faults, DoNotKeepAnEndFromWhoIsToBeToldOfIt) {
  queue = std::make_unique<errand::Queue>(options(1));
  queue->handle<Report>([](const Report&) {});
  std::atomic<bool> adds{false};
  store->before_commit([&](const errand::Batch& batch) { adds = !batch.added.empty(); });
  store->after_commit([&] {
    if (!adds.exchange(false)) return;
    const auto now = errand::real_clock()->now();
    EXPECT_TRUE(store->change({.all = true}, {.what = errand::Change::What::cancel}, {}, 1, now));
    store->fails = true;
  });
  Gate told;
  ASSERT_TRUE(queue->enqueue(Report{1}, {.delay = 1h, .on_finish = [&](const errand::TaskInfo& info) {
                                           EXPECT_EQ(info.state, errand::TaskState::cancelled);
                                           told.open();
                                         }}));
  store->fails = false;
  EXPECT_TRUE(told.wait());
  queue.reset();
}

// Its body has ended it, and said so to the store, which is away when the queue looks.
TEST_P(Faults, DoNotKeepAnEndFromWhoIsToBeToldThatABodySawTo) {
  auto clock = std::make_shared<errand::ManualClock>();
  errand::QueueOptions opts = options();
  opts.drive = errand::Drive::manual;
  opts.clock = clock;
  queue = std::make_unique<errand::Queue>(std::move(opts));
  queue->handle("mail", [&](std::span<const std::byte>, errand::Attempt& attempt) {
    const errand::Finish done[] = {*errand::detail::completion(attempt, {})};
    EXPECT_TRUE(store->commit({.finished = done}, clock->now())->finished.at(0));
    store->after_commit([&] { store->fails = true; });
  });
  int told = 0;
  const auto task = queue->enqueue_bytes("mail", {}, {.on_finish = [&](const errand::TaskInfo&) { ++told; }});
  ASSERT_TRUE(task);
  queue->dispatch();
  EXPECT_TRUE(store->fails) << "its end was refused";
  EXPECT_EQ(told, 0);
  store->after_commit({});
  store->fails = false;
  for (int i = 0; i < 5; ++i) {
    clock->advance(5s);
    queue->dispatch();
  }
  EXPECT_EQ(told, 1);
}

TEST_P(Faults, DoNotKeepTasksAsideThatAHandlerOfAnyKindIsFor) {
  errand::QueueOptions opts = options(1);
  opts.start = false;
  queue = std::make_unique<errand::Queue>(std::move(opts));
  ASSERT_TRUE(queue->enqueue_bytes("unheard of", {}));
  auto other = queue->enqueue_bytes("neither", {});
  ASSERT_TRUE(other);
  Tally ran(1);
  queue->handle<Report>([](const Report&) {});
  queue->start();
  EXPECT_TRUE(soon([&] { return other->info()->no_handler; }));
  // Nor does a store that is away just then.
  store->fails = true;
  queue->handle_any([&](std::span<const std::byte>) { ran.add(0); });
  store->fails = false;
  EXPECT_TRUE(ran.reaches(2));
  queue.reset();
}

// The store fails at just that, and at no transaction: nothing else tells that it is to be asked again.
TEST_P(Faults, OfARestoreAloneDoNotKeepTasksAside) {
  Tally ran(1);
  queue = std::make_unique<errand::Queue>(options(1));
  queue->handle<Mail>([](const Mail&) { return Receipt{}; });
  auto task = queue->enqueue(Report{0});
  ASSERT_TRUE(GetParam() == task.has_value()) << "where nobody else sees its tasks it is refused";
  if (!task) return;
  EXPECT_TRUE(soon([&] { return task->info()->no_handler; }));
  store->failing_restores = 1;
  queue->handle<Report>([&](const Report& report) { ran.add(report.pages); });
  EXPECT_TRUE(ran.reaches(1));
  queue.reset();
}

// The logger is the user's code, and hears of the fault from whoever leads.
TEST_P(Faults, MayBeAnsweredByALoggerThatEnqueues) {
  queue = std::make_unique<errand::Queue>(options(1));
  queue->handle<Report>([](const Report&) {});
  std::atomic<int> answers{0};
  std::atomic<int> refused{0};
  errand::set_logger([&](const errand::LogLine& line) {
    if (line.level != errand::LogLevel::error) return;
    ++answers;
    const auto answer = queue->enqueue(Report{});
    if (!answer && answer.error().code() == errand::Code::would_block) ++refused;
  });
  store->fails = true;
  EXPECT_FALSE(queue->enqueue(Report{}));
  errand::set_logger({});
  EXPECT_EQ(answers, 1);
  EXPECT_EQ(refused, 1);
  store->fails = false;
  EXPECT_TRUE(soon([&] { return healthy(); }));
  queue.reset();
}

// Who waits looked when nothing could be read, and nothing becomes of the task any more that would wake it.
TEST_P(Faults, DoNotKeepTheEndFromWhoWaitsForIt) {
  queue = std::make_unique<errand::Queue>(options(1));
  queue->handle<Mail>([](const Mail&) { return Receipt{3}; });
  auto task = queue->enqueue(Mail{});
  ASSERT_TRUE(task && task->wait_for(kSoon));
  store->fails = true;
  store->finds = 0;
  std::atomic<int> code{0};
  std::atomic<int> found{-2};
  Threads waiters(2, [&](int which) {
    if (which == 0) {
      task->wait();
      code = 3;
    } else {
      found = errand::wait_any({&*task}, kSoon);
    }
  });
  // Each looks twice, before it has said that it waits and after.
  EXPECT_TRUE(soon([&] { return store->finds >= 4; }));
  store->fails = false;
  EXPECT_TRUE(soon([&] { return code == 3 && found == 0; }));
  waiters.join();
  queue.reset();
}

TEST_P(Faults, DoNotMakeAShutdownLast) {
  Gate commits;
  Gate goes_on;
  queue = std::make_unique<errand::Queue>(options(1));
  std::atomic<bool> ran{false};
  queue->handle<Report>([&](const Report&) { ran = true; });
  store->before_commit([&](const errand::Batch& batch) {
    if (batch.finished.empty()) return;
    commits.open();
    goes_on.wait();
  });
  ASSERT_TRUE(queue->enqueue(Report{1}));
  ASSERT_TRUE(soon([&] { return ran.load(); }));
  const auto before = errand::real_clock()->mono();
  if (GetParam()) {
    queue->shutdown({.drain = errand::Drain::none, .timeout = 50ms});
    EXPECT_LT(errand::real_clock()->mono() - before, kSoon);
  }
  goes_on.open();
  queue.reset();
}

// However often it is asked, and whoever asks.
TEST_P(Faults, AreLoggedOnceAnInterval) {
  std::vector<std::string> said;
  errand::set_logger([&](const errand::LogLine& line) { said.emplace_back(line.text); });
  queue = std::make_unique<errand::Queue>(
      errand::QueueOptions{.name = "mail", .drive = errand::Drive::manual, .store = store, .clock = clock, .seed = 1});
  queue->handle<Report>([&](const Report&) { store->fails = true; });
  ASSERT_TRUE(queue->enqueue(Report{1}));
  const int before = store->commits;
  queue->dispatch();
  for (int i = 0; i < 600; ++i) {
    clock->advance(100ms);
    static_cast<void>(queue->dispatch());
  }
  errand::set_logger({});
  EXPECT_GE(said.size(), 5u);
  EXPECT_LE(said.size(), 7u) << "one in ten seconds";
  // And asked less and less often, up to once in five seconds.
  EXPECT_GE(store->commits - before, 10);
  EXPECT_LE(store->commits - before, 30);
  queue.reset();
}

// In a log that other stores write to as well.
TEST_P(Faults, AreLoggedWithTheQueueThatWaits) {
  std::vector<std::pair<std::string, std::string>> said;
  errand::set_logger([&](const errand::LogLine& line) {
    if (line.level == errand::LogLevel::error) said.emplace_back(line.queue, line.text);
  });
  make_queue_by_hand();
  store->fails = true;
  EXPECT_FALSE(queue->enqueue(Report{1}));
  store->fails = false;
  errand::set_logger({});
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].first, "mail");
  EXPECT_EQ(said[0].second, "shaky: commit: the store is away; named tasks of queue \"mail\" wait until it is back");
  queue.reset();
}

// A disk that hangs fails nobody's call: they do not come back.
TEST_P(Faults, OfAStoreThatHangsTurnHealthRed) {
  Gate commits;
  Gate goes_on;
  make_queue_by_hand();
  store->before_commit([&](const errand::Batch&) {
    commits.open();
    goes_on.wait();
  });
  Threads caller(1, [&](int) { EXPECT_TRUE(queue->enqueue(Report{1})); });
  ASSERT_TRUE(commits.wait());
  store->hangs = true;  // whoever asks it anything else would not come back either
  clock->advance(11s);
  EXPECT_FALSE(queue->stats().healthy);
  store->hangs = false;
  goes_on.open();
  caller.join();
  EXPECT_TRUE(queue->stats().healthy);
  queue.reset();
}

// What is asked inside the store's own work can't wait for that, and says nothing against its health.
TEST_P(Faults, AreNoneWhereAStoreIsAskedFromInside) {
  make_queue_by_hand();
  int asked = 0;
  store->before_commit([&](const errand::Batch&) {
    ++asked;
    EXPECT_TRUE(queue->stats().healthy);
  });
  EXPECT_TRUE(queue->enqueue(Report{1}));
  EXPECT_GE(asked, 1);
  store->before_commit({});
  queue.reset();
}
