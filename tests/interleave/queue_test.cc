// A queue that is shut down, paused, resized or full while threads submit to it, and the one that all share.

#include <errand/errand.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../sim/queue_probe.h"
#include "engine/finished.h"
#include "rounds.h"

namespace interleave {
namespace {

using errand::Queue;
using errand::Rng;

// A submit finds the queue closed, or is over when the shutdown has begun.
TEST(QueueInterleaved, AShutdownSeesEverySubmitThrough) {
  rounds(
      [](Rng& rng) {
        constexpr int kQueues = 50;
        Queue* queue = nullptr;
        std::atomic<int> opened{0};
        std::atomic<int> sent{0};
        std::atomic<std::uint64_t> taken{0};
        Team team(3);
        for (int i = 0; i < 2; ++i) {
          team.add([&, rng = Rng(rng())]() mutable {
            for (int turn = 1; turn <= kQueues && comes([&] { return opened.load() == turn; }); ++turn) {
              dally(rng);
              if (queue->submit([] {})) taken.fetch_add(1);
              sent.fetch_add(1);
            }
          });
        }
        team.add([&, rng = Rng(rng())]() mutable {
          for (int turn = 1; turn <= kQueues && !testing::Test::HasFailure(); ++turn) {
            // No worker has a thread here, and most time would be spent with making and unmaking queues.
            std::optional<Calm> calm(std::in_place);
            Queue one({.workers = 1, .drive = errand::Drive::manual});
            errand::detail::Engine& engine = errand::QueueProbe::engine(one);
            queue = &one;
            taken.store(0);
            opened.store(turn);
            calm.reset();
            dally(rng);
            engine.begin_shutdown({.drain = errand::Drain::none});
            const std::uint64_t seen = engine.producers->submitted();
            ASSERT_TRUE(comes([&] { return sent.load() == 2 * turn; }));
            EXPECT_EQ(seen, taken.load());
            calm.emplace();
          }
        });
      },
      kLonger);
}

TEST(QueueInterleaved, AShutdownRunsWhatWasTaken) {
  rounds([](Rng& rng) {
    std::atomic<int> ran{0};
    std::atomic<int> taken{0};
    const errand::Order order = rng.below(2) == 0 ? errand::Order::fair : errand::Order::depth_first;
    Queue queue({.workers = 1 + static_cast<int>(rng.below(2)), .order = order});
    {
      Team team(3);
      for (int i = 0; i < 2; ++i) {
        team.add([&] {
          // Bodies submit as well.
          const auto body = [&] {
            ran.fetch_add(1);
            if (queue.submit([&] { ran.fetch_add(1); })) taken.fetch_add(1);
          };
          for (int sent = 0; sent < 1000 && queue.submit(body); ++sent) taken.fetch_add(1);
        });
      }
      team.add([&, rng = Rng(rng())]() mutable {
        for (std::uint64_t i = rng.below(20); i > 0; --i) dally(rng);
        const errand::Report report = queue.shutdown({.timeout = kSoon});
        EXPECT_EQ(report.left_over, 0u);
        EXPECT_EQ(report.cancelled, 0u);
      });
    }
    EXPECT_EQ(ran.load(), taken.load());
  });
}

TEST(QueueInterleaved, WorkersThatComeAndGoLoseNothing) {
  rounds([](Rng& rng) {
    Queue queue({.workers = 1});
    constexpr int kTasks = 500;
    std::atomic<int> ran{0};
    {
      Team team(2);
      team.add([&, rng = Rng(rng())]() mutable {
        for (int i = 0; i < kTasks; ++i) {
          queue.submit([&] { ran.fetch_add(1); }, {.priority = static_cast<int>(rng.below(10))});
          dally(rng);
        }
      });
      team.add([&, rng = Rng(rng())]() mutable {
        while (ran.load() < kTasks / 2 && !testing::Test::HasFailure()) {
          const bool pauses = rng.below(2) == 0;
          if (pauses) queue.pause();
          queue.set_workers(static_cast<int>(rng.below(4)));
          dally(rng);
          if (pauses) queue.resume();
          queue.set_workers(1 + static_cast<int>(rng.below(3)));
        }
      });
    }
    ASSERT_TRUE(comes([&] { return ran.load() == kTasks; })) << "a task waits, and everybody sleeps";
  });
}

TEST(QueueInterleaved, RoomIsKeptAndPassedOn) {
  rounds([](Rng& rng) {
    constexpr int kTasks = 200;
    const int capacity = 1 + static_cast<int>(rng.below(3));
    const int workers = 1 + static_cast<int>(rng.below(2));
    // Two submitters may wake one another, by chance.
    const int submitters = 1 + static_cast<int>(rng.below(2));
    std::atomic<int> inside{0};  // taken, and not begun
    std::atomic<int> ran{0};
    {
      Queue queue({.workers = workers,
                   .capacity = static_cast<std::size_t>(capacity),
                   .when_full = errand::WhenFull::block,
                   .block_for = kSoon});
      Team team(submitters);
      for (int i = 0; i < submitters; ++i) {
        team.add([&] {
          for (int sent = 0; sent < kTasks / submitters && !testing::Test::HasFailure(); ++sent) {
            const errand::SteadyTime began = now();
            const auto task = queue.submit([&] {
              inside.fetch_sub(1);
              ran.fetch_add(1);
            });
            EXPECT_TRUE(task && now() - began < kSoon / 2) << "it waited for room that there was";
            // Those that workers have claimed and not begun, and one of either thread that is counted here too late.
            EXPECT_LE(inside.fetch_add(1) + 1, capacity + workers + 1);
          }
        });
      }
    }
    EXPECT_EQ(ran.load(), kTasks);
  });
}

// Each round is a process of its own, in which the default queue has not been used.
TEST(QueueInterleaved, TheDefaultQueueIsMadeOnce) {
  rounds([](Rng& rng) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      alarm(static_cast<unsigned>(kSoon.count()));
      std::atomic<Queue*> seen[3] = {};
      std::atomic<int> ran{0};
      {
        Team team(3);
        for (auto& one : seen) {
          team.add([&] {
            one.store(&errand::default_queue());
            errand::submit([&] { ran.fetch_add(1); }).wait();
          });
        }
      }
      const bool same = seen[0].load() == seen[1].load() && seen[1].load() == seen[2].load();
      _exit(same && ran.load() == 3 ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0) << "two threads had two queues, or a task did not run";
    dally(rng);
  });
}

// What a ring of finished tasks lets go, it lets go once.
TEST(QueueInterleaved, ARingOfFinishedTasksLetsGoOfEachOnce) {
  rounds([](Rng&) {
    constexpr std::size_t kKept = 8;
    constexpr std::uint64_t kIds = 500;
    errand::detail::FinishedRing ring(kKept);
    std::vector<std::atomic<int>> gone = std::vector<std::atomic<int>>(2 * kIds + 1);
    {
      Team team(2);
      for (std::uint64_t first : {std::uint64_t{1}, kIds + 1}) {
        team.add([&, first] {
          for (std::uint64_t id = first; id < first + kIds; ++id) {
            if (const std::uint64_t old = ring.push(id).now) gone[old].fetch_add(1);
          }
        });
      }
    }
    std::size_t kept = 0;
    for (std::uint64_t id = 1; id <= 2 * kIds; ++id) {
      EXPECT_LE(gone[id].load(), 1);
      if (gone[id].load() == 0) ++kept;
    }
    EXPECT_EQ(kept, kKept);
  });
}

}  // namespace
}  // namespace interleave
