// Schedules whose store is away for a while, or whose terms change just then; and with real threads.

#include <set>

#include "threads.h"

namespace {

class ScheduleFaults : public testing::TestWithParam<bool> {
 protected:
  ScheduleFaults() { begin(); }
  ~ScheduleFaults() override { errand::set_logger({}); }

  void begin() {
    queue.reset();
    queue = std::make_unique<errand::Queue>(errand::QueueOptions{
        .name = "mail", .drive = errand::Drive::manual, .store = store, .clock = clock, .seed = 1});
    queue->handle<Report>([this](const Report& report) { ran.push_back(report.pages); });
  }
  errand::Schedule every(errand::Duration interval, int pages = 1) {
    auto made = queue->every(interval, Report{pages}, {.name = "report"});
    EXPECT_TRUE(made) << made.error().message();
    return *made;
  }
  errand::SteadyTime advance(errand::Duration by) {
    clock->advance(by);
    return queue->dispatch();
  }

  std::vector<std::string> said;
  std::shared_ptr<Shaky> store = std::make_shared<Shaky>(GetParam());
  std::shared_ptr<errand::ManualClock> clock = std::make_shared<errand::ManualClock>();
  const errand::WallTime start = clock->now();
  std::vector<int> ran;
  std::unique_ptr<errand::Queue> queue;
};

INSTANTIATE_TEST_SUITE_P(Stores, ScheduleFaults, testing::Values(true, false),
                         [](const auto& info) { return info.param ? "Durable" : "InMemory"; });

}  // namespace

TEST_P(ScheduleFaults, LoseNoSlotAndDoNotSpin) {
  auto tick = every(10s);
  advance(9s);
  store->fails = true;
  const int before = store->commits;
  int looks = 0;
  for (auto next = advance(1s); looks < 20; ++looks) {
    ASSERT_GT(next, clock->mono()) << "there is nothing to do at once";
    next = advance(next - clock->mono());
  }
  EXPECT_GT(clock->now(), start + 20s);
  EXPECT_LE(store->commits - before, 25);
  EXPECT_TRUE(ran.empty());
  EXPECT_FALSE(queue->stats().healthy);
  store->fails = false;
  advance(5s);
  advance(0s);
  EXPECT_FALSE(ran.empty());
  EXPECT_TRUE(queue->stats().healthy);
  const auto info = tick.info();
  EXPECT_EQ(info.runs + info.skipped, static_cast<std::uint64_t>((*info.last_slot - start) / 10s)) << "all are counted";
}

// The transaction fails, and what was to wait, or to be counted, is not taken for done.
TEST_P(ScheduleFaults, ThatMeetTheTransactionAloneLoseNothing) {
  auto tick = every(10s);
  bool away = true;
  store->before_commit([&](const errand::Batch& batch) {
    if (!batch.advanced.empty()) store->fails = away;
  });
  advance(10s);
  EXPECT_TRUE(store->fails) << "it was to be committed";
  EXPECT_TRUE(ran.empty());
  store->fails = away = false;
  EXPECT_EQ(store->find_schedule("mail", "report")->runs, 0u);
  EXPECT_EQ(queue->stats().skipped_slots, 0u);
  advance(1s);
  EXPECT_EQ(ran, std::vector<int>{1});
  EXPECT_EQ(tick.info().runs, 1u);
  EXPECT_EQ(tick.info().last_slot, tick.info().next_slot.value() - 10s);
}

// Somebody else was faster: the slot is dealt with by the terms that hold by then, once.
TEST_P(ScheduleFaults, OfAChangeJustThenBringTheNewTerms) {
  every(10s);
  bool first = true;
  store->before_commit([&](const errand::Batch& batch) {
    if (batch.advanced.empty() || !std::exchange(first, false)) return;
    auto kept = store->find_schedule("mail", "report");
    kept->schedule.task.payload = R"({"pages": 2})";
    EXPECT_TRUE(store->put_schedule(kept->schedule, clock->now()));
  });
  advance(10s);
  advance(0s);
  EXPECT_FALSE(first);
  EXPECT_EQ(ran, std::vector<int>{2});
  EXPECT_EQ(queue->schedule("report")->info().runs, 1u);
}

