#include "descriptor.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

namespace errand::cli {

void Descriptor::reset() noexcept {
  if (const int fd = std::exchange(fd_, -1); fd >= 0) ::close(fd);
}

Error system_error(std::string_view attempted, int error) {
  const bool transient = error == EAGAIN || error == ENOMEM || error == EMFILE || error == ENFILE;
  return Error(transient ? Code::unavailable : Code::failed, std::string(attempted) + ": " + std::strerror(error));
}

Result<void> write_all(int fd, std::string_view bytes, std::string_view attempted) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) {  // somebody who shares the pipe or the terminal has made it non-blocking
      pollfd room{fd, POLLOUT, 0};
      ::poll(&room, 1, -1);
      continue;
    }
    if (written < 0) return system_error(attempted, errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<Event> Event::make() {
  Event event;
  event.fd_ = Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event.fd_) return system_error("create an eventfd", errno);
  return event;
}

void Event::set() const noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(fd_.get(), &one, sizeof one);  // EAGAIN: it is set already
}

void Event::clear() const noexcept {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(fd_.get(), &count, sizeof count);
}

}  // namespace errand::cli
