#include "monitor.h"

#include <poll.h>

#include <algorithm>
#include <string>

namespace errand::cli {

namespace {

std::string running_text(std::uint64_t running) {
  return std::to_string(running) + (running == 1 ? " running command" : " running commands");
}

}  // namespace

Result<std::unique_ptr<Monitor>> Monitor::start(Parts parts) {
  auto end = Event::make();
  if (!end) return end.error();
  std::unique_ptr<Monitor> monitor(new Monitor(parts, std::move(*end)));
  auto thread = Thread::start("errand-monitor", [m = monitor.get()] { m->work(); });
  if (!thread) return thread.error();
  monitor->thread_ = std::move(*thread);
  return monitor;
}

Monitor::Monitor(Parts parts, Event end)
    : parts_(parts),
      report_(Screen::has_terminal() ? ProgressReport::Form::bar : ProgressReport::Form::lines, parts.tally,
              parts.screen, parts.clock.mono()),
      end_(std::move(end)) {}

Monitor::~Monitor() {
  end_.set();
  thread_.join();
  parts_.screen.draw("");
}

void Monitor::work() {
  bool kill_wanted = false;
  for (;;) {
    timespec left{};
    if (!parts_.quiet) {
      const SteadyTime next = report_.step(parts_.clock.mono());
      const auto ns = std::max<Duration::rep>(0, (next - parts_.clock.mono()).count());
      left = {static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
    }
    pollfd set[3] = {{end_.fd(), POLLIN, 0},
                     {parts_.signals.fd(), POLLIN, 0},
                     {kill_wanted ? -1 : parts_.halt.wish().fd(), POLLIN, 0}};
    if (::ppoll(set, 3, parts_.quiet ? nullptr : &left, nullptr) <= 0) continue;
    if (set[0].revents != 0) return;
    if (set[2].revents != 0) {
      kill_wanted = true;
      parts_.halt.kill();
    }
    if (const int signal = set[1].revents != 0 ? parts_.signals.next() : 0; signal != 0) on_signal(signal);
  }
}

void Monitor::on_signal(int signal) {
  if (signal == SIGTSTP) return suspend();
  if (signal == SIGQUIT) requests_ = std::max(requests_, 1);
  on_request_to_end(signal);
}

void Monitor::on_request_to_end(int signal) {
  if (signal_.load(std::memory_order_relaxed) == 0) signal_.store(signal, std::memory_order_relaxed);
  const std::string running = running_text(parts_.tally.figures().running);
  switch (++requests_) {
    case 1:
      parts_.halt.stop_starting();
      parts_.screen.note_now("no more commands are started; waiting for " + running + " (once more kills)");
      break;
    case 2:
      parts_.halt.kill();
      parts_.screen.note_now("killing " + running);
      break;
    default:
      parts_.children.signal_all(SIGKILL);
      die_of(signal);
  }
}

void Monitor::suspend() {
  parts_.screen.draw("");
  parts_.children.suspend_with_us();
}

}  // namespace errand::cli
