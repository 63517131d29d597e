#include "machine.h"

#include <sys/utsname.h>
#include <time.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <future>
#include <mutex>
#include <thread>
#include <utility>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include "measure.h"

namespace bench {

namespace {

constexpr const char* kHandOver = "hand-over";
constexpr double kHandOverThere = 165;  // when the cores were far, as they mostly were; 40 when they were near

// The first line of a file that begins with `key`, behind its colon.
std::string line_of(const char* path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    const std::size_t value = line.find_first_not_of(" \t", line.find(':') + 1);
    return value == std::string::npos ? "unknown" : line.substr(value);
  }
  return "unknown";
}

template <class T>
void keep(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

// The least of ten rounds: what the operation costs, not what the neighbours do meanwhile.
template <class F>
double ns_each(F once) {
  constexpr int kTimes = 20'000;
  double least = 1e9;
  for (int round = 0; round < 10; ++round) {
    const auto start = SteadyClock::now();
    for (int i = 0; i < kTimes; ++i) once();
    least = std::min(least, seconds_since(start) / kTimes * 1e9);
  }
  return least;
}

std::int64_t coarse_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return now.tv_nsec;
}

}  // namespace

std::string machine() {
  utsname system{};
  uname(&system);
  return std::to_string(std::thread::hardware_concurrency()) + " x " + line_of("/proc/cpuinfo", "model name") + ", " +
         line_of("/proc/meminfo", "MemTotal") + " of memory, Linux " + system.release + ", g++ " + __VERSION__;
}

std::vector<Price> prices(const std::vector<Row>& rows) {
  std::atomic<std::uint64_t> word{0};
  std::mutex mutex;
  const Nothing body{nullptr, 1, 2};
  std::vector<Price> all;
#if defined(__x86_64__)
  all.push_back({"rdtsc", ns_each([] { keep(__rdtsc()); }), 10});
#endif
  all.push_back({"steady_clock::now", ns_each([] { keep(SteadyClock::now()); }), 26});
  all.push_back({"coarse clock", ns_each([] { keep(coarse_now()); }), 7});
  all.push_back({"locked instruction", ns_each([&] { word.fetch_add(1); }), 2});
  all.push_back({"mutex", ns_each([&] { const std::lock_guard lock(mutex); }), 7});
  all.push_back({"new and delete", ns_each([] {
                   char* const memory = new char[64];
                   keep(memory);
                   delete[] memory;
                 }),
                 17});
  all.push_back({"std::function", ns_each([&] {
                   std::function<void()> made(body);
                   keep(made);
                   const std::function<void()> moved(std::move(made));
                   keep(moved);
                 }),
                 25});
  all.push_back({"promise and future", ns_each([] {
                   std::promise<int> promise;
                   auto future = promise.get_future();
                   promise.set_value(1);
                   keep(future.get());
                 }),
                 305});
  std::vector<double> hand_overs;
  for (const Row& row : rows) {
    for (const double one : row.hand_overs()) hand_overs.push_back(one);
  }
  if (!hand_overs.empty()) all.push_back({kHandOver, median(hand_overs), kHandOverThere});
  for (const Row& row : rows) {
    const Column* const word = row.find("a word to wake on");
    if (word == nullptr) continue;
    const bool half = row.workload.ends_with("p50");
    all.push_back({half ? "waking a thread, p50" : "waking a thread, p99", median(word->runs) * 1e3,
                   half ? 30'000.0 : 100'000.0});
  }
  return all;
}

