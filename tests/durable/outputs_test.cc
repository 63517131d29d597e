// What bodies leave that can't be kept: it ends their own task, and holds up nobody else's.

#include "threads.h"

namespace {

using errand::Code;
using errand::Output;
using errand::TaskState;

class Outputs : public Named {
 protected:
  void leave(std::size_t bytes, int attempts = 1) {
    queue->handle("leaves",
                  [bytes](std::span<const std::byte>) {
                    return Output{std::string(bytes, 'x'), "text/plain"};
                  },
                  {.max_attempts = attempts, .retry = errand::Retry::fixed(1s)});
  }
  static constexpr std::size_t kMost = 1 << 20;
};

ERRAND_ON_BOTH_STORES(Outputs);

TEST_P(Outputs, AreKeptUpToAMebibyte) {
  leave(kMost);
  auto task = queue->enqueue_bytes("leaves", {});
  ASSERT_TRUE(task);
  queue->dispatch();
  EXPECT_EQ(state(task->id()), TaskState::completed);
  const auto output = queue->output(task->id());
  ASSERT_TRUE(output) << output.error().message();
  EXPECT_EQ(output->bytes.size(), kMost);
}

TEST_P(Outputs, ThatAreTooLargeAreFailedAttempts) {
  leave(kMost + 1, 2);
  auto task = queue->enqueue_bytes("leaves", {});
  ASSERT_TRUE(task);
  queue->dispatch();
  EXPECT_EQ(state(task->id()), TaskState::retryable);
  advance(1s);
  const auto seen = info(task->id());
  EXPECT_EQ(seen.state, TaskState::discarded);
  EXPECT_EQ(seen.attempts, 2);
  EXPECT_EQ(seen.last_error, "complete task " + to_string(task->id()) +
                                 ": its output has 1048577 bytes, and at most 1048576 are kept (gave up: attempt 2 "
                                 "of 2)");
  EXPECT_EQ(seen.history.at(0).error->code(), Code::too_large);
  EXPECT_EQ(queue->output(task->id()).error().code(), Code::not_found);
}

// A store of somebody else's may have limits of its own.
TEST(OutputsThatAStoreRefuses, EndTheirTaskAndNoOther) {
  const auto clock = std::make_shared<errand::ManualClock>();
  const auto store = std::make_shared<Shaky>();
  errand::Queue queue({.name = "mail", .drive = errand::Drive::manual, .store = store, .clock = clock, .seed = 1});
  store->refuse([](const errand::Finish& end) { return end.output.size() > 10; });
  queue.handle("leaves", [](std::span<const std::byte> payload) {
    return Output{std::string(payload.size(), 'x'), "text/plain"};
  });
  std::vector<errand::Task<>> tasks;
  for (const std::size_t bytes : {5u, 500u, 6u}) {
    auto task = queue.enqueue_bytes("leaves", std::vector<std::byte>(bytes));
    ASSERT_TRUE(task);
    tasks.push_back(std::move(*task));
  }
  queue.dispatch();
  queue.dispatch();  // what became of the one that was refused
  EXPECT_EQ(tasks[0].state(), TaskState::completed);
  EXPECT_EQ(tasks[1].state(), TaskState::discarded) << "it is left running for ever";
  EXPECT_EQ(tasks[2].state(), TaskState::completed);
  const auto seen = tasks[1].info();
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->last_error, "shaky: finish task: it is too much");
  EXPECT_EQ(seen->attempts, 1);
  EXPECT_TRUE(queue.wait_idle(0s));
  EXPECT_TRUE(store->find(tasks[1].id(), clock->now())->prune_at);
}

// Nor is it tried without end.
TEST(OutputsThatAStoreRefuses, AreTriedOnceMoreWithoutWhatTheBodyLeft) {
  const auto clock = std::make_shared<errand::ManualClock>();
  const auto store = std::make_shared<Shaky>();
  errand::Queue queue({.name = "mail", .drive = errand::Drive::manual, .store = store, .clock = clock, .seed = 1});
  store->refuse([](const errand::Finish&) { return true; });
  queue.handle("leaves", [](std::span<const std::byte>) { return Output{"x", "text/plain"}; });
  ASSERT_TRUE(queue.enqueue_bytes("leaves", {}));
  queue.dispatch();
  queue.dispatch();
  EXPECT_TRUE(queue.wait_idle(0s));
  EXPECT_LE(store->commits, 6);
}

}  // namespace
