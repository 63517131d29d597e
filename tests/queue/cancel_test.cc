// Ending a task: by its id, by the submitter's own token, from inside.

#include <algorithm>
#include <atomic>
#include <optional>

#include "support.h"

using errand::Code;
using errand::StopReason;
using errand::TaskState;

TEST(Cancel, ATaskWithoutWishesKeepsItsTimes) {
  Manual m;
  auto task = m.queue.submit([] {});
  const errand::WallTime began = m.clock->now();
  m.clock->advance(3s);
  EXPECT_TRUE(task.cancel());
  m.clock->advance(1s);
  const errand::TaskInfo info = task.info().value();
  EXPECT_EQ(info.created_at, began);
  EXPECT_FALSE(info.started_at);
  EXPECT_EQ(info.finished_at, began + 3s);
  EXPECT_EQ(info.attempts, 0);
}

TEST(Cancel, EndsAnAvailableTaskAtOnce) {
  Manual m;
  bool ran = false;
  auto task = m.queue.submit([&] { ran = true; });
  EXPECT_TRUE(m.queue.cancel(task.id()));
  EXPECT_EQ(task.state(), TaskState::cancelled);
  m.queue.dispatch();
  EXPECT_FALSE(ran);
  EXPECT_EQ(m.queue.stats().cancelled, 1u);
  EXPECT_EQ(task.result().error().code(), Code::cancelled);
}

// FLOOR 24: the task's own timer finds nothing left to start.
TEST(Cancel, EndsAScheduledTaskAndItsTimer) {
  Manual m;
  bool ran = false;
  auto task = m.queue.submit_in(1h, [&] { ran = true; });
  EXPECT_TRUE(task.cancel());
  EXPECT_EQ(task.state(), TaskState::cancelled);
  EXPECT_EQ(m.queue.dispatch(), errand::SteadyTime::max());  // no moment is left
  m.advance(2h);
  EXPECT_FALSE(ran);
  EXPECT_EQ(m.queue.stats().scheduled, 0u);
}

TEST(Cancel, RacesATimerAndOneOfThemWins) {
  auto clock = std::make_shared<errand::ManualClock>();
  errand::Queue queue({.workers = 1, .clock = clock});
  std::atomic<int> ran{0};
  int cancelled = 0;
  for (int i = 0; i < 300; ++i) {
    auto task = queue.submit_in(1ms, [&] { ran.fetch_add(1); });
    clock->advance(2ms);
    if (task.cancel()) ++cancelled;
    EXPECT_TRUE(task.wait_for(kSoon));
  }
  const errand::Stats stats = queue.stats();
  EXPECT_EQ(stats.completed + stats.cancelled, 300u);
  EXPECT_LE(static_cast<int>(stats.cancelled), cancelled);
  EXPECT_GE(ran.load() + cancelled, 300);
}

TEST(Cancel, EndsARetryableTask) {
  Manual m;
  int runs = 0;
  auto task = m.queue.submit([&] { ++runs, throw std::runtime_error("first"); },
                             {.max_attempts = 3, .retry = errand::Retry::fixed(1s)});
  m.queue.dispatch();
  EXPECT_TRUE(task.cancel());
  m.advance(10s);
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(task.state(), TaskState::cancelled);
  EXPECT_TRUE(contains(task.info()->last_error, "first"));  // its own error stands
}

TEST(Cancel, AsksARunningTaskToStop) {
  errand::Queue queue({.workers = 1});
  Gate inside;
  Gate out;
  auto task = queue.submit([&](errand::Attempt& a) {
    inside.open();
    EXPECT_FALSE(a.sleep_for(1h));
    EXPECT_TRUE(out.wait());
    EXPECT_TRUE(a.stop_requested());
    EXPECT_EQ(a.stop_reason(), StopReason::cancelled);
    EXPECT_TRUE(a.stop_token().stop_requested());
  });
  EXPECT_TRUE(inside.wait());
  EXPECT_TRUE(queue.cancel(task.id()));
  EXPECT_TRUE(queue.cancel(task.id()));  // again changes nothing
  out.open();
  EXPECT_TRUE(task.wait_for(kSoon));
  EXPECT_EQ(task.state(), TaskState::cancelled);
}

