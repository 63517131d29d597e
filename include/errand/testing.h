#pragma once
/// For the tests of programs that use errand: time that stands still until it is moved.

#include <errand/clock.h>
#include <errand/queue.h>

#include <memory>
#include <vector>

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

/// The messages of this type that wait in a queue, oldest first: scheduled, available or to be tried again. So a test
/// sees what its code has handed over, and need not run it:
///
///     EXPECT_EQ(errand::enqueued<WelcomeMail>(queue).at(0).user_id, 7);
///
/// Errors:  ErrorException where the store does not answer, or has a task that the message's codec can't read.
template <Message M>
std::vector<M> enqueued(const Queue& queue) {
  const auto need = [](auto result) {
    if (!result) result.error().raise();
    return std::move(*result);
  };
  constexpr std::size_t kPage = 1000;
  TaskFilter filter;
  filter.kind = KindOf<M>::value;
  std::vector<M> messages;
  for (TaskId after{};;) {
    const std::vector<TaskInfo> page = need(queue.find(filter, kPage, after));
    for (const TaskInfo& task : page) {
      after = task.id;
      if (is_final(task.state) || task.state == TaskState::running) continue;
      const Output payload = need(queue.payload(task.id));
      messages.push_back(need(Codec<M>::decode(payload.bytes, payload.content_type)));
    }
    if (page.size() < kPage) return messages;
  }
}

}  // namespace v0
}  // namespace errand
