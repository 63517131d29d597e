// How far tasks overtake one another when a worker stands still with a batch in hand: logical workers, so that one can
// be held at any point.

#include <errand/errand.h>
#include <errand/testing.h>
#include <gtest/gtest.h>

#include <thread>

#include "engine/engine.h"

namespace errand {
inline namespace v0 {
namespace detail {

class LaneProbe {
 public:
  static std::atomic<bool>& taking(Lane& lane) { return lane.taking_; }
};

}  // namespace detail

namespace {

using detail::Engine;
using detail::Seat;
using detail::Worker;

constexpr int kTasks = 5000;
constexpr int kBatch = 64;

template <class F>
void submit(Engine& engine, F body, TaskOptions options = {}) {
  const detail::Draft draft = engine.begin(options);
  detail::store<F>(*draft.record, std::move(body));
  engine.publish(draft, detail::kOps<F>);
  detail::unpin<void>(*draft.record);
}

// Runs kTasks tasks of one producer with `count` workers, of which the first only claims `claims` tasks and then stands
// still, and gives the place at which each task was begun. What the slow worker claimed counts as begun.
std::vector<int> places(int count, int claims) {
  Engine engine({.workers = count, .drive = Drive::manual, .clock = std::make_shared<ManualClock>(), .seed = 3});
  std::vector<int> place(kTasks, -1);
  int begun = 0;
  for (int i = 0; i < kTasks; ++i) {
    submit(engine, [&place, &begun, i] { place[static_cast<std::size_t>(i)] = begun++; });
  }
  std::vector<Worker*> workers;
  for (int i = 0; i < count; ++i) workers.push_back(&engine.borrow_guest());
  {
    const Seat seat(engine, workers[0]);
    Worker::Claimed last;
    for (int i = 0; i < claims; ++i) {
      if (last.record != nullptr) workers[0]->run(last);
      last = workers[0]->claim();
    }
    bool more = true;
    while (more) {
      more = false;
      for (int i = 1; i < count; ++i) more = workers[static_cast<std::size_t>(i)]->step() || more;
    }
    workers[0]->run(last);
    EXPECT_FALSE(workers[0]->step());
  }
  for (Worker* worker : workers) engine.return_guest(*worker);
  EXPECT_EQ(begun, kTasks);
  return place;
}

}  // namespace

TEST(Overtaking, IsAtMostABatchForEachWorker) {
  for (const int workers : {2, 3, 8}) {
    for (const int claims : {1, 30, 61}) {
      const std::vector<int> place = places(workers, claims);
      int claimed_late = 0;
      for (int i = 0; i < kTasks; ++i) {
        // The one task that the slow worker had claimed has begun, as far as anybody else can tell.
        if (place[static_cast<std::size_t>(i)] > i + workers * kBatch) ++claimed_late;
      }
      EXPECT_LE(claimed_late, 1) << workers << " workers, after " << claims;
    }
  }
}

// Another worker has lost its CPU in the middle of taking a batch from the lane of the best priority.
TEST(Overtaking, NothingWorseBeginsWhileABetterLaneIsBeingTakenFrom) {
  Engine engine({.workers = 1, .drive = Drive::manual, .clock = std::make_shared<ManualClock>(), .seed = 3});
  std::atomic<int> begun{0};
  int first = -1;
  const auto body = [&](int priority) {
    return [&, priority] {
      if (begun.fetch_add(1) == 0) first = priority;
    };
  };
  submit(engine, body(5), {.priority = 5});
  submit(engine, body(0), {.priority = 0});
  std::atomic<bool>& taking = detail::LaneProbe::taking(*engine.producers->first_lane(0));
  taking.store(true);
  std::atomic<bool> looks{false};
  std::thread other([&] {
    Worker& worker = engine.borrow_guest();
    {
      const Seat seat(engine, &worker);
      looks.store(true);
      EXPECT_TRUE(worker.step());
    }
    engine.return_guest(worker);
  });
  while (!looks.load()) std::this_thread::yield();
  for (int i = 0; i < 100; ++i) std::this_thread::yield();
  EXPECT_EQ(begun.load(), 0);
  taking.store(false);
  other.join();
  EXPECT_EQ(first, 0);
  Worker& worker = engine.borrow_guest();
  {
    const Seat seat(engine, &worker);
    while (worker.step()) {
    }
  }
  engine.return_guest(worker);
  EXPECT_EQ(begun.load(), 2);
}

}  // namespace v0
}  // namespace errand
