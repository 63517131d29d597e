#pragma once
// Which queues this thread is at work for, innermost first.

namespace errand {
inline namespace v0 {
namespace detail {

class Engine;
class Worker;

/// While it lives, this thread works for `engine`: as one of its workers, or to shut it down (no worker). What is
/// called from user code on such a thread must not wait for that thread.
class Seat {
 public:
  Seat(const Engine& engine, Worker* worker) noexcept : engine_(engine), worker_(worker), outer_(top) { top = this; }
  ~Seat() { top = outer_; }
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;

  /// The innermost seat of this thread at that engine, or null.
  [[nodiscard]] static const Seat* at(const Engine& engine) noexcept {
    const Seat* seat = top;
    while (seat != nullptr && &seat->engine_ != &engine) seat = seat->outer_;
    return seat;
  }
  [[nodiscard]] Worker* worker() const noexcept { return worker_; }

 private:
  static constinit thread_local Seat* top;

  const Engine& engine_;
  Worker* const worker_;
  Seat* const outer_;
};

}  // namespace detail
}  // namespace v0
}  // namespace errand
