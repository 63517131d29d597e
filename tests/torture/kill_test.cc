// The owner of a SQLite file is killed at random moments, again and again. Nothing that it acknowledged is lost, and
// nothing runs again but what ran at the kill, or was over and not yet in the store.
//
// ERRAND_SEED replays the choice of the moments. ERRAND_CYCLES says how many kills have to count; one counts if tasks
// had been acknowledged then and were not finished. The owner itself sees that no acknowledgement comes before its
// flush is over: see flushes.h.
//
// On a disk in memory a kill would leave all as it is too, but commits take no time there, and it hardly ever meets
// one.

#include <errand/random.h>
#include <errand/sqlite.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "effort.h"
#include "life.h"
#include "witness.h"

using namespace std::chrono_literals;
using errand::is_waiting;
using errand::KeptTask;
using errand::open_sqlite;
using errand::real_clock;

namespace {

// Far more than anything here takes, on a busy machine under a sanitizer too.
constexpr auto kSoon = 120s;
constexpr std::uint64_t kSerialsPerLife = 1'000'000;

int cycles() {
  const char* cycles = std::getenv("ERRAND_CYCLES");
  return cycles != nullptr ? std::atoi(cycles) : by_effort(12, 60, 5000);
}

// As many as a kill is to find before it, in all; a slice counts kills alone.
std::size_t tasks() {
  return std::getenv("ERRAND_CYCLES") != nullptr ? 0 : by_effort<std::size_t>(0, 60'000, 5'000'000);
}

// One file, from its first owner to its last.
class Kills : public testing::Test {
 protected:
  Life live(const std::string& mode) {
    ++lives;
    history << "# life " << lives << '\n';
    return {ERRAND_VICTIM,
            {path, mode, std::to_string(lives * kSerialsPerLife), std::to_string(rng())},
            [this](std::string_view line) {
              history << line << '\n';
              if (line.starts_with("took ")) {
                std::from_chars(line.data() + 5, line.data() + line.size(), took.emplace());
              } else {
                witness.hear(line);
              }
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

  const std::uint64_t seed = torture_seed();
  errand::Rng rng{seed};
  const Scratch folder;
  const std::string path = folder.file("tasks.db");
  std::uint64_t lives = 0;
  Witness witness;
  std::optional<int> took;  // its shutdown, in milliseconds
  std::ofstream history{folder.file("history.txt")};
};

TEST_F(Kills, LoseNothingAndRepeatOnlyWhatWasInFlight) {
  Figures figures("T1", "the owner is killed at random moments");
  const Rounds rounds(4, cycles(), 15s);
  int counted = 0;
  int kills = 0;
  const auto has_enough = [&] { return counted >= rounds.wanted() && witness.acked() >= tasks(); };
  while ((rounds.go_on(counted) || counted >= rounds.wanted()) && !has_enough() && !HasFailure() &&
         witness.complaints().empty()) {
    counted += live_and_die() ? 1 : 0;
    ++kills;
    ASSERT_LE(kills, 4 * std::max(counted, rounds.wanted()) + 10) << "hardly a kill finds work";
  }
  if (!HasFailure()) drain();
  look_into_the_store();
  look_into_the_file();
  const auto& complaints = witness.complaints();
  for (std::size_t i = 0; i < std::min<std::size_t>(complaints.size(), 20); ++i) ADD_FAILURE() << complaints[i];
  if (HasFailure()) ADD_FAILURE() << "ERRAND_SEED=" << seed;
  figures.count("kills", kills).count("met work", counted).count("acknowledged", witness.acked());
  figures.count("ends known to be in the store", witness.settled()).count("in flight", witness.unsettled());
  figures.count("ran again", witness.again()).count("complaints", complaints.size());
}

// A process that stands still is not dead: its file stays its own, and it goes on as if nothing had been.
TEST_F(Kills, AStoppedOwnerKeepsItsFile) {
  Figures figures("T5", "the owner stands still, and goes on");
  const int stops = by_effort(2, 40, 1000);
  Life life = live("work");
  const auto goes_on = [&] {
    const std::size_t enough = witness.acked() + 5;
    life.listen(Life::Clock::now() + kSoon, [&] { return witness.acked() >= enough; });
    EXPECT_GE(witness.acked(), enough);
  };
  goes_on();
  for (int i = 0; i < stops && !HasFailure(); ++i) {
    life.signal(SIGSTOP);
    const auto other = errand::open_sqlite(path);
    ASSERT_FALSE(other) << "two own one file";
    EXPECT_EQ(other.error().code(), errand::Code::owned_by) << other.error().message();
    life.signal(SIGCONT);
    goes_on();
  }
  life.kill();
  witness.life_ends();
  drain();
  look_into_the_store();
  EXPECT_TRUE(witness.complaints().empty()) << witness.complaints().front();
  figures.count("stops", stops).count("acknowledged", witness.acked());
}

// As a machine does that restarts a service. Whoever listens ends in time, and leaves everything as the next one needs
// it: nobody is charged, and nothing that was over runs again.
TEST_F(Kills, ATermIsAnEndInPeace) {
  Figures figures("T11", "shut down: a process gets SIGTERM, once or twice");
  constexpr int kTimeout = 100;
  const int late = by_effort(5000, 200, 200);
  const Rounds rounds(3, by_effort(6, 50, 5000), 10s);
  int done = 0;
  int longest = 0;
  std::size_t left_over = 0;
  for (; rounds.go_on(done) && witness.complaints().empty(); ++done) {
    took.reset();
    Life life = live("serve");
    const std::size_t before = witness.acked();
    life.listen(Life::Clock::now() + kSoon, [&] { return witness.acked() > before; });
    life.listen(Life::Clock::now() + std::chrono::milliseconds(rng.below(150)));
    life.signal(SIGTERM);
    if (rng.below(3) == 0) life.signal(SIGTERM);
    const bool hangs = life.listen(Life::Clock::now() + kSoon);
    const int status = hangs ? life.kill() : life.end();
    ASSERT_TRUE(!hangs && WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    witness.life_ends_in_peace();
    ASSERT_TRUE(took);
    EXPECT_LE(*took, kTimeout + late);
    longest = std::max(longest, *took);
    const auto store = open_sqlite(path);
    ASSERT_TRUE(store) << store.error().message();
    const auto kept = (*store)->list({}, {}, 100'000'000, real_clock()->now());
    ASSERT_TRUE(kept) << kept.error().message();
    for (const KeptTask& task : *kept) {
      EXPECT_EQ(task.crashes, 0) << task.task.payload;
      left_over += is_waiting(task.state) ? 1 : 0;
    }
  }
  if (!HasFailure()) drain();
  look_into_the_store();
  EXPECT_EQ(witness.again(), 0u) << "what was over ran again";
  const auto& complaints = witness.complaints();
  for (std::size_t i = 0; i < std::min<std::size_t>(complaints.size(), 20); ++i) ADD_FAILURE() << complaints[i];
  if (HasFailure()) ADD_FAILURE() << "ERRAND_SEED=" << seed;
  figures.count("shutdowns", done).count("acknowledged", witness.acked()).count("left for the next start", left_over);
  figures.count("ms the longest", longest);
}

}  // namespace
