// A file that an older errand wrote, on a disk that loses its power while the file is brought up to date.

#include <errand/random.h>
#include <errand/sqlite.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include "sqlite/sql.h"
#include "test_disk/disk.h"

using namespace errand;
using disk::Disk;
using disk::Fault;
using disk::PowerCut;

namespace {

void make_first_version(const Disk& disk) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open_v2("tasks.db", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, disk.vfs_name()), SQLITE_OK);
  const std::string sql = "pragma journal_mode = wal; begin; " + std::string(sqlite::sql::migration_0001_tasks) +
                          "pragma application_id = 0x65727264; pragma user_version = 1;"
                          "insert into tasks (id, queue, kind, state, priority, run_at, payload, content_type, "
                          "created_at, max_attempts) values (1, 'mail', 'welcome', 'available', 5, 0, 'hello', "
                          "'text/plain', 0, 20); commit;";
  EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
  sqlite3_close(db);
}

// False if the open had fewer operations.
bool survives(std::uint64_t n, Fault fault, PowerCut how) {
  Disk disk(n);
  Rng rng(n);
  make_first_version(disk);
  const SqliteOptions options{.synchronous = Synchronous::full, .vfs = disk.vfs_name()};
  disk.fail_at(n, fault);
  { const auto store = open_sqlite("tasks.db", options); }
  const bool reached = disk.failed() != 0;
  disk.power_cut(how, rng);
  const auto store = open_sqlite("tasks.db", options);
  EXPECT_TRUE(store) << store.error().message();
  if (!store) return false;
  const auto task = (*store)->find(TaskId{(std::uint64_t{1} << 63) | 1}, WallTime{});
  EXPECT_TRUE(task && task->task.payload == "hello");
  const auto put = (*store)->put_schedule({.queue = "mail", .name = "tick", .cron = "* * * * *"}, WallTime{});
  EXPECT_TRUE(put) << put.error().message();
  return reached;
}

TEST(SqliteMigration, IsThereAsAWholeOrNotAtAll) {
  const auto each_operation = [](Fault fault, PowerCut how) {
    std::uint64_t n = 1;
    while (!HasFailure() && survives(n, fault, how)) ++n;
    if (HasFailure()) ADD_FAILURE() << "fault " << static_cast<int>(fault) << " at operation " << n;
    EXPECT_GT(n, 3u) << "hardly anything was tried";
  };
  for (const PowerCut how : disk::kPowerCuts) each_operation(Fault::power_loss, how);
  for (const Fault fault : {Fault::io_error, Fault::short_write, Fault::sync_failure})
    each_operation(fault, PowerCut::drop_all);
}

}  // namespace
