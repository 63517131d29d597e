// Workers that are about to sleep, and tasks that come just then.

#include <errand/errand.h>

#include "../sim/queue_probe.h"
#include "rounds.h"

namespace interleave {
namespace {

using errand::Queue;
using errand::Rng;

// Any priority. After a task with a name, a worker that finds nothing sleeps at once; else it looks about for a while.
errand::TaskOptions some_options(Rng& rng) {
  errand::TaskOptions options;
  if (rng.below(2) == 0) options.priority = static_cast<int>(rng.below(10));
  if (rng.below(2) == 0) options.name = "named";
  return options;
}

bool all_sleep(Queue& queue, std::size_t workers) {
  return comes([&] { return errand::QueueProbe::engine(queue).parking.parked() == workers; });
}

// Nothing else happens that could make up for a wake that is lost.
TEST(WakeInterleaved, ATaskIsRunThoughItsWorkerIsGoingToSleep) {
  rounds(
      [](Rng& rng) {
        Queue queue({.workers = 1, .order = rng.below(2) == 0 ? errand::Order::fair : errand::Order::strict});
        std::atomic<int> ran{0};
        for (int sent = 1; sent <= 200; ++sent) {
          queue.submit([&] { ran.fetch_add(1); }, {.name = "so that it sleeps at once"});
          ASSERT_TRUE(comes([&] { return ran.load() == sent; })) << "a task waits, and everybody sleeps";
          dally(rng);
        }
      },
      kLonger);
}

TEST(WakeInterleaved, EveryTaskIsRunThoughAllAreGoingToSleep) {
  rounds([](Rng& rng) {
    Queue queue({.workers = 2 + static_cast<int>(rng.below(2))});
    std::atomic<int> ran{0};
    for (int sent = 0; sent < 200 && !testing::Test::HasFailure();) {
      // Few tasks go from hand to hand, and many are stolen from one another.
      for (std::uint64_t i = 1 + rng.below(std::uint64_t{1} << rng.below(6)); i > 0; --i, ++sent) {
        queue.submit([&] { ran.fetch_add(1); }, some_options(rng));
      }
      ASSERT_TRUE(comes([&] { return ran.load() == sent; })) << "a task waits, and everybody sleeps";
      dally(rng);
    }
  });
}

// What a thief saw in its victim's hand may be done with, and another batch there, when it comes to take its half.
TEST(WakeInterleaved, EveryTaskIsRunThoughThievesComeLate) {
  rounds([](Rng& rng) {
    Queue queue({.workers = 2 + static_cast<int>(rng.below(2))});
    std::atomic<int> ran{0};
    int sent = 0;
    while (sent < 500) {
      for (std::uint64_t i = 1 + rng.below(4); i > 0; --i, ++sent) {
        queue.submit([&ran, rng = Rng(rng())]() mutable {
          dally(rng);
          ran.fetch_add(1);
        });
      }
      dally(rng);
    }
    ASSERT_TRUE(comes([&] { return ran.load() == sent; })) << "a task waits, and everybody sleeps";
  });
}

// As many bodies as there are workers, each of which ends only when all have begun.
void meet(Rng& rng, Queue& queue, int workers) {
  std::atomic<int> inside{0};
  const auto body = [&inside, workers] {
    inside.fetch_add(1);
    EXPECT_TRUE(comes([&] { return inside.load() >= workers; })) << "a worker sleeps that has a task to run";
  };
  {
    // From two threads, since a submit that wakes a worker and one that finds that done differ.
    Team team(2);
    const int here = static_cast<int>(rng.below(static_cast<std::uint64_t>(workers) + 1));
    for (const int count : {here, workers - here}) {
      team.add([&, count, rng = Rng(rng())]() mutable {
        for (int i = 0; i < count; ++i) queue.submit(body, some_options(rng));
      });
    }
  }
  ASSERT_TRUE(comes_to_rest(queue));
}

TEST(WakeInterleaved, AsManyWorkersWakeAsAreNeeded) {
  rounds([](Rng& rng) {
    const int workers = 2 + static_cast<int>(rng.below(2));
    Queue queue({.workers = workers});
    for (int i = 0; i < 10 && !testing::Test::HasFailure(); ++i) {
      ASSERT_TRUE(rng.below(2) == 0 || all_sleep(queue, static_cast<std::size_t>(workers)));
      meet(rng, queue, workers);
      dally(rng);
    }
  });
}

// A body submits another one for its own worker, which a thief is woken for, and a third comes from outside just then.
TEST(WakeInterleaved, AsManyWorkersWakeAsAreNeededForChildren) {
  rounds([](Rng& rng) {
    Queue queue({.workers = 3, .order = errand::Order::depth_first});
    for (int i = 0; i < 10 && !testing::Test::HasFailure(); ++i) {
      ASSERT_TRUE(all_sleep(queue, 3));
      std::atomic<int> inside{0};
      const auto body = [&inside] {
        inside.fetch_add(1);
        EXPECT_TRUE(comes([&] { return inside.load() >= 3; })) << "a worker sleeps that has a task to run";
      };
      std::atomic<bool> submits{false};
      queue.submit([&, options = some_options(rng)] {
        submits.store(true);
        queue.submit(body, {.priority = options.priority});
        body();
      });
      ASSERT_TRUE(comes([&] { return submits.load(); }));
      dally(rng);
      queue.submit(body);
      ASSERT_TRUE(comes_to_rest(queue));
    }
  });
}

TEST(WakeInterleaved, CallbacksOfCancelledTasksAreRun) {
  rounds([](Rng& rng) {
    Queue queue({.workers = 1 + static_cast<int>(rng.below(2))});
    std::atomic<int> told{0};
    for (int sent = 1; sent <= 50 && !testing::Test::HasFailure(); ++sent) {
      auto task = queue.submit([] {}, {.delay = 1h, .on_finish = [&](const errand::TaskInfo&) { told.fetch_add(1); }});
      EXPECT_TRUE(task.cancel());
      ASSERT_TRUE(comes([&] { return told.load() == sent; })) << "a callback waits, and everybody sleeps";
      dally(rng);
    }
  });
}

}  // namespace
}  // namespace interleave
