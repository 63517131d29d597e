#pragma once
// A file descriptor that closes itself, and what is done with one.

#include <errand/result.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace errand::cli {

/// Owns one descriptor, or none.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { reset(); }

  [[nodiscard]] int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  void reset() noexcept;

 private:
  int fd_ = -1;
};

/// "open tasks.log: No such file or directory"; `unavailable` where the errno says that trying again may help.
[[nodiscard]] Error system_error(std::string_view attempted, int error);

/// Writes all of `bytes`, in one system call if the kernel lets it.
[[nodiscard]] Result<void> write_all(int fd, std::string_view bytes, std::string_view attempted);

/// A flag that poll() can wait for: its descriptor is readable while it is set.
///
/// Threads: any.
class Event {
 public:
  [[nodiscard]] static Result<Event> make();
  void set() const noexcept;
  void clear() const noexcept;
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  Descriptor fd_;
};

}  // namespace errand::cli
