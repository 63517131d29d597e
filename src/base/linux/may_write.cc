#include "base/may_write.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace errand {
inline namespace v0 {

namespace {

// By the rights that count when a file is opened: 0, or why not.
int denied(const std::string& path, int how) {
  if (faccessat(AT_FDCWD, path.c_str(), how, AT_EACCESS) == 0) return 0;
  return errno == EACCES || errno == EPERM || errno == EROFS ? errno : 0;
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

std::optional<std::string> why_no_file(const std::string& path) {
  struct stat found {};
  const std::string folder = folder_of(path);
  if (stat(folder.c_str(), &found) != 0) {
    if (errno != ENOENT && errno != ENOTDIR) return std::nullopt;
    return "there is no folder \"" + folder + "\": make it first, or give another path";
  }
  if (!S_ISDIR(found.st_mode)) return "\"" + folder + "\" is no folder: give another path";
  if (stat(path.c_str(), &found) != 0) return std::nullopt;
  if (S_ISDIR(found.st_mode)) return "it is a folder: give the path of a file in it";
  if (!S_ISREG(found.st_mode)) return "it is a device, a pipe or a socket: give the path of a file";
  if (found.st_nlink > 1) {
    return "it has " + std::to_string(found.st_nlink) +
           " names (hard links), and who opens it by another one would be kept out by nothing: remove the others, or " +
           "open a copy";
  }
  return std::nullopt;
}

std::optional<std::string> why_not_writable(const std::string& path, std::initializer_list<const char*> endings) {
  const std::string user = "user " + std::to_string(geteuid());
  const std::string folder = folder_of(path);
  if (const int why = denied(folder, W_OK | X_OK)) {
    return "the folder \"" + folder + "\" can't be written: " + std::strerror(why) + "; it has to be one in which " +
           user + " may make files, as there are some beside this one";
  }
  if (const int why = denied(path, R_OK | W_OK))
    return std::string("the file can't be written: ") + std::strerror(why) + "; " + user + " has to be able to";
  int why = 0;
  const char* const* const found = std::find_if(endings.begin(), endings.end(), [&](const char* ending) {
    return (why = denied(path + ending, R_OK | W_OK)) != 0;
  });
  if (found == endings.end()) return std::nullopt;
  return "the file \"" + path + *found + "\", which belongs to it, can't be written: " + std::strerror(why) + "; " +
         user + " has to be able to";
}

// A file without a name, which is gone with its number.
bool is_full_beside(const std::string& path) {
  const int file = open(folder_of(path).c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file < 0) return errno == ENOSPC || errno == EDQUOT;
  const int why = posix_fallocate(file, 0, 1 << 19);
  close(file);
  return why == ENOSPC || why == EDQUOT;
}

}  // namespace v0
}  // namespace errand
