#include "base/may_write.h"

#include <fcntl.h>
#include <unistd.h>

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

std::optional<std::string> why_not_writable(const std::string& path) {
  const std::string user = "user " + std::to_string(geteuid());
  const std::string folder = folder_of(path);
  if (const int why = denied(folder, W_OK | X_OK)) {
    return "the folder \"" + folder + "\" can't be written: " + std::strerror(why) + "; it has to be one in which " +
           user + " may make files, as there are some beside this one";
  }
  if (const int why = denied(path, R_OK | W_OK))
    return std::string("the file can't be written: ") + std::strerror(why) + "; " + user + " has to be able to";
  return std::nullopt;
}

}  // namespace v0
}  // namespace errand
