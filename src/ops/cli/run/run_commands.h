#pragma once
// A run from start to exit code.

#include "options.h"

namespace errand::cli {

/// Runs the commands, or with --dry-run prints them. Returns the exit code, as GNU parallel has it: see Verdict. Where
/// a signal cut the run short, the process ends by that signal and this does not return.
[[nodiscard]] int run_commands(const RunOptions& options);

}  // namespace errand::cli
