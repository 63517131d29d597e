#pragma once
// What the workers of a process run, in a file that a crash of the process leaves as it was.

#include <errand/store.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace errand {
inline namespace v0 {

/// Names the time since the machine was started; empty where the system has no name for it.
[[nodiscard]] std::string boot_id();

/// A file of slots, mapped into memory. To write a slot is a store and nothing else: after a crash or a kill the
/// system still has the page. After a power cut anything may be on the disk, and none of it is believed.
///
/// The file begins with one page: the words "errand running", a version, the boot, and a number for the life of the
/// owner that wrote the slots. Who opens it compares that number with what is known of the last owner.
///
/// In a forked child the slots are memory of the child's own, and what it writes there is seen by nobody.
///
/// Threads: take() and give_back() from any; the rest one at a time.
class RunningFile {
 public:
  static constexpr std::size_t kSlots = 4096;

  struct Ran {
    TaskId id{};
    WallTime started_at{};
  };

  /// One owner at a time. A file that is damaged, or of another version, is made anew. All its room is taken here, so
  /// that no store into a slot finds the disk full.
  ///
  /// Errors: `unavailable` says what the system said.
  [[nodiscard]] static Result<std::unique_ptr<RunningFile>> open(const std::string& path,
                                                                 std::string_view boot = boot_id());
  /// After begin() it leaves empty slots: what runs to its end is not to be blamed.
  ~RunningFile();
  RunningFile(const RunningFile&) = delete;
  RunningFile& operator=(const RunningFile&) = delete;

  /// Whose slots they are; 0 where that can't be told: the file is new, or of another boot.
  [[nodiscard]] std::uint64_t life() const noexcept;
  /// What is in the slots, in their order.
  [[nodiscard]] std::vector<Ran> ran() const;
  /// Empties all slots; from now on they are this life's. REQUIRES: life is not 0.
  void begin(std::uint64_t life) noexcept;

  /// An empty slot, or null if there is none left. It ends with this object.
  [[nodiscard]] RunningSlot* take() noexcept;
  void give_back(RunningSlot* slot) noexcept;

 private:
  struct Header;
  static constexpr std::size_t kPage = 4096;
  static constexpr std::size_t kSize = kPage + kSlots * sizeof(RunningSlot);

  RunningFile(void* memory, std::string_view boot);
  static bool is_ours(int file) noexcept;
  [[nodiscard]] Header& header() const noexcept;
  [[nodiscard]] RunningSlot* slots() const noexcept;
  void empty_slots() noexcept;

  void* const memory_;
  std::array<char, 40> boot_{};  // ends with zeros
  bool begun_ = false;
  // A bit for each slot: set while somebody has it. Acquired by who takes it, released by who gives it back; no lock,
  // since a child of a fork might find that held for ever.
  std::array<std::atomic<std::uint64_t>, kSlots / 64> taken_{};
};

}  // namespace v0
}  // namespace errand
