// A file that can't be written for a while: every call says why, nobody spins, and when the reason is gone the work
// goes on by itself.

#include "life.h"
#include "test_disk/disk.h"
#include "work.h"

using namespace errand;
using namespace std::chrono_literals;
using disk::Call;
using disk::Fault;

namespace {

const auto kOutage = by_effort(1000ms, 10'000ms, 60'000ms);
const int kTimes = by_effort(1, 1, 20);

// On the simulated disk: `begin` and `end` make the outage.
void endures(Figures& figures, disk::Disk& disk, const std::function<void()>& begin, const std::function<void()>& end,
             const std::string& why) {
  auto store = open_sqlite("tasks.db", {.vfs = disk.vfs_name()});
  ASSERT_TRUE(store) << store.error().message();
  Work work(*store);
  for (int i = 0; i < kTimes && !testing::Test::HasFailure(); ++i) {
    EXPECT_EQ(work.enqueue(50), 50);
    begin();
    work.endure(kOutage, why);
    end();
    work.heal();
  }
  figures.count("outages", kTimes);
  work.expect_clean(figures);
}

TEST(Outage, OfAFileSystemThatIsReadOnly) {
  Figures figures("T7", "the file can be read and not written");
  disk::Disk disk(1);
  endures(
      figures, disk, [&] { disk.set_read_only(true); }, [&] { disk.set_read_only(false); }, "sqlite: ");
}

// As on NFS when its server is away: locks fail, each in its own way.
TEST(Outage, OfLocks) {
  for (const Fault fault : {Fault::io_error, Fault::busy}) {
    Figures figures("T7", fault == Fault::busy ? "locks are somebody else's" : "locks are errors, as on NFS");
    disk::Disk disk(2);
    std::atomic<bool> away{false};
    disk.on_operation([&](const disk::Operation& operation) {
      const bool locks = operation.call == Call::lock || operation.call == Call::shm_lock;
      return away && locks ? fault : Fault::none;
    });
    endures(
        figures, disk, [&] { away = true; }, [&] { away = false; }, "sqlite: ");
  }
}

TEST(Outage, OfAFileThatAnotherProgramHasLocked) {
  Figures figures("T7", "another process has the database locked");
  const auto outage = by_effort(1000ms, 60'000ms, 60'000ms);
  const Scratch folder;
  const std::string path = folder.file("tasks.db");
  const auto locked = [&] {
    auto locker = std::make_unique<Life>(ERRAND_LOCKER, std::vector{path}, [](std::string_view) {});
    bool has = false;
    EXPECT_TRUE(locker->listen(Life::Clock::now() + 60s, [&] { return has = true; }) && has);
    return locker;
  };
  {
    auto store = open_sqlite(path);
    ASSERT_TRUE(store) << store.error().message();
    Work work(*store);
    for (int i = 0; i < kTimes && !HasFailure(); ++i) {
      EXPECT_EQ(work.enqueue(50), 50);
      const auto locker = locked();
      work.endure(outage, "database is locked");
      locker->kill();
      work.heal();
    }
    figures.count("outages", kTimes);
    work.expect_clean(figures);
  }
  // Nor is it a reason to wait in the open, or to make a mess there.
  const auto locker = locked();
  const auto refused = open_sqlite(path);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::unavailable) << refused.error().message();
  locker->kill();
  EXPECT_TRUE(open_sqlite(path));
}

// What is written to a file that has no name any more is lost when it is closed, and no system call says so.
TEST(Outage, OfAFileThatIsGone) {
  Figures figures("T7", "the file is deleted, and put back");
  const Scratch folder;
  const std::string path = folder.file("tasks.db");
  auto store = open_sqlite(path);
  ASSERT_TRUE(store) << store.error().message();
  Work work(*store);
  for (int i = 0; i < kTimes && !HasFailure(); ++i) {
    EXPECT_EQ(work.enqueue(50), 50);
    const std::string elsewhere = folder.file("elsewhere.db");
    std::filesystem::rename(path, elsewhere);
    work.endure(kOutage, path);
    std::filesystem::rename(elsewhere, path);
    work.heal();
  }
  figures.count("outages", kTimes);
  work.expect_clean(figures);
}

}  // namespace
