#pragma once
// Signals as events.

#include "descriptor.h"

#include <errand/result.h>

#include <signal.h>

namespace errand::cli {

/// Takes the signals that end or suspend a program out of their usual way, while it lives, so that one thread can read
/// them. Signals that were ignored before (as nohup has it) stay so.
///
/// Threads: made and destroyed by the main thread, before and after all others.
class Signals {
 public:
  [[nodiscard]] static Result<Signals> take();
  Signals(Signals&& other) noexcept;
  Signals& operator=(Signals&&) = delete;
  ~Signals();

  /// Readable while a signal waits.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  /// The next one, or 0.
  [[nodiscard]] int next() const noexcept;
  /// The mask of this process from before.
  [[nodiscard]] const sigset_t& before() const noexcept { return before_; }

 private:
  Signals() = default;

  bool taken_ = false;
  sigset_t before_{};
  Descriptor fd_{};
};

/// Ends the process the way `signal` does where nobody handles it, so that a shell sees what happened.
[[noreturn]] void die_of(int signal);

}  // namespace errand::cli
