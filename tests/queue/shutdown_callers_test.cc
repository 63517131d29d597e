// A shutdown from wherever it may be called: bodies, destructors and callbacks, several threads, over several queues.

#include <atomic>
#include <optional>

#include "support.h"

using errand::Code;
using errand::Drain;
using errand::TaskState;

TEST(Shutdown, FromManyThreadsAtOnce) {
  errand::Queue queue({.workers = 2});
  std::atomic<int> ran{0};
  for (int i = 0; i < 1000; ++i) queue.submit([&] { ran.fetch_add(1); });
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] { EXPECT_EQ(queue.shutdown().left_over, 0u); });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(ran.load(), 1000);
}

TEST(Shutdown, DoesNotWaitPastItsOwnTimeoutForAnotherShutdown) {
  auto clock = std::make_shared<errand::ManualClock>();
  errand::Queue queue({.workers = 1, .clock = clock});
  Gate inside;
  Gate out;
  queue.submit([&](errand::Attempt&) {
    inside.open();
    EXPECT_TRUE(out.wait());
  });
  EXPECT_TRUE(inside.wait());
  std::thread patient([&] { queue.shutdown({.drain = Drain::running, .timeout = 1h}); });
  while (queue.submit([] {})) std::this_thread::yield();  // it has begun
  const auto shut_down = [&] { return queue.shutdown({.timeout = 1min}); };
  EXPECT_EQ(while_time_passes(*clock, 1min, shut_down, 1).left_over, 1u);
  out.open();
  patient.join();
}

namespace {

// A body that goes on until it is told to stop, and a shutdown that gives it an hour.
struct Patient {
  explicit Patient(const std::shared_ptr<errand::ManualClock>& clock) : queue({.workers = 1, .clock = clock}) {
    task.emplace(queue.submit([this](errand::Attempt& attempt) {
      Gate stopped;
      const std::stop_callback callback(attempt.stop_token(), [&] { stopped.open(); });
      inside.open();
      EXPECT_TRUE(stopped.wait());
      EXPECT_EQ(attempt.stop_reason(), errand::StopReason::shutting_down);
    }));
    EXPECT_TRUE(inside.wait());
    thread = std::thread([this] { report = queue.shutdown({.drain = Drain::running, .timeout = 1h}); });
    while (queue.submit([] {})) std::this_thread::yield();  // it has begun
  }

  Gate inside;
  errand::Report report{};
  errand::Queue queue;
  std::optional<errand::Task<>> task;
  std::thread thread;
};

}  // namespace

// Whoever asks again has less patience.
TEST(Shutdown, ThatHasLessTimeHastensTheOneThatIsUnderWay) {
  auto clock = std::make_shared<errand::ManualClock>();
  Patient patient(clock);
  const auto start = clock->mono();
  const auto shut_down = [&] { return patient.queue.shutdown({.drain = Drain::running, .timeout = 1min}); };
  EXPECT_EQ(while_time_passes(*clock, 1min - 100ms, shut_down, 1).left_over, 0u);
  patient.thread.join();
  EXPECT_EQ(patient.report.left_over, 0u);
  EXPECT_LT(clock->mono() - start, 1min) << "its body had a moment to come back in";
}

TEST(Shutdown, ThatDrainsNothingHastensTheOneThatIsUnderWayAtOnce) {
  auto clock = std::make_shared<errand::ManualClock>();
  Patient patient(clock);
  const auto start = clock->mono();
  EXPECT_EQ(patient.queue.shutdown({.drain = Drain::none, .timeout = 1h}).left_over, 0u);
  patient.thread.join();
  EXPECT_EQ(patient.report.left_over, 0u);
  EXPECT_EQ(clock->mono(), start);
}

// By hand it is the first one that works, and what it waits for may be far away.
TEST(Shutdown, ThatDrainsNothingHastensOneThatIsDrivenByHand) {
  errand::Queue queue({.drive = errand::Drive::manual});
  auto late = queue.submit_in(24h, [] {});
  std::thread first([&] { queue.shutdown({.drain = Drain::queued, .timeout = 24h}); });
  while (queue.submit([] {})) std::this_thread::yield();
  EXPECT_EQ(queue.shutdown({.drain = Drain::none, .timeout = kSoon}).left_over, 0u);
  first.join();
  EXPECT_EQ(late.state(), TaskState::cancelled);
}

TEST(Shutdown, FromABodyReturnsAtOnceAndTheQueueGoesOnClosing) {
  errand::Queue queue({.workers = 1});
  auto task = queue.submit([&] {
    queue.submit([] {});
    return queue.shutdown().left_over;
  });
  EXPECT_EQ(task.get(), 1u);  // itself
  const auto report = queue.shutdown();
  EXPECT_EQ(report.left_over, 0u);
  EXPECT_EQ(report.finished, 2u);
  EXPECT_FALSE(queue.submit([] {}));
}

