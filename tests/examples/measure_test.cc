// What file_index finds out about one file.

#include "measure.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>

namespace {

FileStats measured(std::string_view content) {
  std::string name = testing::TempDir() + "errand-measure-XXXXXX";
  close(mkstemp(name.data()));
  std::ofstream(name, std::ios::binary) << content;
  const auto stats = measure(name, false, [] { return false; });
  std::remove(name.c_str());
  return stats.value();
}

std::string sha256(std::string_view content) {
  std::string text;
  for (const std::byte byte : measured(content).sha256) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", std::to_integer<unsigned>(byte));
    text += digits;
  }
  return text;
}

// The values are those of FIPS 180-2, appendix B, and of sha256sum for no bytes at all.
TEST(Measure, HashesAsFips180Does) {
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256(std::string(1'000'000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

// 131,072 bytes are read at a time: the first word here ends in the second piece.
TEST(Measure, CountsAWordAcrossTwoReadsOnce) {
  std::string content(131'072 - 3, '\n');
  content += "across the\nedge";
  const FileStats stats = measured(content);
  EXPECT_EQ(stats.bytes, 131'072u - 3 + 15);
  EXPECT_EQ(stats.lines, 131'072u - 3 + 1);
  EXPECT_EQ(stats.words, 3u);
}

}  // namespace
