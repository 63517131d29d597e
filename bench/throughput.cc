// W1 and W3: no-ops from one or several producers.

#include <memory>

#include "measure.h"
#include "pools.h"
#include "suite.h"

namespace bench {

namespace {

using namespace std::chrono_literals;

// Two passes through one pool, of which the second counts: the first brings memory and threads to life.
template <class Pool>
double run(int producers, int workers, std::uint64_t count) {
  auto bodies = std::make_unique<Bodies>();
  Pool pool(workers);
  if constexpr (knows_its_tasks<Pool>) pool.sample(count, 2);
  const std::uint64_t each = count / static_cast<std::uint64_t>(producers);
  const auto submit = [&] {
    for (std::uint64_t i = 0; i < each; ++i) pool.submit(Nothing{bodies.get(), i, each});
  };
  double took = 0;
  for (int pass = 1; pass <= 2; ++pass) {
    std::atomic<bool> go{false};
    std::vector<std::thread> threads;
    for (int p = 1; p < producers; ++p) {
      threads.emplace_back([&] {
        while (!go.load(std::memory_order_acquire)) std::this_thread::yield();
        submit();
      });
    }
    const auto start = SteadyClock::now();
    go.store(true, std::memory_order_release);
    submit();
    for (auto& thread : threads) thread.join();
    bodies->wait_for(each * static_cast<std::uint64_t>(producers * pass));
    took = seconds_since(start);
  }
  if constexpr (knows_its_tasks<Pool>) pool.check_sample();
  return static_cast<double>(each * static_cast<std::uint64_t>(producers)) / took / 1e6;
}

template <class Pool>
Contender contender(int producers, int workers, std::uint64_t count) {
  return {Pool::kName, [=] { return run<Pool>(producers, workers, count); }};
}

// The raw limit: one thread writes 32 bytes a task into a ring, another one reads and calls.
void ring(std::uint64_t count, Bodies& bodies) {
  constexpr std::uint64_t kSlots = 4096;
  auto slots = std::make_unique<Slot[]>(kSlots);
  alignas(64) std::atomic<std::uint64_t> head{0};
  alignas(64) std::atomic<std::uint64_t> tail{0};
  std::thread reader([&] {
    for (std::uint64_t at = 0; at < count;) {
      const std::uint64_t end = head.load(std::memory_order_acquire);
      for (; at < end; ++at) slots[at % kSlots].call(slots[at % kSlots].body);
      tail.store(at, std::memory_order_release);
    }
  });
  std::uint64_t room = kSlots;
  for (std::uint64_t i = 0; i < count; ++i) {
    while (i == room) room = tail.load(std::memory_order_acquire) + kSlots;
    slots[i % kSlots] = {[](const Nothing& body) { body(); }, Nothing{&bodies, i, count}};
    if (i % 16 == 15 || i + 1 == count) head.store(i + 1, std::memory_order_release);
  }
  reader.join();
}

// One for each producer.
double rings(int producers, std::uint64_t count) {
  auto bodies = std::make_unique<Bodies>();
  const std::uint64_t each = count / static_cast<std::uint64_t>(producers);
  std::vector<std::thread> others;
  const auto start = SteadyClock::now();
  for (int p = 1; p < producers; ++p) others.emplace_back([&] { ring(each, *bodies); });
  ring(each, *bodies);
  for (std::thread& thread : others) thread.join();
  const double took = seconds_since(start);
  bodies->wait_for(each * static_cast<std::uint64_t>(producers));
  return static_cast<double>(each * static_cast<std::uint64_t>(producers)) / took / 1e6;
}

void compare(Suite& suite, const std::string& name, int producers, int workers) {
  const std::uint64_t million = suite.scale.of(1e6);
  std::vector<Contender> all = {
      contender<ErrandPool>(producers, workers, million), contender<MoodycamelPool>(producers, workers, million),
      contender<MutexPool>(producers, workers, million),  contender<AsioPool>(producers, workers, million),
      contender<TbbPool>(producers, workers, million),
  };
  // A thread a task: a fiftieth of the tasks is enough to see it.
  all.push_back(contender<AsyncPool>(producers, workers, million / 50));
  all.push_back({"a ring of slots for each producer", [=] { return rings(producers, million); }, true});
  suite.measure(name, "M tasks/s", true, std::move(all));
}

// Up to a thousand of each: what has a handle has to be known, and what is known has to be right.
void check_mixed(const errand::Queue& queue, const std::vector<errand::Task<>>& kept,
                 const std::vector<errand::TaskId>& retried, const std::vector<errand::TaskId>& cancelled) {
  const auto step = [](const auto& all) { return all.size() / 1000 + 1; };
  for (std::size_t i = 0; i < kept.size(); i += step(kept)) {
    const auto info = queue.info(kept[i].id());
    demand(info && info->state == errand::TaskState::completed, "a kept task is not known as completed");
  }
  for (std::size_t i = 0; i < retried.size(); i += step(retried)) {
    const auto info = queue.info(retried[i]);
    demand(!info || (info->state == errand::TaskState::completed && info->attempts == 2),
           "a task that completed at its second attempt is known as something else");
  }
  for (std::size_t i = 0; i < cancelled.size(); i += step(cancelled)) {
    const auto info = queue.info(cancelled[i]);
    // One that ran already completed in spite of the request.
    demand(!info || is_final(info->state), "a cancelled task is not known as final");
  }
}

// W1 with 1 % each of delayed, prioritised, retried and cancelled tasks and kept handles. What the others can't do has
// no contender but W1 itself.
double mixed(std::uint64_t count, bool plain) {
  auto bodies = std::make_unique<Bodies>();
  errand::Queue queue({.workers = 1});
  Sample sample(count, 2);
  std::vector<errand::Task<>> kept;
  std::vector<errand::TaskId> retried, cancelled;
  double took = 0;
  for (int pass = 1; pass <= 2; ++pass) {
    kept.clear();
    const std::uint64_t before = queue.stats().completed;
    const auto start = SteadyClock::now();
    for (std::uint64_t i = 0; i < count; ++i) {
      const Nothing body{bodies.get(), i, 0};
      switch (plain ? 0 : i % 100) {
        case 10:
          queue.submit_in(1ms, body);
          break;
        case 30:
          queue.submit(body, {.priority = errand::kHigh});
          break;
        case 50:
          retried.push_back(queue
                                .submit(
                                    [b = bodies.get()](errand::Attempt& a) -> errand::Outcome {
                                      if (a.number() == 1) return errand::retry("once more");
                                      b->one();
                                      return errand::done();
                                    },
                                    {.max_attempts = 2, .retry = errand::Retry::immediate()})
                                .id());
          break;
        case 70: {
          auto task = queue.submit(body);
          if (task.cancel()) cancelled.push_back(task.id());
          break;
        }
        case 90:
          kept.push_back(queue.submit(body));
          break;
        default:
          if (sample.picks()) {
            sample.note([&](auto f) { return queue.submit(f); }, body);
          } else {
            queue.submit(body);
          }
      }
    }
    demand(queue.wait_idle(120s), "the queue did not become idle");
    while (queue.stats().scheduled + queue.stats().retryable != 0) std::this_thread::sleep_for(50us);
    demand(queue.wait_idle(120s), "the queue did not become idle");
    took = seconds_since(start);
    const errand::Stats stats = queue.stats();
    demand(stats.completed + stats.cancelled == count * static_cast<std::uint64_t>(pass), "a task was lost");
    demand(stats.completed - before <= count, "a task ran twice");
  }
  sample.check(queue);
  check_mixed(queue, kept, retried, cancelled);
  return static_cast<double>(count) / took / 1e6;
}

// More threads than cores: as many producers as workers, workers alone, and producers alone.
void scaling(Suite& suite) {
  const std::uint64_t million = suite.scale.of(1e6);
  std::vector<Contender> both;
  std::vector<Contender> workers;
  std::vector<Contender> producers;
  for (const int count : {2, 1, 4, 8, 16}) {
    const std::string number = std::to_string(count);
    std::string twice = number;
    twice.append(" and ").append(number);
    both.push_back({count == 2 ? "errand" : twice, [=] { return run<ErrandPool>(count, count, million); }});
    workers.push_back({count == 2 ? "errand" : number, [=] { return run<ErrandPool>(1, count, million); }});
    producers.push_back({count == 2 ? "errand" : number, [=] { return run<ErrandPool>(count, 2, million); }});
  }
  suite.measure("W3 errand with more or fewer threads than 2 and 2", "M tasks/s", true, std::move(both));
  suite.measure("W3 errand, 1 producer, more or fewer workers than 2", "M tasks/s", true, std::move(workers));
  suite.measure("W3 errand, 2 workers, more or fewer producers than 2", "M tasks/s", true, std::move(producers));
}

}  // namespace

void throughput(Suite& suite) {
  const std::uint64_t million = suite.scale.of(1e6);
  compare(suite, "W1 1 producer, 1 worker", 1, 1);
  compare(suite, "W1 1 producer, 2 workers", 1, 2);
  suite.measure(
      "W1 mixed, 1 worker", "M tasks/s", true,
      {{"errand", [=] { return mixed(million, false); }}, {"errand, plain", [=] { return mixed(million, true); }}});
  compare(suite, "W3 2 producers, 2 workers", 2, 2);
  scaling(suite);
}

}  // namespace bench
