// Tasks whose attempts ended with their process: one of them runs at a time, so that only the one that does it is
// charged again. Nobody else waits for them.

#include "support/child.h"
#include "threads.h"

using errand::TaskState;

namespace {

class Suspects : public testing::Test {
 protected:
  // Two that the store has from a process that is gone, as it were.
  void SetUp() override { ids = crashed("mail", 2); }
  std::vector<errand::TaskId> crashed(const std::string& queue, std::size_t count) const {
    const errand::WallTime now(1h);
    std::vector<errand::NewTask> added(count);
    for (std::size_t i = 0; i < count; ++i) {
      added[i] = {.queue = queue,
                  .kind = "report",
                  .payload = "{\"pages\":" + std::to_string(i) + "}",
                  .content_type = "application/json",
                  .run_at = now};
    }
    const std::vector<std::string> kinds{"report"};
    const std::vector<errand::ClaimRequest> claims{{.queue = queue, .kinds = kinds, .limit = count}};
    const auto claimed = store->commit({.added = added, .claims = claims}, now);
    std::vector<errand::TaskId> ids;
    std::vector<errand::Finish> ends;
    EXPECT_TRUE(claimed);
    if (!claimed) return ids;
    for (const errand::KeptTask& task : claimed->claims[0].tasks) {
      ids.push_back(task.id);
      ends.push_back(
          {.id = task.id, .token = task.token, .to = TaskState::available, .run_at = now, .attempts = 1, .crashes = 1});
    }
    EXPECT_TRUE(store->commit({.finished = ends}, now));
    return ids;
  }

  errand::StorePtr store = errand::open_memory();
  std::vector<errand::TaskId> ids;
};

}  // namespace

TEST_F(Suspects, RunOneAfterTheOther) {
  Gate began;
  Gate gate;
  Tally ran(2);
  std::atomic<int> inside{0};
  errand::Queue queue({.name = "mail", .workers = 3, .store = store});
  queue.handle<Report>([&](const Report& report) {
    EXPECT_EQ(++inside, 1);
    began.open();
    gate.wait();
    --inside;
    ran.add(report.pages);
  });
  queue.handle<Mail>([](const Mail&) { return Receipt{}; });
  ASSERT_TRUE(began.wait());
  // Others go by them meanwhile, on workers that have nothing else to do.
  for (int i = 0; i < 50; ++i) {
    auto task = queue.enqueue(Mail{});
    ASSERT_TRUE(task && task->wait_for(kSoon));
  }
  const auto waits = queue.info(ids[1]);
  ASSERT_TRUE(waits);
  EXPECT_EQ(waits->state, TaskState::available);
  gate.open();
  EXPECT_TRUE(ran.reaches(2));
  EXPECT_TRUE(queue.wait_idle(kSoon));
  EXPECT_EQ(ran.others_than(1, 2), 0);
  EXPECT_EQ(queue.info(ids[1])->attempts, 2);
}

// They are of one process, whatever their queues.
TEST_F(Suspects, OfSeveralQueuesRunOneAfterTheOther) {
  const errand::TaskId other_id = crashed("other", 1).front();
  Gate began;
  Gate gate;
  Tally ran(3);
  std::atomic<int> inside{0};
  const auto body = [&](int number) {
    EXPECT_EQ(++inside, 1);
    began.open();
    gate.wait();
    --inside;
    ran.add(number);
  };
  errand::Queue queue({.name = "mail", .workers = 2, .store = store});
  queue.handle<Report>([&](const Report& report) { body(report.pages); });
  ASSERT_TRUE(began.wait());
  errand::Queue other({.name = "other", .workers = 2, .store = store});
  other.handle<Report>([&](const Report&) { body(2); });
  other.handle<Mail>([](const Mail&) { return Receipt{}; });
  for (int i = 0; i < 50; ++i) {
    auto task = other.enqueue(Mail{});
    ASSERT_TRUE(task && task->wait_for(kSoon));
  }
  EXPECT_EQ(other.info(other_id)->state, TaskState::available);
  gate.open();
  EXPECT_TRUE(ran.reaches(3)) << "the end of one is told to the other queue";
  EXPECT_TRUE(queue.wait_idle(kSoon) && other.wait_idle(kSoon));
  EXPECT_EQ(ran.others_than(1, 3), 0);
}

