// JSON as nobody would write it: good and bad texts, mutated.

#include "json_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace errand {
namespace {

constexpr std::uint64_t kTexts = 30'000;

constexpr std::string_view kSeeds[] = {
    R"({"i":-7,"u":18446744073709551615,"d":0.1,"f":1e-3,"b":true,"s":"a\u00e9\n\"","c":"green"})",
    R"({"in":[{"i":1},{"in":[{}]},{"m":{"a":1,"b":-9223372036854775808}}]})",
    R"({"u":null,"x":"AP8=","a":[1,2],"ms":1500,"id":"","unknown":[[],{},null]})",
    R"( { "s" : "\ud83d\ude00" , "d" : 12345678901234567890123 } )",
    R"({"i":1,"i":2,"i":3})",
    "{}",
};
constexpr std::string_view kPieces[] = {"{",
                                        "}",
                                        "[",
                                        "]",
                                        ",",
                                        ":",
                                        "\"",
                                        "\\",
                                        "\\u",
                                        "\\ud800",
                                        "null",
                                        "true",
                                        "-",
                                        "0",
                                        "1",
                                        "9",
                                        ".",
                                        "e",
                                        "E+",
                                        "1e400",
                                        "e99999999999",
                                        " ",
                                        "\n",
                                        "\xff",
                                        "\xc3\xa9",
                                        "\x01",
                                        "\"i\":",
                                        "\"in\":[",
                                        "128",
                                        "-129",
                                        "//",
                                        "'",
                                        "NaN",
                                        "{\"in\":[{\"in\":["};

// Everything comes from the seed, so a failure can be repeated by its number.
std::string mutated(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto below = [&](std::size_t end) { return static_cast<std::size_t>(random() % end); };
  std::string text(kSeeds[below(std::size(kSeeds))]);
  for (std::size_t left = below(5); left > 0; --left) {
    const std::size_t at = below(text.size() + 1);
    const std::size_t size = std::min(below(4), text.size() - at);
    const std::string_view piece = kPieces[below(std::size(kPieces))];
    switch (below(5)) {
      case 0:
        text.erase(at, size);
        break;
      case 1:
        text.insert(at, piece);
        break;
      case 2:
        text.replace(at, size, piece);
        break;
      case 3:
        text.replace(at, size, std::to_string(below(300)));
        break;
      default:
        text.insert(at, std::string(text, below(text.size() + 1), below(20)));
    }
  }
  return text;
}

TEST(JsonMutated, KeepsItsPromisesForEveryText) {
  std::uint64_t accepted = 0;
  std::uint64_t parsed = 0;
  for (std::uint64_t seed = 0; seed < kTexts; ++seed) {
    const std::string text = mutated(seed);
    const JsonChecked checked = check_json(text);
    accepted += checked.accepted;
    parsed += checked.parsed;
    ASSERT_EQ(checked.broken, "") << "seed " << seed << ": " << text;
  }
  // Else the mutations break too much, or too little, to tell anything.
  EXPECT_GT(accepted, kTexts / 5);
  EXPECT_GT(parsed, accepted + kTexts / 100);
  EXPECT_LT(parsed, kTexts * 4 / 5);
}

TEST(JsonMutated, KeepsItsPromisesForVeryLongTexts) {
  constexpr std::size_t kLong = 100'000;
  for (const char c : {'1', '[', '{', ' ', ',', '"', '\\', '\0', '-', '\xFF'}) {
    for (const std::string_view before : {"", "{\"s\":\"", "{\"in\":[", "{\"d\":0."}) {
      const std::string text = std::string(before) + std::string(kLong, c);
      EXPECT_EQ(check_json(text).broken, "") << text.substr(0, 20);
    }
  }
}

}  // namespace
}  // namespace errand
