#include "base/own_file.h"

#include <fcntl.h>
#include <unistd.h>

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
  OwnFile file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (file.number_ >= 0) files.numbers.push_back(file.number_);
  return file;
}

OwnFile::OwnFile(int number) noexcept : number_(number), forks_(forks_so_far()) {}

OwnFile::OwnFile(OwnFile&& other) noexcept : number_(std::exchange(other.number_, -1)), forks_(other.forks_) {}

void OwnFile::close() noexcept {
  const int number = std::exchange(number_, -1);
  if (number < 0 || forks_ != forks_so_far()) return;
  MutexLock lock(own_files().mu);
  std::erase(own_files().numbers, number);
  ::close(number);
}

}  // namespace v0
}  // namespace errand
