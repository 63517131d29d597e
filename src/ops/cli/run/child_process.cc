#include "child_process.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace errand::cli {

namespace {

constexpr int kTimedOut = 124;  // as timeout(1) has it
constexpr std::size_t kReadSize = 64 * 1024;

// One process under observation.
//
//   running ──stop or timeout: SIGTERM──► terminating ──kill_after: SIGKILL──► killed
//
// It is over when the shell has ended; while terminating, when also nobody is left who holds its output, so that what
// the shell had started gets the same time to end in order.
class Watch {
 public:
  Watch(ShellProcess process, const CommandLimits& limits, OutputSink& sink, Clock& clock)
      : process_(std::move(process)), limits_(limits), sink_(sink), clock_(clock), start_(clock.mono()) {
    end_.started_at = clock.now();
    if (limits_.timeout) next_at_ = start_ + *limits_.timeout;
  }

  // From any thread.
  void ask_to_end() const { process_.asked.set(); }

  Result<void> until_the_end() {
    while (!over()) {
      if (auto r = step(); !r) {
        send(SIGKILL);
        return r;
      }
    }
    if (phase_ != Phase::running) send(SIGKILL);  // to those who are left; the unreaped shell keeps the number taken
    if (auto r = rest(Stream::out); !r) return r;
    return rest(Stream::err);
  }

  // Waits for the process and lets go of it. Until then nobody else can have its number.
  CommandEnd reap(Children& children) {
    pollfd ended{process_.ended.get(), POLLIN, 0};
    while (::poll(&ended, 1, -1) != 1) {
    }
    end_.took = clock_.mono() - start_;
    children.remove(process_.pid);
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(process_.pid), &info, WEXITED);
    const bool exited = info.si_code == CLD_EXITED;
    end_.exit_code = exited ? info.si_status : 0;
    end_.signal = exited ? 0 : info.si_status;
    return end_;
  }

 private:
  enum class Phase : unsigned char { running, terminating, killed };

  [[nodiscard]] bool over() const {
    if (!ended_) return false;
    return phase_ != Phase::terminating || (!process_.out && !process_.err);
  }

  Result<void> step() {
    // The process comes first: the kernel looks at the pipes after it, so what it has written is seen with its end.
    pollfd ready[4] = {{ended_ ? -1 : process_.ended.get(), POLLIN, 0},
                       {phase_ == Phase::running ? process_.asked.fd() : -1, POLLIN, 0},
                       {process_.out.get(), POLLIN, 0},
                       {process_.err.get(), POLLIN, 0}};
    if (!wait(ready)) return {};
    ended_ = ended_ || ready[0].revents != 0;
    if (ended_ && phase_ == Phase::running) return {};  // rest() takes what it left
    climb(ready[1].revents != 0);
    if (auto r = take(Stream::out, ready[2].revents); !r) return r;
    return take(Stream::err, ready[3].revents);
  }

  // False: it was interrupted, and nothing is known.
  bool wait(pollfd (&ready)[4]) const {
    timespec left{};
    if (next_at_) {
      const auto ns = std::max<Duration::rep>(0, (*next_at_ - clock_.mono()).count());
      left = {static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
    }
    return ::ppoll(ready, 4, next_at_ ? &left : nullptr, nullptr) >= 0;
  }

  // The next step down the ladder, if it is time.
  void climb(bool asked) {
    const bool due = next_at_ && clock_.mono() >= *next_at_;
    if (phase_ == Phase::running && (asked || due)) {
      end_.stopped = asked;
      end_.timed_out = !asked;
      phase_ = Phase::terminating;
      next_at_ = clock_.mono() + limits_.kill_after;
      send(SIGTERM);
      send(SIGCONT);  // a stopped process would never see it
    } else if (phase_ == Phase::terminating && due) {
      phase_ = Phase::killed;
      next_at_.reset();
      send(SIGKILL);
    }
  }

  void send(int signal) const { ::kill(-process_.pid, signal); }

  Descriptor& pipe(Stream stream) { return stream == Stream::out ? process_.out : process_.err; }

  Result<void> take(Stream stream, short events) {
    if (events == 0) return {};
    if ((events & POLLIN) == 0) {
      pipe(stream).reset();  // closed by all who could write
      return {};
    }
    const auto got = read(stream, kReadSize);
    return got ? Result<void>() : Result<void>(got.error());
  }

  // What had been written when the process ended. Somebody in the background may go on writing for ever.
  Result<void> rest(Stream stream) {
    int left = 0;
    if (!pipe(stream) || ::ioctl(pipe(stream).get(), FIONREAD, &left) != 0) return {};
    while (left > 0) {
      const auto got = read(stream, std::min(kReadSize, static_cast<std::size_t>(left)));
      if (!got) return got.error();
      if (*got == 0) break;
      left -= static_cast<int>(*got);
    }
    return {};
  }

  // Reads once, at most `most` bytes, and closes the pipe at its end. REQUIRES: there is something, so it won't block.
  Result<std::size_t> read(Stream stream, std::size_t most) {
    char bytes[kReadSize];
    ssize_t got = 0;
    do {
      got = ::read(pipe(stream).get(), bytes, most);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return system_error("read output", errno);
    if (got == 0) pipe(stream).reset();
    const auto size = static_cast<std::size_t>(got);
    if (auto r = sink_.write(stream, {bytes, size}); !r) return r.error();
    return size;
  }

  ShellProcess process_;
  const CommandLimits& limits_;
  OutputSink& sink_;
  Clock& clock_;
  const SteadyTime start_;
  Phase phase_ = Phase::running;
  std::optional<SteadyTime> next_at_{};  // of the timeout, or of SIGKILL
  bool ended_ = false;
  CommandEnd end_{};
};

}  // namespace

int CommandEnd::status() const noexcept {
  if (signal != 0) return 128 + signal;
  if (exit_code != 0) return exit_code;
  if (timed_out) return kTimedOut;
  return stopped ? 128 + SIGTERM : 0;
}

std::string CommandEnd::text() const {
  std::string text;
  if (timed_out) text = "timed out, ";
  if (stopped) text = "killed, ";
  if (signal == 0) return text + "exit code " + std::to_string(exit_code);
  return text + "signal " + std::to_string(signal) + " (" + ::strsignal(signal) + ")";
}

Result<CommandEnd> watch_command(ShellProcess process, const CommandLimits& limits, std::stop_token stop,
                                 OutputSink& sink, Children& children, Clock& clock) {
  Watch watch(std::move(process), limits, sink, clock);
  const std::stop_callback on_stop(std::move(stop), [&watch] { watch.ask_to_end(); });
  const auto watched = watch.until_the_end();
  const CommandEnd end = watch.reap(children);
  if (!watched) return watched.error();
  return end;
}

}  // namespace errand::cli
