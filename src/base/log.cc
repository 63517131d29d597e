#include "base/log.h"

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

// A value of logfmt: quoted, and with nothing that could start a new line or end the quotes.
void append_quoted(std::string& line, std::string_view value) {
  line += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') line += '\\';
    line += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
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
    case LogLevel::info: return "info";
    case LogLevel::warning: return "warning";
    case LogLevel::error: return "error";
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
