// Bounded queues: what submit() does when there is no room, and lines of one's own.

#include <errand/waiting_line.h>

#include <array>
#include <atomic>
#include <deque>

#include "support.h"

using errand::Code;
using errand::TaskState;
using errand::WhenFull;

TEST(Room, RefusesByNameWhenFull) {
  Manual m({.capacity = 2});
  auto a = m.queue.submit([] {});
  auto b = m.queue.submit_in(1h, [] {});  // scheduled tasks take room as well
  auto c = m.queue.submit([] {});
  EXPECT_TRUE(a && b);
  ASSERT_FALSE(c);
  EXPECT_EQ(c.error().code(), Code::queue_full);
  EXPECT_TRUE(contains(c.error().message(), "capacity 2"));
  EXPECT_TRUE(c.error().transient());
}

// FLOOR 2: a refused submit is nowhere to be seen.
TEST(Room, ARefusalLeavesNoTrace) {
  Manual m({.capacity = 1});
  bool told = false;
  auto held = std::make_shared<int>(1);  // not const: a constant is copied where others are moved
  m.queue.submit([] {});
  auto body = [held] {};
  auto refused =
      m.queue.submit(std::move(body), {.name = "refused", .on_finish = [&](const errand::TaskInfo&) { told = true; }});
  EXPECT_FALSE(refused);
  EXPECT_FALSE(refused.id());
  EXPECT_EQ(refused.state(), TaskState::refused);
  EXPECT_EQ(held.use_count(), 2);  // the body was not moved from
  m.queue.dispatch();
  EXPECT_FALSE(told);
  EXPECT_EQ(m.queue.list().size(), 1u);
  EXPECT_EQ(m.queue.stats().submitted, 1u);
  EXPECT_EQ(m.queue.stats().refused, 1u);
}

// A handle may be dropped: what was refused is to be found somewhere, and must not fill the log.
TEST(Room, RefusalsAreLoggedOnceAnInterval) {
  std::vector<std::string> lines;
  errand::set_logger([&](const errand::LogLine& line) { lines.emplace_back(line.text); });
  Manual m({.capacity = 1});
  m.queue.submit([] {});
  for (int i = 0; i < 5; ++i) m.queue.submit([] {});
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_TRUE(contains(lines[0], "capacity 1"));
  m.clock->advance(10s);
  m.queue.submit([] {}, {.priority = 10});
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_TRUE(contains(lines[1], "priority"));
  EXPECT_TRUE(contains(lines[1], "(5 were refused)"));
  errand::set_logger({});
}

TEST(Room, IsMadeWhenATaskStartsOrIsCancelled) {
  Manual m({.capacity = 1});
  errand::Task<> inner = m.queue.submit([&] { EXPECT_TRUE(m.queue.submit([] {})); });
  m.queue.dispatch();
  EXPECT_FALSE(m.queue.submit([] {}));
  m.queue.dispatch();
  auto last = m.queue.submit_in(1h, [] {});
  EXPECT_TRUE(last.cancel());
  EXPECT_TRUE(m.queue.submit([] {}));
}

