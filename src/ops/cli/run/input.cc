#include "input.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace errand::cli {

namespace {

constexpr std::size_t kReadSize = 64 * 1024;

// What is left to read of a regular file, or 0.
std::uint64_t bytes_ahead(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) return 0;
  const off_t at = ::lseek(fd, 0, SEEK_CUR);
  return at >= 0 && at < info.st_size ? static_cast<std::uint64_t>(info.st_size - at) : 0;
}

}  // namespace

Result<Input> Input::open(const RunOptions& options) {
  if (options.arguments) return Input(*options.arguments);
  const char separator = options.null_separated ? '\0' : '\n';
  const bool standard = !options.file || *options.file == "-";
  const std::string name = standard ? "standard input" : *options.file;
  Descriptor file(standard ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                           : ::open(options.file->c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return system_error("open " + name, errno);
  return Input(std::move(file), separator, name);
}

Input::Input(Descriptor file, char separator, std::string name)
    : file_(std::move(file)), separator_(separator), name_(std::move(name)), size_(bytes_ahead(file_.get())) {}

Input::Input(std::vector<std::string> list) : name_("argument"), list_(std::move(list)) {}

Result<std::optional<std::string>> Input::next(const Event& stop) {
  if (!file_) return take_from_list();
  for (;;) {
    const auto end = buffer_.find(separator_, searched_);
    if (end != std::string::npos) {
      std::string line = buffer_.substr(start_, end - start_);
      start_ = searched_ = end + 1;
      bytes_ += line.size() + 1;
      return checked(std::move(line));
    }
    searched_ = buffer_.size();
    if (ended_) {
      if (start_ == buffer_.size()) return std::optional<std::string>();
      std::string line = buffer_.substr(start_);
      start_ = searched_ = buffer_.size();
      bytes_ += line.size();
      return checked(std::move(line));
    }
    const auto more = fill(stop);
    if (!more) return more.error();
    if (!*more) return std::optional<std::string>();
  }
}

// Reads once. False: `stop` was set first.
Result<bool> Input::fill(const Event& stop) {
  if (buffer_.size() - start_ > kMaxLine) {
    return Error(Code::invalid, name_ + ": line " + std::to_string(lines_ + 1) + ": longer than 1 MiB");
  }
  buffer_.erase(0, start_);
  searched_ -= start_;
  start_ = 0;
  pollfd ready[2] = {{stop.fd(), POLLIN, 0}, {file_.get(), POLLIN, 0}};
  while (::poll(ready, 2, -1) < 0 && errno == EINTR) {
  }
  if (ready[0].revents != 0) return false;
  const std::size_t had = buffer_.size();
  buffer_.resize(had + kReadSize);
  ssize_t got = 0;
  do {
    got = ::read(file_.get(), buffer_.data() + had, kReadSize);
  } while (got < 0 && errno == EINTR);
  const int error = errno;
  buffer_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (got < 0 && error != EAGAIN) return system_error("read " + name_, error);
  if (got == 0) ended_ = true;
  return true;
}

Result<std::optional<std::string>> Input::checked(std::string line) {
  ++lines_;
  if (line.find('\0') == std::string::npos) return std::optional(std::move(line));
  return Error(Code::invalid, name_ + ": line " + std::to_string(lines_) +
                                  ": holds a NUL byte; --null reads a list that is separated by them");
}

std::optional<std::string> Input::take_from_list() {
  if (next_in_list_ == list_.size()) return std::nullopt;
  return std::move(list_[next_in_list_++]);
}

std::optional<double> Input::share_read() const {
  if (!file_) return list_.empty() ? 1.0 : static_cast<double>(next_in_list_) / static_cast<double>(list_.size());
  if (size_ == 0) return std::nullopt;
  return std::min(1.0, static_cast<double>(bytes_) / static_cast<double>(size_));
}

bool Input::is_terminal() const {
  return file_ && ::isatty(file_.get()) == 1;
}

}  // namespace errand::cli
