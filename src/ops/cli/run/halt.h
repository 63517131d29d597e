#pragma once
// How a run is ended before its time.

#include "descriptor.h"

#include <errand/result.h>

#include <stop_token>

namespace errand::cli {

/// Two switches that only go one way: start no more, and kill what runs.
///
/// Threads: any.
class Halt {
 public:
  [[nodiscard]] static Result<Halt> make();

  void stop_starting() const noexcept { soon_.set(); }
  /// Has the thread that waits for wish() call kill(): from inside a task, which should not cancel others itself.
  void ask_for_kill() const noexcept {
    soon_.set();
    wish_.set();
  }
  [[nodiscard]] const Event& wish() const noexcept { return wish_; }
  /// Also stops starting. Calls the callbacks of those who listen to now(), in this thread.
  void kill() {
    soon_.set();
    now_.request_stop();
  }
  /// Set once no more commands may be started.
  [[nodiscard]] const Event& soon() const noexcept { return soon_; }
  [[nodiscard]] bool starting() const noexcept;
  [[nodiscard]] std::stop_token now() const noexcept { return now_.get_token(); }

 private:
  Event soon_{};
  Event wish_{};
  std::stop_source now_{};
};

}  // namespace errand::cli
