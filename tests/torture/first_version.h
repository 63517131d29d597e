#pragma once
// A file that an older errand wrote, with one task in it.

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <string>

#include "sqlite/sql.h"
#include "test_disk/disk.h"

inline void make_first_version(const disk::Disk& disk) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open_v2("tasks.db", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, disk.vfs_name()), SQLITE_OK);
  const std::string sql =
      "pragma journal_mode = wal; begin; " + std::string(errand::sqlite::sql::migration_0001_tasks) +
      "pragma application_id = 0x65727264; pragma user_version = 1;"
      "insert into errand_enqueued (id, queue, kind, state, priority, run_at, payload, content_type, "
      "created_at, max_attempts) values (1, 'mail', 'welcome', 'available', 5, 0, 'hello', "
      "'text/plain', 0, 20); commit;";
  EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
  sqlite3_close(db);
}
