// Worker threads: how many, when they come and go.

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <set>

#include "../base/huge_stacks.h"
#include "support.h"

namespace {

// Keeps as many workers busy as there are bodies in it.
struct Crowd {
  Counter inside;
  Gate out;
  void operator()() {
    inside.add();
    EXPECT_TRUE(out.wait());
  }
};

}  // namespace

TEST(Workers, RunAsManyBodiesAtOnceAsThereAreOfThem) {
  errand::Queue queue({.workers = 3});
  Crowd crowd;
  for (int i = 0; i < 5; ++i) queue.submit([&] { crowd(); });
  EXPECT_TRUE(crowd.inside.reaches(3));
  EXPECT_EQ(queue.stats().busy_workers, 3);
  EXPECT_EQ(crowd.inside.count(), 3);
  crowd.out.open();
  EXPECT_TRUE(queue.wait_idle(kSoon));
  EXPECT_EQ(crowd.inside.count(), 5);
}

TEST(Workers, DefaultToOnePerUsableCpu) {
  errand::Queue queue;
  EXPECT_GE(queue.workers(), 1);
  EXPECT_LE(queue.workers(), static_cast<int>(std::thread::hardware_concurrency()));
}

TEST(Workers, WaitForStartWhereTheyAreToldTo) {
  errand::Queue queue({.workers = 1, .start = false});
  auto task = queue.submit([] {});
  EXPECT_EQ(queue.stats().attempts, 0u);
  EXPECT_EQ(task.state(), errand::TaskState::available);
  EXPECT_TRUE(queue.start());
  EXPECT_TRUE(task.wait_for(kSoon));
}

// FLOOR 15: a second start changes nothing and says so, and none comes after the end.
TEST(Workers, StartOnceOnly) {
  errand::Queue queue({.workers = 1, .start = false});
  EXPECT_TRUE(queue.start());
  EXPECT_FALSE(queue.start());
  queue.shutdown();
  EXPECT_FALSE(queue.start());
  EXPECT_FALSE(queue.submit([] {}));
}

TEST(Workers, GrowAtRunTime) {
  errand::Queue queue({.workers = 1});
  Crowd crowd;
  for (int i = 0; i < 3; ++i) queue.submit([&] { crowd(); });
  EXPECT_TRUE(crowd.inside.reaches(1));
  queue.set_workers(3);
  EXPECT_EQ(queue.workers(), 3);
  EXPECT_TRUE(crowd.inside.reaches(3));
  crowd.out.open();
}

TEST(Workers, ShrinkAtRunTimeAndFinishWhatTheyHave) {
  Counter stopped;
  errand::Queue queue({.workers = 3, .on_worker_stop = [&](int) { stopped.add(); }});
  Crowd crowd;
  std::atomic<int> after{0};
  for (int i = 0; i < 3; ++i) queue.submit([&] { crowd(); });
  EXPECT_TRUE(crowd.inside.reaches(3));
  for (int i = 0; i < 100; ++i) queue.submit([&] { after.fetch_add(1); });
  queue.set_workers(1);
  EXPECT_EQ(stopped.count(), 0);  // they are in their bodies
  crowd.out.open();
  EXPECT_TRUE(stopped.reaches(2));
  EXPECT_TRUE(queue.wait_idle(kSoon));
  EXPECT_EQ(after.load(), 100);
}

TEST(Workers, MayBeNone) {
  errand::Queue queue({.workers = 0});
  auto task = queue.submit([] { return 5; });
  EXPECT_EQ(queue.stats().workers, 0);
  EXPECT_EQ(task.state(), errand::TaskState::available);
  queue.set_workers(1);
  EXPECT_EQ(task.get(), 5);
}