// It fails, snoozes, or is given back: the next one has its turn all the same.
TEST_F(Suspects, LetTheNextOneHaveItsTurnHoweverTheyEnd) {
  const auto clock = std::make_shared<errand::ManualClock>(errand::WallTime(2h));
  errand::Queue queue({.name = "mail", .drive = errand::Drive::manual, .store = store, .clock = clock});
  std::vector<int> order;
  queue.handle<Report>(
      [&](const Report& report, errand::Attempt& attempt) -> errand::Outcome {
        order.push_back(report.pages);
        if (order.size() > 4) return errand::done();
        if (order.size() > 2) return errand::snooze(1min);
        return errand::retry("attempt " + std::to_string(attempt.number()));
      },
      {.retry = errand::Retry::fixed(1min)});
  for (int i = 0; i < 5; ++i) {
    for (int j = 0; j < 3; ++j) queue.dispatch();
    clock->advance(1min);
  }
  EXPECT_EQ(order, (std::vector<int>{0, 1, 0, 1, 0, 1}));
  EXPECT_EQ(queue.info(ids[0])->state, TaskState::completed);
  EXPECT_EQ(queue.info(ids[1])->state, TaskState::completed);
}

TEST_F(Suspects, DoNotWaitForOneAnother) {
  Tally ran(2);
  errand::Queue queue({.name = "mail", .workers = 2, .store = store});
  queue.handle<Report>([&](const Report& report) {
    if (report.pages == 0) {
      auto other = queue.task<>(ids[1]);
      ASSERT_TRUE(other);
      EXPECT_EQ(other->result().error().code(), errand::Code::would_block);
    }
    ran.add(report.pages);
  });
  EXPECT_TRUE(ran.reaches(2));
}

TEST_F(Suspects, AreCancelledWhileTheyWaitForTheirTurn) {
  Gate began;
  Gate gate;
  Tally ran(2);
  errand::Queue queue({.name = "mail", .workers = 2, .store = store});
  queue.handle<Report>([&](const Report& report) {
    began.open();
    gate.wait();
    ran.add(report.pages);
  });
  EXPECT_TRUE(began.wait());
  const auto cancelled = queue.cancel(ids[1]);
  EXPECT_TRUE(cancelled) << cancelled.error().message();
  EXPECT_EQ(queue.info(ids[1])->state, errand::TaskState::cancelled);
  gate.open();
  EXPECT_TRUE(queue.wait_idle(kSoon));
  EXPECT_EQ(ran.of(0), 1);
  EXPECT_EQ(ran.of(1), 0);
}

// The process dies while two bodies run, and three more tasks are claimed.
TEST(SuspectsOfACrash, AreThoseThatRanAndRunOneAfterTheOther) {
  const Folder folder;
  ASSERT_EQ(in_child([&] {
              auto store = errand::open_sqlite(folder.file("tasks.db"));
              require(store.has_value(), 1);
              errand::Queue queue({.name = "mail", .workers = 2, .start = false, .store = *store});
              std::atomic<int> inside{0};
              queue.handle<Report>([&](const Report&) {
                ++inside;
                while (inside < 2) std::this_thread::yield();
                ::_exit(7);
              });
              for (const auto& task : queue.enqueue_many(std::vector<Report>(5))) require(task.has_value(), 2);
              queue.start();
              queue.wait_idle(kSoon);
            }),
            7);
  auto store = errand::open_sqlite(folder.file("tasks.db"));
  ASSERT_TRUE(store) << store.error().message();
  errand::Queue queue({.name = "mail", .workers = 3, .start = false, .store = *store});
  std::vector<errand::TaskId> suspects;
  const auto all = queue.find({});
  ASSERT_TRUE(all && all->size() == 5);
  for (const errand::TaskInfo& task : *all) {
    EXPECT_EQ(task.state, TaskState::available);
    EXPECT_EQ(task.attempts, task.crashes);
    if (task.crashes == 1) suspects.push_back(task.id);
  }
  ASSERT_EQ(suspects.size(), 2u) << "the others had not begun";
  Gate gate;
  std::atomic<int> inside{0};
  std::atomic<int> others{0};
  queue.handle<Report>([&](const Report&, errand::Attempt& attempt) {
    if (std::find(suspects.begin(), suspects.end(), attempt.id()) == suspects.end()) {
      ++others;
      return;
    }
    EXPECT_EQ(++inside, 1);
    gate.wait();
    --inside;
  });
  queue.handle<Mail>([](const Mail&) { return Receipt{}; });
  queue.start();
  EXPECT_TRUE(soon([&] { return others == 3 && inside == 1; }));
  for (int i = 0; i < 50; ++i) {
    auto task = queue.enqueue(Mail{});
    ASSERT_TRUE(task && task->wait_for(kSoon));
  }
  gate.open();
  EXPECT_TRUE(queue.wait_idle(kSoon));
  for (const errand::TaskId id : suspects) {
    const auto known = queue.info(id);
    ASSERT_TRUE(known);
    EXPECT_EQ(known->state, TaskState::completed);
    EXPECT_EQ(known->attempts, 2);
    EXPECT_EQ(known->crashes, 1);
  }
}
