// Handles: waiting, values, and what they say after their queue.

#include <memory>
#include <optional>

#include "support.h"

using errand::Code;
using errand::TaskState;

TEST(Handle, DroppingItNeitherWaitsNorCancels) {
  Manual m;
  int runs = 0;
  {
    auto task = m.queue.submit([&] { ++runs; });
  }
  m.queue.submit([&] { ++runs; });
  m.queue.dispatch();
  EXPECT_EQ(runs, 2);
}

TEST(Handle, OutlivesItsQueueWithItsValue) {
  std::optional<errand::Task<std::unique_ptr<int>>> value;
  std::optional<errand::Task<>> cancelled;
  {
    Manual m;
    value = m.queue.submit([] { return std::make_unique<int>(9); });
    m.queue.dispatch();
    cancelled = m.queue.submit_in(1h, [] {});
  }
  EXPECT_EQ(cancelled->state(), TaskState::cancelled);
  EXPECT_EQ(cancelled->result().error().code(), Code::cancelled);
  EXPECT_EQ(cancelled->info().error().code(), Code::gone);
  EXPECT_EQ(cancelled->cancel().error().code(), Code::gone);
  EXPECT_EQ(*value->get(), 9);
}

TEST(Handle, AValueNobodyTakesIsDropped) {
  auto held = std::make_shared<int>(1);
  {
    Manual m;
    auto kept = m.queue.submit([held] { return held; });
    m.queue.submit([held] { return held; });
    m.queue.dispatch();
    EXPECT_EQ(held.use_count(), 2);  // the one with a handle
  }
  EXPECT_EQ(held.use_count(), 1);
}

TEST(Handle, GoesBeforeOrAfterItsTaskAndTheValueGoesWithTheLaterOne) {
  const auto held = std::make_shared<int>(1);
  const auto body = [weak = std::weak_ptr(held)] { return weak.lock(); };
  Manual m;
  auto after = m.queue.submit(body);
  auto taken = m.queue.submit(body);
  static_cast<void>(m.queue.submit(body));
  static_cast<void>(m.queue.submit(body, {.name = "with a cold line"}));
  auto failed = m.queue.submit([held]() -> std::shared_ptr<int> { throw 1; });
  m.queue.dispatch();
  EXPECT_EQ(held.use_count(), 3);  // those of `after` and `taken`
  EXPECT_EQ(taken.get(), held);
  EXPECT_EQ(held.use_count(), 2);
  { const auto gone = std::move(taken); }
  { const auto gone = std::move(failed); }
  EXPECT_EQ(held.use_count(), 2);
  { const auto gone = std::move(after); }
  EXPECT_EQ(held.use_count(), 1);
}

TEST(Handle, GoesWhileItsTaskEndsAndEachValueIsDestroyedOnce) {
  static std::atomic<int> values{0};
  struct Value {
    Value() { values.fetch_add(1); }
    Value(Value&&) noexcept { values.fetch_add(1); }
    Value& operator=(Value&&) noexcept = default;
    ~Value() { values.fetch_sub(1); }
  };
  {
    errand::Queue queue({.workers = 1, .retention = {.count = 0}});
    for (int i = 0; i < 20'000; ++i) {
      auto value = queue.submit([] { return Value(); });
      auto text = queue.submit([i] { return std::string(static_cast<std::size_t>(i % 100), 'x'); });
      while (i % 3 == 0 && value.state() != TaskState::completed) std::this_thread::yield();
    }
    EXPECT_TRUE(queue.wait_idle(kSoon));
    EXPECT_EQ(values.load(), 0);
  }
}

TEST(Handle, GivesItsValueOnce) {
  Manual m;
  auto task = m.queue.submit([] { return std::string("once"); });
  auto number = m.queue.submit([] { return 7; });
  auto nothing = m.queue.submit([] {});
  m.queue.dispatch();
  EXPECT_EQ(*task.result(), "once");
  EXPECT_EQ(task.result().error().code(), Code::gone);
  EXPECT_EQ(*number.result(), 7);
  EXPECT_EQ(number.result().error().code(), Code::gone);
  EXPECT_THROW(task.get(), errand::ErrorException);
  EXPECT_TRUE(nothing.result());
  EXPECT_TRUE(nothing.result());  // there is nothing to take
}

