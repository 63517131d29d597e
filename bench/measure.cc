#include "measure.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>

namespace bench {

double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

void demand(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "bench: %s\n", what);
  std::exit(1);
}

void spin_for(std::chrono::nanoseconds time) {
  for (const auto start = SteadyClock::now(); SteadyClock::now() - start < time;) {
  }
}

std::size_t Bodies::cell_of_this_thread() noexcept {
  static std::atomic<std::size_t> next{0};
  thread_local const std::size_t mine = next.fetch_add(1) % kCells;
  return mine;
}

std::uint64_t Bodies::sum() const noexcept {
  std::uint64_t sum = 0;
  for (const Cell& cell : cells_) sum += cell.count.load(std::memory_order_relaxed);
  return sum;
}

void Bodies::wait_for(std::uint64_t count) const {
  const auto start = SteadyClock::now();
  while (sum() < count) {
    std::this_thread::sleep_for(std::chrono::microseconds(50));
    demand(seconds_since(start) < 300, "a run did not end within 300 s");
  }
  demand(sum() == count, "a task ran twice");
}

void warm_memory(std::size_t bytes) {
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  demand(memory != MAP_FAILED, "there is not enough memory");
  munmap(memory, bytes);
}

std::size_t resident_bytes() {
  long pages = 0;
  if (std::FILE* f = std::fopen("/proc/self/statm", "re")) {
    demand(std::fscanf(f, "%*d %ld", &pages) == 1, "cannot read /proc/self/statm");
    std::fclose(f);
  }
  return static_cast<std::size_t>(pages) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

std::size_t peak_of_resident_bytes() {
  std::ifstream status("/proc/self/status");
  std::size_t kib = 0;
  for (std::string key; status >> key && kib == 0;) {
    if (key == "VmHWM:") status >> kib;
  }
  demand(kib != 0, "cannot read VmHWM in /proc/self/status");
  return kib * 1024;
}

void forget_peak_of_resident_bytes() {
  std::ofstream clear("/proc/self/clear_refs");
  clear << 5 << std::flush;
  demand(clear.good(), "cannot write /proc/self/clear_refs");
}

std::uint64_t written_bytes() {
  std::ifstream io("/proc/self/io");
  std::uint64_t bytes = 0;
  for (std::string key; io >> key && key != "write_bytes:";) {
  }
  demand(static_cast<bool>(io >> bytes), "cannot read write_bytes in /proc/self/io");
  return bytes;
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

double hand_over_ns(int rounds) {
  alignas(64) std::atomic<int> turn{0};
  // Where other programs hold the cores, whoever waits would keep the other one from its turn for a time slice.
  const auto wait_for = [&](int value) {
    for (int looks = 0; turn.load(std::memory_order_acquire) != value; ++looks) {
      if (looks > 10'000) std::this_thread::yield();
    }
  };
  std::thread other([&] {
    for (int i = 0; i < rounds; ++i) {
      wait_for(2 * i + 1);
      turn.store(2 * i + 2, std::memory_order_release);
    }
  });
  const auto start = SteadyClock::now();
  for (int i = 0; i < rounds; ++i) {
    turn.store(2 * i + 1, std::memory_order_release);
    wait_for(2 * i + 2);
  }
  const double took = seconds_since(start);
  other.join();
  return took / rounds / 2 * 1e9;
}

double quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const double at = q * static_cast<double>(values.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, values.size() - 1);
  return values[low] + (values[high] - values[low]) * (at - std::floor(at));
}

}  // namespace bench
