// Owners that are killed, and what the next one finds. Each owner is a child of this process, and dies by SIGKILL.

#include <errand/sqlite.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <climits>
#include <filesystem>
#include <fstream>
#include <functional>

#include "base/running_file.h"
#include "support/folder.h"

using namespace errand;

namespace {

constexpr const char* kDied = "its process died while it ran";

class SqliteCrash : public testing::Test {
 protected:
  [[nodiscard]] StorePtr open() const {
    auto store = open_sqlite(path);
    EXPECT_TRUE(store) << store.error().message();
    return store ? StorePtr(*store) : nullptr;
  }
  // The owner of the file does this, and is killed; `signal` 0: it closes the store.
  void owner(const std::function<void(const StorePtr&)>& work, int signal = SIGKILL) const {
    const pid_t pid = ::fork();
    if (pid == 0) {
      {
        auto store = open_sqlite(path);
        if (!store) ::_exit(1);
        work(*store);
        if (signal != 0) ::kill(::getpid(), signal);
      }
      ::_exit(HasFailure() ? 2 : 0);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    ASSERT_EQ(WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status), signal);
  }

  [[nodiscard]] NewTask task() const {
    return {.queue = "mail", .kind = "welcome", .content_type = "text/plain", .run_at = now};
  }
  TaskId add(const StorePtr& store, NewTask task) const {
    NewTask one[] = {std::move(task)};
    auto committed = store->commit({.added = one}, now);
    return committed ? committed->added.at(0)->id : TaskId{};
  }
  [[nodiscard]] std::vector<KeptTask> claim(const StorePtr& store, std::size_t limit = 100) const {
    const ClaimRequest one[] = {{.queue = "mail", .any_kind = true, .limit = limit}};
    auto committed = store->commit({.claims = one}, now);
    return committed ? std::move(committed->claims.at(0).tasks) : std::vector<KeptTask>();
  }
  Result<void> finish(const StorePtr& store, Finish finish) const {
    const Finish one[] = {std::move(finish)};
    auto committed = store->commit({.finished = one}, now);
    if (!committed) return committed.error();
    return committed->finished.at(0);
  }
  // An owner that is killed in the body of the first task that it claims.
  void die_in_a_body() {
    owner([&](const StorePtr& store) {
      RunningBody body(store);
      for (const KeptTask& one : claim(store, 1)) body.begins(one.id, now);
      ::kill(::getpid(), SIGKILL);
    });
  }
  TaskId add_one() const { return add(open(), task()); }
  [[nodiscard]] KeptTask find(const StorePtr& store, TaskId id) const {
    auto found = store->find(id, now);
    EXPECT_TRUE(found) << found.error().message();
    return found ? *found : KeptTask{};
  }
  [[nodiscard]] KeptTask find(TaskId id) const { return find(open(), id); }
  void expect_not_charged(TaskId id) const {
    const KeptTask kept = find(id);
    EXPECT_EQ(kept.state, TaskState::available);
    EXPECT_EQ(kept.attempts, 0);
    EXPECT_EQ(kept.crashes, 0);
    EXPECT_FALSE(kept.last_error);
    EXPECT_TRUE(kept.history.empty());
  }
  void execute(const std::string& sql) const {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
  }
  [[nodiscard]] std::string slots() const { return path + "-running"; }
  [[nodiscard]] std::string content() const {
    std::ifstream file(slots(), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void replace_slots(const std::string& by) const { std::ofstream(slots(), std::ios::binary | std::ios::trunc) << by; }

  const Folder folder;
  std::string path = folder.file("tasks.db");
  WallTime now{std::chrono::seconds(1'700'000'000)};
};

}  // namespace

TEST_F(SqliteCrash, ChargesTheTaskThatRan) {
  const TaskId id = add_one();
  now += std::chrono::seconds(10);
  die_in_a_body();
  const StorePtr store = open();
  const KeptTask kept = find(store, id);
  EXPECT_EQ(kept.state, TaskState::available);
  EXPECT_EQ(kept.attempts, 1);
  EXPECT_EQ(kept.crashes, 1);
  EXPECT_EQ(kept.started_at, now);
  EXPECT_EQ(kept.first_started_at, now);
  EXPECT_EQ(kept.last_error, (KeptError{Code::failed, kDied}));
  ASSERT_EQ(kept.history.size(), 1u);
  EXPECT_EQ(kept.history[0], (KeptAttempt{1, now, Duration::zero(), {Code::failed, kDied}}));
  // And it is run again.
  const auto claimed = claim(store);
  ASSERT_EQ(claimed.size(), 1u);
  Finish finished{.id = id, .token = claimed[0].token, .attempts = 2, .crashes = 1, .started_at = now};
  EXPECT_TRUE(finish(store, finished));
  EXPECT_EQ(find(store, id).state, TaskState::completed);
}

TEST_F(SqliteCrash, ChargesNobodyElse) {
  const TaskId only_claimed = add_one(), over = add_one(), finished = add_one(), waiting = add_one();
  owner([&](const StorePtr& store) {
    RunningBody body(store);
    const auto claimed = claim(store, 3);
    // The last one's row still waits.
    for (const std::size_t i : {2, 1}) {
      body.begins(claimed[i].id, now);
      body.is_over();
    }
    if (!finish(store, {.id = claimed[2].id, .token = claimed[2].token, .attempts = 1})) ::_exit(3);
    ::kill(::getpid(), SIGKILL);
  });
  expect_not_charged(only_claimed);
  expect_not_charged(over);
  expect_not_charged(waiting);
  EXPECT_EQ(find(finished).state, TaskState::completed);
  EXPECT_EQ(find(finished).crashes, 0);
}

TEST_F(SqliteCrash, ChargesEveryWorkersTask) {
  owner([&](const StorePtr& store) {
    for (int i = 0; i < 100; ++i) add(store, task());
    std::vector<RunningBody> bodies;
    for (const KeptTask& one : claim(store, 70)) bodies.emplace_back(store).begins(one.id, now);
    ::kill(::getpid(), SIGKILL);
  });
  const auto all = open()->list({}, {}, 1000, now);
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 100u);
  for (std::size_t i = 0; i < 100; ++i) {
    EXPECT_EQ((*all)[i].crashes, i < 70 ? 1 : 0) << i;
    EXPECT_EQ((*all)[i].attempts, i < 70 ? 1 : 0) << i;
  }
}

TEST_F(SqliteCrash, TheThirdOneDiscards) {
  NewTask keyed = task();
  keyed.unique.key = "user-7";
  keyed.max_attempts = 1;  // a crash is no failure of the task's own
  const TaskId id = add(open(), keyed);
  for (int crashes = 1; crashes <= kMostCrashes; ++crashes) {
    die_in_a_body();
    EXPECT_EQ(find(id).state, crashes < 3 ? TaskState::available : TaskState::discarded);
    EXPECT_EQ(find(id).crashes, crashes);
  }
  const StorePtr store = open();
  const KeptTask kept = find(store, id);
  EXPECT_EQ(kept.attempts, 3);
  EXPECT_EQ(kept.finished_at, now);
  EXPECT_EQ(kept.last_error, (KeptError{Code::failed, std::string("crashed 3 times: ") + kDied}));
  EXPECT_EQ(kept.prune_at, *kept.finished_at + std::chrono::hours(7 * 24)) << "it does not stay for ever";
  ASSERT_EQ(kept.history.size(), 3u);
  EXPECT_EQ(kept.history[2].number, 3);
  EXPECT_TRUE(claim(store).empty());
  EXPECT_NE(add(store, keyed), id) << "its unique key is free again";
}

TEST_F(SqliteCrash, KeepsTheLastErrorOfTheTasksOwn) {
  const TaskId id = add_one();
  owner([&](const StorePtr& store) {
    const KeptError own{Code::invalid, "no such user"};
    const auto claimed = claim(store);
    Finish failed{.id = id, .token = claimed[0].token, .to = TaskState::retryable, .run_at = now, .attempts = 1};
    failed.error = own;
    failed.failed = KeptAttempt{1, now, Duration::zero(), own};
    if (!finish(store, failed)) ::_exit(3);
  });
  for (int i = 0; i < kMostCrashes; ++i) die_in_a_body();
  const KeptTask kept = find(id);
  EXPECT_EQ(kept.state, TaskState::discarded);
  EXPECT_EQ(kept.attempts, 4);
  EXPECT_EQ(kept.last_error, (KeptError{Code::invalid, "no such user (gave up: crashed 3 times)"}));
}

TEST_F(SqliteCrash, IsChargedOnce) {
  const TaskId id = add_one();
  die_in_a_body();
  const std::string left = content();
  EXPECT_EQ(find(id).crashes, 1);
  EXPECT_EQ(find(id).crashes, 1);
  // An owner that died between the charge and the emptying of the slots.
  replace_slots(left);
  EXPECT_EQ(find(id).crashes, 1);
  owner([](const StorePtr&) {});
  EXPECT_EQ(find(id).crashes, 1);
}

// Its claim and its place in line were never written.
TEST_F(SqliteCrash, WhatWasClaimedAsItCameIsAvailableAgain) {
  owner([&](const StorePtr& store) {
    NewTask added[] = {task(), task(), task()};
    const ClaimRequest two[] = {{.queue = "mail", .any_kind = true, .limit = 2}};
    const auto committed = store->commit({.added = added, .claims = two}, now);
    ASSERT_TRUE(committed);
    ASSERT_EQ(committed->claims.at(0).tasks.size(), 2u);
    const KeptTask& first = committed->claims.at(0).tasks[0];
    ASSERT_TRUE(finish(store, {.id = first.id, .token = first.token}));
  });
  const StorePtr store = open();
  const std::vector<KeptTask> claimed = claim(store);
  ASSERT_EQ(claimed.size(), 2u) << "not the one that is over";
  for (const KeptTask& one : claimed) EXPECT_EQ(one.attempts, 0);
}

// So that whoever opens the file next looks at the newest tasks alone.
TEST_F(SqliteCrash, AnOldClaimIsPutInItsLine) {
  constexpr std::size_t kAtOnce = 1000;
  owner([&](const StorePtr& store) {
    std::vector<Finish> ends;
    std::vector<Finish> old;
    for (int round = 0; round < 40; ++round) {
      std::vector<NewTask> added(kAtOnce, task());
      const ClaimRequest all[] = {{.queue = "mail", .any_kind = true, .limit = kAtOnce}};
      const auto committed = store->commit({.finished = ends, .added = added, .claims = all}, now);
      ASSERT_TRUE(committed);
      ASSERT_EQ(committed->claims.at(0).tasks.size(), kAtOnce);
      ends.clear();
      for (const KeptTask& one : committed->claims.at(0).tasks) ends.push_back({.id = one.id, .token = one.token});
      if (round == 0) {
        old.assign(ends.end() - 4, ends.end());
        ends.resize(kAtOnce - old.size());
      }
    }
    // One of the old ones is over by then, and takes its place in line with it.
    ends.push_back(old.front());
    ASSERT_TRUE(store->commit({.finished = ends}, now));
  });
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  const auto number = [&](const char* sql) {
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(db, sql, -1, &statement, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_step(statement);
    const auto value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
  };
  EXPECT_GE(number("select value from errand_meta where name = 'lined_up'"), 7000);
  EXPECT_EQ(number("select count(*) from errand_waiting"), 3);
  sqlite3_close(db);
  EXPECT_EQ(claim(open()).size(), 3u);
}

TEST_F(SqliteCrash, AChargeThatFailsIsMadeAtTheNextOpen) {
  const TaskId id = add_one();
  die_in_a_body();
  execute("create trigger no before update on errand_enqueued begin select raise(abort, 'not now'); end");
  const auto refused = open_sqlite(path);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("not now"), std::string::npos) << refused.error().message();
  execute("drop trigger no");
  EXPECT_EQ(find(id).crashes, 1);
}

TEST_F(SqliteCrash, AfterAnotherBootNobodyIsCharged) {
  const TaskId id = add_one();
  die_in_a_body();
  std::string other = content();
  const std::size_t at = other.find(boot_id());
  ASSERT_NE(at, std::string::npos);
  other[at] = other[at] == '0' ? '1' : '0';
  replace_slots(other);
  expect_not_charged(id);
}

TEST_F(SqliteCrash, SlotsOfALifeBeforeChargeNobody) {
  const TaskId id = add_one();
  die_in_a_body();
  const std::string left = content();
  EXPECT_EQ(find(id).crashes, 1);
  owner([](const StorePtr&) {});  // the last life: it ran nothing
  replace_slots(left);
  EXPECT_EQ(find(id).crashes, 1);
}

TEST_F(SqliteCrash, SlotsOfAnotherDatabaseChargeNobody) {
  add_one();
  die_in_a_body();
  const std::string left = content();
  std::filesystem::remove(path);
  std::filesystem::remove(path + "-wal");
  std::filesystem::remove(path + "-shm");
  const TaskId id = add_one();  // as many lives, and the same id
  owner([](const StorePtr&) {});
  replace_slots(left);
  expect_not_charged(id);
}

TEST_F(SqliteCrash, ADamagedFileOfSlotsIsNoError) {
  const TaskId id = add_one();
  die_in_a_body();
  const std::string left = content();
  for (const std::string& damaged : {std::string(), std::string("x"), left.substr(1), std::string(left.size(), 'x')}) {
    replace_slots(damaged);
    expect_not_charged(id);
  }
  std::filesystem::remove(slots());
  expect_not_charged(id);
  die_in_a_body();
  EXPECT_EQ(find(id).crashes, 1) << "and the next crash is charged again";
}

TEST_F(SqliteCrash, WhatNoFileCanBeIsAnErrorOfTheOpen) {
  std::filesystem::create_directory(slots());
  const auto refused = open_sqlite(path);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(),
            "sqlite: open \"" + path + "\": cannot open \"" + slots() + "\": Is a directory");
}

TEST_F(SqliteCrash, AnyIdInASlotIsInput) {
  const TaskId id = add_one();
  owner([&](const StorePtr& store) {
    add(store, task());
    std::vector<RunningBody> bodies;
    for (const std::uint64_t any : {~0ull, 1ull, 1ull << 63, (1ull << 63) + 77})
      bodies.emplace_back(store).begins(TaskId{any}, now);
    for (int i = 0; i < 2; ++i) bodies.emplace_back(store).begins(id, now);  // one task twice is charged once
    bodies.emplace_back(store).begins(TaskId{(1ull << 63) + 2}, WallTime::max());
    ::kill(::getpid(), SIGKILL);
  });
  EXPECT_EQ(find(id).crashes, 1);
  EXPECT_EQ(find(TaskId{(1ull << 63) + 2}).crashes, 1);
  const auto all = open()->list({}, {}, 100, now);
  ASSERT_TRUE(all);
  EXPECT_EQ(all->size(), 2u);
}

TEST_F(SqliteCrash, ATaskThatIsOverIsNotCharged) {
  const TaskId id = add_one();
  owner([&](const StorePtr& store) {
    RunningBody body(store);
    const auto claimed = claim(store);
    body.begins(id, now);
    if (!finish(store, {.id = id, .token = claimed[0].token, .attempts = 1})) ::_exit(3);
    ::kill(::getpid(), SIGKILL);
  });
  EXPECT_EQ(find(id).state, TaskState::completed);
  EXPECT_EQ(find(id).crashes, 0);
}

TEST_F(SqliteCrash, ADamagedRowKeepsNobodyFromTheOthers) {
  add_one();
  const TaskId id = add_one();
  owner([&](const StorePtr& store) {
    std::vector<RunningBody> bodies;
    for (const KeptTask& one : claim(store)) bodies.emplace_back(store).begins(one.id, now);
    ::kill(::getpid(), SIGKILL);
  });
  execute("update errand_enqueued set priority = 99 where id = 1");
  EXPECT_EQ(find(id).crashes, 1);
}

TEST_F(SqliteCrash, AnyCountInARowIsInput) {
  const TaskId id = add_one();
  die_in_a_body();
  execute("update errand_enqueued set attempts = 2147483647, crashes = 2147483647");
  const KeptTask kept = find(id);
  EXPECT_EQ(kept.state, TaskState::discarded);
  EXPECT_EQ(kept.attempts, INT_MAX);
  EXPECT_EQ(kept.crashes, INT_MAX);
}

TEST_F(SqliteCrash, GivesItsPlaceToWhatWaitedThen) {
  const TaskId first = add_one();
  for (int i = 0; i < 2; ++i) {
    now += std::chrono::seconds(1);
    owner([&](const StorePtr& store) { add(store, task()); });
  }
  die_in_a_body();
  const auto claimed = claim(open());
  ASSERT_EQ(claimed.size(), 3u);
  EXPECT_NE(claimed[0].id, first) << "a process that dies of its first task would get nothing else done";
}

TEST_F(SqliteCrash, ACleanCloseBlamesNobody) {
  const TaskId id = add_one();
  owner(
      [&](const StorePtr& store) {
        RunningBody body(store);
        EXPECT_TRUE(body);
        body.begins(claim(store).at(0).id, now);
      },
      0);
  expect_not_charged(id);
}

TEST_F(SqliteCrash, AForkedChildBlamesNobody) {
  const TaskId id = add_one();
  owner([&](const StorePtr& store) {
    RunningBody body(store);
    const pid_t pid = ::fork();
    if (pid == 0) {
      body.begins(id, now);
      ::kill(::getpid(), SIGKILL);
    }
    ::waitpid(pid, nullptr, 0);
  });
  expect_not_charged(id);
}

TEST_F(SqliteCrash, WhereNoSlotIsLeftNobodyIsBlamed) {
  const StorePtr store = open();
  std::vector<RunningBody> bodies;
  for (std::size_t i = 0; i < RunningFile::kSlots; ++i) EXPECT_TRUE(bodies.emplace_back(store));
  RunningBody one_more(store);
  EXPECT_FALSE(one_more);
  one_more.begins(TaskId{1}, now);
  one_more.is_over();
  bodies.pop_back();
  EXPECT_TRUE(RunningBody(store)) << "a worker that is gone leaves its slot to the next";
}

// It was called for earlier than planned, later than any task was made; after the crash the clock shows a time before.
TEST_F(SqliteCrash, KeepsWhatWasAvailableThoughTheClockWentBack) {
  owner([&](const StorePtr& store) {
    NewTask late = task();
    late.run_at = now + std::chrono::hours(100);
    const TaskId id = add(store, late);
    now += std::chrono::hours(20);
    const auto done = store->change({.ids = {id}}, {.what = Change::What::retry}, {}, 1, now);
    EXPECT_TRUE(done && done->ids.size() == 1);
  });
  now -= std::chrono::hours(1);
  EXPECT_EQ(claim(open()).size(), 1u);
}
