#include "engine/histogram.h"

#include <errand/histogram.h>
#include <errand/random.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <thread>
#include <vector>

namespace errand {
namespace {

using detail::HistogramCell;

constexpr std::int64_t kBound = std::int64_t{1} << 47;
constexpr double kQuantiles[] = {0.0, 0.001, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1.0};

Histogram of(const std::vector<std::int64_t>& durations) {
  Histogram::Counts counts{};
  std::uint64_t sum = 0;
  for (const std::int64_t ns : durations) {
    ++counts[Histogram::index(Duration(ns))];
    sum += static_cast<std::uint64_t>(std::max<std::int64_t>(ns, 0));
  }
  const std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  return {counts, Duration(static_cast<std::int64_t>(std::min(sum, most)))};
}

// Of any magnitude, up to 2^46 ns.
std::vector<std::int64_t> some_durations(std::uint64_t seed, std::size_t count) {
  Rng rng(seed);
  std::vector<std::int64_t> result(count);
  for (std::int64_t& ns : result) ns = static_cast<std::int64_t>(rng() >> (18 + rng.below(46)));
  return result;
}

std::int64_t exact_quantile(std::vector<std::int64_t> durations, double q) {
  std::sort(durations.begin(), durations.end());
  const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(durations.size())));
  return durations[std::max<std::size_t>(rank, 1) - 1];
}

TEST(Histogram, BucketsFollowOneAnother) {
  for (std::size_t i = 0; i + 1 < Histogram::kBuckets; ++i) {
    const Duration upper = Histogram::upper(i);
    ASSERT_EQ(Histogram::index(upper), i);
    ASSERT_EQ(Histogram::index(upper + Duration(1)), i + 1);
  }
  EXPECT_EQ(Histogram::upper(Histogram::kBuckets - 2).count(), kBound - 1);
  EXPECT_EQ(Histogram::upper(Histogram::kBuckets - 1), Duration::max());
  EXPECT_EQ(Histogram::index(Duration(0)), 0u);
}

TEST(Histogram, BucketsAreNarrow) {
  for (std::size_t i = 1; i + 1 < Histogram::kBuckets; ++i) {
    const std::int64_t lower = Histogram::upper(i - 1).count() + 1;
    ASSERT_LE(Histogram::upper(i).count() - lower, lower / 16);
  }
}

TEST(Histogram, IndexNeverFallsAndBoundsHoldTheValue) {
  Rng rng(7);
  for (int i = 0; i < 100'000; ++i) {
    const auto a = static_cast<std::int64_t>(rng() >> (1 + rng.below(63)));
    const auto b = static_cast<std::int64_t>(rng() >> (1 + rng.below(63)));
    const std::size_t at = Histogram::index(Duration(a));
    ASSERT_LT(at, Histogram::kBuckets);
    ASSERT_GE(Histogram::upper(at).count(), a);
    ASSERT_TRUE(at == 0 || Histogram::upper(at - 1).count() < a);
    ASSERT_TRUE(a > b || at <= Histogram::index(Duration(b)));
  }
}

TEST(Histogram, QuantilesAreWithinASixteenth) {
  for (const std::size_t count : {1u, 2u, 10u, 1000u, 20'000u}) {
    const std::vector<std::int64_t> durations = some_durations(count, count);
    const Histogram histogram = of(durations);
    for (const double q : kQuantiles) {
      const std::int64_t exact = exact_quantile(durations, q);
      ASSERT_GE(histogram.quantile(q).count(), exact) << q;
      ASSERT_LE(histogram.quantile(q).count(), exact + exact / 16) << q;
    }
  }
}

TEST(Histogram, QuantileOutsideZeroToOneIsTheNearestEnd) {
  const Histogram histogram = of({3, 5, 9});
  EXPECT_EQ(histogram.quantile(-1).count(), 3);
  EXPECT_EQ(histogram.quantile(std::numeric_limits<double>::quiet_NaN()).count(), 3);
  EXPECT_EQ(histogram.quantile(2).count(), 9);
}

TEST(Histogram, EmptyOneAnswersZero) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.sum(), Duration::zero());
  EXPECT_EQ(histogram.mean(), Duration::zero());
  EXPECT_EQ(histogram.quantile(0.5), Duration::zero());
  EXPECT_EQ(histogram.count_below(Duration::max()), 0u);
}

TEST(Histogram, CountAndSumAreExact) {
  const std::vector<std::int64_t> durations = some_durations(3, 5000);
  const Histogram histogram = of(durations);
  std::int64_t sum = 0;
  for (const std::int64_t ns : durations) sum += ns;
  EXPECT_EQ(histogram.count(), durations.size());
  EXPECT_EQ(histogram.sum().count(), sum);
  EXPECT_EQ(histogram.mean().count(), sum / 5000);
  std::uint64_t in_buckets = 0;
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i) in_buckets += histogram.bucket(i).count;
  EXPECT_EQ(in_buckets, durations.size());
}

