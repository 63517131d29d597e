// Waiting for named tasks: inside of handlers, and past the end of what is waited for.

#include <stdexcept>

#include "threads.h"

namespace {

class Waits : public Named {
 protected:
  void begin(int workers) {
    queue.reset();
    queue = std::make_unique<errand::Queue>(
        errand::QueueOptions{.name = "mail", .workers = workers, .store = store, .close = {.timeout = 100ms}});
  }
};

ERRAND_ON_BOTH_STORES(Waits);

}  // namespace

// The one worker waits for a task that stands behind more than are claimed at once.
TEST_P(Waits, InsideForATaskBehindManyOthers) {
  begin(1);
  Tally ran(200);
  Gate gate;
  std::atomic<int> got{0};
  queue->handle<Report>([&](const Report& report) { ran.add(report.pages); });
  queue->handle<Mail>([&](const Mail& mail) {
    if (mail.user != 0) return Receipt{mail.user};
    gate.wait();
    auto inner = queue->enqueue(Mail{"b", 7}, {.priority = 9});
    EXPECT_TRUE(inner);
    got = inner->get().code;
    return Receipt{};
  });
  auto outer = queue->enqueue(Mail{"a", 0});
  ASSERT_TRUE(outer);
  std::vector<Report> others;
  for (int i = 0; i < 200; ++i) others.push_back({i});
  for (const auto& task : queue->enqueue_many(others)) ASSERT_TRUE(task);
  gate.open();
  EXPECT_TRUE(outer->wait_for(kSoon));
  EXPECT_EQ(got, 7);
  EXPECT_TRUE(ran.reaches(200));
  queue.reset();
}

TEST_P(Waits, InsideEndWhenTheQueueDoes) {
  begin(1);
  Gate began;
  std::atomic<bool> came_back{false};
  errand::Code code{};
  queue->handle<Report>([&](const Report& report) {
    if (report.pages == 1) return;
    queue->pause();
    auto inner = queue->enqueue(Report{1});
    ASSERT_TRUE(inner);
    began.open();
    const auto result = inner->result();
    code = result ? errand::Code::invalid : result.error().code();
    came_back = true;
  });
  auto outer = queue->enqueue(Report{0});
  ASSERT_TRUE(outer);
  EXPECT_TRUE(began.wait());
  queue->shutdown({.drain = errand::Drain::running, .timeout = 100ms});
  EXPECT_TRUE(soon([&] { return came_back.load(); }));
  EXPECT_EQ(code, errand::Code::would_block);
  queue.reset();
}

TEST_P(Waits, InsideForATaskThatIsTriedAgainLater) {
  begin(1);
  errand::Code code{};
  queue->handle<Report>([](const Report&) { throw std::runtime_error("not yet"); },
                        {.retry = errand::Retry::fixed(1h)});
  queue->handle<Mail>([&](const Mail&) {
    auto inner = queue->enqueue(Report{});
    EXPECT_TRUE(inner);
    const auto result = inner->result();
    code = result ? errand::Code::invalid : result.error().code();
    return Receipt{};
  });
  auto outer = queue->enqueue(Mail{});
  ASSERT_TRUE(outer);
  EXPECT_TRUE(outer->wait_for(kSoon));
  EXPECT_EQ(code, errand::Code::would_block);
  queue.reset();
}

TEST_P(Waits, InsideForOneOfSeveral) {
  begin(1);
  std::atomic<int> first{-2};
  queue->handle<Report>([](const Report&) {});
  queue->handle<Mail>([&](const Mail&) {
    auto later = queue->enqueue(Report{}, {.delay = 1h});
    auto soon = queue->enqueue(Report{});
    EXPECT_TRUE(later && soon);
    EXPECT_EQ(errand::wait_any({&*later}, kSoon), -1) << "it waits for its time";
    first = errand::wait_any({&*later, &*soon}, kSoon);
    return Receipt{};
  });
  auto outer = queue->enqueue(Mail{});
  ASSERT_TRUE(outer);
  EXPECT_TRUE(outer->wait_for(kSoon));
  EXPECT_EQ(first, 1);
  queue.reset();
}

// Each waits for a task that stands behind all of them; they would stand inside of one another on the stack.
TEST_P(Waits, InsideDoNotGoDeeperThanTheStack) {
  begin(1);
  constexpr int kAll = 80;
  std::atomic<int> deep{0};
  std::atomic<int> deepest{0};
  Tally ended(kAll);
  queue->handle<Mail>([](const Mail&) { return Receipt{}; });
  queue->handle<Report>(
      [&](const Report& report) {
        struct Depth {
          explicit Depth(std::atomic<int>& deep, std::atomic<int>& deepest) : deep_(deep) {
            const int now = ++deep_;
            if (now > deepest) deepest = now;
          }
          ~Depth() { --deep_; }
          std::atomic<int>& deep_;
        } depth(deep, deepest);
        auto inner = queue->enqueue(Mail{"a", report.pages}, {.unique = {.by_payload = true, .within = 1h}});
        ASSERT_TRUE(inner);
        inner->get();
        ended.add(report.pages);
      },
      {.max_attempts = errand::unlimited, .retry = errand::Retry::immediate()});
  std::vector<Report> reports;
  for (int i = 0; i < kAll; ++i) reports.push_back({i});
  queue->pause();
  for (const auto& task : queue->enqueue_many(reports)) ASSERT_TRUE(task);
  queue->resume();
  EXPECT_TRUE(ended.reaches(kAll));
  EXPECT_EQ(ended.others_than(1, kAll), 0);
  EXPECT_LE(deepest, 64);
  queue.reset();
}

TEST_P(Waits, OfAnyEndWithTheQueue) {
  begin(1);
  queue->handle<Report>([](const Report&) {});
  auto one = queue->enqueue(Report{}, {.delay = 1h});
  auto other = queue->enqueue(Report{}, {.delay = 1h});
  ASSERT_TRUE(one && other);
  std::atomic<int> waiting{0};
  Threads waiters(2, [&](int which) {
    ++waiting;
    if (which == 0) {
      EXPECT_EQ(errand::wait_any({&*one}, kSoon), -1);
    } else {
      EXPECT_FALSE(other->wait_for(kSoon)) << "it is not over";
    }
    --waiting;
  });
  EXPECT_TRUE(soon([&] { return waiting == 2; }));
  const auto before = errand::real_clock()->mono();
  queue.reset();
  waiters.join();
  EXPECT_LT(errand::real_clock()->mono() - before, kSoon / 2);
  queue.reset();
}

TEST_P(Waits, OfWhatExpiresWhileNobodyClaims) {
  int ended = 0;
  queue->handle<Report>([](const Report&) {});
  auto task = queue->enqueue(
      Report{}, {.delay = 1h, .expires_at = clock->now() + 1min, .on_finish = [&](const errand::TaskInfo& info) {
                   EXPECT_EQ(info.state, errand::TaskState::discarded);
                   ++ended;
                 }});
  ASSERT_TRUE(task);
  std::atomic<bool> waited{false};
  Threads waiter(1, [&](int) {
    EXPECT_TRUE(task->wait_for(10min));
    waited = true;
  });
  EXPECT_TRUE(soon([&] { return clock->waiting() == 1; }));
  advance(2min);
  queue->dispatch();
  EXPECT_EQ(task->state(), errand::TaskState::discarded);
  EXPECT_EQ(ended, 1);
  EXPECT_TRUE(soon([&] { return waited.load(); })) << "by the time it ends, and not by its own time";
  waiter.join();
  queue.reset();
}
