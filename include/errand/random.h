#pragma once
/// Chance that can be replayed.

#include <cstdint>

namespace errand {
inline namespace v0 {

/// A small fast generator: the same seed gives the same numbers with every compiler.
///
/// Threads: none; each user has its own.
/// Source:  D. Blackman, S. Vigna, "Scrambled Linear Pseudorandom Number Generators", 2018 (xoshiro256**);
///          seeded through splitmix64.
class Rng {
 public:
  using result_type = std::uint64_t;

  explicit Rng(std::uint64_t seed) noexcept;

  std::uint64_t operator()() noexcept;
  /// Evenly from 0 to bound - 1. REQUIRES: bound > 0.
  std::uint64_t below(std::uint64_t bound) noexcept;
  /// Evenly from 0 (included) to 1 (not included).
  double unit() noexcept;

  static constexpr std::uint64_t min() { return 0; }
  static constexpr std::uint64_t max() { return ~std::uint64_t{0}; }

 private:
  std::uint64_t s_[4];
};

}  // namespace v0
}  // namespace errand
