#pragma once
// What one file holds.

#include <errand/result.h>
#include <errand/retry.h>

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

using Sha256 = std::array<std::byte, 32>;

struct FileStats {
  std::uint64_t bytes = 0;
  std::uint64_t lines = 0;  // as wc counts them: newlines,
  std::uint64_t words = 0;  // and what stands between white space
  Sha256 sha256{};
  dev_t device = 0;  // together with
  ino_t inode = 0;   // this: which file it is, whatever its name
};

// Whether somebody wants it to end.
using Stop = std::function<bool()>;

// Reads a regular file from end to end. Comes back early, with an error, once `stop` says so.
// Error codes: not_found where the file is gone, invalid where it is none (any more), cancelled where it was stopped,
// unavailable for the rest.
errand::Result<FileStats> measure(const std::string& path, bool follow, const Stop& stop);

// What errno says about a path: "open: Permission denied".
errand::Error system_error(const char* call);

// What failed may work in a moment: a file that is being replaced, a share that is slow. What is gone stays gone.
errand::Retry read_again();
