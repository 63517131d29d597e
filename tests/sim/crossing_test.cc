// Two steps that cross: one is held in the middle, at a look at the clock or in a destructor, while the other happens.

#include <errand/errand.h>
#include <errand/testing.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <semaphore>
#include <thread>

#include "engine/engine.h"
#include "queue_probe.h"

namespace errand {
inline namespace v0 {

namespace {

using namespace std::chrono_literals;

constexpr auto kSoon = 20s;

// A clock by which a thread can be held: its next-but-`skip` look at the monotonic time calls `then`.
struct Hook {
  int skip = 0;
  std::function<void()> then;
};
thread_local Hook* hook = nullptr;
thread_local bool is_worker = false;
thread_local Hook* wake_hook = nullptr;  // the same, when it wakes somebody

void call(Hook*& which) {
  if (which == nullptr || which->skip-- != 0) return;
  std::exchange(which, nullptr)->then();
}

class HoldingClock final : public Clock {
 public:
  explicit HoldingClock(std::shared_ptr<Clock> inner) : inner_(std::move(inner)) {}
  [[nodiscard]] WallTime now() const noexcept override { return inner_->now(); }
  [[nodiscard]] SteadyTime mono() const noexcept override {
    call(hook);
    return inner_->mono();
  }
  void wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected, const WaitUntil& until) override {
    waits.fetch_add(1);
    inner_->wait(word, expected, until);
    if (is_worker) held.wait(true);
  }
  void wake(const std::atomic<std::uint32_t>& word, int count) override {
    call(wake_hook);
    inner_->wake(word, count);
  }

  std::atomic<int> waits{0};      // begun so far
  std::atomic<bool> held{false};  // workers that were woken go no further

 private:
  std::shared_ptr<Clock> inner_;
};

// Passed once for each time it was opened.
class Door {
 public:
  void open() { open_.release(); }
  bool pass() { return open_.try_acquire_for(kSoon); }

 private:
  std::counting_semaphore<> open_{0};
};

// Calls a function when it is destroyed as part of a closure, and not when it is moved from.
class AtItsEnd {
 public:
  explicit AtItsEnd(std::function<void()> then) : then_(std::move(then)) {}
  AtItsEnd(AtItsEnd&& other) noexcept : then_(std::exchange(other.then_, nullptr)) {}
  ~AtItsEnd() {
    if (then_) then_();
  }

 private:
  std::function<void()> then_;
};

template <class Condition>
bool soon(Condition condition) {
  const auto until = errand::real_clock()->mono() + kSoon;
  while (!condition()) {
    if (errand::real_clock()->mono() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace

// The timeout has been taken out of the wheel when the attempt comes back, and its grace is armed while the closure is
// destroyed. A moment that stayed behind would meet whatever task has the record next.
TEST(Crossing, AnAttemptThatIsOverHasNoMoment) {
  for (const bool cancelled : {false, true}) {
    auto time = std::make_shared<ManualClock>();
    auto clock = std::make_shared<HoldingClock>(time);
    Queue queue({.drive = Drive::manual, .clock = clock});
    Door timed_out, concluding, armed;
    std::optional<TaskId> id;
    std::atomic<bool> timely{true};
    auto task = queue.submit([&, end = AtItsEnd([&] {
                                   concluding.open();
                                   timely = armed.pass() && timely;
                                   if (cancelled) static_cast<void>(queue.cancel(*id));
                                 })] { timely = timed_out.pass() && timely; },
                             {.timeout = 1ms});
    id = task.id();
    std::thread worker([&] { static_cast<void>(queue.run_one(task.id())); });
    ASSERT_TRUE(soon([&] { return queue.stats().running == 1; }));
    time->advance(1ms);
    Hook at_grace{.skip = 1, .then = [&] {  // the first look is for what is due
                    timed_out.open();
                    timely = concluding.pass() && timely;
                  }};
    hook = &at_grace;
    QueueProbe::engine(queue).step_timers();
    hook = nullptr;
    armed.open();
    worker.join();
    EXPECT_TRUE(timely);
    EXPECT_TRUE(is_final(task.state()));
    EXPECT_EQ(queue.dispatch(), SteadyTime::max()) << "something is still to come";
  }
}

// A cancel comes between the timeout and its grace: a handler that heeds neither is stuck all the same.
TEST(Crossing, ACancelBehindATimeoutLeavesTheGrace) {
  auto time = std::make_shared<ManualClock>();
  auto clock = std::make_shared<HoldingClock>(time);
  Queue queue({.drive = Drive::manual, .stuck_after = 5ms, .clock = clock});
  Door out;
  auto task = queue.submit([&] { EXPECT_TRUE(out.pass()); }, {.timeout = 1ms});
  std::thread worker([&] { static_cast<void>(queue.run_one(task.id())); });
  ASSERT_TRUE(soon([&] { return queue.stats().running == 1; }));
  time->advance(1ms);
  Hook at_grace{.skip = 1, .then = [&] { EXPECT_TRUE(queue.cancel(task.id())); }};
  hook = &at_grace;
  QueueProbe::engine(queue).step_timers();
  hook = nullptr;
  time->advance(5ms);
  QueueProbe::engine(queue).step_timers();
  EXPECT_EQ(queue.stats().stuck, 1u);
  out.open();
  worker.join();
  EXPECT_EQ(task.state(), TaskState::cancelled);
}

// A heartbeat sets the grace anew while the timer step is about to set it for the first time.
TEST(Crossing, AHeartbeatAndATimeoutSetOneGrace) {
  auto time = std::make_shared<ManualClock>();
  auto clock = std::make_shared<HoldingClock>(time);
  Queue queue({.drive = Drive::manual, .stuck_after = 5ms, .clock = clock});
  Door timed_out, beaten;
  std::atomic<bool> timely{true};
  auto task = queue.submit(
      [&](Attempt& attempt) {
        timely = timed_out.pass() && timely;
        attempt.heartbeat();
        beaten.open();
        timely = soon([&] { return queue.stats().stuck == 1; }) && timely;
      },
      {.timeout = 1ms});
  std::thread worker([&] { static_cast<void>(queue.run_one(task.id())); });
  ASSERT_TRUE(soon([&] { return queue.stats().running == 1; }));
  time->advance(1ms);
  Hook at_grace{.skip = 1, .then = [&] {
                  timed_out.open();
                  timely = beaten.pass() && timely;
                  time->advance(1ms);
                }};
  hook = &at_grace;
  QueueProbe::engine(queue).step_timers();
  hook = nullptr;
  // As long as nobody collects it, a moment that stands in the wheel twice goes unnoticed.
  time->advance(10ms);
  QueueProbe::engine(queue).step_timers();
  QueueProbe::engine(queue).step_timers();
  worker.join();
  EXPECT_TRUE(timely);
  EXPECT_EQ(queue.stats().stuck, 1u);
  EXPECT_EQ(queue.dispatch(), SteadyTime::max());
}

// The grace was taken out of the wheel before the attempt came back, and is acted on while its closure is destroyed.
TEST(Crossing, NobodyStandsInForAnAttemptThatIsOver) {
  auto time = std::make_shared<ManualClock>();
  Queue queue({.workers = 1, .stuck_after = 1ms, .clock = time});
  detail::Engine& engine = QueueProbe::engine(queue);
  Door collected, concluding, flagged;
  std::atomic<bool> timely{true};
  // Expires at the moment of the grace, and stands before it: what is due at once is acted on one after the other.
  auto before = queue.submit([end = AtItsEnd([&] {
                                collected.open();
                                timely = concluding.pass() && timely;
                              })] {},
                             {.delay = 2ms, .expires_at = time->now() + 2ms});
  auto task = queue.submit([&, end = AtItsEnd([&] {
                                 concluding.open();
                                 timely = flagged.pass() && timely;
                               })] { timely = collected.pass() && timely; },
                           {.timeout = 1ms});
  ASSERT_TRUE(soon([&] { return queue.stats().running == 1; }));
  time->advance(1ms);
  engine.step_timers();
  EXPECT_EQ(queue.stats().timed_out, 1u);
  time->advance(1ms);
  engine.step_timers();
  flagged.open();
  EXPECT_TRUE(soon([&] { return is_final(task.state()); }));
  EXPECT_TRUE(queue.wait_idle(kSoon));
  EXPECT_TRUE(timely);
  EXPECT_EQ(queue.stats().replacement_workers, 0);
  EXPECT_TRUE(queue.stats().healthy);
}

// The timeout was taken out of the wheel before the attempt came back and snoozed. The next one has the same number.
TEST(Crossing, ATimeoutDoesNotMeetTheAttemptAfterASnooze) {
  auto time = std::make_shared<ManualClock>();
  Queue queue({.workers = 1, .clock = time});
  Door collected, second, acted_on;
  std::atomic<bool> timely{true};
  std::atomic<bool> stopped{false};
  // These two expire at the moment of the timeout, one before it and one behind: what is due at once is acted on one
  // after the other.
  auto before = queue.submit([end = AtItsEnd([&] {
                                collected.open();
                                timely = second.pass() && timely;
                              })] {},
                             {.delay = 1ms, .expires_at = time->now() + 1ms});
  int runs = 0;
  auto task = queue.submit(
      [&](Attempt& attempt) -> Outcome {
        if (++runs == 1) {
          timely = collected.pass() && timely;
          return snooze(0s);
        }
        second.open();
        timely = acted_on.pass() && timely;
        stopped = attempt.stop_requested();
        return done();
      },
      {.timeout = 1ms});
  ASSERT_TRUE(soon([&] { return queue.stats().running == 1; }));
  auto behind =
      queue.submit([end = AtItsEnd([&] { acted_on.open(); })] {}, {.delay = 1ms, .expires_at = time->now() + 1ms});
  time->advance(1ms);
  QueueProbe::engine(queue).step_timers();
  EXPECT_TRUE(task.wait_for(2 * kSoon));
  EXPECT_TRUE(timely);
  EXPECT_EQ(runs, 2);
  EXPECT_FALSE(stopped);
  EXPECT_EQ(queue.stats().timed_out, 0u);
  EXPECT_EQ(task.info()->attempts, 1);
}

// A worker that waits for a task while that is on its way from scheduled to available: nobody else will run it.
TEST(Crossing, AWorkerThatWaitsForATaskSeesItBecomeAvailable) {
  auto clock = std::make_shared<HoldingClock>(std::make_shared<ManualClock>());
  Queue queue({.workers = 1, .clock = clock});
  Door moving;
  auto late = queue.submit([] { return 7; }, {.delay = 1h});
  auto waits = queue.submit([&] { return moving.pass() ? late.get() : 0; });
  ASSERT_TRUE(soon([&] { return queue.stats().running == 1; }));
  Hook on_the_way{.then = [&] {
    const int before = clock->waits;
    moving.open();
    EXPECT_TRUE(soon([&] { return clock->waits > before; }));
  }};
  hook = &on_the_way;
  EXPECT_TRUE(queue.retry(late.id()));
  hook = nullptr;
  EXPECT_TRUE(soon([&] { return is_final(waits.state()); })) << "it waits for ever";
  if (!is_final(waits.state())) static_cast<void>(queue.cancel(late.id()));
}

// Neither is refused because somebody is moving the task at the moment.
TEST(Crossing, ATaskOnItsWayToAvailableCanBeRetriedAndGivenAnotherPriority) {
  auto clock = std::make_shared<HoldingClock>(std::make_shared<ManualClock>());
  Queue queue({.drive = Drive::manual, .clock = clock});
  for (const bool retry : {true, false}) {
    auto task = queue.submit([] {}, {.delay = 1h});
    std::thread other;
    std::atomic<bool> tried{false};
    Hook on_the_way{.then = [&] {
      other = std::thread([&] {
        EXPECT_TRUE(retry ? queue.retry(task.id()) : queue.set_priority(task.id(), 2));
        tried = true;
      });
      // It has to wait for us, so it is given time to be wrong, and no more.
      for (int i = 0; i < 1000 && !tried; ++i) std::this_thread::yield();
    }};
    hook = &on_the_way;
    EXPECT_TRUE(queue.retry(task.id()));
    hook = nullptr;
    other.join();
    queue.dispatch();
    EXPECT_EQ(task.state(), TaskState::completed);
  }
}

// A task that somebody has taken out is theirs, though its moment still stands in the wheel.
TEST(Crossing, ATimerStepLeavesATaskToWhoMovesIt) {
  auto time = std::make_shared<ManualClock>();
  Queue queue({.drive = Drive::manual, .clock = time});
  detail::Engine& engine = QueueProbe::engine(queue);
  for (const std::uint64_t taken : {detail::kMoving, detail::kEnding}) {
    int runs = 0;
    auto task = queue.submit([&] { ++runs; }, {.delay = 1ms});
    std::atomic<std::uint64_t>& word = engine.pool.find(task.id().value)->word;
    const std::uint64_t before = word.load();
    word.store(detail::with_state(before, taken));  // retry() and cancel() begin like this
    time->advance(1ms);
    engine.step_timers();
    EXPECT_EQ(detail::raw_state(word.load()), taken);
    word.store(before);
    EXPECT_TRUE(queue.retry(task.id()));
    queue.dispatch();
    EXPECT_EQ(runs, 1);
  }
}

// A whole shutdown passes while a task is on its way from scheduled to available.
TEST(Crossing, AShutdownMissesNoTaskOnItsWayToAvailable) {
  auto clock = std::make_shared<HoldingClock>(std::make_shared<ManualClock>());
  Queue queue({.drive = Drive::manual, .clock = clock});
  bool destroyed = false;
  int finished = 0;
  auto task = queue.submit([end = AtItsEnd([&] { destroyed = true; })] {},
                           {.delay = 1h, .on_finish = [&](const TaskInfo&) { ++finished; }});
  Hook on_the_way{.then = [&] { queue.shutdown({.drain = Drain::none, .timeout = 0s}); }};
  hook = &on_the_way;
  EXPECT_TRUE(queue.retry(task.id()));
  hook = nullptr;
  EXPECT_EQ(task.state(), TaskState::cancelled);
  EXPECT_TRUE(destroyed);
  EXPECT_EQ(finished, 1);
  const Stats stats = queue.stats();
  EXPECT_EQ(stats.submitted, stats.completed + stats.cancelled + stats.discarded);
}

// A whole shutdown passes between the claim of a task and the beginning of its body.
TEST(Crossing, AShutdownReachesATaskThatIsClaimedAndHasNotBegun) {
  auto time = std::make_shared<ManualClock>();
  auto clock = std::make_shared<HoldingClock>(time);
  Door claimed, go;
  Hook at_start{.then = [&] {
    claimed.open();
    EXPECT_TRUE(go.pass());
  }};
  Queue queue({.workers = 1, .start = false, .on_worker_start = [&](int) { hook = &at_start; }, .clock = clock});
  std::atomic<bool> saw_stop{false};
  std::atomic<bool> given_up{false};
  queue.submit([&](Attempt& attempt) {
    while (!attempt.stop_requested() && !given_up) std::this_thread::yield();
    saw_stop = attempt.stop_requested();
  });
  // A worker that finds a task at once first looks at the clock when it has claimed it.
  ASSERT_TRUE(queue.start());
  ASSERT_TRUE(claimed.pass());
  std::atomic<bool> over{false};
  std::thread shuts([&] {
    const Report report = queue.shutdown({.drain = Drain::running, .timeout = 1min});
    EXPECT_EQ(report.left_over, 1u);
    over = true;
  });
  EXPECT_TRUE(soon([&] { return time->waiting() == 1; }));
  time->advance(1min);
  const bool in_time = soon([&] { return over.load(); });
  EXPECT_TRUE(in_time) << "it waits for a body that has not begun";
  go.open();
  if (!in_time) given_up = true;
  shuts.join();
  queue.shutdown({.timeout = kSoon});
  EXPECT_TRUE(saw_stop);
}

// The timeout of one attempt has been noted, and its token has not been fired, when the next attempt is under way.
TEST(Crossing, ATimeoutFiresTheTokenOfItsOwnAttempt) {
  auto time = std::make_shared<ManualClock>();
  auto clock = std::make_shared<HoldingClock>(time);
  Queue queue({.workers = 1, .stuck_after = 1ms, .clock = clock});
  Door timed_out, second, fired;
  std::atomic<bool> timely{true};
  std::atomic<bool> first_saw{false};
  std::atomic<bool> second_saw{false};
  auto task = queue.submit(
      [&](Attempt& attempt) -> Outcome {
        const std::stop_token token = attempt.stop_token();
        if (attempt.number() == 1) {
          timely = timed_out.pass() && timely;
          first_saw = attempt.stop_requested();
          return retry("again");
        }
        second.open();
        timely = fired.pass() && timely;
        second_saw = token.stop_requested() && !attempt.stop_requested();
        return done();
      },
      {.max_attempts = 2, .retry = Retry::immediate(), .timeout = 1ms});
  ASSERT_TRUE(soon([&] { return queue.stats().running == 1; }));
  time->advance(1ms);
  Hook at_wake{.then = [&] {
    timed_out.open();
    timely = second.pass() && timely;
  }};
  wake_hook = &at_wake;  // the timer's thread is woken for the grace, just before the token is fired
  // It would come soon enough without that, until it has looked again, and found nothing to come for.
  Hook at_grace{.skip = 1, .then = [&] {
                  const int waits = clock->waits.load();
                  time->advance(2ms);
                  timely = soon([&] { return clock->waits.load() > waits; }) && timely;
                }};
  hook = &at_grace;
  QueueProbe::engine(queue).step_timers();
  EXPECT_EQ(hook, nullptr);
  hook = nullptr;
  EXPECT_EQ(wake_hook, nullptr) << "nothing was held";
  wake_hook = nullptr;
  fired.open();
  task.wait();
  EXPECT_TRUE(timely);
  EXPECT_TRUE(first_saw);
  EXPECT_FALSE(second_saw);
}

// Two tasks that come together, while both workers sleep, and of which the better one is the last that fits into its
// page: whoever takes it sees nothing behind it, and the other stands elsewhere.
TEST(Crossing, AWorkerIsWokenForATaskThatStandsElsewhere) {
  auto clock = std::make_shared<HoldingClock>(real_clock());
  Queue queue({.workers = 2, .on_worker_start = [](int) { is_worker = true; }, .clock = clock});
  for (std::size_t i = 1; i < detail::kRecordsPerPage; ++i) queue.submit([] {}).wait();
  ASSERT_TRUE(soon([&] { return QueueProbe::engine(queue).parking.parked() == 2; }));
  clock->held = true;
  Door met;
  auto last = queue.submit([&] { EXPECT_TRUE(met.pass()); });
  auto other = queue.submit([&] { met.open(); }, {.priority = 8});
  clock->held = false;
  clock->held.notify_all();
  EXPECT_TRUE(last.wait_for(2 * kSoon));
  EXPECT_TRUE(other.wait_for(kSoon));
}

// As many threads as a program has may run tasks of a queue at once: in dispatch(), run_one(), or a submit that finds
// the queue full.
TEST(Crossing, AnyNumberOfThreadsMayBeGuests) {
  Queue queue({.drive = Drive::manual});
  detail::Engine& engine = QueueProbe::engine(queue);
  std::vector<detail::Worker*> guests;
  for (int i = 0; i < 2500; ++i) guests.push_back(&engine.borrow_guest());
  for (detail::Worker* guest : guests) engine.return_guest(*guest);
}

}  // namespace v0
}  // namespace errand