TEST(Handle, IsToldOfAfterItsValueIsTaken) {
  Manual m({.retention = {.count = 0}});
  auto task = m.queue.submit([] { return 7; });
  m.queue.dispatch();
  EXPECT_EQ(task.get(), 7);
  EXPECT_TRUE(m.queue.info(task.id()));
}

TEST(Handle, MovesLikeAValue) {
  Manual m;
  auto a = m.queue.submit([] { return 1; });
  auto b = m.queue.submit([] { return 2; });
  const auto id = a.id();
  b = std::move(a);
  EXPECT_EQ(b.id(), id);
  EXPECT_FALSE(a);  // NOLINT: what a moved-from handle says is part of the promise
  EXPECT_EQ(a.result().error().code(), Code::gone);
  EXPECT_EQ(a.info().error().code(), Code::gone);
  EXPECT_EQ(a.cancel().error().code(), Code::gone);
  EXPECT_TRUE(a.wait_for(1h));
  m.queue.dispatch();
  EXPECT_EQ(b.get(), 1);
}

TEST(Handle, OfARefusedTaskSaysSo) {
  Manual m({.capacity = 1});
  m.queue.submit([] {});
  auto refused = m.queue.submit([] { return 1; });
  EXPECT_FALSE(refused);
  EXPECT_TRUE(refused.wait_for(1h));  // there is nothing to wait for
  refused.wait();
  EXPECT_EQ(refused.result().error().code(), Code::queue_full);
  EXPECT_EQ(refused.info().error().code(), Code::queue_full);
  EXPECT_EQ(refused.cancel().error().code(), Code::queue_full);
  EXPECT_THROW(refused.get(), errand::ErrorException);
  errand::Task<int> moved = std::move(refused);
  EXPECT_EQ(moved.error().code(), Code::queue_full);
}

TEST(Handle, WaitsNoLongerThanTold) {
  auto clock = std::make_shared<errand::ManualClock>();
  errand::Queue queue({.workers = 0, .clock = clock});
  auto task = queue.submit([] {});
  EXPECT_FALSE(while_time_passes(*clock, 1h, [&] { return task.wait_for(1h); }));
  EXPECT_FALSE(task.wait_for(0s));
  EXPECT_FALSE(task.wait_for(-1h));
}

TEST(Handle, IsWokenByEveryKindOfEnd) {
  errand::Queue queue({.workers = 1});
  auto completed = queue.submit([] {});
  auto failed = queue.submit([] { throw 1; });
  auto cancelled = queue.submit_in(1h, [] {});
  Gate waiting;
  std::thread waiter([&] {
    waiting.open();
    EXPECT_TRUE(cancelled.wait_for(kSoon));
  });
  EXPECT_TRUE(waiting.wait());
  EXPECT_TRUE(queue.cancel(cancelled.id()));
  waiter.join();
  EXPECT_TRUE(completed.wait_for(kSoon));
  EXPECT_TRUE(failed.wait_for(errand::Duration::max()));
}

TEST(Handle, WaitAllAndWaitAny) {
  auto clock = std::make_shared<errand::ManualClock>();
  errand::Queue queue({.workers = 1, .clock = clock});
  Gate out;
  auto slow = queue.submit([&] { EXPECT_TRUE(out.wait()); });
  auto behind = queue.submit([] { return 2; });
  EXPECT_EQ(while_time_passes(*clock, 1min, [&] { return errand::wait_any({&slow, &behind}, 1min); }), -1);
  EXPECT_FALSE(while_time_passes(*clock, 1min, [&] { return errand::wait_all({&slow, &behind}, 1min); }));
  auto cancelled = queue.submit_in(1h, [] {});
  EXPECT_TRUE(cancelled.cancel());
  EXPECT_EQ(errand::wait_any({&slow, &behind, &cancelled}, kSoon), 2);
  out.open();
  EXPECT_TRUE(errand::wait_all({&slow, &behind, &cancelled}, kSoon));
  EXPECT_TRUE(errand::wait_all({}, kSoon));
  EXPECT_EQ(errand::wait_any({}, 1ms), -1);
}

