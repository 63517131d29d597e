// What submit() takes, and what becomes of it.

#include <array>
#include <atomic>

#include "support.h"

namespace {

int plain_function() {
  return 4;
}

struct CountsCopies {
  CountsCopies() = default;
  CountsCopies(const CountsCopies& other) : copies(other.copies) { ++*copies; }
  CountsCopies(CountsCopies&& other) noexcept = default;
  int operator()() { return *copies; }
  std::shared_ptr<int> copies = std::make_shared<int>(0);
};

}  // namespace

TEST(Submit, BodiesTakeAnAttemptOrNothing) {
  Manual m;
  auto nothing = m.queue.submit([] { return 1; });
  auto attempt = m.queue.submit([](errand::Attempt& a) { return a.number() + 1; });
  auto function = m.queue.submit(&plain_function);
  m.queue.dispatch();
  EXPECT_EQ(nothing.get(), 1);
  EXPECT_EQ(attempt.get(), 2);
  EXPECT_EQ(function.get(), 4);
}

TEST(Submit, TheAttemptWinsWhereBothCallsFit) {
  struct Both {
    int operator()() { return 1; }
    int operator()(errand::Attempt&) { return 2; }
  };
  Manual m;
  auto task = m.queue.submit(Both{});
  m.queue.dispatch();
  EXPECT_EQ(task.get(), 2);
}

TEST(Submit, BodiesAreMovedInAndNeverCopied) {
  Manual m;
  CountsCopies body;
  const auto copies = body.copies;
  auto task = m.queue.submit(std::move(body), {.max_attempts = 2});
  m.queue.dispatch();
  EXPECT_EQ(task.get(), 0);
  EXPECT_EQ(*copies, 0);
}

TEST(Submit, BodiesAreCalledAsLvaluesAndKeepTheirStateBetweenAttempts) {
  struct Body {
    errand::OutcomeOf<int> operator()() & {
      if (++calls < 3) return errand::retry("once more");
      return calls;
    }
    int calls = 0;
  };
  Manual m;
  auto task = m.queue.submit(Body{}, {.max_attempts = 3, .retry = errand::Retry::immediate()});
  for (int i = 0; i < 3; ++i) m.queue.dispatch();
  EXPECT_EQ(task.get(), 3);
}

TEST(Submit, MoveOnlyAndLargeBodiesAndValuesAreWelcome) {
  Manual m;
  std::array<int, 1000> many{};
  many[999] = 7;
  auto large = m.queue.submit([many] { return many; });
  auto owner = m.queue.submit([p = std::make_unique<int>(3)]() mutable { return std::move(p); });
  struct alignas(64) Aligned {
    int operator()() { return reinterpret_cast<std::uintptr_t>(this) % 64 == 0 ? 1 : 0; }
    int x = 0;
  };
  auto aligned = m.queue.submit(Aligned{});
  m.queue.dispatch();
  EXPECT_EQ(large.get()[999], 7);
  EXPECT_EQ(*owner.get(), 3);
  EXPECT_EQ(aligned.get(), 1);
}

// FLOOR 3: each task runs once, and nothing else does.
TEST(Submit, EachTaskRunsOnceAndNothingElseDoes) {
  Manual m;
  int runs = 0;
  for (int i = 0; i < 500; ++i) m.queue.submit([&] { ++runs; });
  m.queue.dispatch();
  m.queue.dispatch();
  EXPECT_EQ(runs, 500);
  EXPECT_EQ(m.queue.stats().attempts, 500u);
  EXPECT_EQ(m.queue.stats().submitted, 500u);
}

// FLOOR 35: each task has an id, and can be cancelled by it.
TEST(Submit, EachTaskHasAnIdOfItsOwn) {
  Manual m;
  auto a = m.queue.submit([] {});
  auto b = m.queue.submit([] {});
  EXPECT_TRUE(a.id());
  EXPECT_NE(a.id(), b.id());
  EXPECT_TRUE(m.queue.cancel(a.id()));
  EXPECT_EQ(a.state(), errand::TaskState::cancelled);
  EXPECT_EQ(b.state(), errand::TaskState::available);
}

