#pragma once
// A file that comes to be as a whole, or not at all.

#include <errand/result.h>

#include <string>

#include "base/own_file.h"

namespace errand {
inline namespace v0 {

/// PATH.partial, for whoever writes what is to be PATH. It gets its name at the end, so that nobody ever finds half a
/// file under that; one that a process left when it died is made anew by the next.
///
/// Threads: one at a time.
class NewFile {
 public:
  /// Makes PATH.partial, empty.
  ///
  /// Errors: `invalid` where something has the name PATH; `unavailable` where somebody else is just writing it, and
  ///         where the system refuses.
  [[nodiscard]] static Result<NewFile> begin(const std::string& path);
  NewFile(NewFile&& other) noexcept = default;
  NewFile& operator=(NewFile&&) = delete;
  /// Removes PATH.partial, unless finish() went well.
  ~NewFile();

  [[nodiscard]] std::string partial() const { return path_ + ".partial"; }
  /// What has been written so far is on the disk when it returns.
  [[nodiscard]] Result<void> flush();
  /// Flushes it, gives it its name, and flushes that. After an error there is no PATH, but for one that somebody else
  /// made meanwhile: then it is `invalid`.
  [[nodiscard]] Result<void> finish();

 private:
  NewFile(std::string path, OwnFile file) : path_(std::move(path)), file_(std::move(file)) {}

  std::string path_;
  OwnFile file_;
};

}  // namespace v0
}  // namespace errand
