#include "base/file_lock.h"

#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace errand {
inline namespace v0 {

namespace {

Error refused(const std::string& what) {
  return {Code::unavailable, what + ": " + std::strerror(errno)};
}

std::string read_pid(int file) {
  char text[32] = {};
  const ssize_t length = pread(file, text, sizeof text - 1, 0);
  std::string pid(text, length > 0 ? static_cast<std::size_t>(length) : 0);
  while (!pid.empty() && pid.back() == '\n') pid.pop_back();
  return pid.empty() ? "unknown" : pid;
}

}  // namespace

Result<FileLock> FileLock::take(const std::string& path) {
  OwnFile own = OwnFile::open(path);
  const int file = own.number();
  if (file < 0) return refused("cannot open \"" + path + "\"");
  if (flock(file, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return refused("cannot lock \"" + path + "\"");
    return Error(Code::owned_by, "process " + read_pid(file) + " has it; there is one owner at a time");
  }
  const std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(file, 0) != 0 || pwrite(file, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
    return refused("cannot write \"" + path + "\"");
  return FileLock(std::move(own));
}

}  // namespace v0
}  // namespace errand
