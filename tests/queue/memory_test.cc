// What a queue's memory does after a burst.

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "support.h"

namespace {

std::size_t resident_bytes() {
  long pages = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "re")) {
    EXPECT_EQ(std::fscanf(file, "%*d %ld", &pages), 1);
    std::fclose(file);
  }
  return static_cast<std::size_t>(pages) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

// Mapped where the system has been asked for large pages.
std::size_t large_kilobytes() {
  std::ifstream maps("/proc/self/smaps");
  std::size_t size = 0;
  std::size_t sum = 0;
  for (std::string line; std::getline(maps, line);) {
    if (line.starts_with("Size:")) size = std::stoul(line.substr(5));
    if (line.starts_with("VmFlags:") && line.find(" hg") != std::string::npos) sum += size;
  }
  return sum;
}

// 26 MB of plain tasks, and as much again for the cold lines of delayed ones.
constexpr int kBurst = 400'000;

}  // namespace

TEST(Memory, OfABurstGoesBackToTheSystem) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "a sanitizer keeps its own memory beside each byte, and does not give that back";
#endif
  Manual m;
  m.queue.submit([] {});
  m.queue.dispatch();
  const std::size_t before = resident_bytes();
  for (int i = 0; i < kBurst; ++i) m.queue.submit_in(i % 2 == 0 ? 0s : 1s, [] {});
  const std::size_t during = resident_bytes();
  EXPECT_GT(during - before, kBurst * 64u);
  m.queue.dispatch();
  m.advance(1s);
  for (int i = 0; i < 5'000; ++i) m.advance(2ms);
  const std::size_t after = resident_bytes();
  std::printf("resident: %zu KiB, in the burst %zu, then %zu\n", before / 1024, during / 1024, after / 1024);
  // What retention keeps, and a little for the next burst.
  EXPECT_LT(after - before, (during - before) / 8);
  EXPECT_EQ(m.queue.stats().completed, kBurst + 1u);
}

// The system would make large pages of what is left, and a burst's memory would be in use again a minute later.
TEST(Memory, OfABurstIsNotFilledUpAgainByTheSystem) {
  if (!std::ifstream("/sys/kernel/mm/transparent_hugepage/enabled")) GTEST_SKIP() << "this system has no large pages";
  Manual m;
  const std::size_t before = large_kilobytes();
  for (int i = 0; i < kBurst; ++i) m.queue.submit([] {});
  EXPECT_GT(large_kilobytes(), before + kBurst * 64 / 1024 / 2);
  m.queue.dispatch();
  for (int i = 0; i < 5'000; ++i) m.advance(2ms);
  EXPECT_LE(large_kilobytes(), before);
  for (int i = 0; i < kBurst; ++i) m.queue.submit([] {});
  EXPECT_GT(large_kilobytes(), before + kBurst * 64 / 1024 / 2);
}

TEST(Memory, ThatWasGivenBackServesTheNextBurst) {
  Manual m;
  for (int round = 0; round < 3; ++round) {
    std::vector<errand::TaskId> ids;
    int ran = 0;
    for (int i = 0; i < kBurst / 2; ++i) {
      auto task = m.queue.submit([&] { ++ran; }, {.max_attempts = i % 7 == 0 ? std::optional(2) : std::nullopt});
      if (i % 1000 == 0) ids.push_back(task.id());
    }
    m.queue.dispatch();
    EXPECT_EQ(ran, kBurst / 2);
    for (int i = 0; i < 5'000; ++i) m.advance(2ms);
    // Old ids are known, or not found: they never mean another task.
    for (const errand::TaskId id : ids) {
      const auto info = m.queue.info(id);
      if (info) {
        EXPECT_EQ(info->state, errand::TaskState::completed);
      }
    }
  }
  EXPECT_EQ(m.queue.stats().completed, 3u * (kBurst / 2));
}
