#pragma once
// What is known so far. Tasks on many threads write to it, the progress report reads it.

#include <map>
#include <mutex>
#include <string>
#include <unordered_map>

#include "measure.h"

// What a walk meets and leaves alone.
struct Skipped {
  std::uint64_t links = 0;
  std::uint64_t special = 0;  // pipes, sockets, devices
  std::uint64_t again = 0;    // directories met a second time, as in a loop of links
  std::uint64_t caches = 0;   // directories with a CACHEDIR.TAG
};

struct Totals {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t errors = 0;
};

class Index {
 public:
  // A path that is read again takes the place of what was known of it.
  void add(const std::string& path, const FileStats& stats);
  void add_error(const std::string& path, std::string why);
  void add_unread();  // listed, but given up since the program is to end
  void skip(std::uint64_t Skipped::*what);
  void skip(const Skipped& more);

  Totals totals() const;

  // For the end, when nobody writes any more.
  const std::unordered_map<std::string, FileStats>& files() const { return files_; }
  const std::map<std::string, std::string>& errors() const { return errors_; }
  const Skipped& skipped() const { return skipped_; }
  std::uint64_t unread() const { return unread_; }

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, FileStats> files_;
  std::map<std::string, std::string> errors_;
  std::uint64_t bytes_ = 0;
  std::uint64_t unread_ = 0;
  Skipped skipped_;
};
