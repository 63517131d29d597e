// W7 and W8: what tasks leave behind, and what they take up while they wait; and what idle workers cost.

#include <malloc.h>

#include <memory>

#include "measure.h"
#include "pools.h"
#include "suite.h"

namespace bench {

namespace {

using namespace std::chrono_literals;

// Idle workers, and a schedule that is due in an hour: their share of one processor, in percent.
double idle(std::chrono::milliseconds time) {
  errand::Queue queue({.workers = 16});
  queue.every(1h, [] {});
  for (int i = 0; i < 1000; ++i) queue.submit([] {});
  queue.wait_idle(60s);
  std::this_thread::sleep_for(100ms);
  const double before = cpu_seconds();
  std::this_thread::sleep_for(time);
  return (cpu_seconds() - before) / std::chrono::duration<double>(time).count() * 100;
}

// Many tasks through one queue; how much the resident memory grows after the first tenth, in MiB.
double growth(std::uint64_t count) {
  auto bodies = std::make_unique<Bodies>();
  errand::Queue queue({.workers = 1});
  std::size_t early = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    queue.submit(Nothing{bodies.get(), i, 0});
    if (i % 100'000 == 0) queue.wait_idle(60s);
    if (i == count / 10) early = resident_bytes();
  }
  bodies->wait_for(count);
  const std::size_t late = resident_bytes();
  return late > early ? static_cast<double>(late - early) / 1048576.0 : 0;
}

// Bytes a task: while all wait behind a busy worker, at the peak of what follows, and once all have run. Each contender
// starts on a heap that was given back.
template <class Pool>
std::vector<double> waiting(std::uint64_t count) {
  malloc_trim(0);
  auto bodies = std::make_unique<Bodies>();
  std::atomic<bool> go{false};
  Pool pool(1);
  pool.submit([&] {
    while (!go.load()) std::this_thread::sleep_for(1ms);
  });
  const std::size_t before = resident_bytes();
  const auto each = [&](std::size_t bytes) {
    return (static_cast<double>(bytes) - static_cast<double>(before)) / static_cast<double>(count);
  };
  forget_peak_of_resident_bytes();
  for (std::uint64_t i = 0; i < count; ++i) pool.submit(Nothing{bodies.get(), i, 0});
  const std::size_t full = resident_bytes();
  go.store(true);
  bodies->wait_for(count);
  return {each(full), each(peak_of_resident_bytes()), each(resident_bytes())};
}

// Bytes a finished task that can still be asked about.
double retained(std::uint64_t count) {
  auto bodies = std::make_unique<Bodies>();
  errand::Queue queue({.workers = 1, .retention = {.count = count}});
  const std::size_t before = resident_bytes();
  const errand::TaskId first = queue.submit(Nothing{bodies.get(), 0, 0}).id();
  for (std::uint64_t i = 1; i < count; ++i) queue.submit(Nothing{bodies.get(), i, 0});
  demand(queue.wait_idle(60s), "the queue did not become idle");
  bodies->wait_for(count);
  const auto info = queue.info(first);
  demand(info && info->state == errand::TaskState::completed, "the first of all tasks retained is not known");
  return static_cast<double>(resident_bytes() - before) / static_cast<double>(count);
}

double waiting_for_time(std::uint64_t count) {
  auto bodies = std::make_unique<Bodies>();
  errand::Queue queue({.workers = 1, .close = {.drain = errand::Drain::none}});
  const std::size_t before = resident_bytes();
  for (std::uint64_t i = 0; i < count; ++i) queue.submit_in(1h, Nothing{bodies.get(), i, 0});
  return static_cast<double>(resident_bytes() - before) / static_cast<double>(count);
}

// Resident memory 10 s after a burst, beyond what it was before, in percent of that.
double after_a_burst(std::uint64_t count, std::chrono::milliseconds time) {
  malloc_trim(0);
  auto bodies = std::make_unique<Bodies>();
  errand::Queue queue({.workers = 1});
  // What a queue keeps by default is part of the baseline.
  for (std::uint64_t i = 0; i < 100'000; ++i) queue.submit(Nothing{bodies.get(), i, 0});
  queue.wait_idle(60s);
  std::this_thread::sleep_for(time);
  const auto before = static_cast<double>(resident_bytes());
  queue.pause();
  for (std::uint64_t i = 0; i < count; ++i) queue.submit(Nothing{bodies.get(), i, 0});
  queue.resume();
  bodies->wait_for(100'000 + count);
  std::this_thread::sleep_for(time);
  return (static_cast<double>(resident_bytes()) - before) / before * 100;
}

}  // namespace

void memory(Suite& suite) {
  const bool whole = suite.scale.size >= 1;
  const std::uint64_t ten_million = suite.scale.of(1e7);
  Suite once({.size = suite.scale.size, .runs = 1, .only = suite.scale.only});
  once.measure("W7 memory growth over 100 M tasks", "MiB", false,
               {{"errand", [&] { return growth(suite.scale.of(1e8)); }}});
  once.measure_several({{"W8 resident bytes a waiting task", "bytes", false},
                        {"W8 peak of them while they run", "bytes", false},
                        {"W8 what is left of them once all have run", "bytes", false}},
                       {{"errand", [=] { return waiting<ErrandPool>(ten_million); }},
                        {MoodycamelPool::kName, [=] { return waiting<MoodycamelPool>(ten_million); }},
                        {MutexPool::kName, [=] { return waiting<MutexPool>(ten_million); }},
                        {AsioPool::kName, [=] { return waiting<AsioPool>(ten_million); }},
                        {TbbPool::kName, [=] { return waiting<TbbPool>(ten_million); }}});
  once.measure("W8 resident bytes a finished task that is known", "bytes", false,
               {{"errand", [=] { return retained(ten_million); }}});
  once.measure("W8 resident bytes a task that waits for its time", "bytes", false,
               {{"errand", [=] { return waiting_for_time(ten_million); }}});
  once.measure("memory 10 s after a burst of 10 M, beyond before", "%", false,
               {{"errand", [=] { return after_a_burst(ten_million, whole ? 10s : 100ms); }}});
  once.measure("idle: 16 workers, a schedule in an hour", "% of a CPU", false,
               {{"errand", [=] { return idle(whole ? 10s : 100ms); }}});
  for (Row& row : once.rows) suite.rows.push_back(std::move(row));
}

}  // namespace bench
