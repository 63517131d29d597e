#pragma once
// One command, from its start to the end of everything it started.

#include "children.h"
#include "shell.h"

#include <errand/clock.h>
#include <errand/result.h>

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace errand::cli {

enum class Stream : unsigned char { out, err };

/// Takes what a command writes, as it comes.
class OutputSink {
 public:
  virtual ~OutputSink() = default;
  /// An error ends the command at once.
  [[nodiscard]] virtual Result<void> write(Stream stream, std::string_view bytes) = 0;
};

/// How a command ended.
struct CommandEnd {
  int exit_code = 0;
  int signal = 0;  ///< that ended it, or 0
  bool timed_out = false;
  bool stopped = false;  ///< it was asked to end before its time
  WallTime started_at{};
  Duration took{};

  [[nodiscard]] bool succeeded() const noexcept { return exit_code == 0 && signal == 0 && !timed_out && !stopped; }
  /// As a shell says it: the exit code, or 128 + signal. One that left with 0 all the same is 124 where its time was
  /// over, and 143 where it was asked to end; so 0 means success.
  [[nodiscard]] int status() const noexcept;
  /// "exit code 3", "signal 9 (Killed)", "timed out".
  [[nodiscard]] std::string text() const;
};

struct CommandLimits {
  std::optional<Duration> timeout{};  ///< from the start of the process
  Duration kill_after{};              ///< from SIGTERM to SIGKILL
};

/// Stays with a process to its end, and hands its output to `sink` meanwhile. A token that fires, and the timeout, send
/// SIGTERM to the process group, and SIGKILL to what is left of it after `kill_after`. A command that ends by itself
/// may leave processes in the background; what they write from then on is dropped.
///
/// REQUIRES: `children` started it.
/// Errors: what `sink` says; the process group has been killed then.
[[nodiscard]] Result<CommandEnd> watch_command(ShellProcess process, const CommandLimits& limits, std::stop_token stop,
                                               OutputSink& sink, Children& children, Clock& clock);

}  // namespace errand::cli
