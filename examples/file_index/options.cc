#include "options.h"

#include <getopt.h>

#include <charconv>
#include <cmath>
#include <iostream>
#include <sstream>
#include <string_view>
#include <type_traits>

namespace {

constexpr const char* kHelp = R"(Usage: file_index [OPTIONS] ROOT...
Counts and hashes the files below each ROOT, many at once, and says which are the same.

  -w, --workers N         files to read at once [one per usable CPU]
  -r, --recent MINUTES    files changed so lately go before others; 0: none do [60]
  -u, --urgent PATH       goes before everything else; may be given often
      --stdin             also take such paths from standard input, one a line, until it ends
      --follow            follow symbolic links
      --store FILE        keep all tasks in this SQLite file: after a crash, kill -9 or Ctrl-C the next run with it goes
                          on where this one was. It is not indexed itself
      --kill-after N      with --store: this process kills itself, as kill -9 does, in the middle of the Nth file it reads
      --file-timeout SEC  for each attempt to read a file [60]
      --progress SEC      how often to report on standard error; 0: never [1]
      --deadline SEC      after Ctrl-C, for what is queued already, or with --store, for what has begun; a second
                          Ctrl-C ends it at once [5]
      --largest N         how many of the largest files to name [5]
  -q, --quiet             no progress, no word about single files
  -h, --help

Exit status: 0 fine; 1 some files could not be read; 2 misused, or FILE can't be used; 130 interrupted.
)";

enum Long { kStdin = 256, kFollow, kFileTimeout, kProgress, kDeadline, kLargest, kStore, kKillAfter };

constexpr option kLong[] = {{"workers", required_argument, nullptr, 'w'},
                            {"recent", required_argument, nullptr, 'r'},
                            {"urgent", required_argument, nullptr, 'u'},
                            {"stdin", no_argument, nullptr, kStdin},
                            {"follow", no_argument, nullptr, kFollow},
                            {"file-timeout", required_argument, nullptr, kFileTimeout},
                            {"progress", required_argument, nullptr, kProgress},
                            {"deadline", required_argument, nullptr, kDeadline},
                            {"largest", required_argument, nullptr, kLargest},
                            {"store", required_argument, nullptr, kStore},
                            {"kill-after", required_argument, nullptr, kKillAfter},
                            {"quiet", no_argument, nullptr, 'q'},
                            {"help", no_argument, nullptr, 'h'},
                            {}};

// Reads numbers, and remembers the first that is none.
struct Numbers {
  std::string wrong;

  template <class Number>
  Number read(const char* what, Number least, Number most) {
    const std::string_view text = optarg;
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size() && number >= least && number <= most) return number;
    if (wrong.empty()) {
      std::ostringstream message;
      message << what << ": expected a " << (std::is_integral_v<Number> ? "whole number" : "number") << " from "
              << least << " to " << most << ", got \"" << text << "\"";
      wrong = message.str();
    }
    return least;
  }
  std::chrono::milliseconds seconds(const char* what, double least = 0) {
    return std::chrono::milliseconds(std::llround(read(what, least, 86'400.0) * 1'000));
  }
};

}  // namespace

std::variant<Options, int> read_options(int argc, char** argv) {
  Options options;
  Numbers numbers;
  int letter = 0;
  while ((letter = getopt_long(argc, argv, "w:r:u:qh", kLong, nullptr)) != -1) {
    switch (letter) {
      case 'w':
        options.workers = numbers.read("--workers", 0, 1024);
        break;
      case 'r':
        options.recent = std::chrono::minutes(numbers.read("--recent", 0, 1'000'000'000));
        break;
      case 'u':
        options.urgent.emplace_back(optarg);
        break;
      case 'q':
        options.quiet = true;
        break;
      case kStdin:
        options.read_stdin = true;
        break;
      case kFollow:
        options.follow = true;
        break;
      case kFileTimeout:
        options.file_timeout = numbers.seconds("--file-timeout", 0.001);
        break;
      case kProgress:
        options.progress = numbers.seconds("--progress");
        break;
      case kDeadline:
        options.deadline = numbers.seconds("--deadline");
        break;
      case kLargest:
        options.largest = numbers.read("--largest", 0, 1000);
        break;
      case kStore:
        options.store = optarg;
        if (options.store.empty()) numbers.wrong = "--store: expected the path of a file, got \"\"";
        break;
      case kKillAfter:
        options.kill_after = numbers.read("--kill-after", 1, 1'000'000'000);
        break;
      case 'h':
        std::cout << kHelp;
        return 0;
      default:
        std::cerr << "Try 'file_index --help'.\n";
        return 2;
    }
  }
  options.roots.assign(argv + optind, argv + argc);
  if (numbers.wrong.empty() && options.roots.empty() && options.urgent.empty() && !options.read_stdin) {
    numbers.wrong = "expected at least one ROOT";
  }
  if (numbers.wrong.empty() && options.kill_after > 0 && options.store.empty()) {
    numbers.wrong = "--kill-after: expected --store as well: what is in memory is lost with the process";
  }
  if (numbers.wrong.empty()) return options;
  std::cerr << "file_index: " << numbers.wrong << "\nTry 'file_index --help'.\n";
  return 2;
}
