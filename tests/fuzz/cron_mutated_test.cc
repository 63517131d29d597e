// Cron expressions as nobody would write them: good and bad ones, mutated.

#include "cron_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace errand {
namespace {

constexpr std::uint64_t kExpressions = 25'000;

constexpr std::string_view kSeeds[] = {"* * * * *",
                                       "*/15 9-17 * * MON-FRI",
                                       "0 0 29 2 *",
                                       "30 2 * * *",
                                       "0 0 L,15W,LW * *",
                                       "5/20 5/6 29/1 * 5",
                                       "0 0 * * MON#2,FRIL",
                                       "@every 90s",
                                       "@every 1d2h",
                                       "0,30 1,2 8 3 SUN",
                                       "* 30 2 * * *",
                                       "0 12 30 12 *",
                                       "?/7 * ?/2 * 1",
                                       "@yearly",
                                       "0 0 31W 2,4 *",
                                       "59 59 23 31 12 7",
                                       "1-5/9 0-23 1-31 JAN-DEC 0-7",
                                       "0 0 30 2 *",
                                       "*,5 2 * * *",
                                       "  05  007 * * 1,1  "};
constexpr std::string_view kPieces[] = {"*",   "?",   ",",    "-",  "/",    "#",   "L",  "W",       "LW",
                                        " ",   "\t",  "0",    "1",  "7",    "31",  "59", "60",      "999999999999",
                                        "MON", "sun", "Dec",  "-1", "0-59", "*/2", "@",  "@every ", "h",
                                        "29",  "2",   "\xff", "+",  "x"};

// Everything comes from the seed, so a failure can be repeated by its number.
class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  std::string expression() {
    std::string text(one_of(kSeeds));
    for (std::size_t left = below(6); left > 0; --left) mutate(text);
    return text;
  }

 private:
  std::size_t below(std::size_t end) { return static_cast<std::size_t>(random_() % end); }
  template <std::size_t n>
  std::string_view one_of(const std::string_view (&all)[n]) {
    return all[below(n)];
  }
  void mutate(std::string& text) {
    const std::size_t at = below(text.size() + 1);
    const std::size_t size = std::min(below(4), text.size() - at);
    switch (below(6)) {
      case 0:
        text.erase(at, size);
        break;
      case 1:
        text.insert(at, one_of(kPieces));
        break;
      case 2:
        text.replace(at, size, one_of(kPieces));
        break;
      case 3:
        text.replace(at, size, std::to_string(below(70)));
        break;
      case 4:
        text.insert(at, std::string(text, below(text.size() + 1), below(8)));
        break;
      default:
        replace_field(text);
    }
  }
  // Another expression's field in the place of one of ours: most of these are accepted.
  void replace_field(std::string& text) {
    const std::string other(one_of(kSeeds));
    const auto field_of = [this](const std::string& whole) {
      const std::size_t begin = std::min(whole.find_last_of(' ', below(whole.size() + 1)) + 1, whole.size());
      return std::pair(begin, std::min(whole.find(' ', begin), whole.size()) - begin);
    };
    const auto [begin, size] = field_of(text);
    const auto [from, length] = field_of(other);
    text.replace(begin, size, other, from, length);
  }

  std::mt19937_64 random_;
};

TEST(CronMutated, KeepsItsPromisesForEveryText) {
  std::uint64_t accepted = 0;
  for (std::uint64_t seed = 0; seed < kExpressions; ++seed) {
    const std::string text = Mutator(seed).expression();
    const CronChecked checked = check_cron(text);
    accepted += checked.accepted;
    ASSERT_EQ(checked.broken, "") << "seed " << seed << ": \"" << text << "\"";
  }
  // Else the mutations break too much, or too little, to tell anything.
  EXPECT_GT(accepted, kExpressions / 5);
  EXPECT_LT(accepted, kExpressions * 4 / 5);
}

TEST(CronMutated, KeepsItsPromisesForVeryLongTexts) {
  constexpr std::size_t kLong = 100'000;
  const std::string rest = " * * * *";
  std::string list = "0";
  while (list.size() < kLong) list += ",59";
  std::vector<std::string> texts{list + rest};
  for (const char c : {'1', '*', ' ', ',', '/', '\0', 'L', '@'}) {
    texts.emplace_back(kLong, c);
    texts.push_back(texts.back() + rest);
    texts.push_back("@every " + texts.back());
  }
  for (const std::string& text : texts) EXPECT_EQ(check_cron(text).broken, "") << text.substr(0, 20);
}

}  // namespace
}  // namespace errand
