// How an attempt can end, and what is kept of it.

#include "support.h"

using errand::Code;
using errand::TaskState;

namespace {

template <class F>
errand::TaskInfo after(F body, errand::TaskOptions options = {}) {
  Manual m;
  auto task = m.queue.submit(std::move(body), std::move(options));
  m.queue.dispatch();
  return *task.info();
}

}  // namespace

TEST(Outcomes, ReturningIsCompleted) {
  EXPECT_EQ(after([] {}).state, TaskState::completed);
  EXPECT_EQ(after([] { return 1; }).state, TaskState::completed);
  EXPECT_EQ(after([] { return errand::done(); }).state, TaskState::completed);
  EXPECT_EQ(after([]() -> errand::OutcomeOf<int> { return 1; }).state, TaskState::completed);
  EXPECT_EQ(after([]() -> errand::Result<int> { return 1; }).state, TaskState::completed);
  EXPECT_EQ(after([]() -> errand::Result<void> { return {}; }).state, TaskState::completed);
  EXPECT_EQ(after([] {}).last_error, "");
}

TEST(Outcomes, AnErrorIsAFailedAttempt) {
  const auto info = after([]() -> errand::Result<int> { return errand::Error(Code::unavailable, "no route"); });
  EXPECT_EQ(info.state, TaskState::discarded);
  EXPECT_TRUE(contains(info.last_error, "no route"));
}

TEST(Outcomes, AnErrorComesBackWithItsCode) {
  Manual m;
  auto task = m.queue.submit([]() -> errand::Result<int> { return errand::Error(Code::unavailable, "no route"); });
  m.queue.dispatch();
  const auto result = task.result();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::unavailable);
  EXPECT_TRUE(contains(result.error().message(), "no route"));
}

TEST(Outcomes, RetrySaysWhy) {
  const auto info = after([]() -> errand::Outcome { return errand::retry("busy"); }, {.max_attempts = 2});
  EXPECT_EQ(info.state, TaskState::retryable);
  EXPECT_EQ(info.last_error, "busy");
}

TEST(Outcomes, CancelAndDiscardEndTheTaskWithTheirReason) {
  const auto cancelled = after([]() -> errand::Outcome { return errand::cancel("not needed"); }, {.max_attempts = 5});
  EXPECT_EQ(cancelled.state, TaskState::cancelled);
  EXPECT_EQ(cancelled.last_error, "not needed");
  const auto discarded = after([]() -> errand::Outcome { return errand::discard("bad address"); }, {.max_attempts = 5});
  EXPECT_EQ(discarded.state, TaskState::discarded);
  EXPECT_EQ(discarded.last_error, "bad address");
}

TEST(Outcomes, ASnoozeGivesItsAttemptBack) {
  Manual m;
  std::vector<int> numbers;
  auto task = m.queue.submit([&](errand::Attempt& a) -> errand::OutcomeOf<int> {
    numbers.push_back(a.number());
    if (numbers.size() < 4) return errand::snooze(1min);
    return 7;
  });
  m.queue.dispatch();
  EXPECT_EQ(task.state(), TaskState::scheduled);
  EXPECT_EQ(task.info()->attempts, 0);
  EXPECT_EQ(task.info()->next_run_at, m.clock->now() + 1min);
  errand::drain(m.queue, *m.clock);
  EXPECT_EQ(numbers, (std::vector<int>{1, 1, 1, 1}));
  EXPECT_EQ(task.get(), 7);
  EXPECT_EQ(task.info()->attempts, 1);
  EXPECT_EQ(m.queue.stats().snoozed, 3u);
  EXPECT_EQ(m.queue.stats().failed, 0u);
  EXPECT_TRUE(task.info()->history.empty());
}