TEST(Histogram, MergedIsAsIfRecordedTogether) {
  const std::vector<std::int64_t> a = some_durations(4, 1000);
  const std::vector<std::int64_t> b = some_durations(5, 3000);
  std::vector<std::int64_t> both = a;
  both.insert(both.end(), b.begin(), b.end());
  Histogram merged = of(a);
  merged += of(b);
  const Histogram together = of(both);
  EXPECT_EQ(merged.count(), together.count());
  EXPECT_EQ(merged.sum(), together.sum());
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i) ASSERT_EQ(merged.bucket(i).count, together.bucket(i).count);
}

TEST(Histogram, VeryLongAndNegativeDurationsHaveAPlace) {
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const Histogram histogram = of({-5, 0, kBound - 1, kBound, most});
  EXPECT_EQ(histogram.bucket(0).count, 2u);
  EXPECT_EQ(histogram.bucket(Histogram::kBuckets - 2).count, 1u);
  EXPECT_EQ(histogram.bucket(Histogram::kBuckets - 1).count, 2u);
  EXPECT_EQ(histogram.quantile(1).count(), kBound);
  EXPECT_EQ(histogram.sum(), Duration::max());
  EXPECT_EQ(histogram.count_below(Duration(kBound - 1)), 3u);
  EXPECT_EQ(histogram.count_below(Duration::max()), 5u);
  Histogram twice = histogram;
  twice += histogram;
  EXPECT_EQ(twice.sum(), Duration::max());
}

TEST(Histogram, CountBelowIsExactAtBoundsAndNeverFalls) {
  const std::vector<std::int64_t> durations = some_durations(6, 4000);
  const Histogram histogram = of(durations);
  std::uint64_t before = 0;
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i) {
    const std::int64_t upper = Histogram::upper(i).count();
    const auto exact = std::count_if(durations.begin(), durations.end(), [&](std::int64_t ns) { return ns <= upper; });
    ASSERT_EQ(histogram.count_below(Duration(upper)), static_cast<std::uint64_t>(exact));
    for (std::int64_t part = 3; part >= 0; --part) {
      const std::int64_t lower = i == 0 ? 0 : Histogram::upper(i - 1).count() + 1;
      const std::uint64_t below = histogram.count_below(Duration(upper - (upper - lower) / 4 * part));
      ASSERT_GE(below, before);
      before = below;
    }
  }
  EXPECT_EQ(histogram.count_below(Duration(-1)), 0u);
  EXPECT_EQ(before, histogram.count());
}

TEST(HistogramCell, IsSmallEnoughForEveryWorker) {
  EXPECT_LE(sizeof(HistogramCell), 8192u);
}

TEST(HistogramCell, PutsAFloatWhereItsNanosecondsBelong) {
  std::vector<std::int64_t> durations = some_durations(7, 4000);
  for (std::size_t i = 0; i + 1 < Histogram::kBuckets; ++i) {
    durations.push_back(Histogram::upper(i).count());
    durations.push_back(Histogram::upper(i).count() + 1);
  }
  durations.push_back(std::numeric_limits<std::int64_t>::max());
  for (const std::int64_t exact : durations) {
    const auto ns = static_cast<float>(exact);
    // What a float can't say is rounded before it is counted.
    const Histogram expected = of({exact < kBound ? static_cast<std::int64_t>(ns) : kBound});
    const auto cell = std::make_unique<HistogramCell>();
    cell->record(ns);
    Histogram histogram;
    cell->add_to(histogram);
    ASSERT_EQ(histogram.count(), 1u);
    ASSERT_EQ(histogram.quantile(1), expected.quantile(1)) << exact;
    if (exact < kBound) {
      ASSERT_EQ(histogram.sum(), expected.sum()) << exact;
    }
  }
}

TEST(HistogramCell, CanBeReadWhileItIsWritten) {
  constexpr std::uint64_t kRecords = 200'000;
  const auto cell = std::make_unique<HistogramCell>();
  std::atomic<bool> over{false};
  std::thread writer([&] {
    for (std::uint64_t i = 0; i < kRecords; ++i) cell->record(static_cast<float>(i));
    over.store(true, std::memory_order_release);
  });
  std::uint64_t before = 0;
  for (bool last = false; !last;) {
    last = over.load(std::memory_order_acquire);
    Histogram histogram;
    cell->add_to(histogram);
    EXPECT_GE(histogram.count(), before);
    before = histogram.count();
  }
  writer.join();
  EXPECT_EQ(before, kRecords);
}

}  // namespace
}  // namespace errand
