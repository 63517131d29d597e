#pragma once
// What one file holds.

#include <errand/attempt.h>
#include <errand/result.h>

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <string>

using Sha256 = std::array<unsigned char, 32>;

struct FileStats {
  std::uint64_t bytes = 0;
  std::uint64_t lines = 0;  // as wc counts them: newlines,
  std::uint64_t words = 0;  // and what stands between white space
  Sha256 sha256{};
  dev_t device = 0;  // together with
  ino_t inode = 0;   // this: which file it is, whatever its name
};

// Reads a regular file from end to end. Comes back early, with an error, when the attempt is asked to stop.
// Error codes: not_found where the file is gone, invalid where it is none (any more), unavailable for the rest.
errand::Result<FileStats> measure(const std::string& path, bool follow, const errand::Attempt& attempt);

// What errno says about a path: "open: Permission denied".
errand::Error system_error(const char* call);
