#include "run_commands.h"

#include "command_source.h"
#include "json_line.h"
#include "monitor.h"
#include "runner.h"

#include "base/thread.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <optional>
#include <string>

namespace errand::cli {

namespace {

constexpr int kTrouble = 255;
constexpr rlim_t kDescriptorsPerWorker = 8;  // two pipes while a shell starts, a pidfd, an eventfd
constexpr rlim_t kOtherDescriptors = 64;

// A pipe that got the number of a closed standard stream would be mixed up with what a command expects there. What is
// put in its place works the wrong way only: reading lines that nobody sends, and printing output that goes nowhere,
// fail as they do on a closed descriptor. Words for a closed standard error are lost without that.
void fill_standard_descriptors() {
  constexpr int kModes[] = {O_WRONLY, O_RDONLY, O_RDWR};
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0) static_cast<void>(::open("/dev/null", kModes[fd]));  // takes the lowest free number
  }
}

// Raises the soft limit only where it is too low, since the commands inherit it.
Result<void> allow_descriptors(int workers) {
  const rlim_t needed = kOtherDescriptors + kDescriptorsPerWorker * static_cast<rlim_t>(workers);
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed) return {};
  limit.rlim_cur = needed;
  if (needed <= limit.rlim_max && ::setrlimit(RLIMIT_NOFILE, &limit) == 0) return {};
  return Error(Code::invalid, "--jobs: " + std::to_string(workers) + " commands at once need " +
                                  std::to_string(needed) + " open files, and the limit is " +
                                  std::to_string(limit.rlim_max) + " (ulimit -Hn)");
}

int report(Screen& screen, const Error& error) {
  screen.note(error.message());
  return kTrouble;
}

int print_commands(const RunOptions& options, Ground& ground) {
  CommandSource source(ground.input, options.command);
  for (;;) {
    const auto command = source.next(ground.halt.soon());
    if (!command) return report(ground.screen, command.error());
    if (!*command) return 0;
    if (ground.done.take(**command)) continue;
    const std::string line = options.json ? json_line(source.seq(), **command) : **command + '\n';
    if (auto r = ground.screen.write(Stream::out, line); !r) return report(ground.screen, r.error());
  }
}

Result<void> open_log(const RunOptions& options, Ground& ground) {
  if (!options.joblog) return {};
  auto log = options.resume    ? JobLog::resume(*options.joblog, ground.done)
             : options.dry_run ? Result<std::unique_ptr<JobLog>>(nullptr)
                               : JobLog::begin(*options.joblog);
  if (!log) return log.error();
  ground.log = std::move(*log);
  return {};
}

void tell_result(const RunOptions& options, Ground& ground) {
  const Figures figures = ground.tally.figures();
  if (options.quiet || (figures.failed == 0 && figures.not_started == 0)) return;
  std::string text = std::to_string(figures.failed) + " of " + std::to_string(figures.submitted) + " failed";
  if (figures.not_started > 0) text += ", " + std::to_string(figures.not_started) + " not started";
  ground.screen.note(text);
}

struct RunEnd {
  int exit_code = 0;
  int die_of = 0;  // a signal, or 0
};

Result<RunEnd> run_to_the_end(const RunOptions& options, Screen& screen) {
  const int workers = options.workers.value_or(usable_cpus());
  if (auto r = allow_descriptors(workers); !r) return r.error();
  auto input = Input::open(options);
  if (!input) return input.error();
  const auto signals = Signals::take();
  if (!signals) return signals.error();
  auto shell = Shell::make(signals->before());
  if (!shell) return shell.error();
  auto halt = Halt::make();
  if (!halt) return halt.error();
  auto tally = Tally::make();
  if (!tally) return tally.error();
  Children children;
  Ground ground{std::move(*input), std::move(*shell), *halt, children, screen, **tally};
  if (auto r = open_log(options, ground); !r) return r.error();
  if (ground.input.is_terminal()) screen.note("reading lines from the terminal; Ctrl-D ends them");
  if (options.dry_run) return RunEnd{print_commands(options, ground)};

  const auto clock = real_clock();
  auto monitor = Monitor::start({*signals, *halt, children, screen, **tally, *clock, options.quiet});
  if (!monitor) return monitor.error();
  Runner runner(options, workers, ground, *clock);
  const Verdict verdict = runner.run();
  const int signal = (*monitor)->signal();
  monitor->reset();
  tell_result(options, ground);
  return RunEnd{verdict.exit_code(), runner.cut_short() ? signal : 0};
}

}  // namespace

int run_commands(const RunOptions& options) {
  fill_standard_descriptors();
  Screen screen;
  const auto end = run_to_the_end(options, screen);
  if (!end) return report(screen, end.error());
  if (end->die_of != 0) die_of(end->die_of);
  return end->exit_code;
}

}  // namespace errand::cli
