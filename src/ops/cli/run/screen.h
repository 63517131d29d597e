#pragma once
// Standard output and standard error, with a progress bar below them where a person looks on.

#include "child_process.h"
#include "spill.h"

#include <errand/result.h>

#include "base/mutex.h"

#include <string>
#include <string_view>

namespace errand::cli {

/// Everything errand run prints goes through here, a call at a time, so that no two commands share a line.
///
/// Threads: any. A reader who does not read makes the caller wait.
class Screen {
 public:
  [[nodiscard]] Result<void> write(Stream stream, std::string_view bytes) ERRAND_EXCLUDES(mu_);
  /// First what was captured of standard output, then of standard error.
  [[nodiscard]] Result<void> write(const Captured& out, const Captured& err) ERRAND_EXCLUDES(mu_);
  /// "errand run: TEXT" on standard error. Nobody is told if that fails.
  void note(std::string_view text) ERRAND_EXCLUDES(mu_);

  /// The same for whoever must not be held up by a reader who does not read: while another thread prints, that one
  /// prints this next. Where standard error itself takes nothing, it is dropped.
  void note_now(std::string_view text) ERRAND_EXCLUDES(mu_, waiting_mu_);
  /// Draws the bar in place of the last one, unless that would have to wait. It vanishes before anything else is
  /// printed, and for good with an empty text.
  void draw(std::string_view bar) ERRAND_EXCLUDES(mu_);
  /// Whether somebody would see a bar.
  [[nodiscard]] static bool has_terminal() noexcept;
  /// Its columns; 80 if it does not say.
  [[nodiscard]] static int width() noexcept;

 private:
  void erase() ERRAND_REQUIRES(mu_);
  [[nodiscard]] Result<void> write_locked(const Captured& out, const Captured& err) ERRAND_REQUIRES(mu_);
  /// After each hold of mu_: the notes that came meanwhile.
  void print_waiting() ERRAND_EXCLUDES(mu_, waiting_mu_);
  [[nodiscard]] bool any_waiting() ERRAND_EXCLUDES(waiting_mu_);
  [[nodiscard]] std::string take_waiting() ERRAND_EXCLUDES(waiting_mu_);

  // Lock order: mu_, then waiting_mu_, which is never held for long.
  Mutex mu_;
  bool drawn_ ERRAND_GUARDED_BY(mu_) = false;
  Mutex waiting_mu_;
  std::string waiting_ ERRAND_GUARDED_BY(waiting_mu_);
};

/// Hands whole lines of a command to the screen as they come.
class LineSink : public OutputSink {
 public:
  explicit LineSink(Screen& screen) : screen_(screen) {}
  [[nodiscard]] Result<void> write(Stream stream, std::string_view bytes) override;
  /// Prints unfinished last lines, and finishes them.
  [[nodiscard]] Result<void> finish();

 private:
  Screen& screen_;
  std::string line_[2];  // the unfinished one of each stream
};

/// Keeps what a command writes.
class CaptureSink : public OutputSink {
 public:
  CaptureSink(Captured& out, Captured& err) : out_(out), err_(err) {}
  [[nodiscard]] Result<void> write(Stream stream, std::string_view bytes) override {
    return (stream == Stream::out ? out_ : err_).append(bytes);
  }

 private:
  Captured& out_;
  Captured& err_;
};

}  // namespace errand::cli
