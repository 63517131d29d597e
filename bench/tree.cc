// W4: a binary tree of 1,048,575 tasks, each of which submits its two children.

#include <tbb/task_group.h>

#include <future>
#include <memory>
#include <vector>

#include "measure.h"
#include "pools.h"
#include "suite.h"

namespace bench {

namespace {

template <class Pool>
struct Node {
  Pool* pool;
  Bodies* bodies;
  std::uint64_t depth;
  void operator()() const {
    bodies->one();
    if (depth == 0) return;
    pool->submit(Node{pool, bodies, depth - 1});
    pool->submit(Node{pool, bodies, depth - 1});
  }
};

// `wait(bodies, count)`: until so many have run.
template <class Pool, class Wait>
double grow(Pool& pool, std::uint64_t depth, Wait wait) {
  auto bodies = std::make_unique<Bodies>();
  const std::uint64_t count = (std::uint64_t{2} << depth) - 1;
  double took = 0;
  for (std::uint64_t pass = 1; pass <= 2; ++pass) {
    const auto start = SteadyClock::now();
    pool.submit(Node<Pool>{&pool, bodies.get(), depth});
    wait(*bodies, pass * count);
    took = seconds_since(start);
  }
  return static_cast<double>(count) / took / 1e6;
}

template <class Pool>
double grow(Pool& pool, std::uint64_t depth) {
  return grow(pool, depth, [](const Bodies& bodies, std::uint64_t count) { bodies.wait_for(count); });
}

double errand_tree(errand::Order order, std::uint64_t depth, bool timed = true) {
  ErrandPool pool(errand::QueueOptions{.workers = 2, .order = order, .timed = timed});
  // Without times there is little to ask for, and not when a task ended.
  if (timed) pool.sample(std::uint64_t{2} << depth, 2);
  const double figure = grow(pool, depth);
  if (timed) pool.check_sample();
  return figure;
}

// The tree without tasks, on one thread.
struct Calls {
  void submit(const Node<Calls>& node) { node(); }
};

// As its manual shows it: the thread that waits works as well.
double task_group_tree(std::uint64_t depth) {
  struct Group {
    tbb::task_group group;
    void submit(Node<Group> node) { group.run(node); }
  };
  const tbb::global_control most(tbb::global_control::max_allowed_parallelism, 2);
  Group group;
  return grow(group, depth, [&](const Bodies& bodies, std::uint64_t count) {
    group.group.wait();
    demand(bodies.sum() == count, "a task was lost or ran twice");
  });
}

// A thread a task, and two at a time that do not wait for another one: below the root each half goes down one branch
// after the other.
double async_tree(std::uint64_t depth) {
  struct Threads {
    std::uint64_t halves;
    std::vector<std::future<void>> running{};
    void submit(const Node<Threads>& node) {
      auto over = std::async(std::launch::async, node);
      if (node.depth == halves) {
        running.push_back(std::move(over));
      } else {
        over.get();
      }
    }
  };
  Threads threads{depth - 1};
  return grow(threads, depth, [&](const Bodies& bodies, std::uint64_t count) {
    for (auto& half : threads.running) half.get();
    threads.running.clear();
    demand(bodies.sum() == count, "a task was lost or ran twice");
  });
}

}  // namespace

void tree(Suite& suite) {
  const std::uint64_t depth = suite.scale.size >= 1 ? 19 : 12;
  suite.measure("W4 tree of tasks, 2 workers", "M tasks/s", true,
                {{"errand", [=] { return errand_tree(errand::Order::depth_first, depth); }},
                 {"errand, default order", [=] { return errand_tree(errand::Order::fair, depth); }},
                 {"errand, untimed", [=] { return errand_tree(errand::Order::depth_first, depth, false); }},
                 {"oneTBB task_group", [=] { return task_group_tree(depth); }},
                 {"moodycamel",
                  [=] {
                    MoodycamelPool pool(2);
                    return grow(pool, depth);
                  }},
                 {"Boost.Asio",
                  [=] {
                    AsioPool pool(2);
                    return grow(pool, depth);
                  }},
                 {"mutex and deque",
                  [=] {
                    MutexPool pool(2);
                    return grow(pool, depth);
                  }},
                 // As in W1 a small part of the tasks is enough to see it.
                 {"std::async", [=] { return async_tree(depth - 5); }},
                 {"plain calls",
                  [=] {
                    Calls calls;
                    return grow(calls, depth);
                  },
                  true}});
}

}  // namespace bench
