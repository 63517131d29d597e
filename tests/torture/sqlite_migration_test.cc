// A file that an older errand wrote, on a disk that loses its power while the file is brought up to date.

#include <errand/random.h>
#include <errand/sqlite.h>
#include <gtest/gtest.h>

#include "effort.h"
#include "first_version.h"
#include "test_disk/disk.h"

using namespace errand;
using disk::Disk;
using disk::Fault;
using disk::PowerCut;

namespace {

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
  Figures figures("T2", "a file of an older version is brought up to date, and the disk fails");
  std::uint64_t points = 0;
  const auto each_operation = [&points](Fault fault, PowerCut how) {
    std::uint64_t n = 1;
    while (!HasFailure() && survives(n, fault, how)) ++n;
    if (HasFailure()) ADD_FAILURE() << "fault " << static_cast<int>(fault) << " at operation " << n;
    EXPECT_GT(n, 3u) << "hardly anything was tried";
    points += n;
  };
  for (const PowerCut how : disk::kPowerCuts) each_operation(Fault::power_loss, how);
  for (const Fault fault : {Fault::io_error, Fault::short_write, Fault::sync_failure})
    each_operation(fault, PowerCut::drop_all);
  figures.count("points", points);
}

}  // namespace
