// What the destructor of a queue owes: a shutdown, and the end of every thread.

#include <atomic>
#include <memory>
#include <type_traits>

#include "support.h"

using errand::Drain;

// A queue that moved would leave its tasks and its threads behind.
static_assert(!std::is_copy_constructible_v<errand::Queue> && !std::is_copy_assignable_v<errand::Queue>);
static_assert(!std::is_move_constructible_v<errand::Queue> && !std::is_move_assignable_v<errand::Queue>);

TEST(Destruction, UnderLoadLosesNothingThatWasAccepted) {
  for (int round = 0; round < 30; ++round) {
    std::atomic<int> ran{0};
    int accepted = 0;
    {
      errand::Queue queue({.workers = 2});
      for (int i = 0; i < 200; ++i) accepted += queue.submit([&] { ran.fetch_add(1); }) ? 1 : 0;
    }
    EXPECT_EQ(ran.load(), accepted);
  }
}

TEST(Destruction, WaitsForABodyThatIgnoresEverything) {
  Gate inside;
  Gate out;
  std::atomic<bool> over{false};
  errand::set_logger([](const errand::LogLine&) {});
  std::thread opener;
  {
    errand::Queue queue({.workers = 1, .close = {.drain = Drain::none, .timeout = 0s}});
    queue.submit([&] {
      inside.open();
      EXPECT_TRUE(out.wait());
      over.store(true);
    });
    EXPECT_TRUE(inside.wait());
    opener = std::thread([&] { out.open(); });
  }
  EXPECT_TRUE(over.load());
  opener.join();
  errand::set_logger({});
}

// Whoever looks at the log of a program that does not end finds out which task holds it up.
TEST(Destruction, NamesWhatHoldsItUpEveryFiveSeconds) {
  auto clock = std::make_shared<errand::ManualClock>();
  Gate inside;
  Gate out;
  Counter lines;
  std::vector<errand::Duration> said_at;
  const errand::SteadyTime start = clock->mono();
  errand::set_logger([&](const errand::LogLine& line) {
    EXPECT_EQ(line.level, errand::LogLevel::warning);
    EXPECT_EQ(line.queue, "mill");
    EXPECT_TRUE(contains(std::string(line.text), "\"stubborn\"")) << line.text;
    said_at.push_back(clock->mono() - start);
    lines.add();
  });
  auto queue = std::make_unique<errand::Queue>(errand::QueueOptions{
      .name = "mill", .workers = 1, .close = {.drain = Drain::none, .timeout = 0s}, .clock = clock});
  queue->submit(
      [&] {
        inside.open();
        EXPECT_TRUE(out.wait());
      },
      {.name = "stubborn"});
  ASSERT_TRUE(inside.wait());
  std::thread destroyer([&] { queue.reset(); });
  EXPECT_TRUE(lines.reaches(1));
  for (int second = 0; second < 5; ++second) {
    // The worker is in its body: whoever waits is the destructor, and until then it has not looked at the time.
    while (clock->waiting() == 0) std::this_thread::yield();
    clock->advance(1s);
  }
  EXPECT_TRUE(lines.reaches(2));
  out.open();
  destroyer.join();
  errand::set_logger({});
  EXPECT_EQ(said_at, (std::vector<errand::Duration>{0s, 5s}));
}

// It would wait for itself.
TEST(Destruction, OnAWorkerOfItsOwnIsABrokenInvariant) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        auto* queue = new errand::Queue({.workers = 1});
        queue->submit([queue] { delete queue; }).wait();
      },
      "broken invariant: Seat::at");
}
