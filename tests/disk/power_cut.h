#pragma once
// What a power cut leaves of the changes that were not flushed.

#include <errand/random.h>

#include <cstdint>

namespace disk {

/// Flushed changes survive every one of these. A sector is 512 bytes. Changes are file writes and truncations; and
/// names that were made or deleted without a flush of their directory, which always keep their order.
enum class PowerCut : std::uint8_t {
  keep_all,   ///< Only the process died: nothing is lost, nor is anything flushed.
  drop_all,   ///< All that was not flushed is lost.
  subset,     ///< Each change is there or not.
  torn,       ///< The same, and a write may have been cut at the bounds of sectors.
  reordered,  ///< Each sector of each write is there or not, and any of two writes to one place may be the last.
};

inline constexpr PowerCut kPowerCuts[] = {PowerCut::drop_all, PowerCut::subset, PowerCut::torn, PowerCut::reordered};

[[nodiscard]] constexpr const char* name_of(PowerCut how) {
  switch (how) {
    case PowerCut::keep_all:
      return "keep_all";
    case PowerCut::drop_all:
      return "drop_all";
    case PowerCut::subset:
      return "subset";
    case PowerCut::torn:
      return "torn";
    case PowerCut::reordered:
      return "reordered";
  }
  return "?";
}

/// How likely a change survives one cut: few of them, half or most, so that "all but one" and "only one" come up too.
class Survival {
 public:
  explicit Survival(errand::Rng& rng) : rng_(rng), of_eight_(kOfEight[rng.below(3)]) {}
  [[nodiscard]] bool next() { return rng_.below(8) < of_eight_; }

 private:
  static constexpr std::uint64_t kOfEight[] = {1, 4, 7};

  errand::Rng& rng_;
  std::uint64_t of_eight_;
};

}  // namespace disk
