#include "listing.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <utility>

namespace {

struct Directory {
  explicit Directory(const char* path) : stream(opendir(path)) {}
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() {
    if (stream != nullptr) closedir(stream);
  }
  DIR* stream;
};

std::string below(const std::string& directory, const char* name) {
  return directory.ends_with('/') ? directory + name : directory + "/" + name;
}

bool is_dots(const char* name) {
  return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

}  // namespace

errand::Result<Listing> list_directory(const std::string& path, bool follow, const Stop& stop, const Meet& meet) {
  const Directory directory(path.c_str());
  if (directory.stream == nullptr) return system_error("open");
  const int descriptor = dirfd(directory.stream);
  // See https://bford.info/cachedir.
  if (faccessat(descriptor, "CACHEDIR.TAG", F_OK, 0) == 0) return Listing::cache;
  for (;;) {
    if (stop()) return Listing::cut_short;
    errno = 0;
    const dirent* entry = readdir(directory.stream);
    if (entry == nullptr) break;
    if (is_dots(entry->d_name)) continue;
    struct stat status {};
    if (fstatat(descriptor, entry->d_name, &status, follow ? 0 : AT_SYMLINK_NOFOLLOW) == 0) {
      meet(below(path, entry->d_name), status);
    } else {
      meet(below(path, entry->d_name), system_error("stat"));
    }
  }
  if (errno != 0) return system_error("read");
  return Listing::whole;
}

bool is_recent(const struct stat& status, std::chrono::minutes age) {
  return std::time(nullptr) - status.st_mtim.tv_sec < std::chrono::seconds(age).count();
}
