// Questions from another thread, again and again, while a worker works off what waits.
//
// All tasks are submitted before, and as many as were worked off still wait in the end: there is one worker, and one
// thread that asks, on two cores. What a second thread costs the first anyway (memory, the clock of the processor, the
// other side of the core) is not the queue's doing; so the same is measured with a thread that counts in a loop, and
// with those that ask another queue just as full; and, to see what such a thread costs, with nobody else at all.

#include <memory>
#include <random>

#include "measure.h"
#include "pools.h"
#include "suite.h"

namespace bench {

namespace {

using namespace std::chrono_literals;

struct Asked {
  std::uint64_t answers = 0;
  std::vector<double> took{};  // us, each list(); nothing of others, which take no longer than a look at the clock
};

// Asks until it is over.
using Ask =
    std::function<Asked(const errand::Queue&, const std::vector<errand::TaskId>&, const std::atomic<bool>& over)>;

struct Work {
  std::uint64_t run, wait;        // how many are worked off, and how many still wait then
  std::chrono::nanoseconds body;  // zero: a no-op
};

// A no-op, or a microsecond's work that says when it began.
struct Worked {
  Bodies* bodies;
  std::int64_t* began;
  std::chrono::nanoseconds body;
  void operator()() const {
    if (began != nullptr) {
      *began = SteadyClock::now().time_since_epoch().count();
      spin_for(body);
    }
    bodies->one();
  }
};

struct Told {
  double throughput = 0;       // M tasks/s
  double answers = 0;          // M/s
  std::vector<double> gaps{};  // us, between the starts of two tasks
  double list = 0;             // us, one list() of 1,000, at p99
};

// `elsewhere`: another queue is asked, in which as many tasks wait.
Told work_off(const Work& work, const Ask& ask, bool elsewhere) {
  const std::uint64_t all = work.run + work.wait;
  auto bodies = std::make_unique<Bodies>();
  std::vector<std::int64_t> began(work.body != 0ns ? work.run : 0);
  std::vector<errand::TaskId> ids;
  ids.reserve(all);
  errand::Queue queue({.workers = 1});
  errand::Queue other_queue({.workers = 0, .close = {.drain = errand::Drain::none}});
  queue.pause();
  for (std::uint64_t i = 0; i < all; ++i) {
    const errand::TaskId id =
        queue.submit(Worked{bodies.get(), i < began.size() ? &began[i] : nullptr, work.body}).id();
    ids.push_back(elsewhere ? other_queue.submit(Worked{bodies.get(), nullptr, {}}).id() : id);
  }
  std::atomic<bool> over{false};
  std::atomic<bool> asks{false};
  Asked asked;
  std::thread other([&] {
    asks.store(true);
    asked = ask(elsewhere ? other_queue : queue, ids, over);
  });
  while (!asks.load()) std::this_thread::yield();
  const auto start = SteadyClock::now();
  queue.resume();
  while (bodies->sum() < work.run) std::this_thread::sleep_for(20us);
  const std::uint64_t ran = bodies->sum();
  const double took = seconds_since(start);
  over.store(true);
  other.join();
  bodies->wait_for(all);
  Told told{static_cast<double>(ran) / took / 1e6, static_cast<double>(asked.answers) / took / 1e6};
  told.list = quantile(asked.took, 0.99);
  for (std::size_t i = 1; i < began.size(); ++i)
    told.gaps.push_back(static_cast<double>(began[i] - began[i - 1]) / 1e3);
  return told;
}

Asked list_all(const errand::Queue& queue, const std::vector<errand::TaskId>&, const std::atomic<bool>& over) {
  Asked asked;
  while (!over.load()) {
    errand::ListOptions page{.limit = 1000};
    for (;;) {
      const auto start = SteadyClock::now();
      const auto tasks = queue.list(page);
      asked.took.push_back(seconds_since(start) * 1e6);
      asked.answers += tasks.size();
      if (tasks.empty() || over.load()) break;
      page.after = tasks.back().id;
    }
  }
  return asked;
}

Asked ask_at_random(const errand::Queue& queue, const std::vector<errand::TaskId>& ids, const std::atomic<bool>& over) {
  std::minstd_rand random(7);
  Asked asked;
  for (; !over.load(); ++asked.answers) {
    const errand::TaskId id = ids[random() % ids.size()];
    const auto info = queue.info(id);
    demand(!info || info->id == id, "info() told of another task");
  }
  return asked;
}

Asked only_look(const errand::Queue&, const std::vector<errand::TaskId>&, const std::atomic<bool>& over) {
  while (!over.load()) {
  }
  return {};
}

Asked leave(const errand::Queue&, const std::vector<errand::TaskId>&, const std::atomic<bool>&) {
  return {};
}

}  // namespace

void status(Suite& suite) {
  const std::uint64_t million = suite.scale.of(1e6);
  const auto contender = [=](const char* who, const Ask& ask, bool elsewhere = false) {
    const auto run = [=] {
      const Told no_ops = work_off({2 * million, million, 0ns}, ask, elsewhere);
      const Told longer = work_off({million / 2, million, 1us}, ask, elsewhere);
      return std::vector<double>{
          no_ops.throughput, longer.throughput, quantile(longer.gaps, 0.99), quantile(longer.gaps, 0.9999),
          longer.answers,    longer.list};
    };
    return Suite::Several{who, run};
  };
  suite.measure_several(
      {{"questions meanwhile, no-ops", "M tasks/s", true},
       {"questions meanwhile, tasks of 1 us", "M tasks/s", true},
       {"questions meanwhile, between two starts, p99", "us", false},
       {"questions meanwhile, between two starts, p99.99", "us", false},
       {"questions meanwhile, answers", "M/s", true},
       {"questions meanwhile, one list() of 1,000, p99", "us", false}},
      {contender("errand", list_all), contender("info() of random ids", ask_at_random),
       contender("list() of another queue", list_all, true), contender("info() of another queue", ask_at_random, true),
       contender("a loop", only_look), contender("nobody asks", leave)});
}

}  // namespace bench
