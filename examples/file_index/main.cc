// Indexes files: how long, how many words, which are the same. See options.cc for what it takes.
//
// main() is an event loop: it waits for signals, for paths on standard input, and for the end of the work. All else
// happens in tasks; see indexer.h.

#include <errand/errand.h>

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "index.h"
#include "indexer.h"
#include "kept_indexer.h"
#include "memory_indexer.h"
#include "options.h"
#include "summary.h"
#include "text.h"

namespace {

// A counter that poll() can wait for.
class Bell {
 public:
  Bell() : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;
  ~Bell() { close(descriptor_); }
  void ring() const { eventfd_write(descriptor_, 1); }
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

// SIGINT and SIGTERM, as a descriptor. Threads started later have them blocked.
int open_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signalfd(-1, &signals, SFD_CLOEXEC);
}

// Paths from standard input, one a line, as far as they have come.
class Lines {
 public:
  // False at the end of the input.
  template <class Take>
  bool read_some(Take take) {
    std::array<char, 4096> buffer{};
    const ssize_t size = read(STDIN_FILENO, buffer.data(), buffer.size());
    if (size > 0) text_.append(buffer.data(), static_cast<std::size_t>(size));
    for (std::size_t end = 0; (end = text_.find('\n')) != std::string::npos; text_.erase(0, end + 1)) {
      if (end > 0) take(text_.substr(0, end));
    }
    if (size <= 0 && !text_.empty()) take(std::exchange(text_, {}));
    return size > 0;
  }

 private:
  std::string text_;
};

// One name for each file, however the roots are written.
std::string absolute(const std::string& path) {
  std::error_code error;
  const auto name = std::filesystem::canonical(path, error);
  return error ? path : name.string();
}

errand::Result<std::unique_ptr<Indexer>> open_indexer(const Options& options, Index& index) {
  if (!options.store.empty()) return open_kept_indexer(options, index);
  return std::unique_ptr<Indexer>(std::make_unique<MemoryIndexer>(options, index));
}

void report_progress(const Indexer& indexer) {
  const errand::Stats read = indexer.read_stats();
  std::clog << indexer.progress() + "; " + std::to_string(read.running) + " being read, " +
                   std::to_string(read.available) + " next, " + std::to_string(read.retryable) +
                   " to be tried again, " + in_groups(indexer.walk_stats().available) + " directories to go\n";
}

// Waits until the work is done, and meanwhile does what signals and standard input say. True if there was a signal.
bool wait_for_end(const Options& options, Indexer& indexer, errand::Queue& aside, int signals, const Bell& done,
                  HoldsWork work) {
  std::array<pollfd, 3> events{
      {{done.descriptor(), POLLIN, 0}, {signals, POLLIN, 0}, {options.read_stdin ? STDIN_FILENO : -1, POLLIN, 0}}};
  auto& [end, signal, input] = events;
  const auto close_input = [&] {
    input.fd = -1;
    input.revents = 0;
    work.reset();
  };
  if (!options.read_stdin) close_input();
  Lines lines;
  int count = 0;
  while (end.revents == 0) {
    if (poll(events.data(), events.size(), -1) < 0) continue;
    signalfd_siginfo info{};
    if (signal.revents != 0 && read(signals, &info, sizeof info) == sizeof info) {
      if (++count > 1) {
        indexer.give_up();
      } else {
        const std::string what = options.store.empty() ? "read what is queued" : "finish what has begun";
        std::clog << "stopping: for at most " + in_time(options.deadline) + " to " + what + "; again: at once\n";
        close_input();
        aside.submit([&] { indexer.stop(options.deadline); });
      }
    }
    if (input.revents != 0) {
      const auto walk = [&](const std::string& path) { indexer.walk_now(absolute(path), work); };
      if (!lines.read_some(walk)) close_input();
    }
  }
  return count > 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto given = read_options(argc, argv);
  if (const int* code = std::get_if<int>(&given)) return *code;
  const Options& options = std::get<Options>(given);
  const int signals = open_signals();
  const auto begin = std::chrono::steady_clock::now();

  Index index;
  Bell done;
  auto opened = open_indexer(options, index);
  if (!opened) {
    std::cerr << "file_index: --store: " + opened.error().message() + "\n";
    return 2;
  }
  Indexer& indexer = **opened;
  errand::Queue aside({.name = "aside", .workers = 2});  // what must not wait behind files
  if (!options.quiet && options.progress.count() > 0) {
    aside.every(options.progress, [&] { report_progress(indexer); }, {.overlap = errand::Overlap::skip});
  }

  HoldsWork work = std::make_shared<Work>([&done] { done.ring(); });
  for (const std::string& path : options.urgent) indexer.walk_now(absolute(path), work);
  std::vector<std::string> roots;
  for (const std::string& root : options.roots) roots.push_back(absolute(root));
  indexer.walk(roots, work);
  const bool interrupted = wait_for_end(options, indexer, aside, signals, done, std::move(work));
  aside.shutdown();
  indexer.close();
  print_summary(index, indexer, options, std::chrono::steady_clock::now() - begin);
  return interrupted ? 130 : index.errors().empty() ? 0 : 1;
}
