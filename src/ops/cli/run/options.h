#pragma once
// What errand run was asked to do.

#include <errand/clock.h>
#include <errand/result.h>

#include <optional>
#include <string>
#include <vector>

namespace errand::cli {

/// What the first command that finally failed means for the others.
enum class HaltOn : unsigned char {
  never,
  soon,  ///< no more are started, those that run come to their end
  now,   ///< and those that run are killed
};

struct RunOptions {
  std::string command{};                                ///< the template; empty: each line is a command
  std::optional<std::string> file{};                    ///< read lines from here; unset or "-": from standard input
  std::optional<std::vector<std::string>> arguments{};  ///< given after ":::", in place of lines
  std::optional<int> workers{};                         ///< 1 to 1024; unset: one per usable CPU
  int retries = 0;                                      ///< further attempts after the first
  Duration backoff = std::chrono::seconds(1);           ///< before the second attempt; doubles with each one; 0: none
  std::optional<Duration> timeout{};                    ///< of each attempt
  Duration kill_after = std::chrono::seconds(5);        ///< from SIGTERM to SIGKILL
  Duration delay{};                                     ///< at least so long between two starts
  HaltOn halt = HaltOn::never;
  std::optional<std::string> joblog{};
  bool resume = false;
  bool keep_order = false;
  bool line_buffer = false;
  bool json = false;
  bool dry_run = false;
  bool null_separated = false;
  bool quiet = false;  ///< no progress, no word about single failures
};

/// The same as it stands on the command line.
struct RunArguments {
  std::vector<std::string> words{};  ///< the template's words, then perhaps ":::" and arguments
  std::optional<std::string> file{};
  std::optional<std::string> workers{};
  std::optional<std::string> retries{};
  std::optional<std::string> backoff{};
  std::optional<std::string> timeout{};
  std::optional<std::string> kill_after{};
  std::optional<std::string> delay{};
  std::optional<std::string> halt{};
  std::optional<std::string> joblog{};
  bool resume = false;
  bool keep_order = false;
  bool line_buffer = false;
  bool json = false;
  bool dry_run = false;
  bool null_separated = false;
  bool quiet = false;
};

/// Errors: `invalid`, with the option's name first: `--retries: expected 0 to 10000, got "-1"`.
[[nodiscard]] Result<RunOptions> read_options(const RunArguments& arguments);

}  // namespace errand::cli