// FLOOR 20: the name is a label, the id is not made of it.
TEST(Submit, TasksOfOneNameAreTwoTasks) {
  Manual m;
  auto a = m.queue.submit([] { return 1; }, {.name = "twin"});
  auto b = m.queue.submit([] { return 2; }, {.name = "twin"});
  m.queue.dispatch();
  EXPECT_EQ(a.get(), 1);
  EXPECT_EQ(b.get(), 2);
  EXPECT_EQ(m.queue.list({.name = "twin"}).size(), 2u);
}

TEST(Submit, ClosuresRunOnceUnlessTheySayMore) {
  Manual m;
  int runs = 0;
  auto once = m.queue.submit([&] { ++runs, throw 1; });
  auto more = m.queue.submit([] {}, {.retry = errand::Retry::immediate()});
  m.queue.dispatch();
  m.queue.dispatch();
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(once.state(), errand::TaskState::discarded);
  EXPECT_EQ(once.info()->max_attempts, 1);
  EXPECT_EQ(more.info()->max_attempts, 20);
}

TEST(Submit, ManyAreSubmittedInTheirOrder) {
  Manual m;
  std::string said;
  std::vector<errand::Callback<void()>> bodies;
  for (const char c : {'a', 'b', 'c'}) bodies.push_back([&said, c] { said += c; });
  auto tasks = m.queue.submit_many(bodies);
  ASSERT_EQ(tasks.size(), 3u);
  m.queue.dispatch();
  EXPECT_EQ(said, "abc");
  EXPECT_EQ(tasks[2].state(), errand::TaskState::completed);
}

TEST(Submit, PreparedTasksCarryTheirOptions) {
  Manual m;
  errand::TaskInfo seen;
  int runs = 0;
  auto prepared = errand::prepare([&](errand::Attempt& a) -> errand::Outcome {
                    ++runs;
                    if (a.number() < 2) return errand::retry("again");
                    return errand::done();
                  })
                      .max_attempts(5)
                      .retry(errand::Retry::fixed(1s))
                      .timeout(10min)
                      .max_elapsed(1h)
                      .at(m.clock->now() + 5min)
                      .priority(3)
                      .name("prepared")
                      .metadata({{"kind", "test"}})
                      .on_finish([&](const errand::TaskInfo& info) { seen = info; });
  EXPECT_EQ(runs, 0);
  auto task = m.queue.submit(std::move(prepared));
  m.queue.dispatch();
  EXPECT_EQ(runs, 0);
  m.advance(5min);
  m.advance(1s);
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(seen.name, "prepared");
  EXPECT_EQ(seen.metadata, (errand::Metadata{{"kind", "test"}}));
  EXPECT_EQ(seen.priority, 3);
  EXPECT_EQ(seen.max_attempts, 5);
  EXPECT_EQ(seen.state, errand::TaskState::completed);
}

TEST(Submit, PreparedTasksTakeEveryOptionOfATask) {
  std::stop_source stop;
  const errand::WallTime tonight(1h);
  auto at_once = errand::prepare([] {})
                     .delay(3s)
                     .expires_at(tonight)
                     .stop(stop.get_token())
                     .metadata({{"tenant", "acme"}})
                     .max_elapsed(2h)
                     .timeout(1min);
  EXPECT_EQ(at_once.options.delay, 3s);
  EXPECT_EQ(at_once.options.expires_at, tonight);
  EXPECT_EQ(at_once.options.stop, stop.get_token());
  EXPECT_EQ(at_once.options.metadata, (errand::Metadata{{"tenant", "acme"}}));
  EXPECT_EQ(at_once.options.max_elapsed, 2h);
  EXPECT_EQ(at_once.options.timeout, 1min);
  const auto begun = errand::prepare([] {}, {.name = "given", .metadata = {{"a", "b"}}}).priority(1);
  EXPECT_EQ(begun.options.name, "given");  // what was there already stays
  EXPECT_EQ(begun.options.metadata.size(), 1u);
}

