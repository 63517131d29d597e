#include "signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

namespace errand::cli {

namespace {

bool is_ignored(int signal) {
  struct sigaction action {};
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

Result<Signals> Signals::take() {
  sigset_t ours;
  sigemptyset(&ours);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP}) {
    if (!is_ignored(signal)) sigaddset(&ours, signal);
  }
  Signals signals;
  signals.fd_ = Descriptor(::signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals.fd_) return system_error("create a signalfd", errno);
  sigaddset(&ours, SIGPIPE);  // a reader who went away is an error of write()
  ::pthread_sigmask(SIG_BLOCK, &ours, &signals.before_);
  signals.taken_ = true;
  return signals;
}

Signals::Signals(Signals&& other) noexcept
    : taken_(std::exchange(other.taken_, false)), before_(other.before_), fd_(std::move(other.fd_)) {}

Signals::~Signals() {
  if (!taken_) return;
  while (next() != 0) {
  }
  // A SIGPIPE that write() left behind would end us as soon as it is let in.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  const timespec none{};
  while (::sigtimedwait(&pipe, nullptr, &none) > 0) {
  }
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

int Signals::next() const noexcept {
  signalfd_siginfo info{};
  return ::read(fd_.get(), &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
}

void die_of(int signal) {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  ::sigaction(signal, &action, nullptr);
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, signal);
  ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
  ::raise(signal);
  std::_Exit(128 + signal);
}

}  // namespace errand::cli