TEST(Handle, WaitAnyOverTwoQueuesSeesEither) {
  errand::Queue a({.workers = 0});
  errand::Queue b({.workers = 1});
  auto never = a.submit([] {});
  auto soon = b.submit([] {});
  EXPECT_EQ(errand::wait_any({&never, &soon}, kSoon), 1);
}

// Under a clock that stands still nothing but the end of a task can end the wait.
TEST(Handle, WaitAnyIsWokenByTheOneThatEnds) {
  auto clock = std::make_shared<errand::ManualClock>();
  errand::Queue a({.workers = 0, .clock = clock});
  errand::Queue b({.workers = 1, .clock = clock});
  Gate out;
  auto never = a.submit([] {});
  auto soon = b.submit([&] { EXPECT_TRUE(out.wait()); });
  std::thread waiter([&] { EXPECT_EQ(errand::wait_any({&never, &soon}, 1h), 1); });
  out.open();
  waiter.join();
}

TEST(Handle, WaitAnyOnAWorkerRunsWhatIsAvailable) {
  errand::Queue queue({.workers = 1});
  auto outer = queue.submit([&] {
    auto later = queue.submit_in(1h, [] {});
    auto now = queue.submit([] {});
    return errand::wait_any({&later, &now}, 1h);
  });
  EXPECT_EQ(outer.get(), 1);
}

TEST(Handle, OnAWorkerAnAvailableTaskIsRunInPlace) {
  errand::Queue queue({.workers = 1});
  auto outer = queue.submit([&] {
    auto inner = queue.submit([] { return 5; });
    return inner.get() + 1;
  });
  EXPECT_EQ(outer.get(), 6);
}

TEST(Handle, OnAWorkerAWaitThatCouldNeverEndIsRefused) {
  Manual m;
  auto later = m.queue.submit_in(1h, [] { return 1; });
  auto failing =
      m.queue.submit([]() -> errand::OutcomeOf<int> { return errand::retry_after(1h, "x"); }, {.max_attempts = 2});
  auto waiting = m.queue.submit([&] {
    EXPECT_FALSE(later.wait_for(1h));
    EXPECT_EQ(later.result().error().code(), Code::would_block);
    EXPECT_EQ(failing.result().error().code(), Code::would_block);
    later.wait();  // comes back
  });
  m.queue.dispatch();
  EXPECT_EQ(waiting.state(), TaskState::completed);
}

TEST(Handle, OnAWorkerWaitAnyDoesNotWaitForNothingButWhatCannotEnd) {
  Manual m;
  auto later = m.queue.submit_in(1h, [] {});
  auto waiting = m.queue.submit([&] {
    EXPECT_EQ(errand::wait_any({&later}, 1h), -1);
    auto now = m.queue.submit([] {});
    EXPECT_EQ(errand::wait_any({&later, &now}, 1h), 1);
  });
  m.queue.dispatch();
  EXPECT_EQ(waiting.state(), TaskState::completed);
}

TEST(Handle, ABodyThatWaitsForItselfIsRefused) {
  Manual m;
  std::optional<errand::Task<int>> self;
  std::optional<Code> said;
  self = m.queue.submit([&] {
    said = self->result().error().code();
    return 1;
  });
  m.queue.dispatch();
  EXPECT_EQ(said, Code::would_block);
}

TEST(Handle, MayBeWaitedForFromAnotherQueuesWorker) {
  errand::Queue a({.workers = 1});
  errand::Queue b({.workers = 1});
  EXPECT_EQ(a.submit([&] { return b.submit([] { return 3; }).get(); }).get(), 3);
}

TEST(Handle, StateIsOneLookAtTheTask) {
  Manual m;
  auto task = m.queue.submit([] {}, {.max_attempts = 2});
  EXPECT_EQ(task.state(), TaskState::available);
  m.queue.dispatch();
  EXPECT_EQ(task.state(), TaskState::completed);
  EXPECT_EQ(errand::to_string(task.state()), "completed");
}
