// A store whose own disk fails while it is copied.

#include <errand/sqlite.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "support/folder.h"
#include "test_disk/disk.h"

using namespace errand;
using disk::Disk;
using disk::Fault;

namespace {

constexpr WallTime kNow{std::chrono::seconds(1'700'000'000)};
constexpr std::size_t kTasks = 12;

class BackupTorture : public testing::Test {
 protected:
  static SqliteStore open_on(const Disk& disk) {
    auto store = open_sqlite("tasks.db", {.vfs = disk.vfs_name()});
    EXPECT_TRUE(store) << store.error().message();
    return *store;
  }
  static bool add(const SqliteStore& store, std::size_t count) {
    std::vector<NewTask> tasks(
        count, {.queue = "mail", .kind = "welcome", .payload = std::string(20'000, 'p'), .run_at = kNow});
    return store->commit({.added = tasks}, kNow).has_value();
  }
  static std::size_t count(const std::string& path) {
    const auto copy = open_sqlite(path);
    EXPECT_TRUE(copy) << copy.error().message();
    const auto all = copy ? (*copy)->list({}, TaskId{}, 1000, kNow) : copy.error();
    return all ? all->size() : 0;
  }

  const Folder folder;
};

// A fault at each of its operations: an error and no copy, or a whole one; and the store goes on.
TEST_F(BackupTorture, AFaultIsAnErrorAndLeavesNoCopy) {
  int failed = 0;
  for (std::uint64_t n = 1;; ++n) {
    SCOPED_TRACE("operation " + std::to_string(n));
    Disk disk(n);
    ASSERT_TRUE(add(open_on(disk), kTasks));
    SqliteStore store = open_on(disk);  // has read nothing yet
    const std::string target = folder.file("copy-" + std::to_string(n));
    disk.fail_at(n, Fault::io_error);
    const auto done = store.backup(target);
    const bool was_reached = disk.failed() != 0;
    disk.fail_at(1, Fault::none);
    EXPECT_EQ(std::filesystem::exists(target), done.has_value());
    EXPECT_FALSE(std::filesystem::exists(target + ".partial"));
    if (!done) {
      ++failed;
      EXPECT_EQ(done.error().code(), Code::unavailable) << done.error().message();
      EXPECT_TRUE(add(store, 1));
      const auto again = store.backup(target);
      ASSERT_TRUE(again) << again.error().message();
    }
    EXPECT_EQ(count(target), kTasks + (done ? 0 : 1));
    std::filesystem::remove(target);
    if (HasFailure() || !was_reached) break;
  }
  EXPECT_GT(failed, 10);
}

}  // namespace