TEST(Workers, ThatCannotBeMadeAreAnError) {
  std::string lines;
  errand::set_logger([&](const errand::LogLine& line) { lines += std::string(line.text) + '\n'; });
  errand::Queue queue({.name = "mail", .workers = 2, .start = false});
  auto task = queue.submit([] { return 5; });
  {
    const HugeStacks huge;
    ASSERT_TRUE(huge.worked());
    EXPECT_FALSE(queue.start());
    EXPECT_TRUE(contains(lines, "start thread \"mail/0\"")) << lines;
    EXPECT_FALSE(queue.stats().healthy);
    EXPECT_FALSE(queue.start());
  }
  EXPECT_EQ(task.state(), errand::TaskState::available);
  ASSERT_TRUE(queue.start());
  EXPECT_TRUE(queue.stats().healthy);
  EXPECT_EQ(task.get(), 5);
  EXPECT_FALSE(queue.start());
  errand::set_logger({});
}

TEST(Workers, ThatAreMissingAreTriedAgain) {
  errand::set_logger([](const errand::LogLine&) {});
  errand::Queue queue({.workers = 1});
  {
    const HugeStacks huge;
    ASSERT_TRUE(huge.worked());
    queue.set_workers(3);
    EXPECT_FALSE(queue.stats().healthy);
    EXPECT_EQ(queue.submit([] { return 5; }).get(), 5) << "the one that is there works on";
    queue.set_workers(1);
    EXPECT_TRUE(queue.stats().healthy);
    queue.set_workers(3);
  }
  EXPECT_TRUE(queue.start());
  EXPECT_TRUE(queue.stats().healthy);
  Crowd crowd;
  for (int i = 0; i < 3; ++i) queue.submit([&] { crowd(); });
  EXPECT_TRUE(crowd.inside.reaches(3));
  crowd.out.open();
  errand::set_logger({});
}

// This clock stands still: a shutdown that waited for them would wait for ever.
TEST(Workers, ThatCannotBeMadeAreNotWaitedFor) {
  std::string lines;
  errand::set_logger([&](const errand::LogLine& line) { lines += std::string(line.text) + '\n'; });
  const HugeStacks huge;
  ASSERT_TRUE(huge.worked());
  errand::Queue queue({.name = "mail", .workers = 2, .clock = std::make_shared<errand::ManualClock>()});
  EXPECT_TRUE(contains(lines, "start thread \"mail/0\"")) << lines;
  EXPECT_FALSE(queue.stats().healthy);
  auto task = queue.submit([] {});
  EXPECT_EQ(queue.shutdown().cancelled, 1u);
  EXPECT_EQ(task.state(), errand::TaskState::cancelled);
  errand::set_logger({});
}

TEST(Workers, AskedToStayOnTheirWayOutStay) {
  Counter leaving;
  Gate go;
  errand::Queue queue({.workers = 2, .on_worker_stop = [&](int) {
                         leaving.add();
                         EXPECT_TRUE(go.wait());
                       }});
  queue.set_workers(1);
  EXPECT_TRUE(leaving.reaches(1));
  queue.set_workers(2);
  go.open();
  Crowd crowd;
  for (int i = 0; i < 2; ++i) queue.submit([&] { crowd(); });
  EXPECT_TRUE(crowd.inside.reaches(2));
  crowd.out.open();
}

TEST(Workers, HaveHooksWithTheirNumbers) {
  std::mutex mu;
  std::multiset<int> started;
  std::multiset<int> stopped;
  {
    errand::Queue queue({.workers = 3,
                         .on_worker_start =
                             [&](int n) {
                               const std::lock_guard lock(mu);
                               started.insert(n);
                             },
                         .on_worker_stop =
                             [&](int n) {
                               const std::lock_guard lock(mu);
                               stopped.insert(n);
                             }});
  }
  EXPECT_EQ(started, (std::multiset<int>{0, 1, 2}));
  EXPECT_EQ(stopped, started);
}

TEST(Workers, SurviveHooksThatThrow) {
  errand::set_logger([](const errand::LogLine&) {});
  {
    errand::Queue queue(
        {.workers = 1, .on_worker_start = [](int) { throw 1; }, .on_worker_stop = [](int) { throw 2; }});
    EXPECT_EQ(queue.submit([] { return 3; }).get(), 3);
  }
  errand::set_logger({});
}

