// Bytes as base64, by the vectors of RFC 4648 and beyond.

#include <errand/random.h>

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "support.h"

namespace {

using Bytes = std::vector<std::byte>;

Bytes bytes_of(std::string_view text) {
  const auto* const begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

}  // namespace

TEST(Base64, IsThatOfTheRfc) {
  constexpr std::string_view kVectors[][2] = {{"", ""},
                                              {"f", "Zg=="},
                                              {"fo", "Zm8="},
                                              {"foo", "Zm9v"},
                                              {"foob", "Zm9vYg=="},
                                              {"fooba", "Zm9vYmE="},
                                              {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : kVectors) {
    const std::string json = '"' + std::string(encoded) + '"';
    EXPECT_EQ(written(bytes_of(plain)), json);
    EXPECT_EQ(*read<Bytes>(json), bytes_of(plain));
  }
  EXPECT_EQ(written(Bytes{std::byte{0xFB}, std::byte{0xEF}, std::byte{0xFF}}), R"("++//")");
}

TEST(Base64, HasOneTextForEachBytes) {
  for (const char* bad : {"Z", "Zg", "Zg=", "Zg===", "Z===", "====", "=", "Zm9=v", "Zg==Zg==", "Zh==", "Zm9=", "Zm9_",
                          "Zm9-", "Zm 9", "Zm9v\\n", "Zm8=\\n", "\\u0000AAA", "Zm9\\u00e9"}) {
    EXPECT_NE(refusal<Bytes>('"' + std::string(bad) + '"'), "") << bad;
  }
}

TEST(Base64, AllBytesComeBack) {
  errand::Rng rng(9);
  for (std::size_t size = 0; size < 300; ++size) {
    Bytes bytes(size);
    for (std::byte& each : bytes) each = static_cast<std::byte>(rng.below(256));
    ASSERT_EQ(*read<Bytes>(written(bytes)), bytes) << size;
  }
}