TEST(Shutdown, FromABodyUnderManualDrive) {
  Manual m;
  auto task = m.queue.submit([&] { m.queue.shutdown({.drain = Drain::running}); });
  m.queue.dispatch();
  m.queue.shutdown();
  EXPECT_TRUE(errand::is_final(task.state()));
}

// With no worker, what expires is ended by the timer's own thread, which a shutdown joins.
TEST(Shutdown, FromADestructorOnTheTimersThread) {
  struct ShutsDown {
    ShutsDown(errand::Queue& queue, Gate& over) : queue(&queue), over(&over) {}
    ShutsDown(ShutsDown&& other) noexcept : queue(std::exchange(other.queue, nullptr)), over(other.over) {}
    ~ShutsDown() {
      if (queue == nullptr) return;
      queue->shutdown({.timeout = 50ms});
      over->open();
    }
    void operator()() {}
    errand::Queue* queue;
    Gate* over;
  };
  Gate over;
  auto clock = std::make_shared<errand::ManualClock>();
  errand::Queue queue({.workers = 0, .clock = clock});
  auto task = queue.submit(ShutsDown(queue, over), {.expires_at = clock->now() + 1min});
  clock->advance(2min);  // that thread leaves each moment to the workers for a little while
  EXPECT_TRUE(over.wait());
  EXPECT_TRUE(task.wait_for(kSoon));
}

TEST(Shutdown, FromAStopCallbackOnTheTimersThread) {
  auto clock = std::make_shared<errand::ManualClock>();
  errand::Queue queue({.workers = 1, .clock = clock});
  Gate inside;
  Gate over;
  auto task = queue.submit(
      [&](errand::Attempt& attempt) {
        const std::stop_callback callback(attempt.stop_token(), [&] {
          queue.shutdown({.timeout = kSoon * 2});
          over.open();
        });
        inside.open();
        return over.wait();
      },
      {.timeout = 1min});
  EXPECT_TRUE(inside.wait());
  clock->advance(2min);
  EXPECT_TRUE(over.wait()) << "it waits for the body that waits for it";
  EXPECT_TRUE(task.wait_for(kSoon));
}

// The task that is being cancelled is not over before its closure is gone.
TEST(Shutdown, FromADestructorInACancel) {
  auto clock = std::make_shared<errand::ManualClock>();
  errand::Queue queue({.workers = 1, .clock = clock});
  queue.pause();
  struct ShutsDown {
    explicit ShutsDown(errand::Queue& queue) : queue(&queue) {}
    ShutsDown(ShutsDown&& other) noexcept : queue(std::exchange(other.queue, nullptr)) {}
    ~ShutsDown() {
      if (queue != nullptr) queue->shutdown();
    }
    void operator()() {}
    errand::Queue* queue;
  };
  auto task = queue.submit(ShutsDown(queue));
  std::atomic<bool> over{false};
  std::thread cancels([&] {
    EXPECT_TRUE(task.cancel());
    over = true;
  });
  EXPECT_TRUE(task.wait_for(0s) || [&] {
    const auto until = errand::real_clock()->mono() + kSoon;
    while (!over && errand::real_clock()->mono() < until) std::this_thread::yield();
    return over.load();
  }());
  if (!over) clock->advance(1h);
  cancels.join();
  EXPECT_EQ(task.state(), errand::TaskState::cancelled);
}

TEST(Shutdown, OfSeveralQueuesSharesOneTimeout) {
  auto clock = std::make_shared<errand::ManualClock>();
  errand::Queue a({.drive = errand::Drive::manual, .clock = clock});
  errand::Queue b({.drive = errand::Drive::manual, .clock = clock});
  a.submit_in(3h, [] {});
  auto feeds = a.submit([&] { EXPECT_EQ(b.submit([] {}).error().code(), Code::shutting_down); });
  auto late = b.submit_in(3h, [] {});
  b.submit([] {});
  const auto start = clock->mono();
  const auto report = errand::shutdown_all({&a, &b}, {.drain = Drain::queued, .timeout = 2h});
  EXPECT_EQ(clock->mono() - start, 2h);
  EXPECT_GE(report.cancelled, 2u);  // what one queue waited for is time the other one has not
  EXPECT_EQ(report.finished + report.cancelled, 4u);
  EXPECT_EQ(late.state(), TaskState::cancelled);
  EXPECT_EQ(feeds.state(), TaskState::completed);
  EXPECT_EQ(errand::shutdown_all({}).left_over, 0u);
}

TEST(Shutdown, OfSeveralGivesEachItsTimeByItsOwnClock) {
  Manual early;
  Manual late;
  late.advance(10h);
  auto task = late.queue.submit([] {});
  EXPECT_EQ(errand::shutdown_all({&early.queue, &late.queue}).cancelled, 0u);
  EXPECT_EQ(task.state(), TaskState::completed);
}
