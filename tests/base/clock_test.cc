#include <errand/clock.h>

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "base/thread.h"

namespace errand {
namespace {

using namespace std::chrono_literals;

using Word = std::atomic<std::uint32_t>;

// Past, present or so far back that the distance to now does not fit a Duration.
const SteadyTime kPastMono[] = {SteadyTime::min(), SteadyTime(-1s), SteadyTime(0s), real_clock()->mono()};
const WallTime kPastWall[] = {WallTime::min(), WallTime(-1s), WallTime(0s), real_clock()->now()};

TEST(Clock, RealClockIsOneObject) {
  EXPECT_EQ(real_clock(), real_clock());
}

TEST(Clock, MonoDoesNotGoBack) {
  const auto clock = real_clock();
  SteadyTime last = clock->mono();
  for (int i = 0; i < 10'000; ++i) {
    const SteadyTime next = clock->mono();
    ASSERT_GE(next, last);
    last = next;
  }
}

TEST(Clock, NowIsTheTimeOfDay) {
  const WallTime before = std::chrono::system_clock::now();
  const WallTime now = real_clock()->now();
  EXPECT_GE(now, before - 1h);
  EXPECT_LE(now, before + 1h);
}

TEST(Clock, AWaitWhoseWordHasChangedReturns) {
  const Word word{7};
  real_clock()->wait(word, 6, {});
  real_clock()->wait(word, 6, {.mono = SteadyTime::max(), .wall = WallTime::max()});
}

TEST(Clock, ADeadlineInThePastReturns) {
  const Word word{7};
  for (const SteadyTime at : kPastMono) real_clock()->wait(word, 7, {.mono = at});
  for (const WallTime at : kPastWall) real_clock()->wait(word, 7, {.wall = at});
}

TEST(Clock, TheEarlierOfTwoDeadlinesEndsTheWait) {
  const Word word{7};
  for (const SteadyTime at : kPastMono) real_clock()->wait(word, 7, {.mono = at, .wall = WallTime::max()});
  for (const WallTime at : kPastWall) real_clock()->wait(word, 7, {.mono = SteadyTime::max(), .wall = at});
}

// Threads that wait for `word` to leave 0 with this deadline, and count themselves out.
std::vector<Thread> waiters(int count, const Word& word, const WaitUntil& until, std::atomic<int>& returned) {
  std::vector<Thread> threads;
  for (int i = 0; i < count; ++i) {
    threads.push_back(*Thread::start("waiter", [&word, until, &returned] {
      while (word.load() == 0) real_clock()->wait(word, 0, until);
      returned.fetch_add(1);
    }));
  }
  return threads;
}

TEST(Clock, AWakeEndsWaitsOfEveryKind) {
  for (const WaitUntil& until : {WaitUntil{}, WaitUntil{.mono = SteadyTime::max()}, WaitUntil{.wall = WallTime::max()},
                                 WaitUntil{.mono = SteadyTime::max(), .wall = WallTime::max()}}) {
    Word word{0};
    std::atomic<int> returned{0};
    std::vector<Thread> threads = waiters(2, word, until, returned);
    word.store(1);
    real_clock()->wake(word, 2);
    for (Thread& thread : threads) thread.join();
    EXPECT_EQ(returned.load(), 2);
  }
}

// A turn each, back and forth: a wake that is lost between the look and the sleep would hang here.
TEST(Clock, NoWakeIsLostBetweenLookingAndSleeping) {
  Word turn{0};
  constexpr std::uint32_t kTurns = 2'000;
  const auto play = [&turn](std::uint32_t parity) {
    for (std::uint32_t mine = parity; mine < kTurns; mine += 2) {
      for (std::uint32_t now = turn.load(); now != mine; now = turn.load()) real_clock()->wait(turn, now, {});
      turn.store(mine + 1);
      real_clock()->wake(turn, 1);
    }
  };
  Thread other = *Thread::start("player", [&play] { play(1); });
  play(0);
  other.join();
  EXPECT_EQ(turn.load(), kTurns);
}

}  // namespace
}  // namespace errand
