#pragma once
// A file that one process at a time has for itself.

#include <errand/result.h>

#include <optional>
#include <string>
#include <utility>

#include "base/own_file.h"

namespace errand {
inline namespace v0 {

/// An exclusive lock, for as long as it and its process live; a forked child has no part in it. The file holds the
/// owner's pid. It stays where it was there before, or after keep(); else it goes with the lock, and whoever has opened
/// it meanwhile makes another one.
///
/// Threads: one at a time.
class FileLock {
 public:
  /// Errors: `owned_by` names the pid of the owner that there is; `store_full` where the disk is full; `unavailable`
  ///         says what else the system said.
  [[nodiscard]] static Result<FileLock> take(const std::string& path);
  /// Of the file that was opened there. Nothing where its owner has removed it since: a lock of it keeps out nobody.
  [[nodiscard]] static Result<std::optional<FileLock>> take(const std::string& path, OwnFile opened);
  FileLock(FileLock&& other) noexcept = default;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

  void keep() noexcept { is_kept_ = true; }

 private:
  FileLock(OwnFile file, const std::string& path) : file_(std::move(file)), path_(path), is_kept_(!file_.is_new()) {}

  OwnFile file_;
  std::string path_;
  bool is_kept_;
};

}  // namespace v0
}  // namespace errand
