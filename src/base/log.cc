#include "base/log.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>

#include "base/mutex.h"

namespace errand {
inline namespace v0 {

namespace {

using Logger = Callback<void(const LogLine&)>;

// Never destroyed: threads may still have something to say while the process exits.
struct Sink {
  Mutex mu;
  std::shared_ptr<const Logger> logger ERRAND_GUARDED_BY(mu);
};

Sink& sink() {
  static Sink& sink = *new Sink;
  return sink;
}

// Control characters: a new line would forge a message, an escape would be obeyed by a terminal. U+0080 to U+009F, two
// bytes each in UTF-8, are escapes of their own.
std::size_t control_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x20 || first == 0x7F) return 1;
  const bool c1 = first == 0xC2 && text.size() > 1 && static_cast<unsigned char>(text[1]) - 0x80u < 0x20u;
  return c1 ? 2 : 0;
}

// A value of logfmt: quoted, and with nothing that could start a new line or end the quotes.
void append_quoted(std::string& line, std::string_view value) {
  line += '"';
  while (!value.empty()) {
    const std::size_t control = control_length(value);
    if (value[0] == '"' || value[0] == '\\') line += '\\';
    line += control > 0 ? ' ' : value[0];
    value.remove_prefix(std::max<std::size_t>(control, 1));
  }
  line += '"';
}

void write_to_stderr(const LogLine& message) {
  std::string line = "errand level=";
  line += to_string(message.level);
  if (!message.queue.empty()) {
    line += " queue=";
    append_quoted(line, message.queue);
  }
  line += " msg=";
  append_quoted(line, message.text);
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace

std::string_view to_string(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
  }
  return "unknown";
}

void set_logger(Logger logger) {
  auto next = logger ? std::make_shared<const Logger>(std::move(logger)) : nullptr;
  // The old one is destroyed after the lock is left: its destructor is the user's code.
  MutexLock lock(sink().mu);
  std::swap(sink().logger, next);
}

void log(LogLevel level, std::string_view queue, std::string_view text) noexcept {
  try {
    std::shared_ptr<const Logger> logger;
    {
      MutexLock lock(sink().mu);
      logger = sink().logger;
    }
    const LogLine line{level, queue, text};
    if (logger) {
      (*logger)(line);
    } else {
      write_to_stderr(line);
    }
  } catch (...) {
    // A logger that fails has nobody left to tell.
  }
}

}  // namespace v0
}  // namespace errand
