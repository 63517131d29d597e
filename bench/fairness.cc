// Urgent tasks under load: the queue is kept full of tasks of priority 5, and now and then one of priority 0 comes in.
//
// Counted are the bodies of priority 5 that begin after the submit() of the urgent task has returned and before its own
// body begins. With a worker between each two bodies looking for something better, that is at most one a worker: the
// one it had taken already when the urgent task came. What is beyond has overtaken it. Bodies take 1 us, so that a
// submit falls inside one of them; with no-ops several begin before another core can know of the urgent task at all.

#include <memory>

#include "measure.h"
#include "pools.h"
#include "suite.h"

namespace bench {

namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kFull = 4000;
constexpr auto kGap = 100us;

struct Load {
  alignas(64) std::atomic<std::uint64_t> begun{0};  // bodies of priority 5
  std::chrono::nanoseconds body{};
};

struct Plain {
  Load* load;
  void operator()() const {
    load->begun.fetch_add(1, std::memory_order_relaxed);
    if (load->body.count() != 0) spin_for(load->body);
  }
};

struct Urgent {
  std::uint64_t begun = 0;  // bodies of priority 5 when its own began
  SteadyClock::time_point ran_at{};
  std::atomic<bool> ran{false};
};

// How many passed each urgent task, and how long it took to begin, in us.
struct Seen {
  std::vector<double> passed, delay;
};

Seen ask(std::uint64_t count, int workers, std::chrono::nanoseconds body) {
  Load load;
  load.body = body;
  std::uint64_t submitted = 0;
  Seen seen;
  errand::Queue queue({.workers = workers});
  const auto fill = [&] {
    for (; submitted < load.begun.load(std::memory_order_relaxed) + kFull; ++submitted) queue.submit(Plain{&load});
  };
  for (std::uint64_t i = 0; i < count; ++i) {
    fill();
    // Where bodies are no-ops the load would be worked off during a sleep.
    for (const auto start = SteadyClock::now(); SteadyClock::now() - start < kGap;) fill();
    Urgent urgent;
    const auto start = SteadyClock::now();
    queue.submit(
        [&load, &urgent] {
          urgent.begun = load.begun.load(std::memory_order_relaxed);
          urgent.ran_at = SteadyClock::now();
          urgent.ran.store(true, std::memory_order_release);
        },
        {.priority = 0});
    const std::uint64_t before = load.begun.load(std::memory_order_relaxed);
    while (!urgent.ran.load(std::memory_order_acquire)) fill();
    seen.passed.push_back(urgent.begun > before ? static_cast<double>(urgent.begun - before) : 0);
    seen.delay.push_back(std::chrono::duration<double, std::micro>(urgent.ran_at - start).count());
  }
  demand(queue.wait_idle(60s), "the queue did not become idle");
  demand(load.begun.load() == submitted, "a task was lost or ran twice");
  return seen;
}

Suite::Several contender(const char* who, std::uint64_t count, int workers, std::chrono::nanoseconds body) {
  return {who, [=] {
            const Seen seen = ask(count, workers, body);
            const double most = quantile(seen.passed, 1);
            return std::vector<double>{quantile(seen.passed, 0.5), quantile(seen.passed, 0.99),
                                       std::max(0.0, most - workers), quantile(seen.delay, 0.5),
                                       quantile(seen.delay, 0.99)};
          }};
}

}  // namespace

void fairness(Suite& suite) {
  const std::uint64_t count = suite.scale.of(2000) / (suite.scale.size < 1 ? 5 : 1);
  suite.measure_several({{"urgent task under load, passed by others, p50", "tasks", false},
                         {"urgent task under load, passed by others, p99", "tasks", false},
                         {"urgent task under load, passed by more than one a worker, most", "tasks", false},
                         {"urgent task under load, delay, p50", "us", false},
                         {"urgent task under load, delay, p99", "us", false}},
                        {contender("errand", count, 1, 1us), contender("2 workers", count, 2, 1us),
                         contender("no-ops, 1 worker", count, 1, 0us)});
}

}  // namespace bench
