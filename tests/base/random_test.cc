#include <errand/random.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace errand {
namespace {

// Computed apart from the library, from the published definitions of splitmix64 and xoshiro256**.
constexpr std::uint64_t kFromZero[] = {11091344671253066420u, 13793997310169335082u, 1900383378846508768u,
                                       7684712102626143532u, 13521403990117723737u};
constexpr std::uint64_t kFromFortyTwo[] = {1546998764402558742u, 6990951692964543102u, 12544586762248559009u,
                                           17057574109182124193u, 18295552978065317476u};

TEST(Random, ASeedGivesTheSameNumbersForEver) {
  Rng zero(0);
  for (const std::uint64_t expected : kFromZero) {
    EXPECT_EQ(zero(), expected);
  }
  Rng forty_two(42);
  for (const std::uint64_t expected : kFromFortyTwo) {
    EXPECT_EQ(forty_two(), expected);
  }
}

TEST(Random, DifferentSeedsGiveDifferentNumbers) {
  Rng a(1), b(2);
  EXPECT_NE(a(), b());
}

TEST(Random, ACopyGoesOnFromTheSamePlace) {
  Rng a(1);
  (void)a();
  Rng b = a;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(a(), b());
}

TEST(Random, BelowStaysBelow) {
  Rng rng(3);
  for (const std::uint64_t bound : {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{3}, std::uint64_t{1000},
                                    (std::uint64_t{1} << 63) + 1, Rng::max()}) {
    for (int i = 0; i < 1'000; ++i) ASSERT_LT(rng.below(bound), bound);
  }
  EXPECT_EQ(rng.below(1), 0u);
}

TEST(Random, BelowIsEven) {
  Rng rng(5);
  std::vector<int> counts(7);
  for (int i = 0; i < 70'000; ++i) ++counts[rng.below(7)];
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 500);  // a fixed seed: five standard deviations, once
}

// Two thirds of 2^64: taking the remainder alone would make the lower half of the range twice as likely.
TEST(Random, BelowIsEvenForHugeBounds) {
  Rng rng(7);
  const std::uint64_t bound = Rng::max() / 3 * 2;
  int lower = 0;
  for (int i = 0; i < 10'000; ++i) lower += rng.below(bound) < bound / 2 ? 1 : 0;
  EXPECT_NEAR(lower, 5'000, 250);
}

TEST(Random, UnitIsBelowOneAndEven) {
  Rng rng(9);
  double least = 1, most = 0, sum = 0;
  for (int i = 0; i < 100'000; ++i) {
    const double unit = rng.unit();
    ASSERT_GE(unit, 0.0);
    ASSERT_LT(unit, 1.0);
    least = std::min(least, unit);
    most = std::max(most, unit);
    sum += unit;
  }
  EXPECT_LT(least, 0.001);
  EXPECT_GT(most, 0.999);
  EXPECT_NEAR(sum / 100'000, 0.5, 0.005);
}

TEST(Random, FeedsTheStandardsAlgorithms) {
  std::vector<int> numbers = {1, 2, 3, 4, 5, 6, 7, 8};
  std::vector<int> shuffled = numbers;
  std::shuffle(shuffled.begin(), shuffled.end(), Rng(1));
  EXPECT_TRUE(std::is_permutation(numbers.begin(), numbers.end(), shuffled.begin()));
}

}  // namespace
}  // namespace errand