const std::vector<Reference>& references() {
  static const std::vector<std::string> kPool = {"std::function", "new and delete", "locked instruction", "hand-over"};
  static const std::vector<std::string> kLocked = {"std::function", "new and delete", "mutex", "hand-over"};
  static const std::vector<std::string> kPromise = {"promise and future", "new and delete", "hand-over"};
  static const std::vector<std::string> kTimer = {"new and delete", "mutex", "steady_clock::now"};
  static const std::vector<Reference> all = {
      {"W1 1 producer, 1 worker", "moodycamel", 13, kPool},
      {"W1 1 producer, 1 worker", "mutex and deque", 7, kLocked},
      {"W1 1 producer, 1 worker", "Boost.Asio", 3.7, kLocked},
      {"W1 1 producer, 1 worker", "oneTBB", 2.4, kPool},
      {"W1 1 producer, 2 workers", "moodycamel", 6, kPool},
      {"W1 1 producer, 2 workers", "mutex and deque", 5.6, kLocked},
      {"W1 1 producer, 2 workers", "Boost.Asio", 2.2, kLocked},
      {"W1 1 producer, 2 workers", "oneTBB", 1.8, kPool},
      {"W2 handle per task, kept", "moodycamel and a promise", 2.1, kPromise},
      {"W2 handle per task, kept", "Boost.Asio and use_future", 1.6, kPromise},
      {"W2 handle per task, kept", "oneTBB and a promise", 1, kPromise},
      {"W2 handle per task, dropped", "moodycamel and a promise", 3, kPromise},
      {"W2 handle per task, dropped", "Boost.Asio and use_future", 1.6, kPromise},
      {"W2 handle per task, dropped", "oneTBB and a promise", 1, kPromise},
      {"W3 2 producers, 2 workers", "moodycamel", 13, kPool},
      {"W3 2 producers, 2 workers", "mutex and deque", 5.7, kLocked},
      {"W3 2 producers, 2 workers", "oneTBB", 3.6, kPool},
      {"W3 2 producers, 2 workers", "Boost.Asio", 3.4, kLocked},
      {"W4 tree of tasks, 2 workers", "oneTBB task_group", 19, {"locked instruction", "hand-over"}},
      {"W4 tree of tasks, 2 workers", "moodycamel", 16, kPool},
      {"W5 idle pool, submit to body, p50", "Boost.Asio", 31, {"waking a thread, p50"}},
      {"W5 idle pool, submit to body, p50", "moodycamel", 33, {"waking a thread, p50"}},
      {"W5 idle pool, submit to body, p50", "oneTBB", 31, {"waking a thread, p50"}},
      {"W5 idle pool, submit to body, p99", "Boost.Asio", 84, {"waking a thread, p99"}},
      {"W5 idle pool, submit to body, p99", "moodycamel", 80, {"waking a thread, p99"}},
      {"W5 idle pool, submit to body, p99", "oneTBB", 158, {"waking a thread, p99"}},
      {"W6 timers scheduled", "Boost.Asio", 0.39, kTimer},
      {"W6 far timers cancelled", "Boost.Asio", 2.3, kTimer},
      {"W6 lateness, p50", "Boost.Asio", 62, kTimer},
      {"W6 lateness, p99", "Boost.Asio", 78'000, kTimer},
      {"W6 processor time", "Boost.Asio", 5.3, kTimer},
      // Here a task is a std::function as in all the rows before: its 32 bytes, and 32 more for the capture.
      {"W8 resident bytes a waiting task",
       "moodycamel",
       44,
       {},
       "a std::function and the block of its capture are 64 bytes"},
      {"W8 resident bytes a waiting task", "mutex and deque", 66},
      {"W8 resident bytes a waiting task", "Boost.Asio", 80},
      {"W8 resident bytes a waiting task", "oneTBB", 270},
  };
  return all;
}

namespace {

std::string reason_for(const Reference& reference, const Column& column, std::vector<Price> prices) {
  if (!reference.because.empty()) return reference.because;
  // It changes within seconds: what counts is how it was when this rival ran.
  std::erase_if(prices, [](const Price& price) { return price.what == kHandOver; });
  if (!column.hand_overs.empty()) prices.push_back({kHandOver, median(column.hand_overs), kHandOverThere});
  std::string reason;
  for (const Price& price : prices) {
    const auto& pays_for = reference.pays_for;
    if (std::find(pays_for.begin(), pays_for.end(), price.what) == pays_for.end()) continue;
    if (price.here < 1.2 * price.reference) continue;
    char times[32];
    std::snprintf(times, sizeof times, " %.1f x", price.here / price.reference);
    reason += (reason.empty() ? "" : ", ") + price.what + times;
  }
  return reason.empty() ? "not known" : reason;
}

}  // namespace

std::vector<Beside> beside_references(const std::vector<Row>& rows, const std::vector<Price>& prices) {
  std::vector<Beside> all;
  for (const Reference& reference : references()) {
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.workload == reference.row; });
    const Column* const column = row != rows.end() ? row->find(reference.who) : nullptr;
    if (column == nullptr) continue;
    const double here = median(column->runs);
    const double times = row->more_is_better ? here / reference.figure : reference.figure / here;
    all.push_back({&reference, here, times, times < 0.8 ? reason_for(reference, *column, prices) : ""});
  }
  return all;
}

}  // namespace bench