TEST(Workers, AreNamedAfterTheirQueueAndDeafToSignals) {
  errand::Queue queue({.name = "press", .workers = 1});
  const std::string name = queue
                               .submit([] {
                                 char text[16] = {};
                                 pthread_getname_np(pthread_self(), text, sizeof text);
                                 return std::string(text);
                               })
                               .get();
  EXPECT_EQ(name, "press/0");
  EXPECT_TRUE(queue
                  .submit([] {
                    sigset_t blocked;
                    pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
                    return sigismember(&blocked, SIGTERM) == 1 && sigismember(&blocked, SIGINT) == 1;
                  })
                  .get());
}

// FLOOR 22: idle workers sleep; nothing is polled for. Processor time is what tells them apart.
TEST(Workers, SleepWhenThereIsNothingToDo) {
  auto clock = std::make_shared<errand::ManualClock>();
  errand::Queue queue({.workers = 2, .clock = clock});
  EXPECT_EQ(queue.submit([] { return 1; }).get(), 1);
  // Both wait on the clock, and stay there however far it moves.
  const auto until = errand::real_clock()->mono() + kSoon;
  while (clock->waiting() < 2 && errand::real_clock()->mono() < until) std::this_thread::yield();
  EXPECT_EQ(clock->waiting(), 2);
  EXPECT_EQ(queue.submit([] { return 2; }).get(), 2);
}

TEST(Workers, PauseStopsNewAttemptsOnly) {
  Manual m;
  auto task = m.queue.submit([] {});
  auto later = m.queue.submit_in(1s, [] {});
  m.queue.pause();
  EXPECT_TRUE(m.queue.paused());
  m.advance(2s);
  EXPECT_EQ(task.state(), errand::TaskState::available);
  EXPECT_EQ(later.state(), errand::TaskState::available);  // time goes on
  m.queue.resume();
  EXPECT_FALSE(m.queue.paused());
  m.queue.dispatch();
  EXPECT_EQ(task.state(), errand::TaskState::completed);
  EXPECT_EQ(later.state(), errand::TaskState::completed);
}

TEST(Workers, ResumeWakesThem) {
  errand::Queue queue({.workers = 1});
  queue.pause();
  auto task = queue.submit([] { return 6; });
  EXPECT_EQ(queue.stats().attempts, 0u);
  queue.resume();
  EXPECT_EQ(task.get(), 6);
}

TEST(Workers, WaitIdleTellsWhetherAnythingIsLeft) {
  errand::Queue queue({.workers = 1});
  Gate out;
  queue.submit([&] { EXPECT_TRUE(out.wait()); });
  EXPECT_FALSE(queue.wait_idle(1ms));
  out.open();
  EXPECT_TRUE(queue.wait_idle(kSoon));
  queue.submit_in(1h, [] {});
  EXPECT_TRUE(queue.wait_idle(kSoon));                                       // nothing is available or running
  EXPECT_FALSE(queue.submit([&] { return queue.wait_idle(kSoon); }).get());  // it would wait for itself
}

// Two tasks that come together, while both workers sleep: one wake is not enough, in whatever they wait.
TEST(Workers, AreWokenForEachTaskThatWaits) {
  using errand::Order;
  for (const auto& [order, capacity] :
       {std::pair{Order::fair, 0}, {Order::fair, 8}, {Order::strict, 0}, {Order::depth_first, 0}}) {
    errand::Queue queue({.workers = 3, .capacity = static_cast<std::size_t>(capacity), .order = order});
    for (int round = 0; round < 200; ++round) {
      Counter together;
      const auto meet = [&] {
        together.add();
        EXPECT_TRUE(together.reaches(3));
      };
      if (order == Order::depth_first) {
        queue.submit([&] {
          queue.submit(meet);
          queue.submit(meet);
          meet();
        });
      } else {
        for (int i = 0; i < 3; ++i) queue.submit(meet);
      }
      ASSERT_TRUE(queue.wait_idle(kSoon)) << "order " << static_cast<int>(order) << ", round " << round;
      ASSERT_EQ(together.count(), 3);
    }
  }
}

