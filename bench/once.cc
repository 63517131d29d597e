// Fixed amounts of work in one thread, driven by hand: how many instructions a task costs does not depend on the
// machine's mood. bench/instructions runs this under callgrind, which counts inside counted() only, with two numbers of
// rounds, so that what comes once falls out as well.

#include "once.h"

#include <errand/queue.h>

#include <functional>
#include <memory>
#include <thread>

#include "measure.h"

namespace bench {

/// What callgrind goes by: it begins to count here, and ends at the return.
[[gnu::noinline]] void counted(const std::function<void()>& work) {
  work();
  asm volatile("");  // no jump instead of the call
}

namespace {

using namespace std::chrono_literals;

// The nodes of a binary tree of ten levels.
constexpr std::uint64_t kRound = 1023;
constexpr std::uint64_t kDepth = 9;

// A queue that has seen a first task: that one opens pages and makes the thread known.
class Hand {
 public:
  Hand() {
    submit();
    queue.dispatch();
  }
  ~Hand() { demand(bodies->sum() == submitted, "a task was lost or ran twice"); }
  errand::TaskId submit() {
    ++submitted;
    return queue.submit(Nothing{bodies.get(), 0, 0}).id();
  }

  std::unique_ptr<Bodies> bodies = std::make_unique<Bodies>();
  std::uint64_t submitted = 0;
  errand::Queue queue{{.drive = errand::Drive::manual, .close = {.drain = errand::Drain::none}, .seed = 7}};
};

void submit_only(std::uint64_t rounds) {
  Hand hand;
  counted([&] {
    for (std::uint64_t i = 0; i < rounds * kRound; ++i) hand.submit();
  });
  hand.queue.dispatch();
}

void run_only(std::uint64_t rounds) {
  Hand hand;
  for (std::uint64_t i = 0; i < rounds * kRound; ++i) hand.submit();
  counted([&] { hand.queue.dispatch(); });
}

// Round by round: memory that the first ones had is used again.
void submit_and_run(std::uint64_t rounds) {
  Hand hand;
  counted([&] {
    for (; rounds > 0; --rounds) {
      for (std::uint64_t i = 0; i < kRound; ++i) hand.submit();
      hand.queue.dispatch();
    }
  });
}

void with_handle(std::uint64_t rounds) {
  Hand hand;
  std::vector<errand::Task<std::uint64_t>> kept;
  kept.reserve(kRound);
  std::uint64_t sum = 0;
  counted([&] {
    for (std::uint64_t round = 0; round < rounds; ++round) {
      for (std::uint64_t i = 0; i < kRound; ++i) {
        kept.push_back(hand.queue.submit([b = hand.bodies.get(), i, round] {
          b->one();
          return i + round;
        }));
      }
      hand.submitted += kRound;
      hand.queue.dispatch();
      for (auto& task : kept) sum += task.get();
      kept.clear();
    }
  });
  demand(sum == rounds * kRound * (kRound - 1) / 2 + kRound * (rounds * (rounds - 1) / 2), "a value is wrong");
}

struct Tree {
  explicit Tree(errand::Order order) : queue({.drive = errand::Drive::manual, .order = order, .seed = 7}) {}
  void grow();

  errand::Queue queue;
  std::uint64_t left = 0;  // of its tasks
  std::stop_source over{};
};

struct Node {
  Tree* tree;
  std::uint64_t depth, unused;
  void operator()() const {
    if (depth != 0) {
      tree->queue.submit(Node{tree, depth - 1, 0});
      tree->queue.submit(Node{tree, depth - 1, 0});
    }
    if (--tree->left == 0) tree->over.request_stop();
  }
};
static_assert(sizeof(Node) == 24);

void Tree::grow() {
  left = kRound;
  over = std::stop_source();
  queue.submit(Node{this, kDepth, 0});
  queue.run(over.get_token());
  demand(left == 0, "a task was lost");
}

template <errand::Order order>
void trees(std::uint64_t rounds) {
  Tree tree(order);
  tree.grow();
  counted([&] {
    for (; rounds > 0; --rounds) tree.grow();
  });
}

// All are due when the queue is looked at again.
void timers_fired(std::uint64_t rounds) {
  Hand hand;
  const std::uint64_t count = rounds * kRound;
  counted([&] {
    for (std::uint64_t i = 0; i < count; ++i) hand.queue.submit_in(1ms, Nothing{hand.bodies.get(), 0, 0});
  });
  hand.submitted += count;
  std::this_thread::sleep_for(50ms);
  counted([&] { hand.queue.dispatch(); });
}

void timers_cancelled(std::uint64_t rounds) {
  Hand hand;
  std::vector<errand::TaskId> ids(kRound);
  counted([&] {
    for (; rounds > 0; --rounds) {
      for (auto& id : ids) id = hand.queue.submit_in(1h, Nothing{hand.bodies.get(), 0, 0}).id();
      for (const auto id : ids) demand(hand.queue.cancel(id).has_value(), "a timer was not there to cancel");
    }
  });
}

void list_all(std::uint64_t rounds) {
  Hand hand;
  for (std::uint64_t i = 0; i < rounds * kRound; ++i) hand.submit();
  std::uint64_t listed = 0;
  counted([&] {
    errand::ListOptions page{.state = errand::TaskState::available, .limit = kRound};
    for (auto tasks = hand.queue.list(page); !tasks.empty(); tasks = hand.queue.list(page)) {
      listed += tasks.size();
      page.after = tasks.back().id;
    }
  });
  demand(listed == rounds * kRound, "a task was not listed, or twice");
  hand.queue.dispatch();
}

void ask_for_each(std::uint64_t rounds) {
  Hand hand;
  std::vector<errand::TaskId> ids;
  ids.reserve(rounds * kRound);
  for (std::uint64_t i = 0; i < rounds * kRound; ++i) ids.push_back(hand.submit());
  counted([&] {
    for (const auto id : ids) demand(hand.queue.info(id).has_value(), "a task that waits is not known");
  });
  hand.queue.dispatch();
}

struct Work {
  const char* name;
  void (*run)(std::uint64_t rounds);
};
constexpr Work kAll[] = {
    {"submit", submit_only},
    {"run", run_only},
    {"W1 submit and run", submit_and_run},
    {"W2 with a handle kept", with_handle},
    {"W4 tree, depth first", trees<errand::Order::depth_first>},
    {"W4 tree, default order", trees<errand::Order::fair>},
    {"W6 timer scheduled and fired", timers_fired},
    {"W6 timer scheduled and cancelled", timers_cancelled},
    {"list() of what waits", list_all},
    {"info() of what waits", ask_for_each},
};

}  // namespace

std::vector<std::string> names_of_once() {
  std::vector<std::string> names;
  for (const Work& work : kAll) names.emplace_back(work.name);
  return names;
}

bool run_once(const std::string& name, std::uint64_t rounds) {
  for (const Work& work : kAll) {
    if (work.name != name) continue;
    work.run(rounds);
    return true;
  }
  return false;
}

}  // namespace bench