TEST(Outcomes, TensOfThousandsOfSnoozesAreOneAttempt) {
  Manual m;
  int runs = 0;
  auto task = m.queue.submit([&](errand::Attempt& a) -> errand::Outcome {
    EXPECT_EQ(a.number(), 1);
    if (++runs < 70'000) return errand::snooze(0s);
    return errand::done();
  });
  while (!is_final(task.state())) m.queue.dispatch();
  EXPECT_EQ(runs, 70'000);
  EXPECT_EQ(task.info()->attempts, 1);
}

TEST(Outcomes, ASnoozeOfNoTimeIsDueAtOnce) {
  Manual m;
  int runs = 0;
  auto task = m.queue.submit([&]() -> errand::Outcome {
    if (++runs < 3) return errand::snooze(-1h);
    return errand::done();
  });
  for (int i = 0; i < 3; ++i) m.queue.dispatch();
  EXPECT_EQ(task.state(), TaskState::completed);
}

// FLOOR 9, 32: whatever is thrown ends the attempt, not the process, and its text is kept.
TEST(Outcomes, ExceptionsOfAnyKindAreFailedAttempts) {
  struct Odd {};
  EXPECT_TRUE(contains(after([] { throw std::runtime_error("it broke"); }).last_error, "it broke"));
  EXPECT_TRUE(contains(after([] { throw std::string("a string"); }).last_error, "a string"));
  EXPECT_TRUE(contains(after([] { throw "a literal"; }).last_error, "a literal"));
  EXPECT_TRUE(contains(after([] { throw 42; }).last_error, "int"));
  EXPECT_FALSE(after([] { throw Odd{}; }).last_error.empty());
  EXPECT_FALSE(after([] { throw std::exception_ptr{}; }).last_error.empty());
  EXPECT_EQ(after([] { throw Odd{}; }).state, TaskState::discarded);
}

TEST(Outcomes, NestedExceptionsKeepAllTheirTexts) {
  const auto info = after([] {
    try {
      throw std::runtime_error("the cause");
    } catch (...) {
      std::throw_with_nested(std::runtime_error("the effect"));
    }
  });
  EXPECT_TRUE(contains(info.last_error, "the cause"));
  EXPECT_TRUE(contains(info.last_error, "the effect"));
}

TEST(Outcomes, WorkersGoOnAfterAThrow) {
  errand::Queue queue({.workers = 1});
  for (int i = 0; i < 100; ++i) queue.submit([] { throw 1; });
  EXPECT_EQ(queue.submit([] { return 4; }).get(), 4);
  EXPECT_EQ(queue.stats().failed, 100u);
}

// FLOOR 37: two tasks that fail in the same way still keep an error each.
TEST(Outcomes, EachTaskKeepsItsOwnError) {
  Manual m;
  std::vector<errand::Task<>> tasks;
  for (int i = 0; i < 10; ++i) {
    tasks.push_back(m.queue.submit([i] { throw std::runtime_error("error " + std::to_string(i)); }));
  }
  m.queue.dispatch();
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(tasks[static_cast<std::size_t>(i)].info()->last_error, "error " + std::to_string(i));
}

TEST(Outcomes, GetThrowsWhatTheBodyThrew) {
  struct Mine {
    int code;
  };
  Manual m;
  auto task = m.queue.submit([]() -> int { throw Mine{17}; });
  auto cancelled = m.queue.submit([] { return 1; });
  EXPECT_TRUE(cancelled.cancel());
  m.queue.dispatch();
  try {
    task.get();
    FAIL();
  } catch (const Mine& mine) {
    EXPECT_EQ(mine.code, 17);
  }
  EXPECT_THROW(cancelled.get(), errand::ErrorException);
}

TEST(Outcomes, AThrowAfterACancelIsStillACancel) {
  Manual m;
  errand::TaskId id;
  auto task = m.queue.submit([&] {
    EXPECT_TRUE(m.queue.cancel(id));
    throw std::runtime_error("interrupted");
  });
  id = task.id();
  m.queue.dispatch();
  EXPECT_EQ(task.state(), TaskState::cancelled);
  EXPECT_TRUE(contains(task.info()->last_error, "interrupted"));
}

// What a body that was asked to stop says without words: it was interrupted.
TEST(Outcomes, ReturningAfterAStopIsAnInterruption) {
  for (const bool value : {false, true}) {
    Manual m;
    errand::TaskId id;
    const auto stop = [&] { EXPECT_TRUE(m.queue.cancel(id)); };
    errand::TaskState state{};
    if (value) {
      auto task = m.queue.submit([&] { return stop(), 5; });
      id = task.id();
      m.queue.dispatch();
      state = task.state();
      EXPECT_EQ(task.result().error().code(), Code::cancelled);
    } else {
      auto task = m.queue.submit([&] { stop(); });
      id = task.id();
      m.queue.dispatch();
      state = task.state();
    }
    EXPECT_EQ(state, TaskState::cancelled);
  }
}

TEST(Outcomes, AValueWhoseMoveThrowsIsAFailedAttempt) {
  struct Throws {
    Throws() = default;
    Throws(Throws&&) noexcept(false) { throw std::runtime_error("no move today"); }
    Throws(const Throws&) = delete;
    int x[20]{};
  };
  Manual m;
  auto task = m.queue.submit([]() -> Throws { return {}; });
  m.queue.dispatch();
  EXPECT_EQ(task.state(), TaskState::discarded);
  EXPECT_TRUE(contains(task.info()->last_error, "no move today"));
}

TEST(Outcomes, AttemptsLeaveProgressLogAndMetadata) {
  Manual m;
  auto task = m.queue.submit(
      [](errand::Attempt& a) {
        a.progress(3, 10, "reading");
        for (int i = 0; i < 40; ++i) a.log("line " + std::to_string(i));
        a.metadata("colour", "red");
        a.metadata("size", "small");
        EXPECT_TRUE(a.metadata("colour", "blue"));
        EXPECT_FALSE(a.metadata("huge", std::string(5000, 'x')));  // more than there is room for
      },
      {.metadata = {{"size", "big"}}});
  auto plain = m.queue.submit([](errand::Attempt& a) { a.log("hello"); });
  m.queue.dispatch();
  const auto info = *task.info();
  EXPECT_EQ(info.progress_done, 3u);
  EXPECT_EQ(info.progress_total, 10u);
  EXPECT_EQ(info.progress_note, "reading");
  ASSERT_EQ(info.log.size(), 32u);
  EXPECT_EQ(info.log.front(), "line 8");
  EXPECT_EQ(info.metadata, (errand::Metadata{{"size", "small"}, {"colour", "blue"}}));
  EXPECT_EQ(plain.info()->log, (std::vector<std::string>{"hello"}));
}

TEST(Outcomes, TheCurrentAttemptIsFoundFromAnywhereBelow) {
  Manual m;
  EXPECT_EQ(errand::current_attempt(), nullptr);
  auto task = m.queue.submit([](errand::Attempt& a) { return errand::current_attempt() == &a; });
  m.queue.dispatch();
  EXPECT_TRUE(task.get());
  EXPECT_EQ(errand::current_attempt(), nullptr);
}

TEST(Outcomes, ASleepMovesAClockThatIsMovedByHand) {
  Manual m;
  const auto start = m.clock->mono();
  auto task = m.queue.submit([](errand::Attempt& a) { return a.sleep_for(90s); });
  m.queue.dispatch();
  EXPECT_TRUE(task.get());
  EXPECT_EQ(m.clock->mono() - start, 90s);
}
