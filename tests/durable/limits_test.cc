// How long attempts of named tasks may take, on a clock that the bodies move.

#include <stdexcept>

#include "threads.h"

using errand::StopReason;
using errand::TaskState;

namespace {

class Limits : public Named {
 protected:
  void begin(errand::Duration stuck_after = 30s) {
    queue.reset();
    queue = std::make_unique<errand::Queue>(
        errand::QueueOptions{.name = "mail", .workers = 1, .store = store, .stuck_after = stuck_after, .clock = clock});
  }
};
ERRAND_ON_BOTH_STORES(Limits);

}  // namespace

TEST_P(Limits, ATaskHasItsOwnTimeoutOrThatOfItsKind) {
  begin();
  std::atomic<int> stopped{0};
  queue->handle<Report>(
      [&](const Report& report, errand::Attempt& attempt) {
        clock->advance(6s);
        if (report.pages == 1) {
          // Its kind's has not come.
          clock->advance(6s);
        }
        const bool stops = report.pages != 3;
        EXPECT_EQ(soon([&] { return attempt.stop_requested() || !stops; }), true);
        EXPECT_EQ(attempt.stop_reason(), stops ? StopReason::timed_out : StopReason::none);
        stopped += stops ? 1 : 0;
      },
      {.timeout = 10s});
  auto of_kind = queue->enqueue(Report{1}, {.max_attempts = 1});
  ASSERT_TRUE(of_kind && of_kind->wait_for(kSoon));
  auto own = queue->enqueue(Report{2}, {.max_attempts = 1, .timeout = 5s});
  ASSERT_TRUE(own && own->wait_for(kSoon));
  auto longer = queue->enqueue(Report{3}, {.max_attempts = 1, .timeout = 1h});
  ASSERT_TRUE(longer && longer->wait_for(kSoon));
  EXPECT_EQ(stopped, 2);
  EXPECT_EQ(of_kind->state(), TaskState::discarded);
  EXPECT_EQ(own->state(), TaskState::discarded);
  EXPECT_EQ(longer->state(), TaskState::completed);
  EXPECT_EQ(queue->stats().timed_out, 2u);
  queue.reset();
}

// What its attempts have taken so far counts, in another life of the queue as well.
TEST_P(Limits, ATaskHasSoMuchTimeInAll) {
  std::atomic<int> attempts{0};
  std::atomic<bool> stopped{false};
  const auto handle = [&] {
    queue->handle<Report>(
        [&](const Report&, errand::Attempt& attempt) {
          if (++attempts == 1) {
            clock->advance(40s);
          } else {
            // 10 s went by in between, and 10 are left.
            clock->advance(11s);
            stopped = soon([&] { return attempt.stop_requested(); });
          }
          throw std::runtime_error("x");
        },
        {.retry = errand::Retry::fixed(10s)});
  };
  begin();
  handle();
  auto task = queue->enqueue(Report{}, {.max_elapsed = 1min});
  ASSERT_TRUE(task);
  EXPECT_TRUE(soon([&] { return task->state() == TaskState::retryable; }));
  const errand::TaskId id = task->id();
  queue.reset();
  if (GetParam() == Where::sqlite) {
    store.reset();
    store = open();
  }
  begin();
  handle();
  clock->advance(10s);
  EXPECT_TRUE(soon([&] { return is_final(state(id)); }));
  EXPECT_TRUE(stopped);
  EXPECT_EQ(attempts, 2);
  EXPECT_EQ(state(id), TaskState::discarded);
  queue.reset();
}

// Nothing of it comes back: another worker takes its place.
TEST_P(Limits, ABodyThatIgnoresItsTimeoutIsStuck) {
  begin(5s);
  Gate gate;
  Gate began;
  queue->handle<Report>(
      [&](const Report& report) {
        if (report.pages != 1) return;
        began.open();
        gate.wait();
      },
      {.timeout = 10s});
  auto stuck = queue->enqueue(Report{1}, {.max_attempts = 1});
  ASSERT_TRUE(stuck && began.wait());
  EXPECT_TRUE(soon([&] { return clock->advance(1s), queue->stats().stuck == 1; }));
  auto next = queue->enqueue(Report{2});
  ASSERT_TRUE(next);
  EXPECT_TRUE(next->wait_for(kSoon)) << "a stand-in runs it";
  gate.open();
  EXPECT_TRUE(soon([&] { return is_final(stuck->state()); }));
  queue.reset();
}
