// What somebody says of a task whose claim he lost: each Finish and Note carries its claim's token, and a stale one
// changes nothing, whenever it comes and in whose company.
//
// On a SQLite file every worker lives in the owner, so no worker is a zombie here; the words of one are replayed.

#include <errand/random.h>
#include <errand/sqlite.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "effort.h"
#include "test_disk/disk.h"

using namespace errand;
using namespace std::chrono_literals;

namespace {

class Stale : public testing::Test {
 protected:
  struct Word {
    TaskId id;
    std::uint64_t token;
  };

  void begin_anew(std::uint64_t disk_seed) {
    store.reset();
    disk.reset();
    disk.emplace(disk_seed);
    current.clear();
    stale.clear();
    open();
  }
  void open() {
    auto opened = open_sqlite("tasks.db", {.vfs = disk->vfs_name()});
    ASSERT_TRUE(opened) << opened.error().message();
    store = *opened;
  }
  void restart() {
    for (const Word& word : current) stale.push_back(word);
    current.clear();
    store.reset();
    open();
  }
  Committed commit(const Batch& batch) {
    now += 1ms;
    auto committed = store->commit(batch, now);
    EXPECT_TRUE(committed) << committed.error().message();
    return committed ? std::move(*committed) : Committed{};
  }
  void claim(std::size_t limit) {
    const ClaimRequest claims[] = {{.queue = "mail", .any_kind = true, .limit = limit}};
    const Committed committed = commit({.claims = claims});
    for (const Claimed& claimed : committed.claims) {
      for (const KeptTask& task : claimed.tasks) {
        for (const std::vector<Word>* words : {&stale, &current}) {
          for (const Word& word : *words) EXPECT_LT(word.token, task.token) << "a token came again";
        }
        current.push_back({task.id, task.token});
      }
    }
  }
  Finish end_of(const Word& word) {
    constexpr TaskState kTo[] = {TaskState::completed, TaskState::discarded, TaskState::cancelled,
                                 TaskState::available, TaskState::retryable, TaskState::scheduled};
    Finish finish;
    finish.id = word.id;
    finish.token = word.token;
    finish.to = kTo[rng.below(std::size(kTo))];
    finish.run_at = now;
    finish.attempts = 17;
    finish.error = KeptError{Code::failed, "a zombie"};
    finish.failed = KeptAttempt{17, now, 1s, *finish.error};
    finish.output = "a zombie's";
    finish.output_type = "text/plain";
    return finish;
  }
  Note note_of(const Word& word) {
    return {.id = word.id, .token = word.token, .progress_done = 99, .progress_note = "a zombie", .log = {"a zombie"}};
  }
  // What must not change: all that is kept, as one text.
  std::string seen() {
    std::string all;
    const auto tasks = store->list({}, {}, 1'000'000, now);
    EXPECT_TRUE(tasks);
    for (const KeptTask& task : *tasks) {
      all += to_string(task.id) + ' ' + std::string(to_string(task.state)) + ' ' + std::to_string(task.token) + ' ' +
             std::to_string(task.attempts) + ' ' + std::to_string(task.progress_done) + task.progress_note +
             std::to_string(task.log.size()) + task.output + std::to_string(task.history.size()) +
             (task.last_error ? task.last_error->text : "") + '\n';
    }
    return all;
  }
  // All stale words there are, or some, with one that counts between them.
  void replay(bool with_a_good_one) {
    std::vector<Finish> ends;
    std::vector<Note> notes;
    for (const Word& word : stale) {
      if (rng.below(3) != 0) ends.push_back(end_of(word));
      if (rng.below(3) != 0) notes.push_back(note_of(word));
    }
    // Nobody ever gave this one.
    if (!current.empty()) ends.push_back(end_of({current.front().id, current.front().token + 1'000'000}));
    const std::string before = seen();
    const std::size_t good = ends.size() / 2;
    if (with_a_good_one) {
      Finish done = end_of(current.back());
      done.to = TaskState::completed;
      ends.insert(ends.begin() + static_cast<std::ptrdiff_t>(good), done);
      stale.push_back(current.back());
      current.pop_back();
    }
    const Committed committed = commit({.notes = notes, .finished = ends});
    for (std::size_t i = 0; i < committed.finished.size(); ++i) {
      const bool counts = with_a_good_one && i == good;
      EXPECT_EQ(bool(committed.finished[i]), counts);
      if (counts) {
        ++accepted;
        continue;
      }
      ++refused;
      EXPECT_EQ(committed.finished[i].error().code(), Code::lease_lost) << committed.finished[i].error().message();
    }
    for (const Result<void>& note : committed.notes) {
      ++refused;
      ASSERT_FALSE(note);
      EXPECT_EQ(note.error().code(), Code::lease_lost);
    }
    if (!with_a_good_one) {
      EXPECT_EQ(seen(), before) << "a stale word changed something";
    }
  }
  // The one way for a claim to be lost while its owner lives: it is given back, and the task is claimed again.
  void give_back() {
    std::vector<Finish> ends;
    for (const Word& word : current) {
      if (rng.below(2) == 0) continue;
      ends.push_back({.id = word.id, .token = word.token, .to = TaskState::available, .run_at = now});
      stale.push_back(word);
    }
    std::erase_if(current, [&](const Word& word) {
      return std::any_of(ends.begin(), ends.end(), [&](const Finish& end) { return end.token == word.token; });
    });
    for (const Result<void>& one : commit({.finished = ends}).finished) EXPECT_TRUE(one) << one.error().message();
  }

  const std::uint64_t seed = torture_seed();
  Rng rng{seed};
  std::optional<disk::Disk> disk;
  StorePtr store;
  WallTime now{std::chrono::seconds(1'700'000'000)};
  std::vector<Word> current;  // claims that stand
  std::vector<Word> stale;
  std::size_t refused = 0;
  std::size_t accepted = 0;
};

TEST_F(Stale, WordsOfLostClaimsChangeNothing) {
  Figures figures("T5", "what was said under a lost claim is said again");
  SCOPED_TRACE("ERRAND_SEED=" + std::to_string(seed));
  const Rounds rounds(40, by_effort(40, 40, 1000), 10s);
  int zombies = 0;
  for (; rounds.go_on(zombies); ++zombies) {
    // A file for so many: each word is said again and again.
    if (zombies % 40 == 0) begin_anew(seed + static_cast<std::uint64_t>(zombies));
    std::vector<NewTask> tasks(2);
    for (NewTask& task : tasks) {
      task = {.queue = "mail", .kind = "welcome", .payload = "hello", .content_type = "text/plain", .run_at = now};
      task.ephemeral = rng.below(8) == 0;
    }
    commit({.added = tasks});
    claim(3);
    replay(false);
    give_back();
    replay(false);
    claim(3);
    replay(false);
    if (!current.empty()) replay(true);
    replay(false);
    if (rng.below(8) == 0) restart();
    replay(false);
  }
  EXPECT_GE(refused, 40u);
  figures.count("claims lost", zombies).count("stale words refused", refused).count("good ones taken", accepted);
}

}  // namespace
