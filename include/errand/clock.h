#pragma once
/// Time, as everything in errand sees it.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

namespace errand {
inline namespace v0 {

using Duration = std::chrono::nanoseconds;
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, Duration>;

/// Until when a wait may last. Unset fields set no limit; with both, the earlier one ends the wait.
struct WaitUntil {
  std::optional<SteadyTime> mono{};  ///< a moment of Clock::mono()
  std::optional<WallTime> wall{};    ///< a moment of Clock::now(); moves when somebody sets the clock
};

/// Where a queue reads the time, and where its threads wait for it.
///
/// Errors:  none; a clock always answers.
/// Threads: every member may be called from any thread.
class Clock {
 public:
  virtual ~Clock() = default;

  /// The time of day. It may jump.
  [[nodiscard]] virtual WallTime now() const noexcept = 0;
  /// Time that only goes forward, counted from a moment of no meaning.
  [[nodiscard]] virtual SteadyTime mono() const noexcept = 0;

  /// Blocks while `word` is `expected`, until wake() or `until`; it may also return for no reason, so callers loop.
  virtual void wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected, const WaitUntil& until) = 0;
  /// Ends the wait of at most `count` threads that wait on `word`.
  virtual void wake(const std::atomic<std::uint32_t>& word, int count) = 0;

  /// For a body that sleeps while nobody else could move the time (manual drive): a clock that is moved by hand goes
  /// on to `at` and says true.
  virtual bool skip_to(SteadyTime at) {
    static_cast<void>(at);
    return false;
  }
};

/// The machine's clocks. One object for the process.
[[nodiscard]] std::shared_ptr<Clock> real_clock();

}  // namespace v0
}  // namespace errand
