#include "shell.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

extern char** environ;

namespace errand::cli {

namespace {

constexpr int kCannotExecute = 126;  // as a shell has it

struct Pipe {
  Descriptor read;
  Descriptor write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_error("create a pipe", errno);
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

// What the child needs, and the errno of an exec that failed. It lives in the parent, whose memory the child shares,
// which no compiler knows.
struct Start {
  const char* const* arguments;
  int in;
  int out;
  int err;
  const sigset_t* signals;
  volatile int error = 0;
};

// In the child, which has the parent's memory until it runs the shell: system calls only. All signals are blocked.
[[noreturn, gnu::noinline]] void become_shell(Start& start) {
  ::setpgid(0, 0);
  // A signal to our group, such as the terminal's Ctrl-C, may have come before that. It was not meant for the command.
  sigset_t all;
  sigfillset(&all);
  const timespec none{};
  while (::sigtimedwait(&all, nullptr, &none) > 0) {
  }
  ::dup2(start.in, STDIN_FILENO);
  ::dup2(start.out, STDOUT_FILENO);
  ::dup2(start.err, STDERR_FILENO);
  ::sigprocmask(SIG_SETMASK, start.signals, nullptr);
  ::execve("/bin/sh", const_cast<char* const*>(start.arguments), environ);
  start.error = errno;
  ::_exit(kCannotExecute);
}

// Not posix_spawn: there the child's first 130 system calls set signals to their defaults, and a Ctrl-C that comes
// before it has left our group ends the command. No handler is ever installed here, so there is nothing to set.
[[gnu::noinline]] pid_t start_child(Start& start) {
  const pid_t pid = ::vfork();
  if (pid == 0) become_shell(start);
  return pid;
}

// Blocks all signals of this thread, so that none of them reaches a child that shares its memory.
class Deaf {
 public:
  Deaf() {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~Deaf() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  Deaf(const Deaf&) = delete;
  Deaf& operator=(const Deaf&) = delete;

 private:
  sigset_t before_;
};

Result<pid_t> start_shell(Start start) {
  const Deaf deaf;
  const pid_t pid = start_child(start);
  if (pid < 0) return system_error("start sh", errno);
  if (start.error == 0) return pid;
  ::waitpid(pid, nullptr, 0);
  return system_error("start sh", start.error);
}

// The wrapper is younger than glibc 2.36 on some systems; the call came with Linux 5.3.
int pidfd_open(pid_t pid) {
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

void end_unwatched(pid_t pid) {
  ::kill(-pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

}  // namespace

Result<Shell> Shell::make(const sigset_t& signals) {
  Shell shell;
  shell.signals_ = signals;
  shell.nothing_ = Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!shell.nothing_) return system_error("open /dev/null", errno);
  return shell;
}

// A pipe of its own for each stream of each command: one that is used again would hand what a process in the
// background still writes to the next command. The few system calls this takes are not to be seen beside what a shell
// costs.
Result<ShellProcess> Shell::start(const std::string& command) const {
  auto out = make_pipe();
  if (!out) return out.error();
  auto err = make_pipe();
  if (!err) return err.error();
  auto asked = Event::make();
  if (!asked) return asked.error();

  const char* arguments[] = {"sh", "-c", command.c_str(), nullptr};
  const auto pid = start_shell({arguments, nothing_.get(), out->write.get(), err->write.get(), &signals_});
  if (!pid) return pid.error();
  ShellProcess process;
  process.pid = *pid;
  process.ended = Descriptor(pidfd_open(process.pid));
  if (!process.ended) {
    const int reason = errno;
    end_unwatched(process.pid);
    return system_error("watch sh", reason);
  }
  process.out = std::move(out->read);
  process.err = std::move(err->read);
  process.asked = std::move(*asked);
  return process;
}

}  // namespace errand::cli
