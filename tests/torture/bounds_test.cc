// What is bounded stays so: the log of a store that is never at rest, and what a queue does that has nothing to do.

#include <errand/errand.h>
#include <errand/sqlite.h>
#include <errand/testing.h>
#include <gtest/gtest.h>

#include <atomic>

#include "effort.h"
#include "test_disk/disk.h"
#include "test_disk/sql.h"

using namespace errand;
using namespace std::chrono_literals;
using disk::Call;

namespace {

constexpr std::int64_t kMiB = 1 << 20;

void expect_bounded_log(disk::Disk& disk, std::int64_t wanted, Figures& figures) {
  std::int64_t longest = 0;
  std::int64_t last = 0;
  int begun_anew = 0;
  disk.on_operation([&](const disk::Operation& operation) {
    if (operation.call != Call::write || !operation.path.ends_with("-wal")) return disk::Fault::none;
    longest = std::max(longest, operation.offset + operation.size);
    if (operation.offset < last && operation.offset == 0) ++begun_anew;
    last = operation.offset;
    return disk::Fault::none;
  });
  const auto store = open_sqlite("tasks.db", {.vfs = disk.vfs_name()});
  ASSERT_TRUE(store) << store.error().message();
  const WallTime now = real_clock()->now();
  std::int64_t written = 0;
  for (; written < wanted; written += kMiB) {
    std::vector<NewTask> many(
        4, {.queue = "mail", .kind = "letter", .payload = std::string(kMiB / 4, 'x'), .run_at = now});
    ASSERT_TRUE((*store)->commit({.added = many}, now));
    // The database stays small.
    ASSERT_TRUE((*store)->change({.all = true}, {.what = Change::What::cancel}, {}, 100, now));
    ASSERT_TRUE((*store)->change({.all = true}, {.what = Change::What::remove}, {}, 100, now));
  }
  // 32 MiB of pages with what SQLite says before each, a transaction on top, and the zeros that are kept ahead.
  EXPECT_LT(longest, 40 * kMiB);
  EXPECT_GE(begun_anew, static_cast<int>(written / (40 * kMiB)));
  disk.on_operation(nullptr);
  figures.count("MiB of payloads", written / kMiB).count("KiB the longest", longest / 1024);
  figures.count("times begun anew", begun_anew);
}

TEST(Bounds, TheLogIsWrittenBackBeforeItIsLarge) {
  Figures figures("P14", "the log of a store that is never at rest");
  disk::Disk disk(1);
  expect_bounded_log(disk, by_effort<std::int64_t>(100, 500, 20'000) * kMiB, figures);
}

// Whoever made the file chose them; the store keeps them.
TEST(Bounds, TheLogOfLargePagesIsNoLonger) {
  Figures figures("P14", "the log of a store that is never at rest, with pages of 64 KiB");
  disk::Disk disk(1);
  {
    disk::Sql sql("tasks.db", disk.vfs_name());
    ASSERT_EQ(sql.ask("PRAGMA page_size = 65536; VACUUM; PRAGMA page_size"), "65536");
  }
  expect_bounded_log(disk, by_effort<std::int64_t>(100, 200, 2000) * kMiB, figures);
  EXPECT_EQ(disk::Sql("tasks.db", disk.vfs_name()).ask("PRAGMA page_size"), "65536");
}

// Every half a minute it is looked for what may be tidied up. Where there is nothing, a disk may go to sleep.
TEST(Bounds, AnIdleQueueWritesNothing) {
  Figures figures("P14", "an idle queue's store");
  disk::Disk disk(1);
  std::atomic<int> changes{0};
  std::atomic<int> others{0};
  disk.on_operation([&](const disk::Operation& operation) {
    const Call call = operation.call;
    const bool changes_it = call == Call::write || call == Call::truncate || call == Call::sync ||
                            call == Call::sync_directory || call == Call::remove;
    ++(changes_it ? changes : others);
    return disk::Fault::none;
  });
  const auto clock = std::make_shared<ManualClock>();
  const auto store = open_sqlite("tasks.db", {.vfs = disk.vfs_name(), .clock = clock});
  ASSERT_TRUE(store) << store.error().message();
  Queue queue({.name = "mail", .drive = Drive::manual, .store = *store, .clock = clock, .seed = 1});
  queue.handle("letter", [](std::span<const std::byte>) {});
  ASSERT_TRUE(queue.every(720h, Named{.kind = "letter"}, {.name = "report"}));
  ASSERT_TRUE(queue.enqueue_bytes("letter", {}));
  ASSERT_TRUE(queue.enqueue_bytes("letter", {}, {.delay = 720h}));
  drain(queue);
  clock->advance(31s);
  queue.dispatch();
  changes = others = 0;
  // Its finished task is kept for a day.
  int looks = 0;
  for (; looks < 1440; ++looks) {
    clock->advance(31s);
    queue.dispatch();
  }
  EXPECT_EQ(changes, 0) << "it writes, and there is nothing to write";
  EXPECT_GE(others, looks) << "nobody has looked for what may be tidied up";
  EXPECT_LE(others, 40 * looks);
  // And it would have found it.
  clock->advance(24h);
  queue.dispatch();
  EXPECT_GT(changes, 0);
  disk.on_operation(nullptr);
  figures.count("times half a minute", looks).count("changes of its file", 0);
}

}  // namespace
