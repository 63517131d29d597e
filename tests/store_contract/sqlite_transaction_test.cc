// The caller's own transaction on a SQLite store.

#include <errand/sqlite.h>
#include <errand/testing.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <limits>
#include <stdexcept>
#include <thread>

#include "support/folder.h"

using namespace errand;
using namespace std::chrono_literals;

namespace {

constexpr WallTime kNow{1'700'000'000s};

class SqliteTransaction : public testing::Test {
 protected:
  SqliteTransaction() : clock(std::make_shared<ManualClock>()) {
    open();
    EXPECT_TRUE(run([](Transaction& tx) { return tx.execute("create table users (id integer primary key, x)"); }));
  }
  void open() {
    store.reset();
    auto opened = open_sqlite(folder.file("tasks.db"), {.clock = clock});
    ASSERT_TRUE(opened) << opened.error().message();
    store.emplace(std::move(*opened));
  }
  Result<void> run(Callback<Result<void>(Transaction&)> body) { return store->transaction(std::move(body)); }
  std::int64_t users() {
    std::int64_t count = -1;
    EXPECT_TRUE(run([&](Transaction& tx) -> Result<void> {
      const auto rows = tx.query("select count(*) from users");
      if (rows) count = rows->at(0).integer(0);
      return {};
    }));
    return count;
  }
  std::size_t tasks() { return (*store)->list({}, {}, 100, kNow)->size(); }
  KeptTask claim() {
    const ClaimRequest claims[] = {{.queue = "mail", .any_kind = true, .limit = 1}};
    auto committed = (*store)->commit({.claims = claims}, kNow);
    EXPECT_TRUE(committed);
    EXPECT_EQ(committed->claims[0].tasks.size(), 1u);
    return committed->claims[0].tasks.empty() ? KeptTask{} : committed->claims[0].tasks[0];
  }
  static NewTask task() { return {.queue = "mail", .kind = "welcome", .payload = "7", .content_type = "text/plain"}; }
  static Result<void> both(Transaction& tx) {
    if (auto ok = tx.execute("insert into users (id) values (?)", 7); !ok) return ok;
    if (auto ok = tx.add(task(), kNow); !ok) return ok.error();
    return {};
  }
  void expect_neither() {
    EXPECT_EQ(users(), 0);
    EXPECT_EQ(tasks(), 0u);
  }
  /// Refused inside, and the rest of the transaction is as if nobody had tried.
  void expect_refused(const char* sql, const char* why) {
    SCOPED_TRACE(sql);
    const std::int64_t before = users();
    EXPECT_TRUE(run([&](Transaction& tx) -> Result<void> {
      if (auto ok = tx.execute("insert into users (x) values (1)"); !ok) return ok;
      const auto refused = tx.execute(sql);
      EXPECT_FALSE(refused);
      if (refused) return {};
      EXPECT_EQ(refused.error().code(), Code::invalid);
      EXPECT_NE(refused.error().message().find(why), std::string::npos) << refused.error().message();
      EXPECT_NE(sqlite3_exec(static_cast<sqlite3*>(tx.native_handle()), sql, nullptr, nullptr, nullptr), SQLITE_OK);
      return tx.execute("insert into users (x) values (2)");
    }));
    EXPECT_EQ(users(), before + 2);
  }

  std::shared_ptr<ManualClock> clock;
  const Folder folder;
  std::optional<SqliteStore> store;
};

TEST_F(SqliteTransaction, DataAndTaskAreThereTogether) {
  const auto done = run(both);
  ASSERT_TRUE(done) << done.error().message();
  open();
  EXPECT_EQ(users(), 1);
  EXPECT_EQ(tasks(), 1u);
  EXPECT_EQ(claim().task.payload, "7");
}

TEST_F(SqliteTransaction, AnErrorRollsBothBackAndComesOut) {
  const auto done = run([](Transaction& tx) -> Result<void> {
    if (auto ok = both(tx); !ok) return ok;
    return Error(Code::cancelled, "changed my mind");
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message(), "changed my mind");
  expect_neither();
}

TEST_F(SqliteTransaction, AThrowRollsBothBackAndComesOut) {
  EXPECT_THROW(static_cast<void>(run([](Transaction& tx) -> Result<void> {
                 EXPECT_TRUE(both(tx));
                 throw std::runtime_error("no");
               })),
               std::runtime_error);
  expect_neither();
  EXPECT_TRUE(run(both)) << "and the store goes on";
}

TEST_F(SqliteTransaction, AFinishInItHappensExactlyOnce) {
  ASSERT_TRUE(run(both));
  const KeptTask claimed = claim();
  const Finish done{.id = claimed.id, .token = claimed.token, .attempts = 1};
  const auto finish = [&](Transaction& tx) { return tx.finish(done, kNow); };
  EXPECT_FALSE(run([&](Transaction& tx) -> Result<void> {
    EXPECT_TRUE(finish(tx));
    EXPECT_EQ(finish(tx).error().code(), Code::lease_lost);
    return Error(Code::failed, "no");
  }));
  const auto kept = (*store)->find(claimed.id, kNow);
  EXPECT_EQ(kept->state, TaskState::running) << "the claim stands";
  EXPECT_EQ(kept->token, claimed.token);
  EXPECT_TRUE(run(finish));
  EXPECT_EQ((*store)->find(claimed.id, kNow)->state, TaskState::completed);
  const auto again = run(finish);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), Code::lease_lost);
}

TEST_F(SqliteTransaction, TheStoreWithoutItIsAnErrorInsideAndNeverADeadlock) {
  const Store& same = *StorePtr(*store);
  EXPECT_EQ(same.traits().name, "sqlite");
  EXPECT_TRUE(run([&](Transaction&) -> Result<void> {
    Store& s = *StorePtr(*store);
    EXPECT_EQ(s.commit({}, kNow).error().code(), Code::would_block);
    EXPECT_EQ(s.find(TaskId{1}, kNow).error().code(), Code::would_block);
    EXPECT_EQ(s.list({}, {}, 1, kNow).error().code(), Code::would_block);
    EXPECT_EQ(s.counts(kNow).error().code(), Code::would_block);
    EXPECT_EQ(s.change({}, {}, {}, 1, kNow).error().code(), Code::would_block);
    EXPECT_EQ(s.restore("mail", {}).error().code(), Code::would_block);
    EXPECT_EQ(s.set_paused("mail", true).error().code(), Code::would_block);
    EXPECT_EQ(s.tidy(1, kNow).error().code(), Code::would_block);
    EXPECT_EQ(run(both).error().code(), Code::would_block);
    return {};
  }));
  expect_neither();
}

TEST_F(SqliteTransaction, AnotherThreadCantUseIt) {
  EXPECT_TRUE(run([&](Transaction& tx) -> Result<void> {
    std::thread([&] { EXPECT_EQ(both(tx).error().code(), Code::invalid); }).join();
    return {};
  }));
  expect_neither();
}

TEST_F(SqliteTransaction, AStatementThatRunsPastTheLimitIsInterrupted) {
  const auto done = store->transaction(
      [&](Transaction& tx) -> Result<void> {
        if (auto ok = both(tx); !ok) return ok;
        // The clock is moved by the statement itself, so that it is late while it runs.
        sqlite3_create_function(
            static_cast<sqlite3*>(tx.native_handle()), "pass", 0, SQLITE_UTF8, clock.get(),
            [](sqlite3_context* context, int, sqlite3_value**) {
              static_cast<ManualClock*>(sqlite3_user_data(context))->advance(1s);
              sqlite3_result_int(context, 1);
            },
            nullptr, nullptr);
        const auto endless =
            tx.execute("with recursive c(x) as (select pass() union all select pass() from c) select count(*) from c");
        EXPECT_EQ(endless.error().code(), Code::unavailable);
        EXPECT_EQ(both(tx).error().message(), endless.error().message()) << "nothing comes of it any more";
        return {};
      },
      2s);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), Code::unavailable);
  EXPECT_EQ(done.error().message(), "sqlite: transaction: it lasted longer than its limit of 2s, and was rolled back");
  expect_neither();
}

