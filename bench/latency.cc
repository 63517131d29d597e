// W5: an idle pool gets one task now and then: from submit() to the first instruction of the body.

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "measure.h"
#include "pools.h"
#include "suite.h"

namespace bench {

namespace {

using namespace std::chrono_literals;

constexpr auto kGap = 200us;
constexpr std::uint64_t kFirst = 10;

// Microseconds: the median, and the 99th percentile. The first few bring threads to life, and do not count.
template <class Submit>
std::vector<double> run(std::uint64_t count, Submit submit) {
  std::vector<double> took;
  std::atomic<std::int64_t> began{0};
  for (std::uint64_t i = 0; i < count + kFirst; ++i) {
    std::this_thread::sleep_for(kGap);
    began.store(0, std::memory_order_relaxed);
    const auto start = SteadyClock::now();
    submit([&began] { began.store(SteadyClock::now().time_since_epoch().count(), std::memory_order_release); });
    while (began.load(std::memory_order_acquire) == 0) std::this_thread::sleep_for(kGap);
    if (i < kFirst) continue;
    took.push_back(static_cast<double>(began.load() - start.time_since_epoch().count()) / 1e3);
  }
  return {quantile(took, 0.5), quantile(took, 0.99)};
}

template <class Pool>
Suite::Several contender(std::uint64_t count, int workers = 1, const char* who = Pool::kName) {
  return {who, [=] {
            Pool pool(workers);
            return run(count, [&](auto body) { pool.submit(body); });
          }};
}

// The limit: a thread that sleeps on one word, and is woken.
std::vector<double> one_word(std::uint64_t count) {
  std::atomic<std::uint32_t> word{0};
  std::function<void()> body;
  const auto futex = [&](int operation, std::uint32_t value) {
    syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), operation | FUTEX_PRIVATE_FLAG, value, nullptr, nullptr,
            0);
  };
  std::thread sleeper([&] {
    for (;;) {
      while (word.load(std::memory_order_acquire) == 0) futex(FUTEX_WAIT, 0);
      word.store(0, std::memory_order_relaxed);
      if (!body) return;
      body();
    }
  });
  const auto wake = [&] {
    word.store(1, std::memory_order_release);
    futex(FUTEX_WAKE, 1);
  };
  auto figures = run(count, [&](auto f) {
    body = f;
    wake();
  });
  body = nullptr;
  wake();
  sleeper.join();
  return figures;
}

}  // namespace

// Long runs drift with the machine: short ones in turn, and more of them.
void latency(Suite& suite) {
  const std::uint64_t count = suite.scale.size >= 1 ? 300 : 50;
  Suite rounds({.size = suite.scale.size, .runs = suite.scale.runs * 2, .only = suite.scale.only});
  rounds.measure_several(
      {{"W5 idle pool, submit to body, p50", "us", false}, {"W5 idle pool, submit to body, p99", "us", false}},
      {contender<ErrandPool>(count),
       contender<ErrandPool>(count, 16, "errand, 16 workers"),
       {"errand, spinning",
        [=] {
          ErrandPool pool(errand::QueueOptions{.workers = 1, .spin = errand::Duration::max()});
          return run(count, [&](auto body) { pool.submit(body); });
        }},
       contender<AsioPool>(count),
       contender<MoodycamelPool>(count),
       contender<TbbPool>(count),
       contender<MutexPool>(count),
       contender<AsyncPool>(count),
       {"a word to wake on", [=] { return one_word(count); }, true}});
  for (Row& row : rounds.rows) suite.rows.push_back(std::move(row));
}

}  // namespace bench
