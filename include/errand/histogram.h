#pragma once
/// How long things took, many at a time.

#include <errand/clock.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace errand {
inline namespace v0 {

/// Counts of durations in buckets that are at most 1/16 wide: 16 for each power of two, from 1 ns to 39 hours.
///
/// Durations below 32 ns have a bucket each. Those of 2^47 ns (39 hours) and more share the last bucket.
/// Units:   nanoseconds as Duration. A histogram of plain numbers counts them as nanoseconds.
/// Errors:  none; negative durations count as zero.
/// Threads: a plain value, of about 6 KB.
class Histogram {
 public:
  static constexpr std::size_t kBuckets = 705;
  using Counts = std::array<std::uint64_t, kBuckets>;

  struct Bucket {
    Duration up_to;  ///< the longest duration that falls into it; Duration::max() for the last
    std::uint64_t count;
  };

  Histogram() noexcept = default;
  Histogram(const Counts& counts, Duration sum) noexcept;

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  /// Of all durations, exactly; Duration::max() if that is too short for it.
  [[nodiscard]] Duration sum() const noexcept { return Duration(sum_); }
  /// Zero if there are none.
  [[nodiscard]] Duration mean() const noexcept;

  /// The duration that a share of q (0 to 1) of all does not exceed: never less than the exact one, and more by less
  /// than 1/16 of it. Zero if there are none; 2^47 ns if it is in the last bucket.
  [[nodiscard]] Duration quantile(double q) const noexcept;

  /// How many are at most `limit`. The bucket that the limit cuts counts in proportion; Duration::max() counts all.
  [[nodiscard]] std::uint64_t count_below(Duration limit) const noexcept;

  /// In order of duration. REQUIRES: index < kBuckets.
  [[nodiscard]] Bucket bucket(std::size_t index) const noexcept { return {upper(index), counts_[index]}; }

  Histogram& operator+=(const Histogram& other) noexcept;

  /// The bucket that a duration falls into.
  [[nodiscard]] static constexpr std::size_t index(Duration duration) noexcept {
    const auto ns = static_cast<std::uint64_t>(duration.count() < 0 ? 0 : duration.count());
    if (ns > kLongest) return kBuckets - 1;
    // The five leading bits say which of the 16 buckets, their place says of which power of two.
    const auto shift = static_cast<int>(std::bit_width(ns | (1u << kDigits))) - kDigits - 1;
    return (static_cast<std::size_t>(shift) << kDigits) + static_cast<std::size_t>(ns >> shift);
  }

  /// The longest duration that falls into a bucket.
  [[nodiscard]] static constexpr Duration upper(std::size_t index) noexcept {
    return index == kBuckets - 1 ? Duration::max() : Duration(static_cast<std::int64_t>(lower_ns(index + 1) - 1));
  }

 private:
  static constexpr int kDigits = 4;
  static constexpr std::uint64_t kLongest = (std::uint64_t{1} << 47) - 1;  // in any bucket but the last

  [[nodiscard]] static constexpr std::uint64_t lower_ns(std::size_t index) noexcept {
    if (index < 2u << kDigits) return index;
    const auto shift = static_cast<int>(index >> kDigits) - 1;
    return static_cast<std::uint64_t>((index & ((1u << kDigits) - 1)) | (1u << kDigits)) << shift;
  }

  Counts counts_{};
  std::uint64_t count_ = 0;
  std::int64_t sum_ = 0;
};

}  // namespace v0
}  // namespace errand
