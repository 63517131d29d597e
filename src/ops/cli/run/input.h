#pragma once
// The lines to work on, read as late as possible.

#include "descriptor.h"
#include "options.h"

#include <errand/result.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace errand::cli {

/// Longest line taken, in bytes. The system lets no argument of a process be longer than 128 KiB.
inline constexpr std::size_t kMaxLine = 1024 * 1024;

/// Hands out one line after the other, from a file, from standard input, or from a list, and holds no more of the
/// input than one read brings.
///
/// Threads: one at a time.
class Input {
 public:
  /// Opens what the options name. A list ends where it ends; a file without a final separator still has its last line.
  [[nodiscard]] static Result<Input> open(const RunOptions& options);
  Input(Descriptor file, char separator, std::string name);
  explicit Input(std::vector<std::string> list);

  /// The next line without its separator; nothing at the end, or as soon as `stop` is set.
  /// Errors: `unavailable` or `failed` from the system; `invalid` for a line that is too long or holds a NUL.
  [[nodiscard]] Result<std::optional<std::string>> next(const Event& stop);

  /// The part of the input that was handed out, 0 to 1; nothing where nobody can know.
  [[nodiscard]] std::optional<double> share_read() const;
  /// True where a person would have to type the lines.
  [[nodiscard]] bool is_terminal() const;

 private:
  [[nodiscard]] Result<bool> fill(const Event& stop);
  [[nodiscard]] std::optional<std::string> take_from_list();
  [[nodiscard]] Result<std::optional<std::string>> checked(std::string line);

  Descriptor file_;
  char separator_ = '\n';
  std::string name_;
  std::vector<std::string> list_;
  std::size_t next_in_list_ = 0;
  std::string buffer_;
  std::size_t start_ = 0;     // of the next line in buffer_
  std::size_t searched_ = 0;  // no separator between start_ and here
  bool ended_ = false;
  std::uint64_t lines_ = 0;
  std::uint64_t bytes_ = 0;  // handed out
  std::uint64_t size_ = 0;   // of a regular file; 0: unknown
};

}  // namespace errand::cli
