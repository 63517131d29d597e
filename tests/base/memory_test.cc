#include "base/memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>

namespace errand {
namespace {

constexpr std::size_t kSize = 1 << 20;

bool is_zero(const void* begin, std::size_t size) {
  const auto* bytes = static_cast<const unsigned char*>(begin);
  return std::all_of(bytes, bytes + size, [](unsigned char byte) { return byte == 0; });
}

TEST(Memory, IsZeroedAndTheCallersOwn) {
  void* memory = map_memory(kSize);
  ASSERT_NE(memory, nullptr);
  EXPECT_TRUE(is_zero(memory, kSize));
  std::memset(memory, 1, kSize);
  unmap_memory(memory, kSize);
}

TEST(Memory, IsAlignedToItsSizeWhereAskedTo) {
  void* blocks[8];
  for (void*& block : blocks) {
    block = map_aligned_memory(kSize);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % kSize, 0u);
    std::memset(block, 1, kSize);
  }
  for (void* block : blocks) unmap_memory(block, kSize);
}

TEST(Memory, ThatIsGivenBackIsZeroedWhenItIsTouchedAgain) {
  auto* memory = static_cast<unsigned char*>(map_aligned_memory(kSize));
  ASSERT_NE(memory, nullptr);
  prefer_large_pages(memory, kSize);
  std::memset(memory, 1, kSize);
  give_memory_back(memory, kSize / 2);
  EXPECT_TRUE(is_zero(memory, kSize / 2));
  EXPECT_EQ(memory[kSize / 2], 1);
  prefer_small_pages(memory, kSize);
  EXPECT_EQ(memory[kSize / 2], 1);
  unmap_memory(memory, kSize);
}

TEST(Memory, ThatIsNotToBeHadIsNull) {
  EXPECT_EQ(map_memory(std::numeric_limits<std::size_t>::max() / 4), nullptr);
  EXPECT_EQ(map_aligned_memory(std::size_t{1} << 60), nullptr);
}

}  // namespace
}  // namespace errand