TEST_P(ScheduleFaults, OfARemovalJustThenBringNone) {
  auto tick = every(10s);
  store->before_commit([&](const errand::Batch& batch) {
    if (batch.advanced.empty()) return;
    EXPECT_TRUE(store->remove_schedule("mail", "report"));
  });
  advance(10s);
  EXPECT_EQ(advance(0s), errand::SteadyTime::max());
  EXPECT_TRUE(ran.empty());
  EXPECT_TRUE(tick.info().cancelled);
  EXPECT_TRUE(queue->every(1s, [] {}, {.name = "report"})) << "its name is free again";
}

TEST_P(ScheduleFaults, AtTheStartAreOverWhenTheStoreIsBack) {
  every(10s);
  errand::set_logger([&](const errand::LogLine& line) { said.emplace_back(line.text); });
  queue.reset();
  store->fails = true;
  begin();
  EXPECT_FALSE(queue->stats().healthy);
  ASSERT_FALSE(said.empty());
  EXPECT_EQ(said[0], "its schedules do not run until they can be read: shaky: list schedules: the store is away");
  store->fails = false;
  EXPECT_FALSE(queue->stats().healthy) << "nobody has asked it since";
  for (int i = 0; i < 12; ++i) advance(1s);
  EXPECT_EQ(ran, std::vector<int>{1});
  EXPECT_TRUE(queue->stats().healthy);
}

TEST_P(ScheduleFaults, OfOneThatCannotBeReadStopNoOther) {
  every(10s);
  ASSERT_TRUE(queue->every(10s, Report{2}, {.name = "torn"}));
  errand::set_logger([&](const errand::LogLine& line) { said.emplace_back(line.text); });
  queue.reset();
  store->damaged_schedule = "torn";
  begin();
  for (int i = 0; i < 15; ++i) advance(1s);
  EXPECT_EQ(ran, std::vector<int>{1});
  EXPECT_FALSE(queue->stats().healthy);
  EXPECT_EQ(said, std::vector<std::string>{"it does not run until it can be read: shaky: its row is damaged"})
      << "once";
  ASSERT_EQ(queue->schedules().size(), 1u);
  EXPECT_EQ(queue->schedules()[0].name, "report");
  // Mended, it catches up by itself.
  store->damaged_schedule.clear();
  advance(1s);
  advance(1s);
  EXPECT_EQ(ran, (std::vector<int>{1, 2}));
  EXPECT_TRUE(queue->stats().healthy);
}

TEST_P(ScheduleFaults, AreSaidAndChangeNothing) {
  auto tick = every(10s);
  errand::set_logger([&](const errand::LogLine& line) { said.emplace_back(line.text); });
  store->fails = true;
  const auto refused = queue->every(10s, Report{2}, {.name = "other"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), errand::Code::unavailable);
  tick.pause();
  tick.trigger();
  tick.cancel();
  EXPECT_EQ(tick.info().name, "report");
  EXPECT_FALSE(tick.info().cancelled);
  EXPECT_EQ(said.size(), 5u);
  EXPECT_EQ(said[0], "shaky: pause a schedule: the store is away");
  store->fails = false;
  EXPECT_FALSE(tick.info().paused);
  EXPECT_EQ(queue->schedules().size(), 1u);
  EXPECT_TRUE(queue->every(10s, [] {}, {.name = "other"})) << "nor is its name taken";
  advance(10s);
  EXPECT_EQ(ran, std::vector<int>{1});
}

// A slot is to wait for the run whose end is part of the same transaction.
TEST_P(ScheduleFaults, DoNotComeFromARunThatEndsJustThen) {
  every(10s);
  bool first = true;
  store->before_commit([&](const errand::Batch& batch) {
    if (!batch.finished.empty() && std::exchange(first, false)) {
      EXPECT_EQ(batch.advanced.size(), 0u) << "it is read as running, so nothing is done yet";
    }
  });
  bool second = false;
  queue.reset();
  queue = std::make_unique<errand::Queue>(
      errand::QueueOptions{.name = "mail", .drive = errand::Drive::manual, .store = store, .clock = clock, .seed = 1});
  queue->handle<Report>([&](const Report& report) {
    ran.push_back(report.pages);
    if (!std::exchange(second, true)) clock->advance(10s);  // the next one comes while it runs
  });
  advance(10s);
  EXPECT_FALSE(first);
  advance(0s);
  EXPECT_EQ(ran.size(), 2u) << "not with the slot after it";
}

