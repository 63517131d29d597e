// Everything at once, from many threads, for ERRAND_STRESS_SECONDS (default 2). Run under the sanitizers.

#include <errand/errand.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

namespace {

std::chrono::milliseconds length() {
  const char* seconds = std::getenv("ERRAND_STRESS_SECONDS");
  return std::chrono::milliseconds(static_cast<int>(1000 * (seconds != nullptr ? std::atof(seconds) : 2.0)));
}

struct Tally {
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> finished{0};  // on_finish calls
  std::atomic<std::uint64_t> expected{0};  // of them
  std::atomic<std::uint64_t> bodies{0};
};

// One thread's mixture of submits; `rng` decides.
void submit_something(errand::Queue& queue, Tally& tally, errand::Rng& rng, std::vector<errand::Task<int>>& kept) {
  errand::TaskOptions options;
  const std::uint64_t dice = rng.below(100);
  if (dice < 10) options.delay = std::chrono::microseconds(rng.below(3000));
  if (dice % 7 == 0) options.priority = static_cast<int>(rng.below(10));
  if (dice % 11 == 0) {
    options.max_attempts = 3;
    options.retry = errand::Retry::fixed(std::chrono::microseconds(1 + rng.below(500)));
  }
  if (dice % 13 == 0) options.timeout = 1ms;
  if (dice % 17 == 0) options.expires_at = errand::real_clock()->now() + std::chrono::microseconds(rng.below(2000));
  const bool watched = dice % 5 == 0;
  if (watched) {
    options.on_finish = [&tally](const errand::TaskInfo& info) {
      EXPECT_TRUE(errand::is_final(info.state));
      tally.finished.fetch_add(1);
    };
  }
  const bool plain = dice >= 60;
  auto body = [&tally, dice, snoozed = false,
               owned = std::make_unique<int>(7)](errand::Attempt& attempt) mutable -> errand::OutcomeOf<int> {
    tally.bodies.fetch_add(1, std::memory_order_relaxed);
    if (dice == 3) throw std::runtime_error("thrown");
    if (dice == 4 && !std::exchange(snoozed, true)) return errand::snooze(100us);
    if (dice == 5) return errand::discard("no use");
    if (dice % 11 == 0 && attempt.number() < 3) return errand::retry("again");
    if (dice % 13 == 0) attempt.sleep_for(500us);
    return *owned;
  };
  auto task = plain ? queue.submit(std::move(body)) : queue.submit(std::move(body), std::move(options));
  if (!task) {
    tally.refused.fetch_add(1);
    return;
  }
  tally.accepted.fetch_add(1);
  if (watched && !plain) tally.expected.fetch_add(1);
  switch (rng.below(12)) {
    case 0:
      static_cast<void>(task.cancel());
      break;
    case 1:
      static_cast<void>(queue.info(task.id()));
      break;
    case 2:
      static_cast<void>(queue.set_priority(task.id(), static_cast<int>(rng.below(10))));
      break;
    case 3:
      static_cast<void>(queue.retry(task.id()));
      break;
    case 4:
    case 5:
      kept.push_back(std::move(task));
      break;
    case 6:
      static_cast<void>(task.wait_for(1ms));
      break;
    default:
      break;
  }
  if (kept.size() > 200) {
    for (std::size_t i = 0; i < 100; ++i) {
      if (errand::is_final(kept[i].state())) {
        const auto result = kept[i].result();
        EXPECT_EQ(result.has_value() ? *result : 7, 7);
      }
    }
    kept.erase(kept.begin(), kept.begin() + 100);
  }
}

void storm(errand::QueueOptions options, std::chrono::milliseconds time) {
  Tally tally;
  std::vector<errand::Task<int>> survivors;
  {
    errand::Queue queue(std::move(options));
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    std::mutex mu;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&, t] {
        errand::Rng rng(static_cast<std::uint64_t>(t) + 1);
        std::vector<errand::Task<int>> kept;
        while (!stop.load()) {
          submit_something(queue, tally, rng, kept);
          if (queue.stats().submitted - tally.bodies.load() > 20'000) queue.wait_idle(20ms);
        }
        const std::lock_guard lock(mu);
        for (auto& task : kept) survivors.push_back(std::move(task));
      });
    }
    threads.emplace_back([&] {
      errand::Rng rng(99);
      auto observer = queue.observe(64);
      auto tick = queue.every(1ms, [] {});
      while (!stop.load()) {
        queue.set_workers(1 + static_cast<int>(rng.below(4)));
        queue.pause();
        static_cast<void>(queue.list({.state = errand::TaskState::retryable, .limit = 10}));
        queue.resume();
        static_cast<void>(queue.stats());
        static_cast<void>(observer.take());
        // Threads come and go as producers too.
        std::thread([&] { queue.submit([] {}); }).join();
        queue.wait_idle(2ms);
      }
      tick.cancel();
    });
    const auto until = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(5ms);
    stop.store(true);
    for (auto& thread : threads) thread.join();
    queue.set_workers(2);
    const errand::Report report = queue.shutdown({.drain = errand::Drain::queued, .timeout = 60s});
    EXPECT_EQ(report.left_over, 0u);
    EXPECT_EQ(report.cancelled, 0u);  // everything came to its own end
    EXPECT_FALSE(queue.submit([] {}));
    const errand::Stats stats = queue.stats();
    EXPECT_EQ(stats.submitted, stats.completed + stats.cancelled + stats.discarded);
    EXPECT_EQ(stats.scheduled, 0u);
    EXPECT_EQ(stats.retryable, 0u);
    EXPECT_EQ(tally.finished.load(), tally.expected.load());
  }
  for (auto& task : survivors) {
    EXPECT_TRUE(errand::is_final(task.state()));
    const auto result = task.result();
    EXPECT_EQ(result.has_value() ? *result : 7, 7);
  }
}

}  // namespace

