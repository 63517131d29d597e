// The stack of a worker's children: newest first for the worker, oldest first for thieves, and none is lost.

#include "engine/children.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace errand {
namespace {

using detail::Children;

constexpr std::uint64_t kMoreThanTheRing = 5000;

TEST(Children, AreTakenNewestFirst) {
  Children children;
  for (std::uint64_t id = 1; id <= kMoreThanTheRing; ++id) children.push(id);
  for (std::uint64_t id = kMoreThanTheRing; id >= 1; --id) ASSERT_EQ(children.pop_newest(), id);
  EXPECT_EQ(children.pop_newest(), 0u);
  EXPECT_TRUE(children.empty());
}

TEST(Children, AreStolenOldestFirst) {
  Children children;
  for (std::uint64_t id = 1; id <= kMoreThanTheRing; ++id) children.push(id);
  for (std::uint64_t id = 1; id <= kMoreThanTheRing; ++id) ASSERT_EQ(children.steal_oldest(), id);
  EXPECT_EQ(children.steal_oldest(), 0u);
  EXPECT_TRUE(children.empty());
}

TEST(Children, MayBePushedBetweenTakesAndSteals) {
  Children children;
  std::uint64_t id = 0;
  for (int round = 0; round < 2000; ++round) {
    for (int i = 0; i < 3; ++i) children.push(++id);
    ASSERT_EQ(children.pop_newest(), id);
    ASSERT_NE(children.steal_oldest(), 0u);
  }
  std::size_t left = 0;
  while (children.pop_newest() != 0) ++left;
  EXPECT_EQ(left, 2000u);
}

// The worker pushes and pops in bursts of all sizes, also beyond the ring, while two thieves steal. Ids may come twice.
TEST(Children, AreNeverLostToAThief) {
  constexpr std::uint64_t kIds = 200'000;
  Children children;
  std::vector<std::atomic<int>> seen(kIds + 1);
  std::atomic<bool> over{false};
  const auto steal = [&] {
    while (!over.load(std::memory_order_acquire) || !children.empty()) {
      if (const std::uint64_t id = children.steal_oldest()) seen[id].fetch_add(1, std::memory_order_relaxed);
    }
  };
  std::thread thieves[] = {std::thread(steal), std::thread(steal)};
  std::uint64_t id = 0;
  for (std::uint64_t burst = 1; id < kIds; burst = burst * 7 % 3001 + 1) {
    for (std::uint64_t i = 0; i < burst && id < kIds; ++i) children.push(++id);
    const std::uint64_t back = burst % 3 == 0 ? burst : burst / 2;
    for (std::uint64_t i = 0; i < back; ++i) {
      if (const std::uint64_t got = children.pop_newest()) seen[got].fetch_add(1, std::memory_order_relaxed);
    }
  }
  over.store(true, std::memory_order_release);
  for (std::thread& thief : thieves) thief.join();
  for (std::uint64_t each = 1; each <= kIds; ++each) ASSERT_GE(seen[each].load(), 1) << each;
}

}  // namespace
}  // namespace errand
