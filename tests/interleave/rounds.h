#pragma once
// What the tests here share: rounds, each with chances of its own, and threads that begin together.

#include <errand/errand.h>
#include <errand/random.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "base/cpu.h"
#include "base/seed.h"
#include "interleave.h"

namespace interleave {

using namespace std::chrono_literals;

// How long a test waits for what is bound to happen.
inline constexpr std::chrono::seconds kSoon = 60s;

inline errand::SteadyTime now() {
  return errand::real_clock()->mono();
}

// Of a test: a small part of what a stress test takes, since there are many of them.
inline errand::Duration length() {
  const char* seconds = std::getenv("ERRAND_STRESS_SECONDS");
  return std::chrono::milliseconds(static_cast<int>(50 * (seconds != nullptr ? std::atof(seconds) : 2.0)));
}

inline std::uint64_t first_seed() {
  const char* seed = std::getenv("ERRAND_SEED");
  static const std::uint64_t first = seed != nullptr ? std::strtoull(seed, nullptr, 10) : errand::system_seed();
  return first;
}

// How much longer than others tests go on that look for a barrier that is missing: it does so once in many rounds.
inline constexpr int kLonger = 4;

// Rounds until the time is over, or one failed. Each begins with nothing, and ends with all its threads joined.
template <class Round>
void rounds(Round round, int longer = 1) {
  errand::set_logger([](const errand::LogLine&) {});  // of refusals, which are meant
  const errand::SteadyTime until = now() + longer * length();
  errand::Rng seeds(first_seed());
  int count = 0;
  do {
    ++count;
    errand::Rng rng(seeds());
    const errand::SteadyTime began = now();
    {
      const Disturbance disturbance(rng());
      round(rng);
    }
    // Most take milliseconds. A shutdown, for one, comes to its end without being told of anything.
    EXPECT_LT(now() - began, kSoon) << "somebody slept through it";
  } while (now() < until && !testing::Test::HasFailure());
  if (testing::Test::HasFailure()) ADD_FAILURE() << "in round " << count << " of ERRAND_SEED=" << first_seed();
  errand::set_logger({});
  testing::Test::RecordProperty("rounds", count);
}

// Lets others have the processor now and then: on a busy machine that may take milliseconds.
inline void pass(int looks) {
  if (looks % 64 == 0) {
    std::this_thread::yield();
  } else {
    errand::relax_cpu();
  }
}

// Looks until there is what is bound to come. False if it does not come.
template <class Done>
bool comes(Done done) {
  const errand::SteadyTime until = now() + kSoon;
  for (int looks = 1; !done(); ++looks) {
    if (looks % 256 == 0 && (now() > until || testing::Test::HasFailure())) return done();
    pass(looks);
  }
  return true;
}

// A wait of the library's, which is to be over long before its time: one that nobody wakes looks again at the end of
// it, and is none the wiser that it slept through.
template <class Wait>
bool in_time(Wait wait) {
  const errand::SteadyTime began = now();
  return wait(kSoon) && now() - began < kSoon / 2;
}

inline bool is_told(const errand::detail::TaskBase& task) {
  return in_time([&](errand::Duration at_most) { return task.wait_for(at_most); });
}
inline bool comes_to_rest(const errand::Queue& queue) {
  return in_time([&](errand::Duration at_most) { return queue.wait_idle(at_most); });
}

// Does nothing for a while, so that others come to different places.
inline void dally(errand::Rng& rng) {
  for (std::uint64_t i = rng.below(std::uint64_t{1} << rng.below(14)); i > 0; --i)
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

// Threads that begin when all of them are there. The destructor joins them.
class Team {
 public:
  // `size`: how many will be added.
  explicit Team(int size) : missing_(size) {}
  ~Team() {
    for (std::thread& thread : threads_) thread.join();
  }
  template <class F>
  void add(F body) {
    threads_.emplace_back([this, body = std::move(body)]() mutable {
      missing_.fetch_sub(1);
      for (int looks = 1; missing_.load() > 0; ++looks) pass(looks);
      body();
    });
  }

 private:
  std::atomic<int> missing_;
  std::vector<std::thread> threads_;
};

}  // namespace interleave
