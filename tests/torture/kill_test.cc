// The owner of a SQLite file is killed at random moments, again and again. Nothing that it acknowledged is lost, and
// nothing runs again but what ran at the kill, or was over and not yet in the store.
//
// ERRAND_SEED replays the choice of the moments. ERRAND_CYCLES says how many kills have to count, by default 12, with
// ERRAND_LONG=1 300; a kill counts if tasks had been acknowledged then and were not finished.
//
// The files are beside the build, and not where the system keeps temporary files: that may be memory. A kill would
// leave it as it is too, but there commits take no time, and a kill hardly ever meets one.

#include <errand/random.h>
#include <errand/sqlite.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "life.h"
#include "witness.h"

using namespace std::chrono_literals;

namespace {

// Far more than anything here takes, on a busy machine under a sanitizer too.
constexpr auto kSoon = 120s;
// A slow machine may stop here, with fewer kills.
constexpr auto kTimeBox = 15s;
constexpr int kFewest = 4;
constexpr std::uint64_t kSerialsPerLife = 1'000'000;

struct Plan {
  std::uint64_t seed = 0;
  int cycles = 12;
  bool boxed = true;
};

Plan plan() {
  const char* seed = std::getenv("ERRAND_SEED");
  const char* cycles = std::getenv("ERRAND_CYCLES");
  const bool is_long = std::getenv("ERRAND_LONG") != nullptr;
  Plan plan;
  plan.seed = seed != nullptr ? std::strtoull(seed, nullptr, 10) : std::random_device()();
  plan.cycles = cycles != nullptr ? std::atoi(cycles) : is_long ? 300 : 12;
  plan.boxed = cycles == nullptr && !is_long;
  return plan;
}

// One file, from its first owner to its last. Stays if a test failed.
class Kills : public testing::Test {
 protected:
  Kills() {
    std::string pattern = (std::filesystem::path(ERRAND_SCRATCH) / "kills-XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
    path = (folder / "tasks.db").string();
    history.open(folder / "history.txt");
  }
  ~Kills() override {
    if (!HasFailure()) {
      std::filesystem::remove_all(folder);
      return;
    }
    std::printf("left for you: %s\n", folder.c_str());
  }

  Life live(const std::string& mode) {
    ++lives;
    history << "# life " << lives << '\n';
    return {{path, mode, std::to_string(lives * kSerialsPerLife), std::to_string(rng())},
            [this](std::string_view line) {
              history << line << '\n';
              witness.hear(line);
            }};
  }

  // Most die at work, some while they begin it: in the open, say, or when they run what the one before had left.
  bool live_and_die() {
    const bool early = rng.below(4) == 0 && witness.unfinished() > 0;
    const auto delay = std::chrono::milliseconds(early ? rng.below(60) : 20 + rng.below(381));
    Life life = live("work");
    if (!early) {
      const std::size_t before = witness.acked();
      life.listen(Life::Clock::now() + kSoon, [&] { return witness.acked() > before || witness.unfinished() > 0; });
    }
    const bool lived = life.listen(Life::Clock::now() + delay);
    const int status = life.kill();
    EXPECT_TRUE(lived && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "it ended by itself";
    const bool counts = witness.unfinished() > 0;
    witness.life_ends();
    return counts;
  }

  void drain() {
    Life life = live("drain");
    const bool hangs = life.listen(Life::Clock::now() + kSoon);
    EXPECT_FALSE(hangs) << "some tasks do not come to their end";
    const int status = hangs ? life.kill() : life.end();
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    witness.life_ends();
  }

  void look_into_the_store() {
    const auto store = errand::open_sqlite(path);
    ASSERT_TRUE(store) << store.error().message();
    const auto kept = (*store)->list({}, {}, 100'000'000, errand::real_clock()->now());
    ASSERT_TRUE(kept) << kept.error().message();
    for (const errand::KeptTask& task : *kept)
      witness.keeps(task.task.payload, task.state == errand::TaskState::completed, task.crashes);
    witness.closes();
  }

  void look_into_the_file() const {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READONLY, nullptr), SQLITE_OK);
    std::string said;
    sqlite3_exec(
        db, "pragma integrity_check",
        [](void* text, int, char** values, char**) {
          *static_cast<std::string*>(text) += values[0];
          return 0;
        },
        &said, nullptr);
    EXPECT_EQ(said, "ok");
    sqlite3_close(db);
  }

  const Plan to_do = plan();
  errand::Rng rng{to_do.seed};
  std::filesystem::path folder;
  std::string path;
  std::uint64_t lives = 0;
  Witness witness;
  std::ofstream history;
};

TEST_F(Kills, LoseNothingAndRepeatOnlyWhatWasInFlight) {
  const auto began = Life::Clock::now();
  int counted = 0;
  int kills = 0;
  while (counted < to_do.cycles && witness.complaints().empty() && !HasFailure()) {
    if (to_do.boxed && counted >= kFewest && Life::Clock::now() - began > kTimeBox) break;
    counted += live_and_die() ? 1 : 0;
    ++kills;
    ASSERT_LE(kills, 4 * to_do.cycles + 10) << "hardly a kill finds work";
  }
  if (!HasFailure()) drain();
  look_into_the_store();
  look_into_the_file();
  const auto& complaints = witness.complaints();
  for (std::size_t i = 0; i < std::min<std::size_t>(complaints.size(), 20); ++i) ADD_FAILURE() << complaints[i];
  std::printf(
      "%d kills, %d of them counted; %zu acknowledged; ends in the store %zu, not known to be there %zu, of "
      "which %zu ran again; ERRAND_SEED=%llu\n",
      kills, counted, witness.acked(), witness.settled(), witness.unsettled(), witness.again(),
      static_cast<unsigned long long>(to_do.seed));
}

}  // namespace