TEST_F(SqliteTransaction, ABodyThatLastsPastTheLimitIsRolledBack) {
  const auto done = run([&](Transaction& tx) -> Result<void> {
    EXPECT_TRUE(both(tx));
    clock->advance(5s);
    return {};
  });
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message().find("its limit of 5s"), std::string::npos) << done.error().message();
  expect_neither();
  EXPECT_EQ(store->transaction(both, 0s).error().code(), Code::invalid);
}

TEST_F(SqliteTransaction, WhatIsTheStoresIsRefused) {
  const char* const ends = "the store begins and ends";
  for (const char* sql : {"commit", "rollback", "begin", "end"}) expect_refused(sql, ends);
  expect_refused("savepoint a", "savepoints");
  expect_refused("attach ':memory:' as other", "attached");
  for (const char* sql : {"pragma synchronous = off", "pragma journal_mode = delete", "pragma wal_checkpoint"})
    expect_refused(sql, "settings");
  for (const char* sql :
       {"delete from errand_enqueued", "UPDATE Errand_Queues set paused = 1",
        "insert into errand_meta values ('lives', 1)", "drop table errand_enqueued", "drop view errand_tasks",
        "alter table errand_meta rename to mine", "create temp table errand_tasks (id)",
        "create table errand_mine (id)", "create view errand_mine as select 1", "drop index errand_ended_prunable",
        "create index mine on errand_enqueued (kind)",
        "create trigger mine after insert on errand_enqueued begin select 1; end",
        "create temp trigger mine after insert on errand_enqueued begin select 1; end"})
    expect_refused(sql, "are the store's");
  EXPECT_TRUE(run([](Transaction& tx) -> Result<void> {
    EXPECT_TRUE(tx.execute("create table tasks (mine text)")) << "every other name is the caller's";
    EXPECT_TRUE(tx.query("select count(*) from errand_tasks"));
    EXPECT_EQ(tx.query("pragma table_info(users)")->size(), 2u);
    return {};
  })) << "to look is fine";
}

