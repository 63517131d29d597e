#include "engine/histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace errand {
inline namespace v0 {

namespace {

constexpr std::int64_t kMostNs = std::numeric_limits<std::int64_t>::max();

}  // namespace

Histogram::Histogram(const Counts& counts, Duration sum) noexcept : counts_(counts), sum_(sum.count()) {
  for (const std::uint64_t count : counts_) count_ += count;
}

Duration Histogram::mean() const noexcept {
  return Duration(count_ == 0 ? 0 : static_cast<std::int64_t>(static_cast<std::uint64_t>(sum_) / count_));
}

Duration Histogram::quantile(double q) const noexcept {
  if (count_ == 0) return Duration::zero();
  // The rank of the one asked for, from 1. In floating point a count may round up past itself, hence the two clamps.
  const double share = q > 0 ? std::min(q, 1.0) : 0.0;  // a NaN is 0
  const double rank = std::max(1.0, std::ceil(share * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  std::size_t last = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    if (counts_[i] == 0) continue;
    last = i;
    seen += counts_[i];
    if (static_cast<double>(seen) >= rank) break;
  }
  return last == kBuckets - 1 ? Duration(kLongest + 1) : upper(last);
}

std::uint64_t Histogram::count_below(Duration limit) const noexcept {
  if (limit == Duration::max()) return count_;
  if (limit < Duration::zero()) return 0;
  const std::size_t cut = index(limit);
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < cut; ++i) below += counts_[i];
  if (cut == kBuckets - 1) return below;
  const std::uint64_t lower = lower_ns(cut);
  const std::uint64_t width = lower_ns(cut + 1) - lower;
  const std::uint64_t part = static_cast<std::uint64_t>(limit.count()) - lower + 1;
  return below + static_cast<std::uint64_t>(static_cast<unsigned __int128>(counts_[cut]) * part / width);
}

Histogram& Histogram::operator+=(const Histogram& other) noexcept {
  for (std::size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ = other.sum_ > kMostNs - sum_ ? kMostNs : sum_ + other.sum_;
  return *this;
}

namespace detail {

void HistogramCell::add_to(Histogram& histogram) const noexcept {
  Histogram::Counts counts;
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i) counts[i] = counts_[i].load(std::memory_order_relaxed);
  const std::uint64_t sum = sum_ns_.load(std::memory_order_relaxed);
  histogram += Histogram(counts, Duration(static_cast<std::int64_t>(std::min<std::uint64_t>(sum, kMostNs))));
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
