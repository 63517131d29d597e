// A queue's figures, and where they go.

#include <mutex>

#include "support.h"

using errand::TaskState;

namespace {

void expect_sums_up(const errand::Stats& s) {
  EXPECT_EQ(s.submitted, s.scheduled + s.available + s.running + s.retryable + s.completed + s.cancelled + s.discarded);
}

}  // namespace

TEST(Figures, EveryTaskIsCountedInOneState) {
  Manual m({.capacity = 8});
  m.queue.submit([] {});
  m.queue.submit([] {}, {.name = "x"});
  m.queue.submit([] { throw 1; });
  m.queue.submit([] { throw 1; }, {.max_attempts = 2, .retry = errand::Retry::fixed(1h)});
  m.queue.submit([]() -> errand::Outcome { return errand::snooze(1h); });
  m.queue.submit_in(1h, [] {});
  m.queue.submit([&] {
    EXPECT_EQ(m.queue.stats().running, 1u);
    EXPECT_EQ(m.queue.stats().busy_workers, 1);
    expect_sums_up(m.queue.stats());
  });
  EXPECT_TRUE(m.queue.submit([] {}).cancel());
  EXPECT_EQ(m.queue.stats().available, 6u);
  EXPECT_EQ(m.queue.stats().scheduled, 1u);
  expect_sums_up(m.queue.stats());
  m.queue.dispatch();
  const errand::Stats s = m.queue.stats();
  expect_sums_up(s);
  EXPECT_EQ(s.submitted, 8u);
  EXPECT_EQ(s.completed, 3u);
  EXPECT_EQ(s.cancelled, 1u);
  EXPECT_EQ(s.discarded, 1u);
  EXPECT_EQ(s.retryable, 1u);
  EXPECT_EQ(s.scheduled, 2u);
  EXPECT_EQ(s.attempts, 6u);
  EXPECT_EQ(s.failed, 2u);
  EXPECT_EQ(s.retried, 1u);
  EXPECT_EQ(s.snoozed, 1u);
  EXPECT_EQ(s.running, 0u);
}

TEST(Figures, HistogramsTellHowLongThingsTook) {
  Manual m;
  m.queue.submit([&] { m.clock->advance(2s); });
  m.queue.submit([&] { m.clock->advance(4s); }, {.name = "x"});
  m.advance(10s);
  const errand::Stats s = m.queue.stats();
  EXPECT_EQ(s.attempt_duration.count(), 2u);
  EXPECT_EQ(s.attempt_duration.sum(), 6s);
  EXPECT_EQ(s.start_delay.count(), 2u);
  EXPECT_EQ(s.start_delay.sum(), 22s);  // 10, and 12 behind the other one
}

TEST(Figures, AStartDelayBeginsWhenTheTaskBecomesAvailable) {
  Manual m;
  m.queue.submit(
      [](errand::Attempt& a) -> errand::Outcome {
        if (a.number() == 1) return errand::retry("x");
        return errand::done();
      },
      {.delay = 1h, .max_attempts = 2, .retry = errand::Retry::fixed(1h)});
  errand::drain(m.queue, *m.clock);
  EXPECT_LE(m.queue.stats().start_delay.sum(), 1us);
}

TEST(Figures, AttemptsPerTaskAreCounted) {
  Manual m;
  m.queue.submit([] {});
  m.queue.submit([] {}, {.name = "x"});
  m.queue.submit([] { throw 1; }, {.max_attempts = 3, .retry = errand::Retry::fixed(1s)});
  errand::drain(m.queue, *m.clock);
  const auto attempts = m.queue.stats().attempts_per_task;
  EXPECT_EQ(attempts.count(), 3u);
  EXPECT_EQ(attempts.sum(), 5ns);
}

TEST(Figures, AttemptsPerTaskTellHowManyTookHowMany) {
  Manual m;
  for (int i = 0; i < 90; ++i) m.queue.submit([] {});
  for (int i = 0; i < 10; ++i) {
    m.queue.submit([] { throw 1; }, {.max_attempts = 7, .retry = errand::Retry::fixed(1s)});
  }
  EXPECT_TRUE(m.queue.submit([] {}).cancel());  // it took none, and is in no column
  errand::drain(m.queue, *m.clock);
  const auto attempts = m.queue.stats().attempts_per_task;
  EXPECT_EQ(attempts.count(), 100u);
  EXPECT_EQ(attempts.sum(), 160ns);
  EXPECT_EQ(attempts.quantile(0.5), 1ns);
  EXPECT_EQ(attempts.quantile(0.99), 7ns);
}

