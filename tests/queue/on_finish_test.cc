// on_finish: exactly once, in every final state, never where somebody could be surprised by it.

#include <atomic>

#include "support.h"

using errand::TaskInfo;
using errand::TaskState;

namespace {

struct Told {
  auto callback() {
    return [this](const TaskInfo& info) {
      ++times;
      last = info;
    };
  }
  int times = 0;
  TaskInfo last{};
};

}  // namespace

TEST(OnFinish, IsCalledOnceInEachFinalState) {
  Manual m;
  Told completed;
  Told cancelled;
  Told discarded;
  Told expired;
  m.queue.submit([] {}, {.on_finish = completed.callback()});
  m.queue.submit([]() -> errand::Outcome { return errand::cancel("no"); }, {.on_finish = cancelled.callback()});
  m.queue.submit([] { throw std::runtime_error("broken"); },
                 {.max_attempts = 3, .retry = errand::Retry::fixed(1s), .on_finish = discarded.callback()});
  m.queue.submit([] {}, {.delay = 1h, .expires_at = m.clock->now() + 1s, .on_finish = expired.callback()});
  errand::drain(m.queue, *m.clock);
  EXPECT_EQ(completed.times, 1);
  EXPECT_EQ(completed.last.state, TaskState::completed);
  EXPECT_TRUE(completed.last.finished_at);
  EXPECT_EQ(cancelled.times, 1);
  EXPECT_EQ(cancelled.last.state, TaskState::cancelled);
  EXPECT_EQ(discarded.times, 1);
  EXPECT_EQ(discarded.last.state, TaskState::discarded);
  EXPECT_EQ(discarded.last.attempts, 3);
  EXPECT_TRUE(contains(discarded.last.last_error, "broken"));
  EXPECT_EQ(expired.times, 1);
  EXPECT_EQ(expired.last.state, TaskState::discarded);
}

// The submitter may hold the very lock that its callback takes.
TEST(OnFinish, IsNeverCalledInsideASubmitThatRunsItsTask) {
  Manual m({.capacity = 1, .when_full = errand::WhenFull::run_here});
  m.queue.submit_in(1h, [] {});
  Told told;
  Told inner;
  auto task = m.queue.submit(
      [&] {
        m.queue.submit([] {}, {.on_finish = inner.callback()});
        EXPECT_EQ(inner.times, 0);
      },
      {.on_finish = told.callback()});
  EXPECT_EQ(task.state(), TaskState::completed);
  EXPECT_EQ(told.times + inner.times, 0);
  m.queue.dispatch();
  EXPECT_EQ(told.times, 1);
  EXPECT_EQ(inner.times, 1);
}

TEST(OnFinish, OfATaskThatABodysOwnSubmitRanComesAfterThatBody) {
  std::atomic<bool> told{false};
  errand::Queue queue({.workers = 1, .capacity = 1, .when_full = errand::WhenFull::run_here});
  auto outer = queue.submit([&] {
    queue.submit_in(1h, [] {});
    queue.submit([] {}, {.on_finish = [&](const TaskInfo&) { told = true; }});
    return told.load();
  });
  EXPECT_FALSE(outer.get());
  EXPECT_TRUE(queue.wait_idle(kSoon));
  EXPECT_TRUE(told.load());
}

TEST(OnFinish, IsNeverCalledInsideCancel) {
  Manual m;
  Told told;
  auto task = m.queue.submit([] {}, {.on_finish = told.callback()});
  EXPECT_TRUE(task.cancel());
  EXPECT_EQ(told.times, 0);
  m.queue.dispatch();
  EXPECT_EQ(told.times, 1);
  EXPECT_EQ(told.last.state, TaskState::cancelled);
}

TEST(OnFinish, RunsOnAWorkerWhoeverEndsTheTask) {
  errand::Queue queue({.workers = 1});
  std::thread::id where;
  Gate told;
  auto task = queue.submit([] {}, {.delay = 1h, .on_finish = [&](const TaskInfo&) {
                                     where = std::this_thread::get_id();
                                     told.open();
                                   }});
  const auto worker = queue.submit([] { return std::this_thread::get_id(); }).get();
  EXPECT_TRUE(task.cancel());
  EXPECT_TRUE(told.wait());
  EXPECT_EQ(where, worker);
}