// A body whose move throws was never there: FLOOR 2.
TEST(Submit, ABodyThatCannotBeBuiltLeavesNoTrace) {
  struct Throws {
    Throws() = default;
    Throws(const Throws&) { throw std::runtime_error("no copy today"); }
    void operator()() {}
  };
  Manual m({.capacity = 1});
  const Throws body;
  EXPECT_THROW(m.queue.submit(body), std::runtime_error);
  EXPECT_THROW(m.queue.submit(body, {.name = "x"}), std::runtime_error);
  EXPECT_EQ(m.queue.list().size(), 0u);
  EXPECT_EQ(m.queue.stats().submitted, 0u);
  EXPECT_TRUE(m.queue.submit([] {}));  // the room is there
  m.queue.dispatch();
  EXPECT_EQ(m.queue.stats().completed, 1u);
}

TEST(Submit, ABodysClosureIsGoneWhenItsTaskIsFinal) {
  Manual m;
  const auto held = std::make_shared<int>(1);
  auto ran = m.queue.submit([held] {});
  auto failed = m.queue.submit([held] { throw 1; });
  auto cancelled = m.queue.submit([held] {}, {.delay = 1h});
  EXPECT_EQ(held.use_count(), 4);
  EXPECT_TRUE(cancelled.cancel());
  EXPECT_EQ(held.use_count(), 3);
  m.queue.dispatch();
  EXPECT_EQ(held.use_count(), 1);
}

TEST(Submit, WhoeverWaitedFindsTheClosureGone) {
  errand::Queue queue({.workers = 1});
  for (int round = 0; round < 500; ++round) {
    const auto by_ran = std::make_shared<int>(1);
    const auto by_valued = std::make_shared<int>(1);
    const auto by_failed = std::make_shared<int>(1);
    auto ran = queue.submit([by_ran] {});
    auto valued = queue.submit([by_valued] { return 1; });
    auto failed = queue.submit([by_failed] { throw 1; });
    ASSERT_TRUE(ran.wait_for(kSoon));
    ASSERT_EQ(by_ran.use_count(), 1);
    ASSERT_TRUE(valued.wait_for(kSoon));
    ASSERT_EQ(by_valued.use_count(), 1);
    ASSERT_TRUE(failed.wait_for(kSoon));
    ASSERT_EQ(by_failed.use_count(), 1);
  }
}

// The same from within: what a closure's destructor sees of its task.
TEST(Submit, ABodysDestructorFindsItsTaskRunning) {
  struct Looks {
    Looks(errand::Queue& queue, bool fails, std::vector<errand::TaskState>& seen)
        : queue(queue), fails(fails), seen(seen) {}
    Looks(Looks&&) = default;
    ~Looks() {
      if (id) seen.push_back(queue.info(id)->state);
    }
    void operator()(errand::Attempt& attempt) {
      id = attempt.id();
      if (fails) throw 1;
    }
    errand::Queue& queue;
    bool fails;
    std::vector<errand::TaskState>& seen;
    errand::TaskId id{};
  };
  Manual m;
  std::vector<errand::TaskState> seen;
  auto ran = m.queue.submit(Looks(m.queue, false, seen));
  auto failed = m.queue.submit(Looks(m.queue, true, seen));
  m.queue.dispatch();
  EXPECT_EQ(seen, (std::vector<errand::TaskState>{errand::TaskState::running, errand::TaskState::running}));
}

