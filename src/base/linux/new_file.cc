#include "base/new_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "base/refused.h"

namespace errand {
inline namespace v0 {

namespace {

Error cannot(const std::string& what, const std::string& path) {
  return refused("cannot " + what + " \"" + path + "\"", errno);
}

Error is_there(const std::string& path) {
  return {Code::invalid, "\"" + path + "\" is there already, and is not written over"};
}

bool exists(const std::string& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0;
}

// 0, or -1 with errno. File systems that know no exclusive rename leave a moment between the look and the rename.
int rename_to_new(const std::string& from, const std::string& to) {
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return -1;
  if (exists(to)) {
    errno = EEXIST;
    return -1;
  }
  return rename(from.c_str(), to.c_str());
}

// A name is on the disk when its folder is.
int flush_folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  const int file = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return -1;
  const int flushed = fsync(file);
  const int why = errno;
  close(file);
  errno = why;
  return flushed;
}

}  // namespace

Result<NewFile> NewFile::begin(const std::string& path) {
  if (exists(path)) return is_there(path);
  const std::string partial = path + ".partial";
  OwnFile own = OwnFile::open(partial);
  const int number = own.number();
  if (number < 0) return cannot("make", partial);
  // The lock goes with the process, so that what a dead one left is nobody's. Whoever had it before may have given it
  // its name, or removed it, between our open and our lock.
  if (flock(number, LOCK_EX | LOCK_NB) != 0 || !own.is_at(partial))
    return Error(Code::unavailable, "somebody else is just writing \"" + partial + "\"");
  NewFile file(path, std::move(own));
  if (ftruncate(number, 0) != 0) return cannot("empty", partial);
  return file;
}

NewFile::~NewFile() {
  if (file_.number() >= 0) unlink(partial().c_str());
}

Result<void> NewFile::flush() {
  if (fdatasync(file_.number()) != 0) return cannot("flush", partial());
  return {};
}

Result<void> NewFile::finish() {
  if (fsync(file_.number()) != 0) return cannot("flush", partial());
  if (rename_to_new(partial(), path_) != 0) return errno == EEXIST ? is_there(path_) : cannot("name", path_);
  if (flush_folder_of(path_) != 0) {
    const Error why = cannot("flush the folder of", path_);
    unlink(path_.c_str());
    return why;
  }
  file_.close();
  return {};
}

}  // namespace v0
}  // namespace errand
