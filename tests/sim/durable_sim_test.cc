// The whole library with its durable tier, as it is: callers, workers and the store's thread take turns, a seed says in
// which order, and what befalls them meanwhile. docs/decisions/0019 says how, and why so.
//
//   durable_sim_tests --seed=N   replays one seed; with --tell it says what happens
//                     --seeds=N  runs as many; with --counts it says how often what happened
//                     --steps=N  gives each so many turns
//                     --traces   prints what the first seeds come to, for another build to be compared with

#include <errand/errand.h>
#include <gtest/gtest.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "durable_world.h"

namespace {

// Under a sanitizer each takes several times as long.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kSeeds = 20;
#else
constexpr std::uint64_t kSeeds = 120;
#endif

// As `./dev torture` asks for it, with and without --long.
std::uint64_t how_many() {
  if (std::getenv("ERRAND_LONG") != nullptr) return 2'000'000;
  return std::getenv("ERRAND_TORTURE") != nullptr ? 3'000 : kSeeds;
}

struct Arguments {
  std::uint64_t seed = 0;  // 0: all of them
  std::uint64_t seeds = how_many();
  int steps = 300;
  bool counts = false;
  bool tell = false;
} arguments;

struct Lived {
  std::uint64_t trace = 0;
  std::string broken{};
};

std::map<std::string, std::uint64_t> counts;

Lived live(std::uint64_t seed, sim::Where where) {
  static const Folder folder;
  sim::World world(seed, where, arguments.steps, folder);
  world.tells(arguments.tell);
  world.live();
  for (const auto& [what, count] : world.oracle().counts()) counts[what] += count;
  return {world.trace(), world.oracle().broken()};
}

void live_all(sim::Where where) {
  errand::set_logger([](const errand::LogLine&) {});  // each fault is a line
  const std::uint64_t first = arguments.seed != 0 ? arguments.seed : 1;
  const std::uint64_t last = arguments.seed != 0 ? arguments.seed : arguments.seeds;
  counts.clear();
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    const Lived lived = live(seed, where);
    EXPECT_EQ(lived.broken, "") << "--seed=" << seed;
    if (!lived.broken.empty()) break;
  }
  errand::set_logger({});
  const unsigned long long seeds = last - first + 1;
  std::printf("torture|T14|the whole library lives under a seed, %d steps, on %s|%llu seeds|%s\n", arguments.steps,
              where == sim::Where::sqlite ? "SQLite" : "the store in memory", seeds,
              testing::Test::HasFailure() ? "FAILED" : "ok");
  if (arguments.counts) {
    for (const auto& [what, count] : counts)
      std::printf("%8llu %s\n", static_cast<unsigned long long>(count), what.c_str());
  }
}

}  // namespace

TEST(DurableSim, SqliteKeepsThePromises) {
  live_all(sim::Where::sqlite);
}

TEST(DurableSim, MemoryKeepsThePromises) {
  live_all(sim::Where::memory);
}

// A task was told to try again between its end and the look at it.
TEST(DurableSim, AnEndIsToldAndNotWhatCameNext) {
  errand::set_logger([](const errand::LogLine&) {});
  EXPECT_EQ(live(1350, sim::Where::memory).broken, "");
  errand::set_logger({});
}

TEST(DurableSim, TheSameSeedGivesTheSameTrace) {
  errand::set_logger([](const errand::LogLine&) {});
  for (const sim::Where where : {sim::Where::memory, sim::Where::sqlite}) {
    EXPECT_EQ(live(7, where).trace, live(7, where).trace);
    EXPECT_NE(live(7, where).trace, live(8, where).trace);
  }
  errand::set_logger({});
}

namespace {

int print_traces() {
  errand::set_logger([](const errand::LogLine&) {});
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    for (const sim::Where where : {sim::Where::memory, sim::Where::sqlite}) {
      std::printf("%llu\n", static_cast<unsigned long long>(live(seed, where).trace));
    }
  }
  return 0;
}

}  // namespace

int main(int count, char** values) {
  testing::InitGoogleTest(&count, values);
  for (int i = 1; i < count; ++i) {
    const std::string_view text(values[i]);
    const auto number = [&](std::string_view name, auto& into) {
      if (text.starts_with(name)) std::from_chars(text.data() + name.size(), text.data() + text.size(), into);
    };
    number("--seed=", arguments.seed);
    number("--seeds=", arguments.seeds);
    number("--steps=", arguments.steps);
    if (text == "--counts") arguments.counts = true;
    if (text == "--tell") arguments.tell = true;
    if (text == "--traces") return print_traces();
  }
  return RUN_ALL_TESTS();
}