// FLOOR 30: the check and the taking are one step.
TEST(Room, IsNeverExceededByThreadsThatSubmitTogether) {
  Manual m({.capacity = 100});
  std::atomic<int> accepted{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        if (m.queue.submit([] {})) accepted.fetch_add(1);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(accepted.load(), 100);
  EXPECT_EQ(m.queue.stats().available, 100u);
}

TEST(Room, BlocksUntilThereIsSome) {
  Gate first;
  Gate blocked;
  errand::Queue queue({.workers = 1, .capacity = 1, .when_full = WhenFull::block});
  Gate inside;
  queue.submit([&] {
    inside.open();
    EXPECT_TRUE(first.wait());
  });
  EXPECT_TRUE(inside.wait());
  queue.submit([] {});
  std::atomic<bool> accepted{false};
  std::thread submitter([&] {
    blocked.open();
    accepted.store(static_cast<bool>(queue.submit([] {})));
  });
  EXPECT_TRUE(blocked.wait());
  EXPECT_FALSE(accepted.load());
  first.open();
  submitter.join();
  EXPECT_TRUE(accepted.load());
  EXPECT_TRUE(queue.wait_idle(kSoon));
}

TEST(Room, BlocksNoLongerThanTold) {
  auto clock = std::make_shared<errand::ManualClock>();
  errand::Queue queue({.workers = 0, .capacity = 1, .when_full = WhenFull::block, .block_for = 1min, .clock = clock});
  queue.submit([] {});
  auto refused = while_time_passes(*clock, 1min, [&] { return queue.submit([] {}); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::queue_full);
}

TEST(Room, BlocksForEverWhereTheTimeHasNoEnd) {
  errand::Queue queue({.workers = 1,
                       .start = false,
                       .capacity = 1,
                       .when_full = WhenFull::block,
                       .block_for = errand::Duration::max()});
  queue.submit([] {});
  std::atomic<bool> accepted{false};
  std::thread submitter([&] { accepted.store(static_cast<bool>(queue.submit([] {}))); });
  EXPECT_TRUE(queue.start());
  submitter.join();
  EXPECT_TRUE(accepted.load());
}

TEST(Room, AShutdownEndsTheWaitOfABlockedSubmit) {
  errand::Queue queue({.workers = 1, .start = false, .capacity = 1, .when_full = WhenFull::block});
  queue.submit_in(1h, [] {});
  Gate at_it;
  std::thread submitter([&] {
    at_it.open();
    auto refused = queue.submit([] {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::shutting_down);
  });
  EXPECT_TRUE(at_it.wait());
  queue.shutdown({.drain = errand::Drain::none, .timeout = 0s});
  submitter.join();
}

TEST(Room, ACancelMakesRoomForABlockedSubmit) {
  auto clock = std::make_shared<errand::ManualClock>();
  errand::Queue queue({.workers = 0, .capacity = 1, .when_full = WhenFull::block, .clock = clock});
  auto first = queue.submit_in(1h, [] {});
  std::atomic<bool> accepted{false};
  std::thread submitter([&] { accepted.store(static_cast<bool>(queue.submit([] {}))); });
  const auto until = errand::real_clock()->mono() + kSoon;
  // The timer's thread waits for the clock as well.
  while (clock->waiting() < 2 && errand::real_clock()->mono() < until) std::this_thread::yield();
  EXPECT_FALSE(accepted.load());
  EXPECT_TRUE(first.cancel());
  submitter.join();
  EXPECT_TRUE(accepted.load());
}

TEST(Room, ABodyThatSubmitsToItsOwnFullQueueRunsItInPlace) {
  errand::Queue queue({.workers = 1, .capacity = 1, .when_full = WhenFull::block});
  auto outer = queue.submit([&] {
    queue.submit_in(1h, [] {});
    const auto here = std::this_thread::get_id();
    auto inner = queue.submit([here] { return std::this_thread::get_id() == here; });
    return inner.state() == TaskState::completed && inner.get();
  });
  EXPECT_TRUE(outer.get());
}

TEST(Room, DropsTheTaskThatWaitsLongest) {
  Manual m({.capacity = 2, .when_full = WhenFull::drop_oldest});
  errand::TaskInfo told;
  auto oldest = m.queue.submit([] {}, {.on_finish = [&](const errand::TaskInfo& info) { told = info; }});
  m.clock->advance(1s);
  auto second = m.queue.submit([] {}, {.priority = 9});
  auto third = m.queue.submit([] {});
  EXPECT_TRUE(third);
  EXPECT_EQ(oldest.state(), TaskState::discarded);
  EXPECT_EQ(told.state, TaskState{});  // never inside submit()
  m.queue.dispatch();
  EXPECT_EQ(told.state, TaskState::discarded);
  EXPECT_TRUE(contains(told.last_error, "the queue was full"));
  EXPECT_EQ(second.state(), TaskState::completed);
  EXPECT_EQ(third.state(), TaskState::completed);
}

// What waits for its time is promised to somebody: it is not dropped for what comes later.
TEST(Room, DropsNothingThatIsScheduled) {
  Manual m({.capacity = 2, .when_full = WhenFull::drop_oldest});
  auto a = m.queue.submit_in(1h, [] {});
  auto b = m.queue.submit_in(2h, [] {});
  auto c = m.queue.submit([] {});
  ASSERT_FALSE(c);
  EXPECT_EQ(c.error().code(), Code::queue_full);
  EXPECT_EQ(a.state(), TaskState::scheduled);
  EXPECT_EQ(b.state(), TaskState::scheduled);
}

TEST(Room, RunsInTheCallerWhenFull) {
  Manual m({.capacity = 1, .when_full = WhenFull::run_here});
  m.queue.submit_in(1h, [] {});
  const auto caller = std::this_thread::get_id();
  auto here = m.queue.submit([caller] { return std::this_thread::get_id() == caller; });
  EXPECT_EQ(here.state(), TaskState::completed);
  EXPECT_TRUE(here.get());
}

TEST(Room, ATaskThatRanInTheCallerCanFailAndComeAgain) {
  Manual m({.capacity = 1, .when_full = WhenFull::run_here});
  m.queue.submit_in(1h, [] {});
  auto here = m.queue.submit(
      [](errand::Attempt& a) -> errand::Outcome {
        if (a.number() == 1) return errand::retry("again");
        return errand::done();
      },
      {.max_attempts = 2, .retry = errand::Retry::fixed(1s)});
  EXPECT_EQ(here.state(), TaskState::retryable);
  m.advance(2s);
  EXPECT_EQ(here.state(), TaskState::completed);
  EXPECT_EQ(here.info()->attempts, 2);
}

TEST(Room, ATaskWhoseTokenHasFiredDoesNotRunInTheCaller) {
  Manual m({.capacity = 1, .when_full = WhenFull::run_here});
  m.queue.submit_in(1h, [] {});
  std::stop_source stop;
  stop.request_stop();
  bool ran = false;
  auto task = m.queue.submit([&] { ran = true; }, {.stop = stop.get_token()});
  EXPECT_TRUE(task);
  EXPECT_FALSE(ran);
  EXPECT_EQ(task.state(), TaskState::cancelled);
}

// A retry is no new task: it needs no room.
TEST(Room, IsNotNeededByARetry) {
  Manual m({.capacity = 1});
  auto task = m.queue.submit(
      [](errand::Attempt& a) -> errand::Outcome {
        if (a.number() == 1) return errand::retry("again");
        return errand::done();
      },
      {.max_attempts = 2, .retry = errand::Retry::fixed(1s)});
  m.queue.dispatch();
  EXPECT_TRUE(m.queue.submit([] {}));
  m.advance(2s);
  EXPECT_EQ(task.state(), TaskState::completed);
  for (int i = 0; i < 3; ++i) {  // and gives none back twice
    m.queue.dispatch();
    EXPECT_TRUE(m.queue.submit([] {}));
    EXPECT_FALSE(m.queue.submit([] {}));
  }
}

// A slot that finds the queue full is submitted by whoever steps the timers; timeouts go on meanwhile.
TEST(Room, ASlotThatFindsNoneIsLeftOut) {
  for (const WhenFull when_full : {WhenFull::block, WhenFull::run_here, WhenFull::refuse}) {
    auto clock = std::make_shared<errand::ManualClock>();
    errand::Queue queue({.workers = 1, .capacity = 1, .when_full = when_full, .clock = clock});
    Gate started;
    std::atomic<bool> stopped{false};
    auto task = queue.submit(
        [&](errand::Attempt& attempt) {
          started.open();
          stopped = !attempt.sleep_for(kSoon);
        },
        {.timeout = 30ms});
    ASSERT_TRUE(started.wait());
    auto waits = queue.submit([] {});
    auto tick = queue.every(10ms, [] {});
    clock->advance(15ms);
    const auto until = errand::real_clock()->mono() + kSoon;
    while (queue.stats().skipped_slots == 0 && errand::real_clock()->mono() < until) std::this_thread::yield();
    clock->advance(20ms);
    EXPECT_TRUE(task.wait_for(kSoon));
    EXPECT_TRUE(stopped) << "when full: " << static_cast<int>(when_full);
    EXPECT_GT(queue.stats().skipped_slots, 0u);
    tick.cancel();
    waits.wait();
  }
}

namespace {

class LastInFirstOut : public errand::WaitingLine {
 public:
  void push(const errand::WaitingTask& task) override { tasks_.push_back(task); }
  std::optional<errand::WaitingTask> pop(std::int64_t) override {
    if (tasks_.empty()) return std::nullopt;
    const errand::WaitingTask task = tasks_.back();
    tasks_.pop_back();
    return task;
  }
  std::optional<errand::WaitingTask> pop_oldest() override {
    if (tasks_.empty()) return std::nullopt;
    const errand::WaitingTask task = tasks_.front();
    tasks_.pop_front();
    return task;
  }
  [[nodiscard]] std::size_t size() const override { return tasks_.size(); }

 private:
  std::deque<errand::WaitingTask> tasks_;
};

}  // namespace

TEST(Room, ALineOfOnesOwnDecidesTheOrder) {
  Manual m({.line = std::make_shared<LastInFirstOut>()});
  std::string said;
  for (const char c : {'a', 'b', 'c'}) m.queue.submit([&said, c] { said += c; });
  auto cancelled = m.queue.submit([&] { said += '!'; });
  EXPECT_TRUE(cancelled.cancel());  // its entry stays behind in the line
  m.queue.dispatch();
  EXPECT_EQ(said, "cba");
}

TEST(Room, ALineOfOnesOwnMayBeBounded) {
  Manual m({.capacity = 2, .when_full = WhenFull::drop_oldest, .line = std::make_shared<LastInFirstOut>()});
  std::string said;
  for (const char c : {'a', 'b', 'c'}) m.queue.submit([&said, c] { said += c; });
  m.queue.dispatch();
  EXPECT_EQ(said, "cb");
}

TEST(Room, ALineOfOnesOwnThatSpeaksOfNoTaskIsPassedOver) {
  struct Confused final : LastInFirstOut {
    std::optional<errand::WaitingTask> pop_oldest() override {
      if (std::exchange(confused, false)) return errand::WaitingTask{.id = {~std::uint64_t{0} >> 1}};
      return LastInFirstOut::pop_oldest();
    }
    bool confused = true;
  };
  Manual m({.capacity = 1, .when_full = WhenFull::drop_oldest, .line = std::make_shared<Confused>()});
  auto dropped = m.queue.submit([] {});
  EXPECT_TRUE(m.queue.submit([] {}));
  EXPECT_EQ(dropped.state(), TaskState::discarded);
}

namespace {

// A fixed number of places in a circle, which is what another library's tasks wait in. It never has to grow: the
// queue's capacity bounds the tasks, and there is room for the entries that cancelled ones leave behind.
class Ring final : public errand::WaitingLine {
 public:
  void push(const errand::WaitingTask& task) override { places_[(first_ + size_++) % places_.size()] = task; }
  std::optional<errand::WaitingTask> pop(std::int64_t) override { return pop_oldest(); }
  std::optional<errand::WaitingTask> pop_oldest() override {
    if (size_ == 0) return std::nullopt;
    --size_;
    return places_[std::exchange(first_, (first_ + 1) % places_.size())];
  }
  [[nodiscard]] std::size_t size() const override { return size_; }

 private:
  std::array<errand::WaitingTask, 16> places_{};
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace

TEST(Room, ALineOfOnesOwnWorksWithEachPolicy) {
  const auto letters = [](WhenFull policy) {
    Manual m({.capacity = 2, .when_full = policy, .line = std::make_shared<Ring>()});
    std::string said;
    for (const char c : {'a', 'b', 'c'}) m.queue.submit([&said, c] { said += c; });
    m.queue.dispatch();
    for (const char c : {'d', 'e'}) m.queue.submit([&said, c] { said += c; }, {.priority = c == 'e' ? 0 : 9});
    m.queue.dispatch();
    return said;
  };
  EXPECT_EQ(letters(WhenFull::refuse), "abde");  // this line knows no priorities
  EXPECT_EQ(letters(WhenFull::drop_oldest), "bcde");
  EXPECT_EQ(letters(WhenFull::run_here), "cabde");
  EXPECT_EQ(letters(WhenFull::block), "cabde");  // whoever would have to make the room must not wait for it
}

TEST(Room, ALineOfOnesOwnServesWorkersAndBlockedSubmits) {
  errand::Queue queue({.workers = 2, .capacity = 4, .when_full = WhenFull::block, .line = std::make_shared<Ring>()});
  std::atomic<int> ran{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) EXPECT_TRUE(queue.submit([&] { ran.fetch_add(1); }));
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(queue.wait_idle(kSoon));
  EXPECT_EQ(ran.load(), 1000);
}
