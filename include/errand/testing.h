#pragma once
/// For the tests of programs that use errand: time that stands still until it is moved.

#include <errand/clock.h>
#include <errand/queue.h>

#include <memory>

namespace errand {
inline namespace v0 {

/// A clock that a test moves. Give it to QueueOptions::clock, with Drive::manual to run everything in the test's own
/// thread:
///
///     auto clock = std::make_shared<errand::ManualClock>();
///     errand::Queue queue({.drive = errand::Drive::manual, .clock = clock});
///     auto task = queue.submit_in(1h, work);
///     clock->advance(1h);
///     queue.dispatch();
///
/// Threads: any. Whoever waits on the clock looks again each time it is moved.
class ManualClock final : public Clock {
 public:
  /// Begins at this time of day; the monotonic side begins at one second.
  explicit ManualClock(WallTime now = WallTime(std::chrono::hours(24 * 365 * 30)));
  ~ManualClock() override;

  [[nodiscard]] WallTime now() const noexcept override;
  [[nodiscard]] SteadyTime mono() const noexcept override;
  void wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected, const WaitUntil& until) override;
  void wake(const std::atomic<std::uint32_t>& word, int count) override;
  bool skip_to(SteadyTime at) override;

  /// Moves both clocks. REQUIRES: by >= 0.
  void advance(Duration by);
  /// Sets the time of day, and leaves the monotonic side alone: what an operator, or NTP, does.
  void set_now(WallTime now);
  /// Threads that are waiting on the clock now.
  [[nodiscard]] int waiting() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Runs everything that is due, again and again, until nothing is available any more, and with a ManualClock given also
/// moves it to whatever comes next, until nothing is left to come (schedules would go on for ever: at most `rounds`).
/// Returns how many rounds it took.
int drain(Queue& queue, int rounds = 1000);
int drain(Queue& queue, ManualClock& clock, int rounds = 1000);

}  // namespace v0
}  // namespace errand
