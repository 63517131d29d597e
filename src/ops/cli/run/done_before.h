#pragma once
// What an earlier run has finished.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>

namespace errand::cli {

/// Commands that need not run again, each as often as it has succeeded. It knows them by their text and not by their
/// number, since the order in which `find` lists files changes, and so do lists. Holds 128 bits for each, never the
/// text.
///
/// Threads: one at a time.
class DoneBefore {
 public:
  void add(std::string_view command);
  /// True, and one less, if the command has been done.
  [[nodiscard]] bool take(std::string_view command);
  [[nodiscard]] bool empty() const noexcept { return times_.empty(); }

 private:
  struct Digest {
    std::uint64_t high;
    std::uint64_t low;
    bool operator==(const Digest&) const = default;
  };
  struct Low {
    std::size_t operator()(const Digest& digest) const noexcept { return static_cast<std::size_t>(digest.low); }
  };
  static Digest digest_of(std::string_view text);

  std::unordered_map<Digest, std::uint32_t, Low> times_;
};

}  // namespace errand::cli
