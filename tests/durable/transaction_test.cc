// Tasks and data of the caller's own, in one transaction.

#include <stdexcept>

#include "support.h"

namespace {

class NamedTransaction : public testing::Test {
 protected:
  NamedTransaction() : store(*errand::open_sqlite(folder.file("tasks.db"))) {
    queue = std::make_unique<errand::Queue>(errand::QueueOptions{
        .name = "mail", .drive = errand::Drive::manual, .store = store, .clock = clock, .seed = 1});
    EXPECT_TRUE(store.transaction(
        [](errand::Transaction& tx) { return tx.execute("create table users (id integer primary key)"); }));
  }
  std::int64_t users() {
    std::int64_t count = -1;
    EXPECT_TRUE(store.transaction([&](errand::Transaction& tx) -> errand::Result<void> {
      auto rows = tx.query("select count(*) from users");
      if (!rows) return rows.error();
      count = rows->at(0).integer(0);
      return {};
    }));
    return count;
  }

  Folder folder;
  std::shared_ptr<errand::ManualClock> clock = std::make_shared<errand::ManualClock>();
  errand::SqliteStore store;
  std::unique_ptr<errand::Queue> queue;
};

}  // namespace

TEST_F(NamedTransaction, TaskAndDataAreThereTogether) {
  std::vector<int> sent;
  queue->handle<Mail>([&](const Mail& mail) {
    sent.push_back(mail.user);
    return Receipt{mail.user};
  });
  queue->dispatch();
  errand::TaskId id;
  const auto saved = store.transaction([&](errand::Transaction& tx) -> errand::Result<void> {
    if (auto r = tx.execute("insert into users values (?)", 7); !r) return r;
    auto task = queue->enqueue(tx, Mail{"a", 7});
    if (!task) return task.error();
    id = task->id();
    return {};
  });
  ASSERT_TRUE(saved) << saved.error().message();
  EXPECT_EQ(users(), 1);
  queue->dispatch();
  EXPECT_EQ(sent, std::vector<int>{7}) << "the queue was told";
  EXPECT_EQ(queue->task<Receipt>(id)->get().code, 7);
}

// What the loop was told last is too late for a task that came this way, whether it is due or will be.
TEST_F(NamedTransaction, WakesALoopThatDrivesTheQueue) {
  int woken = 0;
  errand::SteadyTime next;
  queue.reset();
  errand::Queue driven({.name = "mail",
                        .drive = errand::Drive::manual,
                        .store = store,
                        .on_wake =
                            [&] {
                              ++woken;
                              next = driven.dispatch();
                            },
                        .clock = clock,
                        .seed = 1});
  std::vector<int> sent;
  driven.handle<Mail>([&](const Mail& mail) {
    sent.push_back(mail.user);
    return Receipt{mail.user};
  });
  driven.dispatch();
  const auto add = [&](const Mail& mail, errand::TaskOptions options) {
    woken = 0;
    EXPECT_TRUE(store.transaction([&](errand::Transaction& tx) -> errand::Result<void> {
      const auto task = driven.enqueue(tx, mail, std::move(options));
      return task ? errand::Result<void>() : task.error();
    }));
    EXPECT_GT(woken, 0);
  };
  add(Mail{"now", 1}, {});
  EXPECT_EQ(sent, std::vector<int>{1});
  add(Mail{"later", 2}, {.delay = 1min});
  EXPECT_EQ(next, clock->mono() + 1min);
}

TEST_F(NamedTransaction, AnErrorRollsBothBack) {
  const auto saved = store.transaction([&](errand::Transaction& tx) -> errand::Result<void> {
    if (auto r = tx.execute("insert into users values (?)", 7); !r) return r;
    if (auto r = queue->enqueue(tx, Mail{"a", 7}); !r) return r.error();
    return errand::Error(errand::Code::failed, "changed my mind");
  });
  ASSERT_FALSE(saved);
  EXPECT_EQ(saved.error().message(), "changed my mind");
  EXPECT_EQ(users(), 0);
  EXPECT_TRUE(queue->list().empty());
}

TEST_F(NamedTransaction, TheQueueWithoutItWouldWaitForItself) {
  ASSERT_TRUE(store.transaction([&](errand::Transaction&) -> errand::Result<void> {
    const auto task = queue->enqueue(Mail{"a", 7});
    EXPECT_FALSE(task);
    if (task) return {};
    EXPECT_EQ(task.error().code(), errand::Code::would_block) << task.error().message();
    EXPECT_EQ(queue->cancel(errand::TaskId{(1ull << 63) | 1}).error().code(), errand::Code::would_block);
    return {};
  }));
}

