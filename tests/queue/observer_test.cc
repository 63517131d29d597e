// Events, for those who watch a queue.

#include <optional>

#include "support.h"

namespace {

std::string moves_of(errand::Observer& observer, errand::TaskId id) {
  std::string text;
  for (const auto& event : observer.take()) {
    if (event.id == id) text += (text.empty() ? "" : " ") + std::string(errand::to_string(event.to));
  }
  return text;
}

}  // namespace

TEST(Observers, SeeEachMoveOfATask) {
  Manual m;
  auto observer = m.queue.observe();
  auto plain = m.queue.submit([] {});
  m.queue.dispatch();
  EXPECT_EQ(moves_of(observer, plain.id()), "available running completed");
  auto failing = m.queue.submit([] { throw 1; }, {.delay = 1s, .max_attempts = 2, .retry = errand::Retry::fixed(1s)});
  errand::drain(m.queue, *m.clock);
  EXPECT_EQ(moves_of(observer, failing.id()), "scheduled available running retryable available running discarded");
  auto cancelled = m.queue.submit_in(1h, [] {});
  EXPECT_TRUE(cancelled.cancel());
  EXPECT_EQ(moves_of(observer, cancelled.id()), "scheduled cancelled");
}

TEST(Observers, SayWhichAttemptAndWhen) {
  Manual m;
  auto observer = m.queue.observe();
  m.queue.submit([] { throw 1; }, {.max_attempts = 2, .retry = errand::Retry::fixed(1s)});
  m.queue.dispatch();
  const auto events = observer.take();
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[1].attempt, 1);
  EXPECT_EQ(events[1].at, m.clock->now());
}

TEST(Observers, DropAndCountWhatFindsThemFull) {
  Manual m;
  auto small = m.queue.observe(2);
  auto large = m.queue.observe(100);
  for (int i = 0; i < 5; ++i) m.queue.submit([] {});
  EXPECT_EQ(small.dropped(), 3u);
  EXPECT_EQ(large.dropped(), 0u);
  EXPECT_EQ(m.queue.stats().dropped_events, 3u);
  EXPECT_EQ(small.take(1).size(), 1u);
  EXPECT_EQ(small.take().size(), 1u);
  EXPECT_EQ(large.take().size(), 5u);
}

TEST(Observers, WaitForAnEvent) {
  Manual m;
  auto observer = m.queue.observe();
  EXPECT_FALSE(while_time_passes(*m.clock, 1h, [&] { return observer.wait_for(1h); }));
  std::thread submitter([&] { m.queue.submit([] {}); });
  EXPECT_TRUE(observer.wait_for(kSoon));
  EXPECT_TRUE(observer.wait_for(errand::Duration::max()));
  submitter.join();
}

TEST(Observers, MayGoAndMayOutliveTheirQueue) {
  std::optional<errand::Observer> kept;
  {
    Manual m;
    { auto gone = m.queue.observe(); }
    kept = m.queue.observe();
    m.queue.submit([] {});
    m.queue.dispatch();
  }
  EXPECT_EQ(kept->take().size(), 3u);
  EXPECT_FALSE(kept->wait_for(0s));
}