TEST(Submit, FromManyThreadsNothingIsLost) {
  errand::Queue queue({.workers = 2});
  std::atomic<int> runs{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) queue.submit([&] { runs.fetch_add(1); });
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(queue.wait_idle(kSoon));
  EXPECT_EQ(runs.load(), 8000);
}

namespace {

// Submits others while it is copied into its own task.
struct SubmitsWhenCopied {
  SubmitsWhenCopied(errand::Queue& queue, int others, bool& ran) : queue(&queue), others(others), ran(&ran) {}
  SubmitsWhenCopied(const SubmitsWhenCopied& other) : queue(other.queue), others(0), ran(other.ran) {
    for (int i = 0; i < other.others; ++i) {
      queue->submit([] {});
      queue->dispatch();
    }
  }
  void operator()() { *ran = true; }
  errand::Queue* queue;
  int others;
  bool* ran;
};

}  // namespace

// The others fill its page, and more, until the page comes round again.
TEST(Submit, ABodyMaySubmitOthersWhileItIsCopied) {
  for (const int others : {1, 61, 62, 200, 500, 520, 550, 1000, 1020, 1040}) {
    Manual m({.retention = {.count = 0}});
    bool ran = false;
    const SubmitsWhenCopied body(m.queue, others, ran);
    m.queue.submit(body);
    m.queue.dispatch();
    EXPECT_TRUE(ran) << others;
  }
}

// Functions that run at the end of a thread, after what it keeps for its queues is gone.
TEST(Submit, AtTheEndOfAThreadToTwoQueues) {
  errand::Queue one({.workers = 1});
  errand::Queue two({.workers = 1});
  struct Nests {
    explicit Nests(errand::Queue& two, Counter& ran) : two(&two), ran(&ran) {}
    Nests(const Nests& other) : two(other.two), ran(other.ran) {
      two->submit([ran = ran] { ran->add(); });
    }
    void operator()() { ran->add(); }
    errand::Queue* two;
    Counter* ran;
  };
  Counter ran;
  struct Late {
    ~Late() {
      const Nests body(*two, *ran);
      for (int i = 0; i < 3; ++i) one->submit(body);
    }
    errand::Queue* one = nullptr;
    errand::Queue* two = nullptr;
    Counter* ran = nullptr;
  };
  std::thread([&] {
    thread_local Late late;
    late.one = &one, late.two = &two, late.ran = &ran;
    one.submit([&] { ran.add(); });
  }).join();
  EXPECT_TRUE(ran.reaches(7));
  // A submit that was never finished would hold the shutdown up.
  EXPECT_EQ(one.shutdown({.timeout = kSoon}).left_over, 0u);
  EXPECT_EQ(two.shutdown({.timeout = kSoon}).left_over, 0u);
}

// Its place in the lane is not published yet, and what it waits for must not stand behind it.
TEST(Submit, ABodyMayWaitForATaskThatItSubmitsWhileItIsBuilt) {
  struct Waits {
    Waits(errand::Queue& queue, errand::ManualClock& clock, errand::TaskOptions options)
        : queue(queue), clock(clock), options(std::move(options)) {}
    Waits(Waits&& other) noexcept(false) : queue(other.queue), clock(other.clock) {
      auto task = queue.submit([] {}, std::move(other.options));
      clock.advance(2min);
      ran = task.wait_for(kSoon);
    }
    void operator()() const { EXPECT_TRUE(ran); }
    errand::Queue& queue;
    errand::ManualClock& clock;
    errand::TaskOptions options{};
    bool ran = false;
  };
  for (const auto order : {errand::Order::fair, errand::Order::strict, errand::Order::depth_first}) {
    auto clock = std::make_shared<errand::ManualClock>();
    errand::Queue queue({.workers = 1, .order = order, .clock = clock});
    queue.submit(Waits(queue, *clock, {})).get();
    queue.submit(Waits(queue, *clock, {.name = "named"})).get();
    queue.submit(Waits(queue, *clock, {.delay = 1min})).get();
  }
}
