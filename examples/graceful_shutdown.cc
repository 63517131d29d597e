// A server's main loop: requests start work in the background, and SIGTERM ends the program without losing any.

#include <errand/errand.h>

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <iostream>

using namespace std::chrono_literals;

// Stands for accept(): a request comes every millisecond, until a signal does.
bool next_request(const sigset_t& signals) {
  const timespec patience{.tv_sec = 0, .tv_nsec = 1'000'000};
  return sigtimedwait(&signals, nullptr, &patience) < 0;
}

int main() {
  // Signals are for the main thread. A queue's workers never see any: they are born with all of them blocked.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  errand::Queue mail({.name = "mail", .workers = 4});
  errand::Queue reports({.name = "reports", .workers = 1});
  auto nightly = reports.cron("30 2 * * *", [] {});
  if (!nightly) return 1;

  int requests = 0;
  while (next_request(signals)) {
    ++requests;
    mail.submit([](errand::Attempt& attempt) { attempt.sleep_for(2ms); });  // send a confirmation
    if (requests % 10 == 0) reports.submit([](errand::Attempt& attempt) { attempt.sleep_for(5ms); });
    if (requests == 50) kill(getpid(), SIGTERM);  // stands for the operator
  }
  std::cout << "stopping after " << requests << " requests\n";

  // Both queues at once, inside one deadline: nothing new comes in, what is due is run, schedules end. At the deadline
  // the stop tokens of what still runs would fire.
  const errand::Report report = errand::shutdown_all({&mail, &reports}, {.drain = errand::Drain::due, .timeout = 10s});
  std::cout << "left over: " << report.left_over << "\n";
  for (const errand::Queue* queue : {&mail, &reports}) {
    const errand::Stats stats = queue->stats();  // figures stay there while and after a queue drains
    std::cout << queue->name() << ": " << stats.completed << " of " << stats.submitted << " completed\n";
  }

  // Whoever comes late gets a named error, not silence.
  auto late = mail.submit([] {});
  std::cout << "late: " << to_string(late.error().code()) << "\n";
  return report.left_over == 0 ? 0 : 2;
}
