#pragma once
// The record of what was run: a table with a line for each attempt that came to its end.

#include "child_process.h"
#include "descriptor.h"
#include "done_before.h"

#include <errand/clock.h>
#include <errand/result.h>

#include "base/mutex.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace errand::cli {

/// One line: seven columns with tabs between them, as the header names them.
struct JobLogEntry {
  std::uint64_t seq = 0;  ///< the number of the line of input, from 1
  WallTime started_at{};  ///< in seconds since 1970, to the millisecond
  Duration took{};        ///< in seconds, to the millisecond
  int exit_code = 0;      ///< 0 where a signal ended it; 124 where it ran out of time and left with 0
  int signal = 0;
  int attempt = 1;
  std::string command{};  ///< backslash, tab and newline as \\, \t and \n; other bytes as they are

  [[nodiscard]] bool succeeded() const noexcept { return exit_code == 0 && signal == 0; }
};

inline constexpr std::string_view kJobLogHeader = "seq\tstart\truntime\texit\tsignal\tattempt\tcommand\n";

/// The entry with its newline.
[[nodiscard]] std::string format_entry(const JobLogEntry& entry);
/// Nothing where the line, without its newline, is not one that format_entry() makes.
[[nodiscard]] std::optional<JobLogEntry> parse_entry(std::string_view line);

/// A log file, open for writing. Lines are written whole, each with one system call, so that a reader and a crash see
/// a torn line at the very end at most. A lock keeps a second `errand run` out of the file.
///
/// Threads: add() may be called from any.
class JobLog {
 public:
  /// Begins a new log; an old one in its place is overwritten, any other file is refused.
  [[nodiscard]] static Result<std::unique_ptr<JobLog>> begin(const std::string& path);
  /// Goes on with the log that is there, or begins one. What it says has succeeded is added to `done`, and a torn line
  /// at its end is cut off.
  [[nodiscard]] static Result<std::unique_ptr<JobLog>> resume(const std::string& path, DoneBefore& done);

  [[nodiscard]] Result<void> add(const JobLogEntry& entry) ERRAND_EXCLUDES(mu_);

 private:
  JobLog(Descriptor file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}
  [[nodiscard]] static Result<std::unique_ptr<JobLog>> open(const std::string& path);
  [[nodiscard]] Result<void> read_into(DoneBefore* done, std::uint64_t& whole) const;
  [[nodiscard]] Result<void> start_at(std::uint64_t size);
  [[nodiscard]] bool is_regular() const;

  Mutex mu_;  // one write at a time, should the kernel split one
  Descriptor file_;
  std::string path_;
};

}  // namespace errand::cli
