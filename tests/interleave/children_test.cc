// The stack of a worker's children.

#include "engine/children.h"

#include "rounds.h"

namespace interleave {
namespace {

using errand::Rng;
using errand::detail::Children;

// The worker pushes and pops a few at a time, so that the thieves are at the same places as it is.
TEST(ChildrenInterleaved, LoseNone) {
  constexpr std::uint64_t kIds = 3000;
  rounds([&](Rng& rng) {
    Children children;
    std::vector<std::atomic<bool>> seen(kIds + 1);
    std::atomic<bool> over{false};
    const auto see = [&](std::uint64_t id) {
      if (id <= kIds) seen[id].store(true);
      EXPECT_LE(id, kIds) << "nobody pushed it";
    };
    {
      Team team(3);
      for (int thief = 0; thief < 2; ++thief) {
        team.add([&] {
          while (!over.load() || !children.empty()) {
            if (const std::uint64_t id = children.steal_oldest()) see(id);
          }
        });
      }
      team.add([&, rng = Rng(rng())]() mutable {
        // Now and then more than the ring holds.
        const std::uint64_t most = rng.below(16) == 0 ? 1500 : 1 + rng.below(5);
        for (std::uint64_t id = 0; id < kIds;) {
          for (std::uint64_t i = rng.below(most + 1); i > 0 && id < kIds; --i) children.push(++id);
          for (std::uint64_t i = rng.below(most + 1); i > 0; --i) {
            if (const std::uint64_t got = children.pop_newest()) see(got);
          }
        }
        over.store(true);
      });
    }
    for (std::uint64_t id = 1; id <= kIds; ++id) ASSERT_TRUE(seen[id].load()) << id << " is lost";
  });
}

}  // namespace
}  // namespace interleave