TEST(OnFinish, IsCalledWhileTheQueueIsPaused) {
  Manual m;
  Told told;
  auto task = m.queue.submit([] {}, {.on_finish = told.callback()});
  m.queue.pause();
  EXPECT_TRUE(task.cancel());
  m.queue.dispatch();
  EXPECT_EQ(told.times, 1);
}

TEST(OnFinish, IsCalledByTheDestructorForWhatNeverRan) {
  Told scheduled;
  Told never_started;
  {
    errand::Queue queue({.workers = 1, .start = false, .close = {.drain = errand::Drain::none}});
    queue.submit([] {}, {.delay = 1h, .on_finish = scheduled.callback()});
    queue.submit([] {}, {.on_finish = never_started.callback()});
  }
  EXPECT_EQ(scheduled.times, 1);
  EXPECT_EQ(scheduled.last.state, TaskState::cancelled);
  EXPECT_EQ(never_started.times, 1);
  EXPECT_EQ(never_started.last.state, TaskState::cancelled);
}

TEST(OnFinish, MayThrow) {
  std::string logged;
  errand::set_logger([&](const errand::LogLine& line) { logged += line.text; });
  {
    Manual m;
    auto ran =
        m.queue.submit([] { return 1; }, {.on_finish = [](const TaskInfo&) { throw std::runtime_error("oh dear"); }});
    auto cancelled = m.queue.submit([] {}, {.on_finish = [](const TaskInfo&) { throw 1; }});
    EXPECT_TRUE(cancelled.cancel());
    m.queue.dispatch();
    EXPECT_EQ(ran.get(), 1);
    EXPECT_EQ(m.queue.submit([] {}).state(), TaskState::available);
  }
  errand::set_logger({});
  EXPECT_TRUE(contains(logged, "oh dear"));
}

TEST(OnFinish, MayUseTheQueue) {
  Manual m;
  int ran = 0;
  m.queue.submit([] {}, {.on_finish = [&](const TaskInfo& info) {
                   EXPECT_EQ(m.queue.info(info.id)->state, TaskState::completed);
                   EXPECT_FALSE(m.queue.cancel(info.id));
                   m.queue.submit([&] { ++ran; });
                 }});
  m.queue.dispatch();
  m.queue.dispatch();
  EXPECT_EQ(ran, 1);
}

TEST(OnFinish, MayShutTheQueueDown) {
  errand::Queue queue({.workers = 1});
  Gate called;
  queue.submit([] {}, {.on_finish = [&](const TaskInfo&) {
                 queue.shutdown();  // returns at once: this worker can't wait for itself
                 called.open();
               }});
  EXPECT_TRUE(called.wait());
  EXPECT_EQ(queue.shutdown().left_over, 0u);
  EXPECT_FALSE(queue.submit([] {}));
}

TEST(OnFinish, OfACancelledTaskMayShutTheQueueDown) {
  errand::Queue queue({.workers = 1});
  Gate called;
  auto task = queue.submit([] {}, {.delay = 1h, .on_finish = [&](const TaskInfo&) {
                                     queue.shutdown();
                                     called.open();
                                   }});
  EXPECT_TRUE(task.cancel());
  EXPECT_TRUE(called.wait());
  EXPECT_EQ(queue.shutdown().left_over, 0u);
}

TEST(OnFinish, CalledByAShutdownMayCallShutdown) {
  Told told;
  errand::Queue queue({.workers = 0});
  queue.submit([] {}, {.delay = 1h, .on_finish = [&](const TaskInfo&) {
                         queue.shutdown();
                         ++told.times;
                       }});
  queue.shutdown();
  EXPECT_EQ(told.times, 1);
}

TEST(OnFinish, MayWaitForATaskOfItsOwnQueue) {
  errand::Queue queue({.workers = 1});
  Gate called;
  int got = 0;
  queue.submit([] {}, {.on_finish = [&](const TaskInfo&) {
                 got = queue.submit([] { return 8; }).get();  // there is no other worker to run it
                 called.open();
               }});
  EXPECT_TRUE(called.wait());
  EXPECT_EQ(got, 8);
}

TEST(OnFinish, IsDoneWhenTheQueueIsIdle) {
  errand::Queue queue({.workers = 1});
  std::atomic<int> told{0};
  for (int i = 0; i < 200; ++i) queue.submit([] {}, {.on_finish = [&](const TaskInfo&) { told.fetch_add(1); }});
  EXPECT_TRUE(queue.wait_idle(kSoon));
  EXPECT_EQ(told.load(), 200);
}
