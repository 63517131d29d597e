#include "workloads.h"

#include <errand/errand.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <thread>

namespace bench {

namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

void demand(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "bench: %s\n", what);
  std::exit(1);
}

// Counts the bodies that ran, one line per counting thread so that the count itself costs next to nothing.
struct Bodies {
  struct alignas(64) Cell {
    std::atomic<std::uint64_t> count{0};
  };
  static constexpr int kCells = 64;
  Cell cells[kCells];

  void one() noexcept {
    static std::atomic<int> next{0};
    thread_local const int mine = next.fetch_add(1) % kCells;
    auto& count = cells[mine].count;
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t sum() const {
    std::uint64_t sum = 0;
    for (const Cell& cell : cells) sum += cell.count.load(std::memory_order_relaxed);
    return sum;
  }
};

std::size_t resident_bytes() {
  long pages = 0;
  if (std::FILE* f = std::fopen("/proc/self/statm", "re")) {
    demand(std::fscanf(f, "%*d %ld", &pages) == 1, "cannot read /proc/self/statm");
    std::fclose(f);
  }
  return static_cast<std::size_t>(pages) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

// A no-op with a capture of 24 bytes that the compiler can't drop.
struct Nothing {
  Bodies* bodies;
  std::uint64_t a, b;
  void operator()() const { bodies->one(); }
};
static_assert(sizeof(Nothing) == 24);

// W1 and W3: `producers` threads submit `count` no-ops in all.
double throughput(int producers, int workers, std::uint64_t count) {
  auto bodies = std::make_unique<Bodies>();
  errand::Queue queue({.workers = workers});
  const std::uint64_t each = count / static_cast<std::uint64_t>(producers);
  const auto submit = [&](std::uint64_t n) {
    for (std::uint64_t i = 0; i < n; ++i) queue.submit(Nothing{bodies.get(), i, n});
  };
  submit(20'000);
  demand(queue.wait_idle(60s), "warm-up did not end");
  const std::uint64_t before = bodies->sum();
  const auto start = SteadyClock::now();
  std::vector<std::thread> threads;
  for (int p = 1; p < producers; ++p) threads.emplace_back([&] { submit(each); });
  submit(each);
  for (auto& thread : threads) thread.join();
  demand(queue.wait_idle(120s), "the queue did not become idle");
  const double took = seconds_since(start);
  demand(bodies->sum() - before == each * static_cast<std::uint64_t>(producers), "a task was lost or ran twice");
  return static_cast<double>(count) / took / 1e6;
}

// W1 with 1 % each of delayed, prioritised, retried and cancelled tasks and kept handles.
double mixed(int workers, std::uint64_t count) {
  auto bodies = std::make_unique<Bodies>();
  errand::Queue queue({.workers = workers});
  std::vector<errand::Task<>> kept;
  const auto start = SteadyClock::now();
  for (std::uint64_t i = 0; i < count; ++i) {
    switch (i % 100) {
      case 10:
        queue.submit_in(1ms, Nothing{bodies.get(), i, 0});
        break;
      case 30:
        queue.submit(Nothing{bodies.get(), i, 0}, {.priority = errand::kHigh});
        break;
      case 50:
        queue.submit(
            [b = bodies.get()](errand::Attempt& a) -> errand::Outcome {
              if (a.number() == 1) return errand::retry("once more");
              b->one();
              return errand::done();
            },
            {.max_attempts = 2, .retry = errand::Retry::immediate()});
        break;
      case 70: {
        auto task = queue.submit(Nothing{bodies.get(), i, 0});
        static_cast<void>(task.cancel());
        break;
      }
      case 90:
        kept.push_back(queue.submit(Nothing{bodies.get(), i, 0}));
        break;
      default:
        queue.submit(Nothing{bodies.get(), i, 0});
    }
  }
  const bool idle = queue.wait_idle(120s);
  while (queue.stats().scheduled + queue.stats().retryable != 0) std::this_thread::sleep_for(100us);
  const double took = seconds_since(start);
  demand(idle && queue.wait_idle(120s), "the queue did not become idle");
  const errand::Stats stats = queue.stats();
  demand(stats.completed == bodies->sum() && stats.completed + stats.cancelled == count,
         "a task was lost or ran twice");
  for (std::size_t i = 0; i < kept.size(); i += kept.size() / 1000 + 1) {
    demand(queue.info(kept[i].id())->state == errand::TaskState::completed, "a kept task is not known as completed");
  }
  return static_cast<double>(count) / took / 1e6;
}

// W2: a handle per task.
double handles(bool keep, std::uint64_t count) {
  errand::Queue queue({.workers = 1});
  std::vector<errand::Task<std::uint64_t>> kept;
  if (keep) kept.reserve(count);
  const auto start = SteadyClock::now();
  for (std::uint64_t i = 0; i < count; ++i) {
    auto task = queue.submit([i, b = i, c = i] { return i + b - c; });
    if (keep) kept.push_back(std::move(task));
  }
  demand(queue.wait_idle(120s), "the queue did not become idle");
  std::uint64_t sum = 0;
  for (auto& task : kept) sum += task.get();
  const double took = seconds_since(start);
  demand(!keep || sum == count * (count - 1) / 2, "a value is wrong");
  return static_cast<double>(count) / took / 1e6;
}

// W4: a binary tree, each task submits its children.
double tree(errand::Order order, int depth) {
  auto bodies = std::make_unique<Bodies>();
  errand::Queue queue({.workers = 2, .order = order});
  struct Node {
    errand::Queue* queue;
    Bodies* bodies;
    int depth;
    void operator()() const {
      bodies->one();
      if (depth == 0) return;
      queue->submit(Node{queue, bodies, depth - 1});
      queue->submit(Node{queue, bodies, depth - 1});
    }
  };
  const auto start = SteadyClock::now();
  queue.submit(Node{&queue, bodies.get(), depth});
  demand(queue.wait_idle(120s), "the queue did not become idle");
  const double took = seconds_since(start);
  const std::uint64_t count = (std::uint64_t{2} << depth) - 1;
  demand(bodies->sum() == count, "a task was lost or ran twice");
  return static_cast<double>(count) / took / 1e6;
}

// W5: an idle queue gets one task now and then. Microseconds from submit to the body: p50 and p99.
std::pair<double, double> idle_latency(int count) {
  errand::Queue queue({.workers = 1});
  std::vector<double> took;
  std::atomic<std::int64_t> began{0};
  for (int i = 0; i < count; ++i) {
    std::this_thread::sleep_for(200us);
    const auto start = SteadyClock::now();
    queue.submit([&] { began.store(SteadyClock::now().time_since_epoch().count(), std::memory_order_release); }).wait();
    took.push_back(static_cast<double>(began.load(std::memory_order_acquire) - start.time_since_epoch().count()) / 1e3);
  }
  std::sort(took.begin(), took.end());
  return {took[took.size() / 2], took[took.size() * 99 / 100]};
}

struct TimerFigures {
  double schedule, cancel, late_p50, late_p99, cpu;
};

// W6: timers within 2 s, and as many far ones that are cancelled.
TimerFigures timers(std::uint64_t count) {
  auto bodies = std::make_unique<Bodies>();
  errand::Queue queue({.workers = 1});
  errand::Rng rng(7);
  TimerFigures figures{};
  std::vector<errand::TaskId> far;
  far.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) far.push_back(queue.submit_in(1h, Nothing{bodies.get(), i, 0}).id());
  auto start = SteadyClock::now();
  for (const errand::TaskId id : far) demand(queue.cancel(id).has_value(), "a timer was not there to cancel");
  figures.cancel = static_cast<double>(count) / seconds_since(start) / 1e6;
  const double cpu_before = cpu_seconds();
  std::vector<double> late(count);  // microseconds; each body writes its own
  start = SteadyClock::now();
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::chrono::nanoseconds delay(rng.below(2'000'000'000));
    const auto due = SteadyClock::now() + delay;
    queue.submit_in(delay, [due, to = &late[i], b = bodies.get()] {
      *to = std::chrono::duration<double, std::micro>(SteadyClock::now() - due).count();
      b->one();
    });
  }
  figures.schedule = static_cast<double>(count) / seconds_since(start) / 1e6;
  while (bodies->sum() < count) std::this_thread::sleep_for(10ms);
  figures.cpu = cpu_seconds() - cpu_before;
  queue.wait_idle(60s);
  std::sort(late.begin(), late.end());
  figures.late_p50 = late[count / 2];
  figures.late_p99 = late[count * 99 / 100];
  return figures;
}

// Idle workers, and a schedule that is due in an hour: their share of one processor, in percent.
double idle_cpu(std::chrono::milliseconds time) {
  errand::Queue queue({.workers = 16});
  queue.every(1h, [] {});
  for (int i = 0; i < 1000; ++i) queue.submit([] {});
  queue.wait_idle(60s);
  std::this_thread::sleep_for(100ms);
  const double before = cpu_seconds();
  std::this_thread::sleep_for(time);
  return (cpu_seconds() - before) / std::chrono::duration<double>(time).count() * 100;
}

// W8: bytes a task that waits behind a busy worker.
double bytes_per_task(std::uint64_t count, bool timed) {
  auto bodies = std::make_unique<Bodies>();
  std::atomic<bool> go{false};
  errand::Queue queue({.workers = 1, .close = {.drain = errand::Drain::none}});
  queue.submit([&] {
    while (!go.load()) std::this_thread::sleep_for(1ms);
  });
  const std::size_t before = resident_bytes();
  for (std::uint64_t i = 0; i < count; ++i) {
    if (timed) {
      queue.submit_in(1h, Nothing{bodies.get(), i, 0});
    } else {
      queue.submit(Nothing{bodies.get(), i, 0});
    }
  }
  const double bytes = static_cast<double>(resident_bytes() - before) / static_cast<double>(count);
  go.store(true);
  return bytes;
}

// W7: many tasks through one queue; how much the resident memory grows after the first tenth, in MiB.
double growth(std::uint64_t count) {
  auto bodies = std::make_unique<Bodies>();
  errand::Queue queue({.workers = 1});
  std::size_t early = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    queue.submit(Nothing{bodies.get(), i, 0});
    if (i % 100'000 == 0) queue.wait_idle(60s);
    if (i == count / 10) early = resident_bytes();
  }
  queue.wait_idle(60s);
  const std::size_t late = resident_bytes();
  return late > early ? static_cast<double>(late - early) / 1048576.0 : 0;
}

class Figures {
 public:
  explicit Figures(int runs) : runs_(runs) {}

  void add(const char* workload, const char* what, const std::function<double()>& run) {
    Figure figure{workload, what, {}};
    for (int i = 0; i < runs_; ++i) figure.runs.push_back(run());
    figures_.push_back(std::move(figure));
  }
  void push(Figure figure) { figures_.push_back(std::move(figure)); }
  std::vector<Figure> take() { return std::move(figures_); }

 private:
  const int runs_;
  std::vector<Figure> figures_;
};

}  // namespace

std::vector<Figure> memory_workloads(const Scale& scale) {
  const auto scaled = [&](double count) { return static_cast<std::uint64_t>(std::max(1000.0, count * scale.size)); };
  const std::uint64_t million = scaled(1e6);
  Figures figures(scale.runs);
  figures.add("W1 1 producer, 1 worker", "M tasks/s", [&] { return throughput(1, 1, million); });
  figures.add("W1 1 producer, 2 workers", "M tasks/s", [&] { return throughput(1, 2, million); });
  figures.add("W1 mixed, 1 worker", "M tasks/s", [&] { return mixed(1, million); });
  figures.add("W2 handle per task, kept", "M tasks/s", [&] { return handles(true, million); });
  figures.add("W2 handle per task, dropped", "M tasks/s", [&] { return handles(false, million); });
  figures.add("W3 2 producers, 2 workers", "M tasks/s", [&] { return throughput(2, 2, million); });
  figures.add("W3 16 producers, 16 workers", "M tasks/s", [&] { return throughput(16, 16, million); });
  const int depth = scale.size >= 1 ? 19 : 12;
  figures.add("W4 tree, depth first", "M tasks/s", [&] { return tree(errand::Order::depth_first, depth); });
  figures.add("W4 tree, default order", "M tasks/s", [&] { return tree(errand::Order::fair, depth); });
  Figure p50{"W5 idle queue, submit to body, p50", "us", {}}, p99{"W5 idle queue, submit to body, p99", "us", {}};
  Figure schedule{"W6 timers scheduled", "M tasks/s", {}}, cancel{"W6 far timers cancelled", "M tasks/s", {}};
  Figure late50{"W6 lateness, p50", "us", {}}, late99{"W6 lateness, p99", "us", {}}, cpu{"W6 processor time", "s", {}};
  for (int run = 0; run < scale.runs; ++run) {
    const auto [half, most] = idle_latency(scale.size >= 1 ? 2000 : 100);
    p50.runs.push_back(half);
    p99.runs.push_back(most);
    const TimerFigures t = timers(million);
    schedule.runs.push_back(t.schedule);
    cancel.runs.push_back(t.cancel);
    late50.runs.push_back(t.late_p50);
    late99.runs.push_back(t.late_p99);
    cpu.runs.push_back(t.cpu);
  }
  for (Figure* figure : {&p50, &p99, &schedule, &cancel, &late50, &late99, &cpu}) figures.push(std::move(*figure));
  figures.push({"16 idle workers, a schedule in an hour", "% of a CPU", {idle_cpu(scale.size >= 1 ? 10s : 100ms)}});
  figures.push({"W7 growth over 100 M tasks", "MiB", {growth(scaled(1e8))}});
  figures.push({"W8 bytes per waiting task", "bytes", {bytes_per_task(scaled(1e7), false)}});
  figures.push({"W8 bytes per waiting task with a timer", "bytes", {bytes_per_task(scaled(1e7), true)}});
  return figures.take();
}

}  // namespace bench
