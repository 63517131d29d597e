#pragma once
// The commands to run, one by one.

#include "command_line.h"
#include "input.h"

#include <errand/result.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace errand::cli {

/// Makes a command of each line of input. Where lines are commands themselves, blank ones are left out.
///
/// Threads: one at a time.
class CommandSource {
 public:
  CommandSource(Input& input, std::string_view line_template) : input_(input), line_(line_template) {}
  /// The next command; nothing at the end of the input, or when `stop` is set.
  [[nodiscard]] Result<std::optional<std::string>> next(const Event& stop);
  /// The number of the command that next() gave last, from 1.
  [[nodiscard]] std::uint64_t seq() const noexcept { return seq_; }

 private:
  Input& input_;
  CommandLine line_;
  std::uint64_t seq_ = 0;
};

}  // namespace errand::cli
