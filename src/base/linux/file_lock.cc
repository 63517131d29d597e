#include "base/file_lock.h"

#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/refused.h"

namespace errand {
inline namespace v0 {

namespace {

std::string read_pid(int file) {
  char text[32] = {};
  const ssize_t length = pread(file, text, sizeof text - 1, 0);
  const std::string line(text, length > 0 ? static_cast<std::size_t>(length) : 0);
  const std::string pid = line.substr(0, line.find('\n'));  // behind it may be the end of a longer one
  return pid.empty() ? "unknown" : pid;
}

}  // namespace

Result<FileLock> FileLock::take(const std::string& path) {
  constexpr int kMostTries = 100;
  for (int tries = 0; tries < kMostTries; ++tries) {
    auto taken = take(path, OwnFile::open(path));
    if (!taken) return taken.error();
    if (*taken) return std::move(**taken);
  }
  return Error(Code::unavailable, "cannot lock \"" + path + "\": others make and remove it");
}

Result<std::optional<FileLock>> FileLock::take(const std::string& path, OwnFile opened) {
  const int file = opened.number();
  if (file < 0) return refused("cannot open \"" + path + "\"", errno);
  if (flock(file, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return refused("cannot lock \"" + path + "\"", errno);
    return Error(Code::owned_by, "process " + read_pid(file) + " has it; there is one owner at a time");
  }
  if (!opened.is_at(path)) return std::optional<FileLock>();
  FileLock lock(std::move(opened), path);
  const std::string pid = std::to_string(getpid()) + "\n";
  // In this order: what is written over needs no room on a disk that is full.
  if (pwrite(file, pid.data(), pid.size(), 0) < 0 || ftruncate(file, static_cast<off_t>(pid.size())) != 0)
    return refused("cannot write \"" + path + "\"", errno);
  return std::optional(std::move(lock));
}

FileLock::~FileLock() {
  if (!is_kept_ && file_.is_at(path_)) unlink(path_.c_str());
}

}  // namespace v0
}  // namespace errand
