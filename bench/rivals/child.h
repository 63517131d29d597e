#pragma once
// Programs of others, as child processes.

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "disk.h"

namespace bench {

/// Whether PATH finds such a program.
[[nodiscard]] bool is_in_path(const std::string& program);

/// A program that runs in a place, and prints into a file there. It is killed with its user, and if this process dies.
class Child {
 public:
  /// arguments: the program, and what it is told.
  Child(const Place& place, std::vector<std::string> arguments);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  [[nodiscard]] bool is_running();
  /// What it printed. Ends this program unless it ends in time, and well.
  [[nodiscard]] std::string finish(std::chrono::seconds limit);

 private:
  const std::string name_;
  const std::string printed_;  // the file
  pid_t pid_;
  int status_ = 0;
};

/// A program that listens on a socket in its place.
class Server {
 public:
  /// Returns when it listens. Ends this program if that takes ten seconds.
  Server(const Place& place, std::vector<std::string> arguments, const std::string& socket);
  /// As seen from the current folder: the path of a socket may have a hundred bytes at most.
  [[nodiscard]] const std::string& socket() const { return socket_; }

 private:
  Child child_;
  const std::string socket_;
};

/// A connection to a socket, whose reads and writes take ten seconds at most; -1: nobody listens.
[[nodiscard]] int connect_to(const std::string& socket);

}  // namespace bench