TEST(Stress, NothingIsLostInAStorm) {
  storm({.workers = 3}, length());
}
TEST(Stress, NothingIsLostInAStormOnABoundedQueue) {
  storm({.workers = 2, .capacity = 100, .when_full = errand::WhenFull::block, .block_for = 5ms}, length() / 2);
}
TEST(Stress, NothingIsLostInAStormThatDropsTheOldest) {
  storm({.workers = 2, .capacity = 50, .when_full = errand::WhenFull::drop_oldest}, length() / 2);
}
TEST(Stress, NothingIsLostInADepthFirstStorm) {
  storm({.workers = 3, .order = errand::Order::depth_first}, length() / 2);
}

TEST(Stress, QueuesComeAndGoUnderLoad) {
  const auto until = std::chrono::steady_clock::now() + length();
  errand::Rng rng(5);
  while (std::chrono::steady_clock::now() < until) {
    std::atomic<int> ran{0};
    int accepted = 0;
    {
      errand::Queue queue({.workers = 1 + static_cast<int>(rng.below(3)), .close = {.drain = errand::Drain::due}});
      const int count = static_cast<int>(rng.below(300));
      for (int i = 0; i < count; ++i) {
        if (queue.submit([&] { ran.fetch_add(1); })) ++accepted;
      }
    }
    EXPECT_EQ(ran.load(), accepted);
  }
}

TEST(Stress, ShutdownMeetsSubmitsFromManyThreads) {
  const auto until = std::chrono::steady_clock::now() + length();
  while (std::chrono::steady_clock::now() < until) {
    std::atomic<std::uint64_t> ran{0};
    std::atomic<std::uint64_t> accepted{0};
    errand::Queue queue({.workers = 2});
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        while (queue.submit([&] { ran.fetch_add(1, std::memory_order_relaxed); }))
          accepted.fetch_add(1, std::memory_order_relaxed);
      });
    }
    std::this_thread::sleep_for(1ms);
    queue.shutdown({.drain = errand::Drain::due, .timeout = 60s});
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(ran.load(), accepted.load());
  }
}

TEST(Stress, BodiesThatSubmitAndWaitForOneAnother) {
  const auto until = std::chrono::steady_clock::now() + length();
  while (std::chrono::steady_clock::now() < until) {
    errand::Queue queue({.workers = 2});
    struct Fib {
      static int of(errand::Queue& queue, int n) {
        if (n < 2) return n;
        auto left = queue.submit([&queue, n] { return of(queue, n - 1); });
        auto right = queue.submit([&queue, n] { return of(queue, n - 2); });
        return left.get() + right.get();
      }
    };
    EXPECT_EQ(queue.submit([&queue] { return Fib::of(queue, 10); }).get(), 55);
  }
}

// One observer goes while the next one comes, and what happens in between makes the queue look whether any is left.
TEST(Stress, AnObserverSeesWhatComesAfterIt) {
  const auto until = std::chrono::steady_clock::now() + length();
  errand::Queue queue({.workers = 1});
  std::atomic<bool> stop{false};
  std::thread busy([&] {
    while (!stop.load()) queue.submit([] {}).wait();
  });
  std::optional<errand::Observer> observer;
  while (std::chrono::steady_clock::now() < until) {
    observer.reset();
    std::this_thread::yield();
    observer.emplace(queue.observe());
    queue.submit([] {}).wait();
    EXPECT_TRUE(observer->wait_for(20s)) << "it sees nothing";
    if (testing::Test::HasFailure()) break;
  }
  stop.store(true);
  busy.join();
}