namespace {

thread_local int worker_number = -1;

// The machine's clock, but worker 1 can be held between its wake and whatever it does then.
struct HoldingClock final : errand::Clock {
  [[nodiscard]] errand::WallTime now() const noexcept override { return real->now(); }
  [[nodiscard]] errand::SteadyTime mono() const noexcept override { return real->mono(); }
  void wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected, const errand::WaitUntil& until) override {
    if (worker_number >= 0) sleeps[worker_number].add();
    real->wait(word, expected, until);
    if (worker_number != 1 || !holds.load()) return;
    held.open();
    EXPECT_TRUE(out.wait());
  }
  void wake(const std::atomic<std::uint32_t>& word, int count) override { real->wake(word, count); }

  std::shared_ptr<errand::Clock> real = errand::real_clock();
  Counter sleeps[2];
  std::atomic<bool> holds{false};
  Gate held;
  Gate out;
};

}  // namespace

// FLOOR 31: a submit that leaves the waking to a wake on its way is not lost if that one reaches a worker that leaves.
TEST(Workers, ThatLeavePassOnTheWakeThatReachedThem) {
  auto clock = std::make_shared<HoldingClock>();
  errand::Queue queue({.workers = 2, .on_worker_start = [](int number) { worker_number = number; }, .clock = clock});
  EXPECT_TRUE(clock->sleeps[0].reaches(1));
  EXPECT_TRUE(clock->sleeps[1].reaches(1));
  clock->holds.store(true);
  const int before = clock->sleeps[0].count();
  queue.set_workers(1);  // wakes both
  EXPECT_TRUE(clock->held.wait());
  EXPECT_TRUE(clock->sleeps[0].reaches(before + 1));
  auto task = queue.submit([] {});
  clock->out.open();
  EXPECT_TRUE(task.wait_for(kSoon));
}

// A caller of run() is such a worker too; it leaves when its token fires.
TEST(Workers, ThatAreCallersOfRunPassOnTheWakeToo) {
  auto clock = std::make_shared<HoldingClock>();
  errand::Queue queue({.workers = 1, .on_worker_start = [](int number) { worker_number = number; }, .clock = clock});
  std::stop_source stop;
  std::thread caller([&] {
    worker_number = 1;  // the one that the clock holds
    queue.run(stop.get_token());
  });
  EXPECT_TRUE(clock->sleeps[0].reaches(1));
  EXPECT_TRUE(clock->sleeps[1].reaches(1));
  clock->holds.store(true);
  const int before = clock->sleeps[0].count();
  stop.request_stop();  // wakes both
  EXPECT_TRUE(clock->held.wait());
  EXPECT_TRUE(clock->sleeps[0].reaches(before + 1));
  Gate ran;
  queue.submit([&] { ran.open(); });  // not waited for through its handle: this thread must not wake anybody
  clock->out.open();
  EXPECT_TRUE(ran.wait());
  caller.join();
}

// FLOOR 15: nothing begins again after the end, whether it had begun or not.
TEST(Workers, NeverStartAfterTheEnd) {
  errand::set_logger([](const errand::LogLine&) {});
  errand::Queue queue({.workers = 1, .start = false});
  auto task = queue.submit([] {});
  queue.shutdown({.drain = errand::Drain::none});
  EXPECT_FALSE(queue.start());
  queue.set_workers(4);
  EXPECT_EQ(task.state(), errand::TaskState::cancelled);
  EXPECT_EQ(queue.submit([] {}).error().code(), errand::Code::shutting_down);
  EXPECT_EQ(queue.stats().attempts, 0u);
  errand::set_logger({});
}

// FLOOR 22: no time passes between two tasks; this clock stands still.
TEST(Workers, NeedNoTimeBetweenTwoTasks) {
  auto clock = std::make_shared<errand::ManualClock>();
  errand::Queue queue({.workers = 1, .clock = clock});
  Counter ran;
  for (int i = 0; i < 100; ++i) queue.submit([&] { ran.add(); });
  EXPECT_TRUE(ran.reaches(100));
}
