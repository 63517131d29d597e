#include "base/fork.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/own_file.h"
#include "base/running_file.h"
#include "support/child.h"
#include "support/folder.h"

using errand::at_fork;
using errand::forks_so_far;
using errand::Layer;
using errand::OwnFile;
using errand::PerProcess;
using errand::RunningFile;

namespace {

// All that is told of forks stays so for the life of a process: each test has a child for its own.

bool is_free(errand::Mutex& mu) {
  if (!mu.try_lock()) return false;
  mu.unlock();
  return true;
}

struct Lower final : PerProcess {
  void in_child() noexcept ERRAND_REQUIRES(mu) override { ++told; }
  int told = 0;
};

struct Upper final : PerProcess {
  explicit Upper(Lower& lower) : lower(lower) {}
  void in_child() noexcept ERRAND_REQUIRES(mu) override {
    if (!lower.mu.try_lock()) return;
    found_below = lower.told;
    lower.mu.unlock();
  }
  Lower& lower;
  int found_below = -1;
};

// The lower one is made first, as a linker may have it.
struct TwoLayers {
  TwoLayers() {
    at_fork(Layer::base, lower);
    at_fork(Layer::engine, upper);
  }
  Lower lower;
  Upper upper{lower};
};

// How many files with this in their path this process has open.
std::size_t open_files(const std::string& part) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;  // the one that lists them
    count += std::filesystem::read_symlink(entry.path(), gone).string().find(part) != std::string::npos ? 1 : 0;
  }
  return count;
}

}  // namespace

TEST(Fork, IsCountedInTheChildAlone) {
  const std::uint32_t before = forks_so_far();
  EXPECT_EQ(in_child([&] {
              require(forks_so_far() == before + 1, 1);
              require(in_child([&] { require(forks_so_far() == before + 2, 1); }) == 0, 2);
              require(forks_so_far() == before + 1, 3);
            }),
            0);
  EXPECT_EQ(forks_so_far(), before);
}

TEST(Fork, TellsEachThingInTheChildAlone) {
  EXPECT_EQ(in_child([] {
              TwoLayers things;
              require(in_child([&] { require(things.lower.told == 1, 1); }) == 0, 1);
              require(things.lower.told == 0, 2);
            }),
            0);
}

TEST(Fork, LeavesNoLockHeldInEitherProcess) {
  EXPECT_EQ(in_child([] {
              TwoLayers things;
              require(in_child([&] { require(is_free(things.lower.mu) && is_free(things.upper.mu), 1); }) == 0, 1);
              require(is_free(things.lower.mu) && is_free(things.upper.mu), 2);
            }),
            0);
}

TEST(Fork, LocksTheUpperLayerFirst) {
  EXPECT_EQ(in_child([] {
              TwoLayers things;
              things.lower.mu.lock();
              std::thread forks([] { require(in_child([] {}) == 0, 1); });
              while (is_free(things.upper.mu)) std::this_thread::yield();
              things.lower.mu.unlock();
              forks.join();
            }),
            0);
}

TEST(Fork, LetsAnUpperLayerCallALowerOneInTheChild) {
  EXPECT_EQ(in_child([] {
              TwoLayers things;
              require(in_child([&] { require(things.upper.found_below == 1, 1); }) == 0, 1);
            }),
            0);
}

// What a program registers may use what is told of forks, before one and after it in both processes.
TEST(Fork, LetsHandlersOfTheProgramOpenFiles) {
  static std::string path;
  const Folder folder;
  path = folder.file("handler");
  EXPECT_EQ(in_child([] {
              constexpr auto kOpens = [] { require(OwnFile::open(path).number() >= 0, 1); };
              require(pthread_atfork(kOpens, kOpens, kOpens) == 0, 2);
              require(in_child([] {}) == 0, 3);
            }),
            0);
}

// Wherever other threads are with theirs, a child has all of it to itself, and none of what was the parent's.
TEST(Fork, MayComeWhileOtherThreadsOpenAndClose) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer leaves its allocator's locks in a child as other threads held them";
#endif
  constexpr int kForksEach = 20;
  const Folder folder;
  EXPECT_EQ(in_child([&] {
              std::atomic<bool> stop{false};
              const auto opens = [&](const std::string& name) {
                while (!stop) require(OwnFile::open(folder.file("own" + name)).number() >= 0, 1);
              };
              const auto maps = [&](const std::string& name) {
                while (!stop) require(RunningFile::open(folder.file("running" + name)).has_value(), 2);
              };
              const auto forks = [&](const std::string& name) {
                for (int i = 0; i < kForksEach; ++i) {
                  const int failed = in_child([&] {
                    require(open_files("/own") == 0, 10);
                    require(OwnFile::open(folder.file("childs" + name)).number() >= 0, 11);
                    require(RunningFile::open(folder.file("childs running" + name)).has_value(), 12);
                  });
                  require(failed == 0, failed);
                }
              };
              std::thread others[] = {std::thread(opens, "0"), std::thread(opens, "1"), std::thread(maps, "0")};
              std::thread both[] = {std::thread(forks, "0"), std::thread(forks, "1")};
              for (std::thread& thread : both) thread.join();
              stop = true;
              for (std::thread& thread : others) thread.join();
            }),
            0);
}