TEST_F(SqliteTransaction, AnErrorOfSqlNamesTheStatement) {
  EXPECT_TRUE(run([](Transaction& tx) -> Result<void> {
    const std::string what = "sqlite: execute \"insert into nowhere values (1)\": ";
    EXPECT_EQ(tx.execute("insert into nowhere values (1)").error().message(), what + "no such table: nowhere");
    EXPECT_EQ(tx.execute("select ?").error().message(), "sqlite: execute \"select ?\": expected 1 values, got 0");
    EXPECT_EQ(tx.execute("select 1; select 2").error().code(), Code::invalid);
    EXPECT_EQ(tx.execute("-- nothing").error().code(), Code::invalid);
    EXPECT_TRUE(tx.execute("select 1; -- and a remark"));
    EXPECT_EQ(tx.execute(std::string("select 1\0;", 10)).error().code(), Code::invalid);
    const auto cut = tx.execute("select\n" + std::string(500, 'x'));
    EXPECT_LT(cut.error().message().size(), 700u);
    EXPECT_EQ(cut.error().message().find('\n'), std::string::npos);
    return {};
  }));
}

// Such a statement ends the transaction; what follows must not be done outside of it.
TEST_F(SqliteTransaction, AStatementThatRollsBackIsTheEnd) {
  const auto done = run([](Transaction& tx) -> Result<void> {
    EXPECT_TRUE(both(tx));
    const auto clash = tx.execute("insert or rollback into users (id) values (7)");
    EXPECT_NE(clash.error().message().find("UNIQUE"), std::string::npos) << clash.error().message();
    EXPECT_FALSE(tx.execute("insert into users (id) values (8)"));
    auto* const db = static_cast<sqlite3*>(tx.native_handle());
    EXPECT_EQ(sqlite3_exec(db, "insert into users (id) values (9)", nullptr, nullptr, nullptr), SQLITE_AUTH);
    EXPECT_FALSE(tx.add(task(), kNow));
    return {};
  });
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message().find("UNIQUE"), std::string::npos) << done.error().message();
  expect_neither();
  EXPECT_TRUE(run(both));
}

