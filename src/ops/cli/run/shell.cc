#include "shell.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

extern char** environ;

namespace errand::cli {

namespace {

struct Pipe {
  Descriptor read;
  Descriptor write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_error("create a pipe", errno);
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

class FileActions {
 public:
  FileActions() { ::posix_spawn_file_actions_init(&actions_); }
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  void replace(int target, int by) { ::posix_spawn_file_actions_adddup2(&actions_, by, target); }
  [[nodiscard]] const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

class Attributes {
 public:
  explicit Attributes(const sigset_t& signals) {
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setsigmask(&attributes_, &signals);
  }
  ~Attributes() { ::posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  [[nodiscard]] const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

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
// background still writes to the next command. The few system calls this
// takes are not to be seen beside the thousands of microseconds that a shell costs.
Result<ShellProcess> Shell::start(const std::string& command) const {
  auto out = make_pipe();
  if (!out) return out.error();
  auto err = make_pipe();
  if (!err) return err.error();
  auto asked = Event::make();
  if (!asked) return asked.error();

  FileActions files;
  files.replace(STDIN_FILENO, nothing_.get());
  files.replace(STDOUT_FILENO, out->write.get());
  files.replace(STDERR_FILENO, err->write.get());
  const Attributes attributes(signals_);
  const char* arguments[] = {"sh", "-c", command.c_str(), nullptr};
  // posix_spawn and the shell take them as char*, and change none of them.
  auto* argv = const_cast<char* const*>(arguments);

  ShellProcess process;
  const int error = ::posix_spawn(&process.pid, "/bin/sh", files.get(), attributes.get(), argv, environ);
  if (error != 0) return system_error("start sh", error);
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
