// Handles that are waited with, dropped, or asked for their value while the task ends.

#include <errand/errand.h>

#include <optional>

#include "rounds.h"

namespace interleave {
namespace {

using errand::Queue;
using errand::Rng;
using errand::Task;

// A value that has to be destroyed, once.
class Counted {
 public:
  explicit Counted(std::atomic<int>& alive) : alive_(&alive) { alive_->fetch_add(1); }
  Counted(Counted&& other) noexcept : alive_(other.alive_) { alive_->fetch_add(1); }
  Counted& operator=(Counted&&) = delete;
  ~Counted() {
    EXPECT_TRUE(is_there_) << "destroyed twice";
    is_there_ = false;
    alive_->fetch_sub(1);
  }

 private:
  std::atomic<int>* alive_;
  bool is_there_ = true;
};

// A place for one thing, where another thread takes it.
template <class T>
class Shelf {
 public:
  bool put(T& thing) {
    if (full_.load(std::memory_order_acquire)) return false;
    thing_.emplace(std::move(thing));
    full_.store(true, std::memory_order_release);
    return true;
  }
  std::optional<T> take() {
    if (!full_.load(std::memory_order_acquire)) return std::nullopt;
    std::optional<T> taken(std::move(thing_));
    thing_.reset();
    full_.store(false, std::memory_order_release);
    return taken;
  }

 private:
  std::optional<T> thing_;
  std::atomic<bool> full_{false};
};

TEST(HandleInterleaved, EachValueIsDestroyedOnce) {
  constexpr int kTasks = 300;
  rounds([](Rng& rng) {
    std::atomic<int> alive{0};
    {
      // Records are used again at once.
      Queue queue({.workers = 1 + static_cast<int>(rng.below(2)), .retention = {.count = 0}});
      Shelf<Task<Counted>> shelf;
      std::atomic<bool> over{false};
      Team team(2);
      team.add([&, rng = Rng(rng())]() mutable {
        for (int i = 0; i < kTasks && !testing::Test::HasFailure(); ++i) {
          auto task = queue.submit([&alive] { return Counted(alive); });
          dally(rng);
          switch (rng.below(4)) {
            case 0:
              EXPECT_TRUE(comes([&] { return shelf.put(task); }));
              break;
            case 1:
              EXPECT_TRUE(is_told(task)) << "an end that nobody was told of";
              EXPECT_TRUE(task.result());
              break;
            case 2:
              static_cast<void>(task.cancel());
              break;
            default:
              break;
          }
        }
        over.store(true);
      });
      team.add([&, rng = Rng(rng())]() mutable {
        while (!over.load()) {
          auto task = shelf.take();
          if (!task) continue;
          dally(rng);
          if (rng.below(2) == 0) {
            EXPECT_TRUE(is_told(*task)) << "an end that nobody was told of";
            EXPECT_TRUE(task->result());
            EXPECT_FALSE(task->result()) << "it was taken";
          }
        }
      });
    }
    EXPECT_EQ(alive.load(), 0);
  });
}

TEST(HandleInterleaved, EveryWaiterIsTold) {
  rounds(
      [](Rng& rng) {
        Queue queues[2] = {Queue({.workers = 1}), Queue({.workers = 1})};
        // Two waiters may wake one another, by chance.
        const int waiters = 1 + static_cast<int>(rng.below(2));
        Team team(waiters);
        for (int i = 0; i < waiters; ++i) {
          team.add([&, rng = Rng(rng())]() mutable {
            for (int step = 0; step < 50 && !testing::Test::HasFailure(); ++step) {
              auto first = queues[rng.below(2)].submit([] {});
              // The other one ends soon as well, or not by itself.
              const errand::Duration delay = rng.below(2) == 0 ? 0s : 1h;
              auto second = queues[rng.below(2)].submit([] {}, {.delay = delay});
              dally(rng);
              EXPECT_TRUE(in_time([&](errand::Duration at_most) {
                return errand::wait_any({&second, &first}, at_most) >= 0;
              })) << "an end that nobody was told of";
              static_cast<void>(second.cancel());
              EXPECT_TRUE(is_told(second) && is_told(first)) << "an end that nobody was told of";
            }
          });
        }
      },
      kLonger);
}

// The memory of tasks that ended is used again, and their ids are not.
TEST(HandleInterleaved, AnOldIdNeverFindsAnotherTask) {
  rounds([](Rng& rng) {
    Queue queue({.workers = 2, .retention = {.count = rng.below(2) * 64}});
    std::vector<std::atomic<std::uint64_t>> ids = std::vector<std::atomic<std::uint64_t>>(64);
    std::atomic<bool> over{false};
    Team team(2);
    team.add([&, rng = Rng(rng())]() mutable {
      for (int i = 0; i < 500 && !testing::Test::HasFailure(); ++i) {
        // Its priority is what it is known by.
        const std::uint64_t place = rng.below(ids.size());
        auto task = queue.submit([] {}, {.priority = static_cast<int>(place % 10),
                                         .name = place % 2 == 0 ? std::to_string(place) : std::string()});
        ids[place].store(task.id().value);
        const bool told = rng.below(4) != 0 || is_told(task);
        EXPECT_TRUE(told) << "an end that nobody was told of";
      }
      over.store(true);
    });
    team.add([&, rng = Rng(rng())]() mutable {
      while (!over.load()) {
        const std::uint64_t place = rng.below(ids.size());
        const errand::TaskId id{ids[place].load()};
        dally(rng);
        const auto info = queue.info(id);
        if (!info) continue;
        EXPECT_EQ(info->id, id);
        EXPECT_EQ(info->priority, static_cast<int>(place % 10));
        EXPECT_EQ(info->name, place % 2 == 0 ? std::to_string(place) : "");
      }
    });
  });
}

}  // namespace
}  // namespace interleave
