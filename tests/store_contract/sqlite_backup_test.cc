// Copies of a store that is in use.

#include <errand/sqlite.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "sqlite/backup.h"
#include "support/child.h"
#include "support/folder.h"

using namespace errand;

namespace {

constexpr WallTime kNow{std::chrono::seconds(1'700'000'000)};

// While it lives, each write of SQLite's to a file *.partial asks first how it is to end: SQLITE_OK, or an error.
class PartialWrites {
 public:
  explicit PartialWrites(std::function<int()> ask) {
    ask_ = std::move(ask);
    system_ = sqlite3_vfs_find(nullptr);
    vfs_ = *system_;
    vfs_.zName = "partial";
    vfs_.xOpen = [](sqlite3_vfs*, sqlite3_filename name, sqlite3_file* file, int flags, int* out) {
      const int status = system_->xOpen(system_, name, file, flags, out);
      if (status != SQLITE_OK || name == nullptr || !std::string_view(name).ends_with(".partial")) return status;
      theirs_ = file->pMethods;
      methods_ = *theirs_;
      methods_.xWrite = [](sqlite3_file* f, const void* bytes, int count, sqlite3_int64 at) {
        const int wanted = ask_();
        return wanted != SQLITE_OK ? wanted : theirs_->xWrite(f, bytes, count, at);
      };
      file->pMethods = &methods_;
      return status;
    };
    sqlite3_vfs_register(&vfs_, 1);
  }
  ~PartialWrites() {
    sqlite3_vfs_unregister(&vfs_);
    sqlite3_vfs_register(system_, 1);
  }

 private:
  static inline std::function<int()> ask_;
  static inline sqlite3_vfs* system_ = nullptr;
  static inline const sqlite3_io_methods* theirs_ = nullptr;
  static inline sqlite3_io_methods methods_{};
  sqlite3_vfs vfs_{};
};

class SqliteBackup : public testing::Test {
 protected:
  static NewTask task(std::size_t size) {
    return {.queue = "mail",
            .kind = "welcome",
            .payload = std::string(size, 'p'),
            .content_type = "text/plain",
            .run_at = kNow};
  }
  // In one commit.
  static std::set<TaskId> add(const StorePtr& store, std::size_t count, std::size_t size) {
    std::vector<NewTask> tasks(count, task(size));
    const auto committed = store->commit({.added = tasks}, kNow);
    EXPECT_TRUE(committed) << committed.error().message();
    std::set<TaskId> ids;
    if (!committed) return ids;
    for (const auto& added : committed->added) ids.insert(added->id);
    return ids;
  }
  [[nodiscard]] std::set<TaskId> ids_in_copy() const {
    const auto copy = open_sqlite(target);
    EXPECT_TRUE(copy) << copy.error().message();
    std::set<TaskId> ids;
    if (!copy) return ids;
    const auto all = (*copy)->list({}, TaskId{}, 1'000'000, kNow);
    for (const KeptTask& one : *all) ids.insert(one.id);
    return ids;
  }
  void expect_refused(SqliteStore& store, Code code, const std::string& why) const {
    const auto refused = store.backup(target);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), code);
    EXPECT_NE(refused.error().message().find(why), std::string::npos) << refused.error().message();
    EXPECT_NE(refused.error().message().find("back up to"), std::string::npos) << refused.error().message();
  }
  void expect_no_trace() const {
    for (const auto& file : std::filesystem::directory_iterator(folder.path()))
      EXPECT_EQ(file.path().filename().string().find("copy.db"), std::string::npos) << file.path();
  }

  const Folder folder;
  std::string path = folder.file("tasks.db");
  std::string target = folder.file("copy.db");
};

TEST_F(SqliteBackup, HasEverythingThatWasThere) {
  auto store = open_sqlite(path);
  ASSERT_TRUE(store);
  const std::set<TaskId> ids = add(*store, 10, 4000);
  const std::string kinds[] = {"welcome"};
  const ClaimRequest claim[] = {{.queue = "mail", .kinds = kinds, .limit = 1}};
  ASSERT_EQ((*store)->commit({.claims = claim}, kNow)->claims.at(0).tasks.size(), 1u);
  ASSERT_TRUE((*store)->set_paused("other", true));

  const auto done = store->backup(target);
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(ids_in_copy(), ids);
  const auto copy = open_sqlite(target);
  ASSERT_TRUE(copy) << copy.error().message();
  const auto counts = (*copy)->counts(kNow);
  ASSERT_EQ(counts->size(), 2u);
  EXPECT_EQ(counts->at(0).available, 10u) << "what ran is available again";
  EXPECT_TRUE(counts->at(1).paused);
}

TEST_F(SqliteBackup, GoesOnWhileTasksCome) {
  auto store = open_sqlite(path);
  ASSERT_TRUE(store);
  const std::set<TaskId> before = add(*store, 300, 20'000);
  std::atomic<bool> ends = false;
  std::thread others([&] {
    while (!ends) add(*store, 1, 4000);
  });
  const auto done = store->backup(target);
  ends = true;
  others.join();
  ASSERT_TRUE(done) << done.error().message();
  const std::set<TaskId> found = ids_in_copy();
  EXPECT_TRUE(std::includes(found.begin(), found.end(), before.begin(), before.end()));
  // A clean beginning of what came.
  std::uint64_t expected = before.begin()->value;
  for (const TaskId id : found) EXPECT_EQ(id.value, expected++);
}

TEST_F(SqliteBackup, WritesOverNothing) {
  auto store = open_sqlite(path);
  ASSERT_TRUE(store);
  std::ofstream(target) << "dear";
  expect_refused(*store, Code::invalid, "is there already");
  std::string kept;
  std::ifstream(target) >> kept;
  EXPECT_EQ(kept, "dear");
}

// SQLite would take it for the copy's own.
TEST_F(SqliteBackup, IsNotPutBesideTheLogOfAnother) {
  auto store = open_sqlite(path);
  ASSERT_TRUE(store);
  std::ofstream(target + "-wal") << "of another";
  expect_refused(*store, Code::invalid, "copy.db-wal");
  EXPECT_FALSE(std::filesystem::exists(target));
}

TEST_F(SqliteBackup, SaysWhyATargetCannotBeWritten) {
  auto store = open_sqlite(path);
  ASSERT_TRUE(store);
  target = folder.file("no folder/copy.db");
  expect_refused(*store, Code::invalid, "make it first");
  const auto nowhere = store->backup("");
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code(), Code::invalid);
}

TEST_F(SqliteBackup, LeavesNothingOnADiskThatIsFull) {
  auto store = open_sqlite(path);
  ASSERT_TRUE(store);
  add(*store, 300, 20'000);
  for (const int room : {0, 1, 200, 1000}) {
    int left = room;
    const PartialWrites full([&] { return left-- > 0 ? SQLITE_OK : SQLITE_FULL; });
    expect_refused(*store, Code::store_full, "full");
    EXPECT_LT(left, 0);
    expect_no_trace();
  }
  add(*store, 1, 4000);
  EXPECT_TRUE(store->backup(target));
  EXPECT_EQ(ids_in_copy().size(), 301u);
}

TEST_F(SqliteBackup, AKilledOneLeavesNoCopyAndHindersNobody) {
  constexpr std::size_t kTasks = 300;
  const int killed = in_child([this] {
    auto store = open_sqlite(path);
    require(store.has_value(), 1);
    add(*store, kTasks, 20'000);
    int left = 700;
    const PartialWrites dies([&] { return left-- > 0 ? SQLITE_OK : ::raise(SIGKILL); });
    static_cast<void>(store->backup(target));
  });
  ASSERT_EQ(killed, 1000 + SIGKILL);
  EXPECT_FALSE(std::filesystem::exists(target));
  EXPECT_TRUE(std::filesystem::exists(target + ".partial"));
  auto store = open_sqlite(path);
  ASSERT_TRUE(store) << store.error().message();
  const auto done = store->backup(target);
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(ids_in_copy().size(), kTasks);
  EXPECT_FALSE(std::filesystem::exists(target + ".partial"));
}

TEST_F(SqliteBackup, IsRefusedInsideATransaction) {
  auto store = open_sqlite(path);
  ASSERT_TRUE(store);
  const auto done = store->transaction([&](Transaction&) -> Result<void> {
    expect_refused(*store, Code::would_block, "inside a transaction");
    return {};
  });
  EXPECT_TRUE(done);
}

// The one that has begun goes on.
TEST_F(SqliteBackup, IsRefusedWhileAnotherOneOfTheStoreIsUnderWay) {
  auto store = open_sqlite(path);
  ASSERT_TRUE(store);
  const std::set<TaskId> ids = add(*store, 40, 1 << 20);
  const std::string second = folder.file("second.db");
  std::atomic<bool> began{false};
  std::atomic<bool> over{false};
  int writes = 0;
  std::optional<Result<void>> refused;
  std::thread other([&] {
    while (!began) std::this_thread::yield();
    refused = store->backup(second);
    over = true;
  });
  {
    // A step has the store's lock, and the other one gets it between two of them. By its second MiB that one waits.
    const PartialWrites watched([&] {
      began = true;
      if (++writes == 300) {
        while (!over && !std::filesystem::exists(second + ".partial")) std::this_thread::yield();
      }
      return SQLITE_OK;
    });
    const auto done = store->backup(target);
    EXPECT_TRUE(done) << done.error().message();
    other.join();
  }
  EXPECT_GT(writes, 5000) << "there was time between many steps";
  ASSERT_TRUE(refused);
  ASSERT_FALSE(*refused);
  EXPECT_EQ(refused->error().code(), Code::unavailable);
  EXPECT_EQ(refused->error().message(),
            "sqlite: back up to \"" + second + "\": another backup of this store is under way");
  EXPECT_FALSE(std::filesystem::exists(second));
  EXPECT_FALSE(std::filesystem::exists(second + ".partial"));
  EXPECT_EQ(ids_in_copy(), ids);
  EXPECT_TRUE(store->backup(second)) << "it is over";
}

// Of another store, to the same place: whoever was first has it.
TEST_F(SqliteBackup, IsRefusedWhereAnotherStoreIsBeingCopiedTo) {
  auto store = open_sqlite(path);
  auto other = open_sqlite(folder.file("other.db"));
  ASSERT_TRUE(store && other);
  const std::set<TaskId> ids = add(*store, 10, 4000);
  bool asked = false;
  {
    const PartialWrites watched([&] {
      if (!std::exchange(asked, true)) expect_refused(*other, Code::unavailable, "somebody else is just writing");
      return SQLITE_OK;
    });
    const auto done = store->backup(target);
    EXPECT_TRUE(done) << done.error().message();
  }
  EXPECT_TRUE(asked);
  EXPECT_EQ(ids_in_copy(), ids);
  expect_refused(*other, Code::invalid, "is there already");
}

// --- step by step ----------------------------------------------------------------------------------------------------

using sqlite::Connection;
using sqlite::Copy;

class SqliteCopy : public SqliteBackup {
 protected:
  SqliteCopy() {
    auto opened = Connection::open(path, {});
    EXPECT_TRUE(opened);
    source = std::move(*opened);
    execute("pragma journal_mode = wal; pragma wal_autocheckpoint = 0; create table t(a integer primary key, b);");
    insert(2000);
    std::ofstream(target).close();
    auto begun = Copy::begin(*source, target, "copy");
    EXPECT_TRUE(begun) << begun.error().message();
    copy = std::move(*begun);
  }
  void execute(const std::string& sql) const { ASSERT_EQ(source->execute(sql), SQLITE_OK) << sql; }
  // A page each.
  void insert(int rows) const {
    execute("insert into t(b) with recursive n(i) as (select 1 union all select i + 1 from n where i < " +
            std::to_string(rows) + ") select zeroblob(4000) from n;");
  }
  [[nodiscard]] bool step() const {
    const auto stepped = copy->step();
    EXPECT_TRUE(stepped) << stepped.error().message();
    return !stepped || *stepped;
  }
  [[nodiscard]] std::int64_t copied(std::string_view sql) {
    copy.reset();
    auto opened = Connection::open(target, {});
    EXPECT_EQ(
        (*opened)->number("select count(*) from pragma_integrity_check where integrity_check <> 'ok'")->value_or(1), 0);
    return (*opened)->number(sql)->value_or(-1);
  }

  std::unique_ptr<Connection> source;
  std::unique_ptr<Copy> copy;
};

TEST_F(SqliteCopy, TakesManySteps) {
  int steps = 1;
  while (!step()) ++steps;
  EXPECT_GE(steps, 8);
  EXPECT_EQ(copied("select count(*) from t"), 2000);
}

// Of pages that were copied, of such that were not, and of new ones.
TEST_F(SqliteCopy, HasWhatIsCommittedBetweenSteps) {
  EXPECT_FALSE(step());
  execute("update t set b = 'early' where a = 1; update t set b = 'late' where a = 2000;");
  insert(1);
  EXPECT_FALSE(step());
  while (!step()) {
  }
  EXPECT_EQ(copied("select count(*) from t where (a = 1 and b = 'early') or (a = 2000 and b = 'late') or a = 2001"), 3);
}

TEST_F(SqliteCopy, LetsTheLogBeWrittenBack) {
  EXPECT_FALSE(step());
  insert(10);
  EXPECT_EQ(sqlite3_wal_checkpoint_v2(source->handle(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr),
            SQLITE_OK);
  while (!step()) {
  }
  EXPECT_EQ(copied("select count(*) from t"), 2010);
}

TEST_F(SqliteCopy, EndsThoughEverythingIsRolledBack) {
  int steps = 1;
  for (; steps < 100 && !step(); ++steps) execute("begin; update t set b = 'never' where a = 1; rollback;");
  EXPECT_LT(steps, 10);
  EXPECT_EQ(copied("select count(*) from t where b = zeroblob(4000)"), 2000);
}

}  // namespace
