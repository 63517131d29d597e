#pragma once
// Where output waits that is too large for memory.

#include "descriptor.h"

#include <errand/result.h>

#include "base/mutex.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace errand::cli {

/// One nameless temporary file that all tasks share, made when it is first needed in $TMPDIR (or /tmp), and how much
/// output is held in memory at the moment.
///
/// Threads: any.
class Spill {
 public:
  struct Piece {
    std::uint64_t at;
    std::uint64_t size;
  };

  /// Whether `bytes` more may be held in memory; they count until give_back().
  [[nodiscard]] bool take_memory(std::size_t bytes) ERRAND_EXCLUDES(mu_);
  void give_back(std::size_t bytes) ERRAND_EXCLUDES(mu_);

  [[nodiscard]] Result<Piece> put(std::string_view bytes) ERRAND_EXCLUDES(mu_);
  /// Reads up to `most` bytes of a piece from `offset` on.
  [[nodiscard]] Result<std::string> get(const Piece& piece, std::uint64_t offset, std::size_t most)
      ERRAND_EXCLUDES(mu_);
  /// Gives the piece's room on the disk back.
  void drop(const Piece& piece) noexcept ERRAND_EXCLUDES(mu_);

 private:
  [[nodiscard]] Result<int> file() ERRAND_REQUIRES(mu_);

  mutable Mutex mu_;
  Descriptor file_ ERRAND_GUARDED_BY(mu_);
  std::uint64_t end_ ERRAND_GUARDED_BY(mu_) = 0;
  std::size_t in_memory_ ERRAND_GUARDED_BY(mu_) = 0;
};

/// What one stream of one command wrote: the first part in memory, the rest spilled.
///
/// Threads: one at a time.
class Captured {
 public:
  explicit Captured(Spill& spill) noexcept : spill_(&spill) {}
  Captured(Captured&& other) noexcept;
  Captured& operator=(Captured&& other) noexcept;
  ~Captured() { clear(); }

  [[nodiscard]] Result<void> append(std::string_view bytes);
  void clear() noexcept;
  [[nodiscard]] bool empty() const noexcept { return memory_.empty() && pieces_.empty(); }

  /// Hands all bytes to `take`, in order and in parts, until it returns an error.
  template <class Take>
  [[nodiscard]] Result<void> read(Take take) const {
    if (!memory_.empty()) {
      if (auto r = take(std::string_view(memory_)); !r) return r;
    }
    for (const auto& piece : pieces_) {
      for (std::uint64_t at = 0; at < piece.size;) {
        const auto part = spill_->get(piece, at, kPart);
        if (!part) return part.error();
        if (auto r = take(std::string_view(*part)); !r) return r;
        at += part->size();
      }
    }
    return {};
  }
  [[nodiscard]] Result<std::string> text() const;

 private:
  static constexpr std::size_t kPart = 256 * 1024;

  Spill* spill_;
  std::string memory_;
  std::vector<Spill::Piece> pieces_;
};

}  // namespace errand::cli