// SQLite takes no more than a gigabyte, here less. What is over it is one item's own error (S5).
TEST_F(SqliteTransaction, WhatIsTooLargeLeavesTheRestOfItsBatchAlone) {
  constexpr std::size_t kAll = 4;
  const auto is_small = [](std::size_t i) { return i % 2 == 1; };
  const std::string large(200'000, 'x');
  std::vector<NewTask> before(kAll, task());
  ASSERT_TRUE((*store)->commit({.added = before}, kNow));
  std::vector<Finish> ends;
  for (std::size_t i = 0; i < kAll; ++i) {
    const KeptTask claimed = claim();
    ends.push_back({.id = claimed.id, .token = claimed.token, .output_type = "text/plain"});
    if (!is_small(i)) ends.back().output = large;
  }
  EXPECT_TRUE(run([](Transaction& tx) -> Result<void> {
    sqlite3_limit(static_cast<sqlite3*>(tx.native_handle()), SQLITE_LIMIT_LENGTH, 100'000);
    return {};
  }));
  std::vector<NewTask> added(kAll, task());
  for (std::size_t i = 0; i < kAll; ++i) {
    if (!is_small(i)) added[i].payload = large;
  }
  const auto committed = (*store)->commit({.finished = ends, .added = added}, kNow);
  ASSERT_TRUE(committed) << committed.error().message();
  const auto state = [&](TaskId id) {
    const auto kept = (*store)->find(id, kNow);
    return kept ? std::optional(kept->state) : std::nullopt;
  };
  for (std::size_t i = 0; i < kAll; ++i) {
    const auto& end = committed->finished.at(i);
    const auto& add = committed->added.at(i);
    EXPECT_EQ(end.has_value(), is_small(i)) << i;
    EXPECT_EQ(add.has_value(), is_small(i)) << i;
    EXPECT_EQ(state(ends[i].id), is_small(i) ? TaskState::completed : TaskState::running) << "its claim stands";
    if (is_small(i)) {
      EXPECT_EQ(state(add->id), TaskState::available);
      continue;
    }
    EXPECT_EQ(end.error().code(), Code::too_large);
    EXPECT_EQ(end.error().message(), "sqlite: finish task " + to_string(ends[i].id) + ": string or blob too big");
    EXPECT_EQ(add.error().code(), Code::too_large);
  }
  EXPECT_EQ((*store)->counts(kNow)->front().available, 2u);
  ends[0].output.clear();
  EXPECT_TRUE((*store)->commit({.finished = std::span(ends).first(1)}, kNow)->finished.at(0));
}

TEST_F(SqliteTransaction, ValuesComeBackAsTheyWere) {
  const std::byte raw[] = {std::byte{0}, std::byte{255}};
  const std::string text("a\0b", 3);
  EXPECT_TRUE(run([&](Transaction& tx) -> Result<void> {
    auto rows =
        tx.query("select ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?", 7, std::numeric_limits<std::int64_t>::min(), 2.5, text,
                 std::string_view("view"), "literal", std::span<const std::byte>(raw), nullptr, std::optional<int>(),
                 std::optional<std::string>("set"), true, std::string(), std::vector<std::byte>());
    EXPECT_TRUE(rows) << rows.error().message();
    if (!rows || rows->size() != 1) return {};
    const Row& row = rows->front();
    EXPECT_EQ(row.size(), 13u);
    EXPECT_EQ(row.integer(0), 7);
    EXPECT_EQ(row.real(0), 7.0);
    EXPECT_EQ(row.integer(1), std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(row.real(2), 2.5);
    EXPECT_EQ(row.text(3), text);
    EXPECT_EQ(row.text(4), "view");
    EXPECT_EQ(row.text(5), "literal");
    EXPECT_EQ(std::vector<std::byte>(row.bytes(6).begin(), row.bytes(6).end()), std::vector<std::byte>(raw, raw + 2));
    EXPECT_TRUE(row.is_null(7));
    EXPECT_TRUE(row.is_null(8));
    EXPECT_EQ(row.text(9), "set");
    EXPECT_EQ(row.integer(10), 1);
    EXPECT_FALSE(row.is_null(11)) << "an empty text is one";
    EXPECT_FALSE(row.is_null(12)) << "and so are no bytes";
    EXPECT_EQ(row.text(0), "") << "another type is empty";
    EXPECT_EQ(tx.execute("select ?", std::numeric_limits<std::uint64_t>::max()).error().code(), Code::too_large);
    return {};
  }));
}

// The store's own statements are prepared anew after that, and are not taken for the caller's.
TEST_F(SqliteTransaction, TablesMayComeBetweenTasks) {
  EXPECT_TRUE(run([](Transaction& tx) -> Result<void> {
    EXPECT_TRUE(both(tx));
    EXPECT_TRUE(tx.execute("create table more (id integer primary key)"));
    const auto added = tx.add(task(), kNow);
    EXPECT_TRUE(added) << added.error().message();
    return {};
  }));
  EXPECT_EQ(tasks(), 2u);
}

TEST_F(SqliteTransaction, AUniqueKeyHoldsInItAsWell) {
  NewTask keyed = task();
  keyed.unique.key = "user-7";
  EXPECT_TRUE(run([&](Transaction& tx) -> Result<void> {
    const auto first = tx.add(keyed, kNow);
    const auto second = tx.add(keyed, kNow);
    EXPECT_TRUE(second->existed);
    EXPECT_EQ(second->id, first->id);
    keyed.unique.on_clash = OnClash::refuse;
    EXPECT_EQ(tx.add(keyed, kNow).error().code(), Code::duplicate) << "an error of its own";
    return {};
  }));
  EXPECT_EQ(tasks(), 1u);
}

TEST_F(SqliteTransaction, ListenersAreToldWhatCameAndMayCallTheStore) {
  struct Listener final : StoreListener {
    void changed(std::span<const std::string> queues) noexcept override {
      told.insert(told.end(), queues.begin(), queues.end());
      seen = (**store)->list({}, {}, 100, kNow)->size();
    }
    std::optional<SqliteStore>* store = nullptr;
    std::vector<std::string> told{};
    std::size_t seen = 0;
  };
  auto listener = std::make_shared<Listener>();
  listener->store = &store;
  (*store)->listen(listener);
  EXPECT_TRUE(run([](Transaction& tx) -> Result<void> {
    NewTask other = task();
    other.queue = "other";
    EXPECT_TRUE(tx.add(other, kNow));
    EXPECT_TRUE(both(tx));
    return tx.add(task(), kNow) ? Result<void>() : Error(Code::failed, "");
  }));
  EXPECT_EQ(listener->told, (std::vector<std::string>{"mail", "other"}));
  EXPECT_EQ(listener->seen, 3u) << "when it is there";
  listener->told.clear();
  EXPECT_FALSE(run([](Transaction& tx) -> Result<void> {
    EXPECT_TRUE(tx.add(task(), kNow));
    return Error(Code::failed, "no");
  }));
  EXPECT_TRUE(run([](Transaction& tx) { return tx.execute("delete from users"); }));
  EXPECT_TRUE(listener->told.empty()) << "nothing came";
  const KeptTask claimed = claim();
  EXPECT_TRUE(run([&](Transaction& tx) { return tx.finish({.id = claimed.id, .token = claimed.token}, kNow); }));
  EXPECT_EQ(listener->told, std::vector<std::string>{"mail"});
  listener.reset();
  EXPECT_TRUE(run([](Transaction& tx) { return tx.add(task(), kNow) ? Result<void>() : Error(Code::failed, ""); }));
}

}  // namespace
