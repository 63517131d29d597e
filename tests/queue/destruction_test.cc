// What the destructor of a queue owes: a shutdown, and the end of every thread.

#include <atomic>

#include "support.h"

using errand::Drain;

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