// What would end the wait can't get into the store while this thread has it.
TEST_F(NamedTransaction, NothingCanBeWaitedForInsideIt) {
  queue.reset();
  queue = std::make_unique<errand::Queue>(errand::QueueOptions{.name = "mail", .workers = 1, .store = store});
  queue->handle<Mail>([](const Mail& mail) { return Receipt{mail.user}; });
  auto later = queue->enqueue(Mail{"a", 7}, {.delay = 1h});
  auto other = queue->submit_in(1h, [] {});
  ASSERT_TRUE(later);
  ASSERT_TRUE(store.transaction([&](errand::Transaction&) -> errand::Result<void> {
    EXPECT_EQ(later->result().error().code(), errand::Code::would_block);
    later->wait();
    EXPECT_FALSE(later->wait_for(1h));
    EXPECT_EQ(errand::wait_any({&*later}, 1h), -1);
    EXPECT_EQ(later->cancel().error().code(), errand::Code::would_block);
    return {};
  }));
  EXPECT_EQ(later->state(), errand::TaskState::scheduled) << "what was refused has changed nothing";
  EXPECT_TRUE(later->cancel());
  EXPECT_TRUE(other.cancel());
  queue.reset();
}

// A queue that is driven by hand has nothing to say to a store that this thread holds; and its callers are not told
// what only this thread did wrong.
TEST_F(NamedTransaction, NothingIsDrivenInsideIt) {
  queue->handle<Mail>([](const Mail& mail) { return Receipt{mail.user}; });
  queue->dispatch();
  std::optional<errand::Acceptance<Receipt>> sent;
  ASSERT_TRUE(store.transaction([&](errand::Transaction&) -> errand::Result<void> {
    sent.emplace(queue->enqueue_async(Mail{"a", 7}));
    queue->dispatch();
    EXPECT_FALSE(sent->ready());
    return {};
  }));
  EXPECT_TRUE(queue->stats().healthy);
  queue->dispatch();
  ASSERT_TRUE(sent->ready());
  EXPECT_TRUE(sent->result());
}

TEST_F(NamedTransaction, OfAnotherStoreIsRefused) {
  auto other = errand::open_sqlite(folder.file("other.db"));
  ASSERT_TRUE(other);
  ASSERT_TRUE(other->transaction([&](errand::Transaction& tx) -> errand::Result<void> {
    const auto task = queue->enqueue(tx, Mail{"a", 7});
    EXPECT_FALSE(task);
    if (task) return {};
    EXPECT_EQ(task.error().code(), errand::Code::invalid);
    return {};
  }));
}

TEST_F(NamedTransaction, AHandlerCompletesItsTaskInItExactlyOnce) {
  queue->handle<Mail>([&](const Mail& mail, errand::Attempt& attempt) -> errand::OutcomeOf<Receipt> {
    const auto done = store.transaction([&](errand::Transaction& tx) -> errand::Result<void> {
      if (auto r = tx.execute("insert into users values (?)", mail.user); !r) return r;
      if (mail.user == 9 && attempt.number() == 1) return errand::Error(errand::Code::failed, "not yet");
      return errand::complete(tx, attempt, Receipt{mail.user * 2});
    });
    // What happens after the commit changes nothing any more.
    if (done) throw std::runtime_error("the process as good as died here");
    return errand::retry_after(1s, done.error().message());
  });
  auto plain = queue->enqueue(Mail{"a", 8});
  auto second = queue->enqueue(Mail{"b", 9});
  ASSERT_TRUE(plain && second);
  queue->dispatch();
  EXPECT_EQ(plain->state(), errand::TaskState::completed);
  EXPECT_EQ(plain->get().code, 16);
  EXPECT_EQ(second->state(), errand::TaskState::retryable) << "rolled back, and tried again";
  EXPECT_EQ(users(), 1);
  clock->advance(1s);
  queue->dispatch();
  EXPECT_EQ(second->get().code, 18);
  EXPECT_EQ(users(), 2);
  EXPECT_EQ(queue->info(plain->id())->attempts, 1);
}

TEST_F(NamedTransaction, AStoreIsOpenedByItsAddress) {
  const auto memory = errand::open("memory:");
  ASSERT_TRUE(memory);
  EXPECT_EQ((*memory)->traits().name, "memory");
  const auto file = errand::open("sqlite:" + folder.file("by-address.db"));
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_TRUE((*file)->traits().durable);
  for (const char* bad : {"tasks.db", ":x", "mysql:x"}) {
    const auto refused = errand::open(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().code(), errand::Code::invalid);
  }
  EXPECT_NE(errand::open("mysql:x").error().message().find("mysql"), std::string::npos);
}
