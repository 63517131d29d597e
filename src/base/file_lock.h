#pragma once
// A file that one process at a time has for itself.

#include <errand/result.h>

#include <string>

namespace errand {
inline namespace v0 {

/// An exclusive lock, for as long as it lives. The file holds the owner's pid, and stays.
class FileLock {
 public:
  /// Errors: `owned_by` names the pid of the owner that there is; `unavailable` says what the system said.
  [[nodiscard]] static Result<FileLock> take(const std::string& path);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int file) : file_(file) {}

  int file_;
};

}  // namespace v0
}  // namespace errand
