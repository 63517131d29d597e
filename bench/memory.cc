// W7 and W8: what tasks leave behind, and what they take up while they wait; and what idle workers cost. Each run has a
// process of its own.

#include <algorithm>
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

// So many tasks, and until they are over. `together`: all of them wait before the first one runs.
template <class Pool>
void burst(Pool& pool, Bodies& bodies, std::uint64_t count, bool together) {
  const std::uint64_t before = bodies.sum();
  std::atomic<bool> go{!together};
  pool.submit([&] {
    while (!go.load()) std::this_thread::sleep_for(50us);
    bodies.one();
  });
  for (std::uint64_t i = 1; i < count; ++i) pool.submit(Nothing{&bodies, i, 0});
  go.store(true);
  bodies.wait_for(before + count);
}

// By how many MiB the resident memory grows over so many tasks, and by how many it grew over a tenth of that before.
// They come in bursts, and how many wait at most differs from burst to burst with the machine's mood: that is no
// growth. So the burst before each look has all its tasks wait at a time.
template <class Pool>
std::vector<double> growth(std::uint64_t count) {
  const std::uint64_t most = std::min<std::uint64_t>(100'000, count / 10);
  auto bodies = std::make_unique<Bodies>();
  const std::size_t before = resident_bytes();
  Pool pool(1);
  const auto run = [&](std::uint64_t tasks) {
    for (; tasks > most; tasks -= most) burst(pool, *bodies, most, false);
    burst(pool, *bodies, tasks, true);
    return resident_bytes();
  };
  const std::size_t early = run(count / 10);
  const std::size_t late = run(count);
  const auto mib = [](std::size_t from, std::size_t to) {
    return (static_cast<double>(to) - static_cast<double>(from)) / 1048576.0;
  };
  return {mib(early, late), mib(before, early)};
}

// Bytes a task: while all wait behind a busy worker, at the peak of what follows, and once all have run.
template <class Pool>
std::vector<double> waiting(std::uint64_t count) {
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

// The limit: a slot for each.
std::vector<double> slots_waiting(std::uint64_t count) {
  auto bodies = std::make_unique<Bodies>();
  const std::size_t before = resident_bytes();
  const auto slots = std::make_unique_for_overwrite<Slot[]>(count);
  const auto each = [&] { return static_cast<double>(resident_bytes() - before) / static_cast<double>(count); };
  for (std::uint64_t i = 0; i < count; ++i) slots[i] = {[](const Nothing& f) { f(); }, Nothing{bodies.get(), i, 0}};
  const double full = each();
  for (std::uint64_t i = 0; i < count; ++i) slots[i].call(slots[i].body);
  bodies->wait_for(count);
  return {full, full, each()};
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

// Resident memory some time after a burst, beyond what it was before, in percent of that; and in MiB what it was
// before, with all tasks waiting, and afterwards.
std::vector<double> burst_over(std::uint64_t count, std::chrono::milliseconds time) {
  auto bodies = std::make_unique<Bodies>();
  ErrandPool pool(1);
  const auto mib = [] { return static_cast<double>(resident_bytes()) / 1048576; };
  // What a queue keeps by default is part of what it needs.
  burst(pool, *bodies, 100'000, false);
  std::this_thread::sleep_for(time);
  const double before = mib();
  forget_peak_of_resident_bytes();
  burst(pool, *bodies, count, true);
  std::this_thread::sleep_for(time);
  const double after = mib();
  return {(after - before) / before * 100, before, static_cast<double>(peak_of_resident_bytes()) / 1048576, after};
}

}  // namespace

void memory(Suite& suite) {
  const bool whole = suite.scale.size >= 1;
  const std::uint64_t ten_million = suite.scale.of(1e7);
  const std::uint64_t hundred_million = suite.scale.of(1e8);
  // These take long, and differ little.
  Suite some({.size = suite.scale.size,
              .runs = std::min(3, suite.scale.runs),
              .only = suite.scale.only,
              .alone = suite.scale.alone});
  some.measure_apart(
      {{"W7 memory growth over 100 M tasks", "MiB", false}, {"W7 memory after 10 M tasks before these", "MiB", false}},
      {{"errand", [=] { return growth<ErrandPool>(hundred_million); }}});
  // A tenth of that: some of the rivals take half a minute for the whole.
  some.measure_apart(
      {{"W7 memory growth over 10 M tasks", "MiB", false}, {"W7 memory after 1 M tasks before these", "MiB", false}},
      {{"errand", [=] { return growth<ErrandPool>(ten_million); }},
       {MoodycamelPool::kName, [=] { return growth<MoodycamelPool>(ten_million); }},
       {MutexPool::kName, [=] { return growth<MutexPool>(ten_million); }},
       {AsioPool::kName, [=] { return growth<AsioPool>(ten_million); }},
       {TbbPool::kName, [=] { return growth<TbbPool>(ten_million); }}});
  some.measure_apart({{"W8 resident bytes a waiting task", "bytes", false},
                      {"W8 peak of them while they run", "bytes", false},
                      {"W8 what is left of them once all have run", "bytes", false}},
                     {{"errand", [=] { return waiting<ErrandPool>(ten_million); }},
                      {MoodycamelPool::kName, [=] { return waiting<MoodycamelPool>(ten_million); }},
                      {MutexPool::kName, [=] { return waiting<MutexPool>(ten_million); }},
                      {AsioPool::kName, [=] { return waiting<AsioPool>(ten_million); }},
                      {TbbPool::kName, [=] { return waiting<TbbPool>(ten_million); }},
                      {"an array of slots", [=] { return slots_waiting(ten_million); }, true}});
  some.measure_apart({{"W8 resident bytes a finished task that is known", "bytes", false}},
                     {{"errand", [=] { return std::vector{retained(ten_million)}; }}});
  some.measure_apart({{"W8 resident bytes a task that waits for its time", "bytes", false}},
                     {{"errand", [=] { return std::vector{waiting_for_time(ten_million)}; }}});
  const std::chrono::milliseconds ten_seconds = whole ? 10s : 100ms;
  some.measure_apart({{"memory 10 s after a burst of 10 M, beyond before", "%", false},
                      {"memory before the burst", "MiB", false},
                      {"memory at its peak", "MiB", false},
                      {"memory 10 s after it", "MiB", false}},
                     {{"errand", [=] { return burst_over(ten_million, ten_seconds); }}});
  some.measure_apart({{"idle: 16 workers, a schedule in an hour", "% of a CPU", false}},
                     {{"errand", [=] { return std::vector{idle(ten_seconds)}; }}});
  for (Row& row : some.rows) suite.rows.push_back(std::move(row));
}

}  // namespace bench