TEST(Figures, AreOfAllWorkersTogether) {
  errand::Queue queue({.workers = 3});
  Counter inside;
  Gate out;
  for (int i = 0; i < 3; ++i) {
    queue.submit([&] {
      inside.add();
      EXPECT_TRUE(out.wait());
    });
  }
  ASSERT_TRUE(inside.reaches(3));
  EXPECT_EQ(queue.stats().running, 3u);
  EXPECT_EQ(queue.stats().busy_workers, 3);
  EXPECT_EQ(queue.stats().workers, 3);
  out.open();
  for (int i = 0; i < 300; ++i) queue.submit([] {});
  ASSERT_TRUE(queue.wait_idle(kSoon));
  const errand::Stats s = queue.stats();
  expect_sums_up(s);
  EXPECT_EQ(s.completed, 303u);
  EXPECT_EQ(s.attempts, 303u);
  EXPECT_EQ(s.attempt_duration.count(), 303u);
  EXPECT_EQ(s.start_delay.count(), 303u);
  EXPECT_EQ(s.attempts_per_task.count(), 303u);
  EXPECT_EQ(s.running, 0u);
  EXPECT_EQ(s.busy_workers, 0);
  EXPECT_GT(s.utilisation, 0);
  EXPECT_LE(s.utilisation, 1);
}

TEST(Figures, UtilisationIsTheShareOfTimeInBodies) {
  Manual m({.workers = 2});
  m.queue.submit([&] { m.clock->advance(10s); });
  m.queue.dispatch();
  m.clock->advance(10s);
  EXPECT_NEAR(m.queue.stats().utilisation, 0.25, 0.001);
}

namespace {

struct Sink final : errand::MetricsSink {
  struct Call {
    errand::TaskInfo task;
    TaskState state;
    errand::Duration waited;
    errand::Duration took;
  };
  void attempt_ended(const errand::TaskInfo& task, TaskState state, errand::Duration waited,
                     errand::Duration took) override {
    const std::lock_guard lock(mu);
    calls.push_back({task, state, waited, took});
    if (throws) throw std::runtime_error("sink is full");
  }
  std::mutex mu;
  std::vector<Call> calls;
  bool throws = false;
};

}  // namespace

// FLOOR 33: a sink of one's own is told of each attempt.
TEST(Figures, ASinkIsToldOfEachAttempt) {
  auto sink = std::make_shared<Sink>();
  Manual m({.metrics = sink});
  m.queue.submit([&] { m.clock->advance(3s); });
  m.queue.submit([] { throw 1; }, {.max_attempts = 2, .retry = errand::Retry::fixed(1s), .name = "fails"});
  m.advance(2s);
  m.advance(2s);
  ASSERT_EQ(sink->calls.size(), 3u);
  EXPECT_EQ(sink->calls[0].state, TaskState::completed);
  EXPECT_EQ(sink->calls[0].took, 3s);
  EXPECT_EQ(sink->calls[0].waited, 2s);
  EXPECT_EQ(sink->calls[1].state, TaskState::retryable);
  EXPECT_EQ(sink->calls[1].task.name, "fails");
  EXPECT_EQ(sink->calls[1].task.attempts, 1);
  EXPECT_EQ(sink->calls[1].waited, 5s);
  EXPECT_EQ(sink->calls[2].state, TaskState::discarded);
  EXPECT_EQ(sink->calls[2].task.attempts, 2);
}

TEST(Figures, ASinkThatThrowsIsLogged) {
  std::string logged;
  errand::set_logger([&](const errand::LogLine& line) { logged += line.text; });
  {
    auto sink = std::make_shared<Sink>();
    sink->throws = true;
    Manual m({.metrics = sink});
    auto task = m.queue.submit([] { return 1; });
    m.queue.dispatch();
    EXPECT_EQ(task.get(), 1);
  }
  errand::set_logger({});
  EXPECT_TRUE(contains(logged, "sink is full"));
}
