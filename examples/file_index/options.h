#pragma once
// The command line.

#include <chrono>
#include <string>
#include <variant>
#include <vector>

struct Options {
  std::vector<std::string> roots{};
  std::vector<std::string> urgent{};
  std::string store{};  // a file; empty: tasks are kept in memory
  int kill_after = 0;   // files; 0: never
  int workers = 0;      // 0: one per CPU
  bool follow = false;
  bool read_stdin = false;
  bool quiet = false;
  std::chrono::minutes recent{60};  // 0: no file is
  std::chrono::milliseconds deadline{5'000};
  std::chrono::milliseconds progress{1'000};  // 0: none
  std::chrono::milliseconds file_timeout{60'000};
  int largest = 5;
};

// The options, or the exit code where there is nothing to do: 0 after --help, 2 after words that mean nothing.
std::variant<Options, int> read_options(int argc, char** argv);