// Its run ended while the store was away, and its queue went before it was back. What that run left is told by the next
// queue, and the slot that it kept waiting comes.
TEST_P(ScheduleFaults, DoNotKeepASlotFromARunOfAQueueThatIsGone) {
  queue.reset();
  bool fails = true;
  const auto begin = [&] {
    errand::QueueOptions options{
        .name = "mail", .drive = errand::Drive::manual, .store = store, .clock = clock, .seed = 1};
    options.close = {.drain = errand::Drain::running, .timeout = 0s};
    queue = std::make_unique<errand::Queue>(std::move(options));
    queue->handle<Report>([&](const Report& report) {
      ran.push_back(report.pages);
      if (std::exchange(fails, false)) store->fails = true;
    });
  };
  begin();
  ASSERT_TRUE(queue->every(10s, Report{1}, {.name = "report", .overlap = errand::Overlap::queue_one}));
  advance(10s);
  EXPECT_EQ(ran.size(), 1u);
  queue.reset();
  clock->advance(10s);
  store->fails = false;
  begin();
  for (int i = 0; i < 5; ++i) advance(1s);
  EXPECT_EQ(ran.size(), 2u);
}

TEST(ScheduleThreads, RunByThemselvesWhileTheyAreChanged) {
  const auto store = std::make_shared<Shaky>();
  Tally ran(2);
  auto queue = std::make_unique<errand::Queue>(
      errand::QueueOptions{.name = "mail", .workers = 2, .store = store, .close = {.timeout = 5s}});
  queue->handle<Report>([&](const Report& report) { ran.add(report.pages); });
  ASSERT_TRUE(queue->every(1ms, Report{0}, {.name = "steady"}));
  Threads changers(3, [&](int me) {
    for (int i = 0; i < 100; ++i) {
      auto other = queue->every(
          1ms * (1 + i % 3), Report{1},
          {.name = "other", .overlap = i % 2 == 0 ? errand::Overlap::queue_one : errand::Overlap::cancel_previous});
      ASSERT_TRUE(other) << other.error().message();
      other->trigger();
      if (me == 0) other->pause();
      if (me == 1) other->resume();
      if (me == 2 && i % 10 == 0) other->cancel();
      static_cast<void>(queue->schedules());
      static_cast<void>(other->next(3));
      static_cast<void>(queue->stats());
    }
  });
  changers.join();
  const int before = ran.of(0);
  EXPECT_TRUE(soon([&] { return ran.of(0) >= before + 5; })) << "the other one goes on";
  EXPECT_GT(ran.of(1), 0);
  queue.reset();
  // A slot has one run at most.
  const auto tasks = store->list({.schedule = "steady"}, {}, 1'000'000, errand::real_clock()->now());
  std::set<errand::WallTime> slots;
  for (const errand::KeptTask& task : *tasks) EXPECT_TRUE(task.task.slot && slots.insert(*task.task.slot).second);
}

// The slot is on its way to the store while the body of the run before it ends, and asks for another attempt: that one
// is not made beside the run that took its place.
TEST(LateCancel, OfARunWhoseBodyIsOverByThen) {
  const auto store = std::make_shared<Shaky>(true);
  const auto clock = std::make_shared<errand::ManualClock>();
  std::atomic<int> attempts{0};
  std::atomic<bool> began{false};
  Gate gate;
  errand::Queue queue({.name = "mail", .workers = 1, .store = store, .clock = clock, .seed = 1});
  queue.handle<Report>([&](const Report& report) -> errand::Outcome {
    if (report.pages == 2) {
      began = true;
      return errand::done();
    }
    if (++attempts == 1) {
      gate.wait();
      return errand::retry("once more");
    }
    return errand::done();
  });
  auto tick = queue.every(10s, Report{1}, {.name = "tick", .overlap = errand::Overlap::cancel_previous});
  ASSERT_TRUE(tick);
  clock->advance(10s);
  ASSERT_TRUE(soon([&] { return attempts == 1; }));
  const errand::TaskId first = tick->info().last_run;
  // The one worker goes on to this when it has said what became of the first run.
  ASSERT_TRUE(queue.enqueue(Report{2}, {.priority = 0}));
  store->before_commit([&](const errand::Batch& batch) {
    if (batch.advanced.empty()) return;
    gate.open();
    EXPECT_TRUE(soon([&] { return began.load(); }));
  });
  clock->advance(10s);
  EXPECT_TRUE(soon([&] { return queue.info(first)->state == errand::TaskState::cancelled; }));
  EXPECT_TRUE(soon([&] { return attempts == 2; }));
  EXPECT_EQ(queue.info(first)->attempts, 1);
  tick->cancel();
  queue.shutdown();
}