// As a std::stop_token promises. Only a race detector can tell.
TEST(Cancel, LetsTheBodySeeWhatWasDoneBefore) {
  errand::Queue queue({.workers = 1});
  Gate inside;
  int why = 0;
  auto task = queue.submit([&](errand::Attempt& a) {
    inside.open();
    while (!a.stop_requested()) std::this_thread::yield();
    return why;
  });
  EXPECT_TRUE(inside.wait());
  why = 7;
  EXPECT_TRUE(task.cancel());
  EXPECT_TRUE(task.wait_for(kSoon));
}

TEST(Cancel, DoesNotUndoWhatABodySaysItHasDone) {
  Manual m;
  errand::TaskId id;
  auto task = m.queue.submit([&]() -> errand::OutcomeOf<int> {
    EXPECT_TRUE(m.queue.cancel(id));
    return 3;
  });
  id = task.id();
  m.queue.dispatch();
  EXPECT_EQ(task.state(), TaskState::completed);
  EXPECT_EQ(task.get(), 3);
}

TEST(Cancel, StopsATaskThatAlwaysComesBack) {
  Manual m;
  errand::TaskId id;
  auto task = m.queue.submit([&]() -> errand::Outcome {
    EXPECT_TRUE(m.queue.cancel(id));
    return errand::snooze(1s);
  });
  id = task.id();
  m.queue.dispatch();
  EXPECT_EQ(task.state(), TaskState::cancelled);
}

TEST(Cancel, SaysWhenItIsTooLate) {
  Manual m;
  auto completed = m.queue.submit([] {});
  auto failed = m.queue.submit([] { throw 1; });
  auto cancelled = m.queue.submit([] {});
  EXPECT_TRUE(cancelled.cancel());
  m.queue.dispatch();
  EXPECT_EQ(completed.cancel().error().code(), Code::failed);
  EXPECT_EQ(failed.cancel().error().code(), Code::failed);
  EXPECT_EQ(cancelled.cancel().error().code(), Code::cancelled);
  EXPECT_TRUE(contains(completed.cancel().error().message(), "completed"));
  EXPECT_EQ(m.queue.cancel(errand::TaskId{}).error().code(), Code::not_found);
  EXPECT_EQ(m.queue.cancel(errand::TaskId{~std::uint64_t{0}}).error().code(), Code::not_found);
}

// FLOOR 7: the submitter's own token reaches the task, whatever it does.
TEST(Cancel, TheSubmittersTokenEndsAWaitingTask) {
  Manual m;
  std::stop_source stop;
  auto waiting = m.queue.submit([] {}, {.stop = stop.get_token()});
  auto scheduled = m.queue.submit([] {}, {.delay = 1h, .stop = stop.get_token()});
  stop.request_stop();
  EXPECT_EQ(waiting.state(), TaskState::cancelled);
  EXPECT_EQ(scheduled.state(), TaskState::cancelled);
}

TEST(Cancel, TheSubmittersTokenEndsARetryableTask) {
  Manual m;
  std::stop_source stop;
  int runs = 0;
  auto task = m.queue.submit([&] { ++runs, throw std::runtime_error("first"); },
                             {.max_attempts = 3, .retry = errand::Retry::fixed(1s), .stop = stop.get_token()});
  m.queue.dispatch();
  EXPECT_EQ(task.state(), TaskState::retryable);
  stop.request_stop();
  EXPECT_EQ(task.state(), TaskState::cancelled);
  m.advance(10s);
  EXPECT_EQ(runs, 1);
}

TEST(Cancel, TheSubmittersTokenStopsARunningTask) {
  errand::Queue queue({.workers = 1});
  std::stop_source stop;
  Gate inside;
  auto task = queue.submit(
      [&](errand::Attempt& a) {
        inside.open();
        EXPECT_FALSE(a.sleep_for(1h));
        EXPECT_EQ(a.stop_reason(), StopReason::caller);
      },
      {.stop = stop.get_token()});
  EXPECT_TRUE(inside.wait());
  stop.request_stop();
  EXPECT_TRUE(task.wait_for(kSoon));
  EXPECT_EQ(task.state(), TaskState::cancelled);
}

