// In a forked child named tasks belong to the parent: their queue and their handles say so, and nothing hangs.

#include "support/child.h"
#include "threads.h"

using errand::Code;

namespace {

class Forks : public Named {};
ERRAND_ON_BOTH_STORES(Forks);

}  // namespace

// A thread of the parent holds the locks of the store and of the queue at the fork, or may do so.
TEST_P(Forks, LeaveTheTasksToTheParent) {
  queue.reset();
  queue = std::make_unique<errand::Queue>(errand::QueueOptions{.name = "mail", .workers = 2, .store = store});
  queue->handle<Mail>([](const Mail&) { return Receipt{7}; });
  std::atomic<bool> over{false};
  Threads busy(1, [&](int) {
    while (!over) EXPECT_TRUE(queue->enqueue(Mail{}));
  });
  for (int round = 0; round < 5; ++round) {
    auto task = queue->enqueue(Mail{}, {.delay = 1h});
    auto watched = queue->enqueue(Mail{});
    auto daily = queue->cron("@daily", Mail{}, {.name = "daily"});
    ASSERT_TRUE(task && watched && daily);
    EXPECT_EQ(errand::wait_any({&*task, &*watched}, kSoon), 1);
    ASSERT_EQ(in_child([&] {
                require(queue->enqueue(Mail{}).error().code() == Code::forked, 1);
                require(queue->info(task->id()).error().code() == Code::forked, 2);
                require(task->info().error().code() == Code::forked, 3);
                require(task->cancel().error().code() == Code::forked, 4);
                require(task->result().error().code() == Code::forked, 5);
                require(!task->wait_for(1h), 6);
                task->wait();
                require(task->state() == errand::TaskState::refused, 7);
                require(errand::wait_any({&*task}, 1h) == -1, 8);
                daily->pause();
                daily->cancel();
                require(daily->next(1).empty() && daily->info().runs == 0, 11);
                require(queue->schedule("daily").error().code() == Code::forked, 12);
                require(queue->cron("@daily", Mail{}, {.name = "x"}).error().code() == Code::forked, 13);
                require(queue->schedules().empty(), 14);
                if (store->traits().durable)
                  require(store->list({}, {}, 1, errand::WallTime{}).error().code() == Code::forked, 15);
                { const auto gone = std::move(*task); }
                queue.reset();
                require(watched->info().error().code() == Code::forked, 9);
                // And what it makes itself is its own.
                errand::Queue own({.drive = errand::Drive::manual});
                own.handle<Mail>([](const Mail&) { return Receipt{8}; });
                auto inner = own.enqueue(Mail{});
                own.dispatch();
                require(inner && inner->get().code == 8, 10);
              }),
              0);
  }
  over = true;
  busy.join();
  EXPECT_TRUE(queue->wait_idle(kSoon));
}
