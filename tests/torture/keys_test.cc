// Enqueues whose answer got lost, said again with the same key: one task for each key, whatever the disk does; and what
// a transaction took back is not there.

#include <errand/errand.h>
#include <errand/random.h>
#include <errand/sqlite.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "effort.h"
#include "test_disk/disk.h"

using namespace errand;
using disk::Disk;
using disk::Fault;
using namespace std::chrono_literals;

namespace {

// A producer who says everything again until he is told that it is there, and his disk, which fails and loses power.
class Keys : public testing::Test {
 protected:
  Keys() { open(); }

  void open() {
    auto opened = open_sqlite("tasks.db", {.vfs = disk.vfs_name()});
    ASSERT_TRUE(opened) << opened.error().message();
    store.emplace(*opened);
    queue.emplace(
        QueueOptions{.name = "mail", .drive = Drive::manual, .store = *opened, .close = {.timeout = 0s}, .seed = 1});
  }
  void lose_power() {
    disk.power_off();
    queue.reset();
    store.reset();
    disk.power_cut(disk::kPowerCuts[rng.below(std::size(disk::kPowerCuts))], rng);
    ++power_cuts;
    open();
  }
  // Something goes wrong within the next few operations.
  void upset() {
    switch (rng.below(4)) {
      case 0:
        return disk.fail_at(1 + rng.below(20), Fault::io_error);
      case 1:
        return disk.fail_at(1 + rng.below(8), Fault::sync_failure);
      case 2:
        return disk.fail_at(1 + rng.below(20), Fault::short_write);
      default:
        return disk.fail_at(1 + rng.below(20), Fault::power_loss);
    }
  }
  static TaskOptions options(int key) {
    TaskOptions options;
    options.unique = {.key = "order-" + std::to_string(key), .states = kAllStates};
    return options;
  }
  static Named task(int key) { return {.kind = "welcome", .payload = std::to_string(key), .options = options(key)}; }

  // What it is told of a key has to be what it was told before.
  void told(int key, TaskId id, bool existed) {
    const auto [at, is_new] = ids.try_emplace(key, id);
    EXPECT_EQ(at->second, id) << "key " << key << " has two tasks";
    EXPECT_TRUE(is_new || existed) << "key " << key << " is new a second time";
    if (existed) ++said_again;
  }

  // Some keys at once, some of them twice, some that are long there.
  void enqueue_until_told(int first, int count) {
    std::vector<int> keys;
    for (int i = 0; i < count; ++i) {
      keys.push_back(first + i);
      if (rng.below(4) == 0) keys.push_back(first + i);
      if (first > 0 && rng.below(4) == 0)
        keys.push_back(static_cast<int>(rng.below(static_cast<std::uint64_t>(first))));
    }
    for (int tries = 0; !keys.empty(); ++tries) {
      ASSERT_LT(tries, 20) << "it does not heal";
      std::vector<Named> tasks;
      for (const int key : keys) tasks.push_back(task(key));
      const auto results = queue->enqueue_many(std::move(tasks));
      std::vector<int> again;
      for (std::size_t i = 0; i < results.size(); ++i) {
        if (results[i]) {
          told(keys[i], results[i]->id(), results[i]->existed());
        } else {
          EXPECT_TRUE(results[i].error().transient()) << results[i].error().message();
          again.push_back(keys[i]);
        }
      }
      if (again.empty()) break;
      ++answers_lost;
      keys = std::move(again);
      lose_power_if_it_is_dark();
    }
  }
  void lose_power_if_it_is_dark() {
    disk.fail_at(1'000'000'000, Fault::none);
    const auto answer = (*store)->counts(WallTime{});
    const bool is_dark = !answer && answer.error().code() == Code::unavailable;
    if (is_dark || rng.below(4) == 0) lose_power();
  }

  // Data and task together, or neither: half of them are taken back.
  void transact(int key) {
    const bool takes_back = rng.below(2) == 0;
    for (int tries = 0;; ++tries) {
      ASSERT_LT(tries, 20) << "it does not heal";
      std::optional<TaskId> id;
      bool existed = false;
      const auto done = store->transaction([&](Transaction& tx) -> Result<void> {
        auto prepared = tx.execute("create table if not exists effects (key integer)");
        if (!prepared) return prepared;
        const std::string payload = std::to_string(key);
        const NewTask added{.queue = "mail",
                            .kind = "welcome",
                            .payload = payload,
                            .content_type = "text/plain",
                            .unique = {.key = "tx-" + payload, .states = kAllStates}};
        auto ok = tx.add(added, WallTime{std::chrono::seconds(1)});
        if (!ok) return ok.error();
        id = ok->id;
        existed = ok->existed;
        if (!existed) {
          if (auto wrote = tx.execute("insert into effects values (?)", key); !wrote) return wrote;
        }
        if (takes_back) return Error(Code::cancelled, "on second thoughts");
        return {};
      });
      if (takes_back && !done && done.error().code() == Code::cancelled) {
        ++taken_back;
        return;
      }
      if (done) {
        told(1'000'000'000 + key, *id, existed);
        return;
      }
      ++answers_lost;
      lose_power_if_it_is_dark();
    }
  }

  // Exactly those that somebody was told of; of those that were taken back none.
  void check() {
    const auto tasks = (*store)->list({}, {}, 100'000'000, WallTime{});
    ASSERT_TRUE(tasks) << tasks.error().message();
    std::set<TaskId> there;
    for (const KeptTask& one : *tasks) EXPECT_TRUE(there.insert(one.id).second);
    std::set<TaskId> known;
    for (const auto& [key, id] : ids) EXPECT_TRUE(known.insert(id).second) << "two keys have one task";
    EXPECT_EQ(there, known);
    std::size_t effects = 0;
    EXPECT_TRUE(store->transaction([&](Transaction& tx) -> Result<void> {
      const auto rows = tx.query("select count(*), count(distinct key) from effects");
      if (!rows) return rows.error();
      effects = static_cast<std::size_t>(rows->front().integer(0));
      EXPECT_EQ(rows->front().integer(0), rows->front().integer(1));
      return {};
    }));
    EXPECT_EQ(effects, static_cast<std::size_t>(std::distance(ids.lower_bound(1'000'000'000), ids.end())));
  }

  const std::uint64_t seed = torture_seed();
  Rng rng{seed};
  Disk disk{seed};
  std::optional<SqliteStore> store;
  std::optional<Queue> queue;
  std::map<int, TaskId> ids;  // as it was told
  int power_cuts = 0;
  int answers_lost = 0;
  int said_again = 0;
  int taken_back = 0;
};

TEST_F(Keys, HaveOneTaskEachWhateverBecameOfTheAnswer) {
  Figures figures("T6", "enqueues are said again until an answer comes");
  SCOPED_TRACE("ERRAND_SEED=" + std::to_string(seed));
  const Rounds rounds(1000, by_effort(5'000, 5'000, 1'000'000), 10s);
  int key = 0;
  while (rounds.go_on(key)) {
    if (rng.below(8) == 0) upset();
    if (rng.below(3) == 0) {
      transact(key++);
    } else {
      const int count = 1 + static_cast<int>(rng.below(12));
      enqueue_until_told(key, count);
      key += count;
    }
  }
  disk.fail_at(1'000'000'000, Fault::none);
  lose_power();
  check();
  EXPECT_GT(answers_lost, 0);
  figures.count("keys", key).count("answers lost", answers_lost).count("power cuts", power_cuts);
  figures.count("found to be there", said_again).count("rolled back", taken_back);
}

}  // namespace
