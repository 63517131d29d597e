// Schedules in files that an older errand wrote, or somebody else has written to.

#include <errand/sqlite.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>

#include "sqlite/sql.h"
#include "support/folder.h"

using namespace errand;

namespace {

class SqliteSchedules : public testing::Test {
 protected:
  // The first column of its last row.
  std::string execute(const std::string& sql) const {
    sqlite3* db = nullptr;
    std::string said;
    EXPECT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
    const auto hear = [](void* into, int, char** values, char**) {
      *static_cast<std::string*>(into) = values[0] != nullptr ? values[0] : "";
      return 0;
    };
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), hear, &said, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
    return said;
  }
  void execute_first_migration() const {
    std::string sql = "begin; ";
    sql += sqlite::sql::migration_0001_tasks;
    execute(sql + "pragma application_id = 0x65727264; pragma user_version = 1; commit;");
  }
  StorePtr open() const {
    auto store = open_sqlite(path);
    EXPECT_TRUE(store) << store.error().message();
    return *store;
  }
  static NewSchedule schedule(std::string name) {
    NewSchedule given{.queue = "mail", .name = std::move(name), .cron = "0 * * * *", .time_zone = "UTC"};
    given.task.kind = "welcome";
    return given;
  }

  const Folder folder;
  std::string path = folder.file("tasks.db");
};

TEST_F(SqliteSchedules, AFileOfTheFirstVersionGetsThem) {
  execute_first_migration();
  execute(
      "insert into errand_enqueued (id, queue, kind, state, priority, run_at, payload, content_type, created_at, "
      "max_attempts) values (1, 'mail', 'welcome', 'available', 5, 0, 'hello', 'text/plain', 0, 20)");
  {
    const StorePtr store = open();
    const auto tasks = store->list({}, {}, 10, WallTime{});
    ASSERT_TRUE(tasks) << tasks.error().message();
    ASSERT_EQ(tasks->size(), 1u);
    EXPECT_EQ((*tasks)[0].task.payload, "hello");
    EXPECT_EQ((*tasks)[0].task.schedule, "");
    EXPECT_FALSE((*tasks)[0].task.slot);
    EXPECT_TRUE(store->list_schedules("")->empty());
    EXPECT_TRUE(store->put_schedule(schedule("nightly"), WallTime{}));
  }
  EXPECT_EQ(execute("pragma user_version"), "2");
  EXPECT_EQ(open()->list_schedules("")->size(), 1u) << "and is migrated once";
}

TEST_F(SqliteSchedules, AFileOfTheFirstVersionIsLeftAloneWhereItCannotBeMigrated) {
  execute_first_migration();
  execute("create table errand_schedules (mine text)");
  const auto store = open_sqlite(path);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().message(), "sqlite: open \"" + path + "\": table errand_schedules already exists");
  EXPECT_EQ(execute("pragma user_version"), "1");
  EXPECT_EQ(execute("select count(*) from pragma_table_info('errand_ties') where name = 'slot'"), "0");
}

TEST_F(SqliteSchedules, ADamagedRowIsAnErrorThatNamesIt) {
  { ASSERT_TRUE(open()->put_schedule(schedule("nightly"), WallTime{})); }
  const std::string whole = path + ".whole";
  std::filesystem::copy_file(path, whole);
  for (const auto& [change, why] : {std::pair{"overlap = 'sometimes'", "overlap is \"sometimes\""},
                                    {"missed = ''", "missed is \"\""},
                                    {"dst = 'AFTER'", "dst is \"AFTER\""},
                                    {"on_clash = 'x'", "on_clash is \"x\""},
                                    {"cron = null", "it has to have either cron or interval_ns"},
                                    {"interval_ns = 5", "it has to have either cron or interval_ns"},
                                    {"cron = null, interval_ns = -5", "interval_ns is -5"},
                                    {"catch_up_cap = 4294967297", "catch_up_cap is 4294967297"},
                                    {"catch_up_window_ns = -1", "catch_up_window_ns is -1"},
                                    {"jitter_ns = -1", "jitter_ns is -1"},
                                    {"priority = 10", "priority is 10"},
                                    {"max_attempts = 0", "max_attempts is 0"},
                                    {"unique_states = 65536", "unique_states is 65536"},
                                    {"last_run = 0", "last_run is 0"},
                                    {"version = -7", "version is -7"}}) {
    std::filesystem::copy_file(whole, path, std::filesystem::copy_options::overwrite_existing);
    execute("update errand_schedules set " + std::string(change));
    const auto found = open()->find_schedule("mail", "nightly");
    ASSERT_FALSE(found) << change;
    EXPECT_EQ(found.error().code(), Code::invalid);
    EXPECT_EQ(found.error().message(),
              "sqlite: read schedule \"nightly\" of queue \"mail\": its row is damaged: " + std::string(why));
  }
}

TEST_F(SqliteSchedules, ADamagedRowKeepsNobodyFromTheOthers) {
  {
    const StorePtr store = open();
    for (const char* name : {"daily", "nightly", "weekly"})
      ASSERT_TRUE(store->put_schedule(schedule(name), WallTime{}));
  }
  execute("update errand_schedules set tags = '[\"a' where name = 'nightly'");
  const auto found = open()->list_schedules("");
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 3u);
  EXPECT_TRUE(found->at(0) && found->at(2));
  const auto& damaged = found->at(1);
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code(), Code::invalid);
  EXPECT_EQ(damaged.error().message(),
            "sqlite: read schedule \"nightly\" of queue \"mail\": its row is damaged: tags or metadata are no JSON");
}

TEST_F(SqliteSchedules, ADamagedRowCanBeRemoved) {
  {
    const StorePtr store = open();
    ASSERT_TRUE(store->put_schedule(schedule("nightly"), WallTime{}));
    ASSERT_TRUE(store->put_schedule(schedule("daily"), WallTime{}));
  }
  execute("update errand_schedules set overlap = 'sometimes' where name = 'nightly'");
  const StorePtr store = open();
  EXPECT_TRUE(store->remove_schedule("mail", "nightly"));
  EXPECT_EQ(store->list_schedules("mail")->size(), 1u);
}

// What is no schedule is refused while nothing of it is there.
TEST_F(SqliteSchedules, WhatCouldNotBeReadIsNotWritten) {
  const StorePtr store = open();
  NewSchedule neither = schedule("nightly");
  neither.cron.clear();
  const auto put = store->put_schedule(neither, WallTime{});
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code(), Code::invalid);
  EXPECT_TRUE(store->list_schedules("")->empty());
}

// The table itself refuses a second run of a slot, whoever writes it.
TEST_F(SqliteSchedules, TheTableHasOneRowForASlot) {
  {
    NewTask run{.queue = "mail", .kind = "welcome", .content_type = "text/plain", .schedule = "nightly"};
    run.slot = WallTime{};
    ASSERT_TRUE(open()->commit({.added = std::span(&run, 1)}, WallTime{}));
  }
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(db,
                         "insert into errand_ties (id, live, queue, schedule, slot) "
                         "select 9, live, queue, schedule, slot from errand_ties",
                         nullptr, nullptr, nullptr),
            SQLITE_CONSTRAINT);
  sqlite3_close(db);
}

}  // namespace
