#pragma once
// How many commands there are, how many of them ended how, and what that means for the exit code.

#include "descriptor.h"

#include <errand/result.h>

#include "base/mutex.h"

#include <cstdint>
#include <memory>
#include <optional>

namespace errand::cli {

struct Figures {
  std::uint64_t submitted = 0;
  std::uint64_t settled = 0;  ///< of those, done with: their output is out
  std::uint64_t failed = 0;
  std::uint64_t not_started = 0;  ///< left out because the run was ended early
  std::uint64_t skipped = 0;      ///< not even submitted: an earlier run has done them
  std::uint64_t running = 0;
  bool all_read = false;               ///< no more will be submitted
  std::optional<double> share_read{};  ///< how much of the input that is, 0 to 1, if it can be known

  [[nodiscard]] std::uint64_t unsettled() const noexcept { return submitted - settled; }
};

/// How errand run ends.
struct Verdict {
  bool trouble = false;            ///< errand run itself could not go on
  std::optional<int> halted_by{};  ///< with --halt: the status of the command that ended the run
  std::uint64_t failed = 0;

  /// GNU parallel's: 0 all well; 1 to 100 so many failed; 101 more than that; 255 trouble; with --halt the status of
  /// the command that failed.
  [[nodiscard]] int exit_code() const noexcept;
};

/// Threads: any.
class Tally {
 public:
  enum class Settled : unsigned char { succeeded, failed, not_started };

  [[nodiscard]] static Result<std::unique_ptr<Tally>> make();

  void submit() ERRAND_EXCLUDES(mu_);
  void skip() ERRAND_EXCLUDES(mu_);
  void start() ERRAND_EXCLUDES(mu_);
  void end() ERRAND_EXCLUDES(mu_);
  void settle(Settled how) ERRAND_EXCLUDES(mu_);
  void read(std::optional<double> share, bool all) ERRAND_EXCLUDES(mu_);
  [[nodiscard]] Figures figures() const ERRAND_EXCLUDES(mu_);

  /// Waits until at most `most` commands are unsettled; false if `stop` was set before. One thread at a time.
  [[nodiscard]] bool wait_for_at_most(std::uint64_t most, const Event& stop) ERRAND_EXCLUDES(mu_);

 private:
  explicit Tally(Event few) : few_(std::move(few)) {}

  mutable Mutex mu_;
  Figures figures_ ERRAND_GUARDED_BY(mu_);
  std::optional<std::uint64_t> wanted_ ERRAND_GUARDED_BY(mu_);  // somebody waits for so few
  Event few_;
};

}  // namespace errand::cli
