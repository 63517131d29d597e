#pragma once
// Questions afterwards: whether a queue knows what became of tasks that were chosen at random.

#include <errand/queue.h>

#include <atomic>
#include <memory>
#include <vector>

#include "measure.h"

namespace bench {

/// About a thousand tasks of a run of errand, chosen at random while it submits them. Only errand's runs pay for it: a
/// count for each task, and 8 bytes more in the closure of each that is chosen.
///
/// Threads: any may submit; check() comes when all is done.
class Sample {
 public:
  /// One task of a run, and when its body ran.
  struct Seen {
    std::uint64_t id = 0;
    std::int64_t ran_at = 0;  // of the steady clock, in ns
  };

  /// Of a run of so many tasks, or of several such passes.
  explicit Sample(std::uint64_t tasks, int passes = 1);

  /// Whether the next task of this thread is one of them.
  [[nodiscard]] bool picks() noexcept {
    if (--left_ > 0) [[likely]]
      return false;
    left_ = next_gap();
    return true;
  }
  /// `submit(body)` returns the handle, `body` takes the place of `f`.
  template <class Submit, class F>
  auto note(Submit submit, F f) {
    Seen* const seen = take();
    auto task = submit([f = std::move(f), seen]() mutable {
      seen->ran_at = SteadyClock::now().time_since_epoch().count();
      return f();
    });
    seen->id = task.id().value;
    return task;
  }
  /// Ends the program unless the queue, which is idle, knows each of them as completed after one attempt, or not any
  /// more; and the latter only where at least `retained` ended later.
  void check(const errand::Queue& queue, std::uint64_t retained = errand::Retention{}.count) const;

 private:
  [[nodiscard]] std::int64_t next_gap() const noexcept;
  [[nodiscard]] Seen* take();

  static inline constinit thread_local std::int64_t left_ = 1;

  const std::uint64_t every_;
  std::vector<Seen> seen_;
  std::atomic<std::size_t> next_{0};
};

/// Whether a task may be unknown that ran at `ran_at`: so many of those that are known ended later. `ended_at`: sorted.
[[nodiscard]] bool may_be_gone(std::int64_t ran_at, const std::vector<std::int64_t>& ended_at, std::uint64_t retained);

}  // namespace bench
