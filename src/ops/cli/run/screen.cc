#include "screen.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <utility>

namespace errand::cli {

namespace {

// A longer line is printed in parts, since it has to be held until its end comes.
constexpr std::size_t kMaxLineHeld = 16 * 1024 * 1024;

Result<void> print(Stream stream, std::string_view bytes) {
  if (stream == Stream::out) return write_all(STDOUT_FILENO, bytes, "write to standard output");
  return write_all(STDERR_FILENO, bytes, "write to standard error");
}

// For words of our own: where standard error is closed there is nobody to tell.
void print_note(std::string_view text) {
  [[maybe_unused]] const auto ignored = print(Stream::err, text);
}

std::string note_line(std::string_view text) {
  return "errand run: " + std::string(text) + "\n";
}

// Whether standard error would take a line at once; a terminal that was stopped with Ctrl-S does not.
bool takes_notes() {
  pollfd room{STDERR_FILENO, POLLOUT, 0};
  return ::poll(&room, 1, 0) == 1;
}

}  // namespace

Result<void> Screen::write(Stream stream, std::string_view bytes) {
  Result<void> printed;
  {
    const MutexLock lock(mu_);
    erase();
    printed = print(stream, bytes);
  }
  print_waiting();
  return printed;
}

Result<void> Screen::write(const Captured& out, const Captured& err) {
  if (out.empty() && err.empty()) return {};
  Result<void> printed;
  {
    const MutexLock lock(mu_);
    printed = write_locked(out, err);
  }
  print_waiting();
  return printed;
}

Result<void> Screen::write_locked(const Captured& out, const Captured& err) {
  erase();
  auto printed = out.read([](std::string_view part) { return print(Stream::out, part); });
  if (!printed) return printed;
  return err.read([](std::string_view part) { return print(Stream::err, part); });
}

void Screen::note(std::string_view text) {
  {
    const MutexLock lock(mu_);
    erase();
    print_note(note_line(text));
  }
  print_waiting();
}

// The note is there before the lock is tried: whoever has it looks for notes only after letting go of it.
void Screen::note_now(std::string_view text) {
  {
    const MutexLock lock(waiting_mu_);
    waiting_ += note_line(text);
  }
  print_waiting();
}

void Screen::print_waiting() {
  while (any_waiting()) {
    if (!mu_.try_lock()) return;
    const std::string notes = take_waiting();
    if (!notes.empty() && takes_notes()) {
      erase();
      print_note(notes);
    }
    mu_.unlock();
  }
}

bool Screen::any_waiting() {
  const MutexLock lock(waiting_mu_);
  return !waiting_.empty();
}

std::string Screen::take_waiting() {
  const MutexLock lock(waiting_mu_);
  return std::exchange(waiting_, {});
}

// One write for the whole bar: carriage return, text, and "clear to the end of the line".
void Screen::draw(std::string_view bar) {
  if (!mu_.try_lock()) return;
  if (takes_notes()) {
    if (bar.empty()) erase();
    if (!bar.empty()) print_note("\r" + std::string(bar) + "\x1b[K");
    drawn_ = !bar.empty();
  }
  mu_.unlock();
  print_waiting();
}

void Screen::erase() {
  if (!drawn_) return;
  print_note("\r\x1b[K");
  drawn_ = false;
}

bool Screen::has_terminal() noexcept {
  return ::isatty(STDERR_FILENO) == 1;
}

int Screen::width() noexcept {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

Result<void> LineSink::write(Stream stream, std::string_view bytes) {
  std::string& line = line_[stream == Stream::out ? 0 : 1];
  const auto newline = bytes.rfind('\n');
  if (newline == std::string_view::npos && line.size() + bytes.size() <= kMaxLineHeld) {
    line += bytes;
    return {};
  }
  const std::size_t whole = newline == std::string_view::npos ? bytes.size() : newline + 1;
  line += bytes.substr(0, whole);
  const std::string lines = std::exchange(line, std::string(bytes.substr(whole)));
  return screen_.write(stream, lines);
}

Result<void> LineSink::finish() {
  for (const Stream stream : {Stream::out, Stream::err}) {
    std::string line = std::exchange(line_[stream == Stream::out ? 0 : 1], {});
    if (line.empty()) continue;
    if (auto r = screen_.write(stream, line + '\n'); !r) return r;
  }
  return {};
}

}  // namespace errand::cli
