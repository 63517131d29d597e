// What the file has, as somebody else sees it who looks inside.

#include <errand/sqlite.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <thread>
#include <vector>

#include "support/folder.h"

namespace {

using namespace errand;

constexpr WallTime kNow{};

class SqliteLines : public testing::Test {
 protected:
  SqliteLines() {
    auto opened = open_sqlite(path);
    EXPECT_TRUE(opened) << opened.error().message();
    store = *opened;
  }

  [[nodiscard]] std::int64_t number(const char* sql) const {
    sqlite3* db = nullptr;
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READONLY, nullptr), SQLITE_OK);
    EXPECT_EQ(sqlite3_prepare_v2(db, sql, -1, &statement, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    EXPECT_EQ(sqlite3_step(statement), SQLITE_ROW);
    const std::int64_t value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return value;
  }
  [[nodiscard]] std::int64_t waiting() const { return number("select count(*) from errand_waiting"); }
  static NewTask task() { return {.queue = "mail", .kind = "welcome", .content_type = "text/plain"}; }
  Committed commit(const Batch& batch) const {
    auto committed = store->commit(batch, kNow);
    EXPECT_TRUE(committed) << committed.error().message();
    return committed ? std::move(*committed) : Committed{};
  }
  Changed change(TaskId id, Change change) const { return *store->change({.ids = {id}}, change, {}, 1, kNow); }

  const ClaimRequest claim[1] = {{.queue = "mail", .any_kind = true, .limit = 1}};
  const Folder folder;
  const std::string path = folder.file("tasks.db");
  StorePtr store;
};

TEST_F(SqliteLines, HaveWhatWaits) {
  NewTask two[] = {task(), task()};
  const Committed first = commit({.added = two});
  EXPECT_EQ(waiting(), 2);
  const KeptTask claimed = commit({.claims = claim}).claims.at(0).tasks.at(0);
  EXPECT_EQ(waiting(), 2) << "a claim is not written";
  const Finish done[] = {{.id = claimed.id, .token = claimed.token}};
  commit({.finished = done});
  EXPECT_EQ(waiting(), 1);
  const TaskId other = first.added.at(1)->id;
  change(other, {.what = Change::What::hold});
  EXPECT_EQ(waiting(), 0);
  change(other, {.what = Change::What::edit, .priority = 2});
  EXPECT_EQ(waiting(), 0);
  change(other, {.what = Change::What::release});
  EXPECT_EQ(waiting(), 1);
  change(other, {.what = Change::What::edit, .priority = 3});
  EXPECT_EQ(number("select priority from errand_waiting"), 3);
  change(other, {.what = Change::What::cancel});
  EXPECT_EQ(waiting(), 0);
  change(other, {.what = Change::What::retry});
  EXPECT_EQ(waiting(), 1);
}

TEST_F(SqliteLines, DoNotHaveWhatIsClaimedAsItComes) {
  NewTask two[] = {task(), task()};
  const Committed both = commit({.added = two, .claims = claim});
  EXPECT_EQ(waiting(), 1);
  EXPECT_EQ(number("select id from errand_waiting"), 2);
  const KeptTask& claimed = both.claims.at(0).tasks.at(0);
  const Finish back[] = {{.id = claimed.id, .token = claimed.token, .to = TaskState::available}};
  commit({.finished = back});
  EXPECT_EQ(waiting(), 2) << "it waits again";
}

TEST_F(SqliteLines, AViewShowsTasksAsTheyAre) {
  NewTask two[] = {task(), task()};
  const Committed both = commit({.added = two, .claims = claim});
  const KeptTask& claimed = both.claims.at(0).tasks.at(0);
  const Finish done[] = {{.id = claimed.id, .token = claimed.token, .attempts = 1, .output = "17", .output_type = "t"}};
  commit({.finished = done});
  EXPECT_EQ(number("select count(*) from errand_tasks where state = 'completed' and output = x'3137'"), 1);
  EXPECT_EQ(number("select count(*) from errand_tasks where state = 'available' and finished_at is null"), 1);
}

// A file that grows with each commit costs nearly twice as much to flush.
TEST_F(SqliteLines, TheLogsFileIsLongerThanTheLog) {
  int grew = 0;
  auto size = std::filesystem::file_size(path + "-wal");
  for (int i = 0; i < 200; ++i) {
    NewTask one[] = {task()};
    one[0].payload.assign(8000, 'x');
    commit({.added = one});
    const auto now = std::filesystem::file_size(path + "-wal");
    if (i >= 100 && now != size) ++grew;
    size = now;
  }
  EXPECT_LT(grew, 5);
}

// What it grows by has to be flushed, and nobody is to wait for that if there is a better moment.
TEST_F(SqliteLines, TheLogsFileGrowsWhereNobodyWaits) {
  const auto log_size = [&] { return std::filesystem::file_size(path + "-wal"); };
  int grew_awaited = 0;
  int grew = 0;
  for (int i = 0; i < 100; ++i) {
    auto size = log_size();
    NewTask one[] = {task()};
    one[0].payload.assign(60'000, 'x');
    const Committed added = commit({.added = one, .claims = claim});
    if (i >= 10 && log_size() != size) ++grew_awaited;
    size = log_size();
    const KeptTask& claimed = added.claims.at(0).tasks.at(0);
    const Finish end[] = {{.id = claimed.id, .token = claimed.token, .attempts = 1}};
    commit({.finished = end});
    if (i >= 10 && log_size() != size) ++grew;
  }
  EXPECT_EQ(grew_awaited, 0);
  EXPECT_GT(grew, 0);
}

TEST_F(SqliteLines, TakeLittleMemoryHoweverManyThereAre) {
  const std::int64_t before = sqlite3_memory_used();
  for (int i = 0; i < 40; ++i) {
    std::vector<NewTask> many(100, task());
    for (NewTask& one : many) one.payload.assign(8000, 'x');
    commit({.added = many});
  }
  EXPECT_LT(sqlite3_memory_used() - before, 12 << 20);
}

}  // namespace

// Each commit brings more rows than are looked at in one go.
TEST_F(SqliteLines, CountingThemEndsWhileMoreCome) {
  const auto add = [&] {
    std::vector<NewTask> many(5000, task());
    commit({.added = many});
  };
  for (int i = 0; i < 4; ++i) add();
  std::atomic<int> commits{0};
  std::atomic<bool> over{false};
  std::thread writer([&] {
    for (; !over && commits < 60; ++commits) add();
  });
  while (commits == 0) std::this_thread::yield();
  EXPECT_GE((*store->counts(kNow)).front().available, 20'000u);
  EXPECT_TRUE(store->list({.tag = "none"}, {}, 1, kNow)->empty());
  EXPECT_LT(commits, 60);
  over = true;
  writer.join();
}

// A table that somebody else made in the file, by the name of what SQLite is to read a batch from.
TEST_F(SqliteLines, AreNotTakenForWrittenWhereATableHidesTheBatch) {
  store.reset();
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db,
                         "create table errand_given (c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, "
                         "c16, c17, c18)",
                         nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(db);
  store = *open_sqlite(path);
  NewTask one[] = {task()};
  const auto committed = store->commit({.added = one}, kNow);
  ASSERT_FALSE(committed);
  EXPECT_EQ(committed.error().message(), "sqlite: enqueue \"welcome\": something in the file hides errand_given");
}

// More rows than are looked at in one go: whoever counts or lists them all lets commits through in between.
TEST_F(SqliteLines, CountingThemHoldsUpNobody) {
  constexpr std::size_t kTasks = 40'000;
  std::vector<NewTask> many(kTasks, task());
  commit({.added = many});
  std::atomic<int> commits{0};
  std::atomic<bool> over{false};
  std::thread writer([&] {
    while (!over) {
      NewTask one[] = {task()};
      commit({.added = one});
      ++commits;
    }
  });
  while (commits == 0) std::this_thread::yield();
  constexpr int kRounds = 10;
  int let_through = 0;
  for (int i = 0; i < kRounds; ++i) {
    const int before = commits;
    EXPECT_GE((*store->counts(kNow)).front().available, kTasks);
    const int between = commits;
    EXPECT_TRUE(store->list({.tag = "none"}, {}, 1, kNow)->empty());
    // Its ten parts have nine gaps; a commit that was on its way at either end counts as well.
    if (between - before >= 3 && commits - between >= 3) ++let_through;
  }
  over = true;
  writer.join();
  EXPECT_GE(let_through, kRounds / 2);
  EXPECT_EQ((*store->counts(kNow)).front().available, kTasks + static_cast<std::size_t>(commits));
}
