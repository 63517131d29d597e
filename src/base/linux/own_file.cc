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

// Those of this process. Never destroyed: a store may outlive main(). Held from before a file is opened until it is
// among them, so that no fork comes in between.
struct OwnFiles {
  Mutex mu;
  std::vector<int> numbers ERRAND_GUARDED_BY(mu);
};

OwnFiles& own_files();

void lock_own_files() noexcept ERRAND_AROUND_FORK {
  own_files().mu.lock();
}

void unlock_own_files() noexcept ERRAND_AROUND_FORK {
  own_files().mu.unlock();
}

void close_own_files() noexcept ERRAND_AROUND_FORK {
  for (const int number : own_files().numbers) ::close(number);
  own_files().numbers.clear();
  own_files().mu.unlock();
}

OwnFiles& own_files() {
  static OwnFiles& files = *[] {
    at_fork(&lock_own_files, &unlock_own_files, &close_own_files);
    return new OwnFiles;
  }();
  return files;
}

// Made before main(): a thread that is just making it while another one forks would leave the child waiting for it.
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
