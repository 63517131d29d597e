#include "base/own_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "base/fork.h"
#include "base/mutex.h"

namespace errand {
inline namespace v0 {

namespace {

// Locked from before a file is opened until it is among them, so that no fork comes in between.
struct OwnFiles final : PerProcess {
  void in_child() noexcept ERRAND_REQUIRES(mu) override {
    for (const int number : numbers) ::close(number);
    numbers.clear();
  }
  std::vector<int> numbers ERRAND_GUARDED_BY(mu);
};

OwnFiles& own_files() {
  static OwnFiles& files = make_per_process<OwnFiles>(Layer::base);
  return files;
}
[[maybe_unused]] const OwnFiles& own_files_made_early = own_files();

}  // namespace

OwnFile OwnFile::open(const std::string& path) {
  OwnFiles& files = own_files();
  MutexLock lock(files.mu);
  files.numbers.reserve(files.numbers.size() + 1);
  constexpr int kMake = O_RDWR | O_CREAT | O_CLOEXEC;
  int number = ::open(path.c_str(), kMake | O_EXCL, 0644);
  const bool is_new = number >= 0;
  if (number < 0 && errno == EEXIST) number = ::open(path.c_str(), kMake, 0644);
  OwnFile file(number, is_new);
  if (file.number_ >= 0) files.numbers.push_back(file.number_);
  return file;
}

OwnFile::OwnFile(int number, bool is_new) noexcept : number_(number), is_new_(is_new), forks_(forks_so_far()) {}

OwnFile::OwnFile(OwnFile&& other) noexcept
    : number_(std::exchange(other.number_, -1)), is_new_(other.is_new_), forks_(other.forks_) {}

bool OwnFile::is_at(const std::string& path) const noexcept {
  struct stat ours {};
  struct stat named {};
  return forks_ == forks_so_far() && fstat(number_, &ours) == 0 && stat(path.c_str(), &named) == 0 &&
         ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

void OwnFile::close() noexcept {
  const int number = std::exchange(number_, -1);
  if (number < 0 || forks_ != forks_so_far()) return;
  MutexLock lock(own_files().mu);
  std::erase(own_files().numbers, number);
  ::close(number);
}

}  // namespace v0
}  // namespace errand