TEST(Cancel, ATokenThatHasFiredAlreadyKeepsTheTaskFromStarting) {
  Manual m;
  std::stop_source stop;
  stop.request_stop();
  bool ran = false;
  int told = 0;
  auto task = m.queue.submit([&] { ran = true; },
                             {.stop = stop.get_token(), .on_finish = [&](const errand::TaskInfo&) { ++told; }});
  auto later = m.queue.submit([&] { ran = true; }, {.delay = 1s, .stop = stop.get_token()});
  EXPECT_TRUE(task);
  m.advance(2s);
  EXPECT_FALSE(ran);
  EXPECT_EQ(told, 1);
  EXPECT_EQ(task.state(), TaskState::cancelled);
  EXPECT_EQ(later.state(), TaskState::cancelled);
}

TEST(Cancel, ATokenMayFireAfterItsTaskAndItsQueueAreGone) {
  std::stop_source stop;
  {
    Manual m;
    auto task = m.queue.submit([] {}, {.stop = stop.get_token()});
    m.queue.dispatch();
    EXPECT_EQ(task.state(), TaskState::completed);
  }
  EXPECT_TRUE(stop.request_stop());
}

TEST(Cancel, TheFirstReasonStands) {
  Manual m;
  std::stop_source stop;
  errand::TaskId id;
  auto task = m.queue.submit(
      [&](errand::Attempt& a) {
        stop.request_stop();
        EXPECT_TRUE(m.queue.cancel(id));
        EXPECT_EQ(a.stop_reason(), StopReason::caller);
      },
      {.stop = stop.get_token()});
  id = task.id();
  m.queue.dispatch();
  EXPECT_EQ(task.state(), TaskState::cancelled);
}

// FLOOR 24: a cancel that succeeds is not undone by the timeout that fired before it.
TEST(Cancel, AfterTheTimeoutEndsTheTaskAllTheSame) {
  Manual m;
  std::stop_source stop;
  errand::TaskId id;
  int runs = 0;
  const auto time_out = [&](errand::Attempt& a, auto cancel) {
    ++runs;
    m.advance(6s);
    EXPECT_EQ(a.stop_reason(), StopReason::timed_out);
    cancel();
    EXPECT_EQ(a.stop_reason(), StopReason::timed_out);  // who was first
    EXPECT_TRUE(a.stop_token().stop_requested());
  };
  const auto by_id = [&] { EXPECT_TRUE(m.queue.cancel(id)); };
  auto cancelled = m.queue.submit([&](errand::Attempt& a) { time_out(a, by_id); },
                                  {.max_attempts = 3, .retry = errand::Retry::fixed(1s), .timeout = 5s});
  id = cancelled.id();
  m.queue.dispatch();
  auto by_caller =
      m.queue.submit([&](errand::Attempt& a) { time_out(a, [&] { stop.request_stop(); }); },
                     {.max_attempts = 3, .retry = errand::Retry::fixed(1s), .timeout = 5s, .stop = stop.get_token()});
  m.queue.dispatch();
  m.advance(1h);
  EXPECT_EQ(cancelled.state(), TaskState::cancelled);
  EXPECT_EQ(by_caller.state(), TaskState::cancelled);
  EXPECT_EQ(runs, 2);
}

TEST(Cancel, AfterTheTimeoutLeavesTheGraceRunning) {
  errand::set_logger([](const errand::LogLine&) {});
  Manual m({.stuck_after = 10s});
  errand::TaskId id;
  auto task = m.queue.submit(
      [&](errand::Attempt&) -> errand::Outcome {
        m.advance(6s);
        EXPECT_TRUE(m.queue.cancel(id));
        m.advance(11s);
        EXPECT_TRUE(m.queue.info(id)->stuck);
        return errand::snooze(1s);
      },
      {.timeout = 5s});
  id = task.id();
  m.queue.dispatch();
  EXPECT_EQ(task.state(), TaskState::cancelled);
  EXPECT_EQ(m.queue.stats().stuck, 1u);
  errand::set_logger({});
}

