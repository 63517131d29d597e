#include "spill.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

namespace errand::cli {

namespace {

constexpr std::size_t kMostPerStream = 1024 * 1024;
constexpr std::size_t kMostInAll = 64 * 1024 * 1024;

// A file system without O_TMPFILE says EISDIR, ENOENT or EOPNOTSUPP; there a name exists for a moment.
Result<Descriptor> nameless_file() {
  const char* set = std::getenv("TMPDIR");
  const std::string directory = set != nullptr && *set != '\0' ? set : "/tmp";
  Descriptor file(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file) return file;
  std::string name = directory + "/errand-run-XXXXXX";
  file = Descriptor(::mkostemp(name.data(), O_CLOEXEC));
  if (!file) return system_error("create a file for output in " + directory, errno);
  ::unlink(name.c_str());
  return file;
}

}  // namespace

bool Spill::take_memory(std::size_t bytes) {
  const MutexLock lock(mu_);
  if (in_memory_ + bytes > kMostInAll) return false;
  in_memory_ += bytes;
  return true;
}

void Spill::give_back(std::size_t bytes) {
  const MutexLock lock(mu_);
  in_memory_ -= bytes;
}

Result<int> Spill::file() {
  if (!file_) {
    auto made = nameless_file();
    if (!made) return made.error();
    file_ = std::move(*made);
  }
  return file_.get();
}

Result<Spill::Piece> Spill::put(std::string_view bytes) {
  Piece piece{0, bytes.size()};
  int fd = -1;
  {
    const MutexLock lock(mu_);
    const auto opened = file();
    if (!opened) return opened.error();
    fd = *opened;
    piece.at = end_;
    end_ += bytes.size();
  }
  for (std::uint64_t at = piece.at; !bytes.empty();) {
    const ssize_t written = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_error("hold output in a temporary file", errno);
    at += static_cast<std::uint64_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return piece;
}

Result<std::string> Spill::get(const Piece& piece, std::uint64_t offset, std::size_t most) {
  int fd = -1;
  {
    const MutexLock lock(mu_);
    fd = file_.get();
  }
  std::string bytes(std::min<std::uint64_t>(most, piece.size - offset), '\0');
  ssize_t got = 0;
  do {
    got = ::pread(fd, bytes.data(), bytes.size(), static_cast<off_t>(piece.at + offset));
  } while (got < 0 && errno == EINTR);
  if (got < 0) return system_error("read output from a temporary file", errno);
  if (got == 0) return Error(Code::failed, "read output from a temporary file: it has become shorter");
  bytes.resize(static_cast<std::size_t>(got));
  return bytes;
}

void Spill::drop(const Piece& piece) noexcept {
  const MutexLock lock(mu_);
  ::fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(piece.at),
              static_cast<off_t>(piece.size));
}

Captured::Captured(Captured&& other) noexcept
    : spill_(other.spill_), memory_(std::exchange(other.memory_, {})), pieces_(std::exchange(other.pieces_, {})) {}

Captured& Captured::operator=(Captured&& other) noexcept {
  std::swap(spill_, other.spill_);
  memory_.swap(other.memory_);
  pieces_.swap(other.pieces_);
  return *this;
}

Result<void> Captured::append(std::string_view bytes) {
  if (bytes.empty()) return {};
  const bool in_memory = pieces_.empty() && memory_.size() + bytes.size() <= kMostPerStream;
  if (in_memory && spill_->take_memory(bytes.size())) {
    memory_ += bytes;
    return {};
  }
  const auto piece = spill_->put(bytes);
  if (!piece) return piece.error();
  if (!pieces_.empty() && pieces_.back().at + pieces_.back().size == piece->at) {
    pieces_.back().size += piece->size;
  } else {
    pieces_.push_back(*piece);
  }
  return {};
}

void Captured::clear() noexcept {
  if (!memory_.empty()) spill_->give_back(memory_.size());
  memory_ = {};
  for (const auto& piece : pieces_) spill_->drop(piece);
  pieces_.clear();
}

Result<std::string> Captured::text() const {
  std::string text;
  auto r = read([&text](std::string_view part) -> Result<void> {
    text += part;
    return {};
  });
  if (!r) return r.error();
  return text;
}

}  // namespace errand::cli
