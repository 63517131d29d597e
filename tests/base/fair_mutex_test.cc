#include "base/fair_mutex.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

using namespace errand;

TEST(FairMutex, LetsOneInAtATime) {
  constexpr int kThreads = 4;
  constexpr int kTimes = 5000;
  FairMutex mu;
  int count = 0;
  std::vector<std::thread> all;
  for (int i = 0; i < kThreads; ++i) {
    all.emplace_back([&] {
      for (int j = 0; j < kTimes; ++j) {
        const FairLock lock(mu);
        ++count;
      }
    });
  }
  for (std::thread& thread : all) thread.join();
  EXPECT_EQ(count, kThreads * kTimes);
}

// One thread wants it again as soon as it lets go of it. The other has it after one more turn of that one.
TEST(FairMutex, GoesToWhoHasWaitedLongest) {
  FairMutex mu;
  std::atomic<int> turns{0};
  std::atomic<bool> over{false};
  std::thread greedy([&] {
    while (!over) {
      const FairLock lock(mu);
      ++turns;
      // So that the other one has to wait, and sleeps.
      for (int i = 0; i < 20'000; ++i) relax_cpu();
    }
  });
  constexpr int kTimes = 50;
  int at_once = 0;
  int before = 0;
  for (int i = 0; i < kTimes; ++i) {
    while (turns == before) std::this_thread::yield();  // until the other one has it
    before = turns;
    const FairLock lock(mu);
    if (turns - before <= 2) ++at_once;
    before = turns;
  }
  over = true;
  greedy.join();
  // Not all of them: this thread may stand still between its look and its wait.
  EXPECT_GE(at_once, kTimes / 2);
}