// Whoever wants the attempt to end: the body looks at one token, and can ask who it was.
TEST(Cancel, ABodySeesOneTokenForAllReasons) {
  const auto stopped_by = [](auto stop_it) {
    Manual m;
    std::stop_source own;
    errand::TaskId id;
    std::optional<StopReason> why;
    auto task = m.queue.submit(
        [&](errand::Attempt& a) {
          const std::stop_token token = a.stop_token();
          EXPECT_FALSE(token.stop_requested());
          EXPECT_EQ(a.stop_reason(), StopReason::none);
          stop_it(m, id, own);
          if (token.stop_requested() && a.stop_requested()) why = a.stop_reason();
        },
        {.timeout = 1min, .stop = own.get_token()});
    id = task.id();
    m.queue.dispatch();
    return why;
  };
  using Own = std::stop_source;
  EXPECT_EQ(stopped_by([](Manual& m, errand::TaskId id, Own&) { EXPECT_TRUE(m.queue.cancel(id)); }),
            StopReason::cancelled);
  EXPECT_EQ(stopped_by([](Manual&, errand::TaskId, Own& own) { own.request_stop(); }), StopReason::caller);
  EXPECT_EQ(stopped_by([](Manual& m, errand::TaskId, Own&) { m.advance(2min); }), StopReason::timed_out);
  EXPECT_EQ(stopped_by([](Manual& m, errand::TaskId, Own&) {
              std::thread([&] { m.queue.shutdown({.drain = errand::Drain::none, .timeout = 0s}); }).join();
            }),
            StopReason::shutting_down);
}

TEST(Cancel, EndsATaskInWhateverLineItWaits) {
  using errand::Order;
  for (const errand::QueueOptions& options :
       {errand::QueueOptions{}, errand::QueueOptions{.capacity = 10}, errand::QueueOptions{.order = Order::strict},
        errand::QueueOptions{.order = Order::depth_first}, errand::QueueOptions{.age_step = 1s}}) {
    errand::QueueOptions by_hand;
    by_hand.capacity = options.capacity;
    by_hand.order = options.order;
    by_hand.age_step = options.age_step;
    Manual m(std::move(by_hand));
    std::string said;
    std::vector<errand::Task<>> inner;
    m.queue.submit([&] {
      for (const char c : {'a', 'b', 'c'}) inner.push_back(m.queue.submit([&said, c] { said += c; }));
      EXPECT_TRUE(inner[1].cancel());
    });
    auto named = m.queue.submit([&] { said += 'd'; }, {.priority = 7, .name = "d"});
    EXPECT_TRUE(m.queue.set_priority(named.id(), 3));  // its first entry stays behind
    EXPECT_TRUE(named.cancel());
    errand::drain(m.queue);
    std::sort(said.begin(), said.end());
    EXPECT_EQ(said, "ac");
    EXPECT_EQ(m.queue.stats().cancelled, 2u);
    EXPECT_EQ(m.queue.stats().available, 0u);
  }
}

// FLOOR 24: a moment that has come finds another task in the cancelled one's place, and leaves it alone.
TEST(Cancel, LeavesNoMomentForTheNextTaskInItsPlace) {
  Manual m({.retention = {.count = 0}});
  std::vector<errand::Duration> at;
  const auto start = m.clock->mono();
  for (int i = 0; i < 500; ++i) {
    auto task = m.queue.submit_in(1s, [] { ADD_FAILURE() << "it was cancelled"; });
    EXPECT_TRUE(task.cancel());
  }
  for (int i = 0; i < 500; ++i) m.queue.submit_in(1h, [&] { at.push_back(m.clock->mono() - start); });
  m.advance(2s);
  EXPECT_TRUE(at.empty());
  m.advance(1h);
  EXPECT_EQ(at.size(), 500u);
}

TEST(Cancel, AnAttemptsTokenMayOutliveIt) {
  Manual m;
  std::stop_token kept;
  auto task = m.queue.submit([&](errand::Attempt& a) { kept = a.stop_token(); });
  m.queue.dispatch();
  EXPECT_FALSE(kept.stop_requested());
  EXPECT_FALSE(task.cancel());
  EXPECT_FALSE(kept.stop_requested());
}

TEST(Cancel, DestroysTheClosureOutsideLocks) {
  Manual m;
  struct Calls {
    explicit Calls(errand::Queue* queue) : queue(queue) {}
    Calls(Calls&& other) noexcept : queue(std::exchange(other.queue, nullptr)) {}
    ~Calls() {
      if (queue == nullptr) return;
      queue->submit([] {});
      static_cast<void>(queue->list());
    }
    void operator()() {}
    errand::Queue* queue;
  };
  auto task = m.queue.submit(Calls(&m.queue));
  EXPECT_TRUE(task.cancel());
  EXPECT_EQ(m.queue.stats().submitted, 2u);
}
