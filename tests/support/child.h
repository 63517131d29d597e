#pragma once
// A forked child in which a test goes on.

#include <sys/wait.h>
#include <unistd.h>

#include <functional>

// The child's exit code: 0, or the step that failed.
inline int in_child(const std::function<void()>& body) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::alarm(20);
    body();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

inline void require(bool condition, int step) {
  if (!condition) ::_exit(step);
}
