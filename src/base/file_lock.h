#pragma once
// A file that one process at a time has for itself.

#include <errand/result.h>

#include <string>
#include <utility>

#include "base/own_file.h"

namespace errand {
inline namespace v0 {

/// An exclusive lock, for as long as it and its process live; a forked child has no part in it. The file holds the
/// owner's pid, and stays.
class FileLock {
 public:
  /// Errors: `owned_by` names the pid of the owner that there is; `store_full` where the disk is full; `unavailable`
  ///         says what else the system said.
  [[nodiscard]] static Result<FileLock> take(const std::string& path);

 private:
  explicit FileLock(OwnFile file) : file_(std::move(file)) {}

  OwnFile file_;
};

}  // namespace v0
}  // namespace errand
