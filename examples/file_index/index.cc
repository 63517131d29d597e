#include "index.h"

void Index::add(const std::string& path, const FileStats& stats) {
  const std::lock_guard lock(mutex_);
  FileStats& place = files_[path];
  bytes_ += stats.bytes - place.bytes;
  place = stats;
  errors_.erase(path);
}

void Index::add_error(const std::string& path, std::string why) {
  const std::lock_guard lock(mutex_);
  errors_[path] = std::move(why);
}

void Index::add_unread() {
  const std::lock_guard lock(mutex_);
  ++unread_;
}

void Index::skip(std::uint64_t Skipped::*what) {
  const std::lock_guard lock(mutex_);
  ++(skipped_.*what);
}

void Index::skip(const Skipped& more) {
  const std::lock_guard lock(mutex_);
  skipped_.links += more.links;
  skipped_.special += more.special;
  skipped_.again += more.again;
  skipped_.caches += more.caches;
}

Totals Index::totals() const {
  const std::lock_guard lock(mutex_);
  return {files_.size(), bytes_, errors_.size()};
}
