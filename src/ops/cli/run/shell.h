#pragma once
// Starting sh.

#include "descriptor.h"

#include <errand/result.h>

#include <signal.h>
#include <sys/types.h>

#include <string>

namespace errand::cli {

/// A shell at work, and our ends of its pipes.
struct ShellProcess {
  pid_t pid = -1;      ///< also the id of its process group
  Descriptor ended{};  ///< a pidfd: readable once the process has ended
  Descriptor out{};
  Descriptor err{};
  Event asked{};  ///< set by whoever wants it to end
};

/// Starts `/bin/sh -c COMMAND` for each command, in a process group of its own, so that signals from the terminal do
/// not reach it and that it can be ended with everything it started; its standard input is /dev/null.
///
/// Threads: start() may be called from any.
class Shell {
 public:
  /// `signals` is the mask the commands get: what this process had before it blocked any.
  [[nodiscard]] static Result<Shell> make(const sigset_t& signals);

  /// Errors: `unavailable` while the system has no room for another process, `failed` if it will not start this one.
  [[nodiscard]] Result<ShellProcess> start(const std::string& command) const;

 private:
  Descriptor nothing_;
  sigset_t signals_{};
};

}  // namespace errand::cli
