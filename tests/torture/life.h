#pragma once
// A victim (victim.cc, suicide.cc) as a process: started, listened to, killed.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

// Killed with this object. Not forked by hand: it has threads, and shares nothing with this process but a pipe.
class Life {
 public:
  using Clock = std::chrono::steady_clock;

  Life(const char* program, std::vector<std::string> arguments, std::function<void(std::string_view)> hears)
      : hears_(std::move(hears)) {
    int pipe[2];
    if (::pipe2(pipe, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
    std::vector<char*> argv{const_cast<char*>(program)};
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    const int status = ::posix_spawn(&pid_, program, &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(pipe[1]);
    out_ = pipe[0];
    if (status == 0) return;
    ::close(out_);
    throw std::runtime_error("no process");
  }
  ~Life() {
    if (pid_ != 0) static_cast<void>(kill());
    ::close(out_);
  }
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;

  /// Passes lines on until `until`, or until `enough` is true after one. False at the end of them.
  bool listen(Clock::time_point until, const std::function<bool()>& enough = {}) {
    for (;;) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
      if (left.count() <= 0) return true;
      pollfd one{out_, POLLIN, 0};
      if (::poll(&one, 1, static_cast<int>(left.count())) <= 0) continue;
      if (!read_some()) return false;
      if (enough && enough()) return true;
    }
  }

  void signal(int number) { ::kill(pid_, number); }
  /// SIGKILL, then the rest of what it said. The status is waitpid's. This or end(), and once.
  int kill() {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
    return end();
  }

  /// Everything to its end.
  int end() {
    while (read_some()) {
    }
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return status;
  }

 private:
  bool read_some() {
    char bytes[65536];
    const ssize_t got = ::read(out_, bytes, sizeof bytes);
    if (got < 0 && errno == EINTR) return true;
    if (got <= 0) return false;
    rest_.append(bytes, static_cast<std::size_t>(got));
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = rest_.find('\n', begin)) != std::string::npos; begin = end + 1)
      hears_(std::string_view(rest_).substr(begin, end - begin));
    rest_.erase(0, begin);
    return true;
  }

  const std::function<void(std::string_view)> hears_;
  pid_t pid_ = 0;  // 0: it has ended
  int out_ = -1;
  std::string rest_;  // a line that has no end yet
};
