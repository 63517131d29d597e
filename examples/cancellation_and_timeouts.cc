// Ending work early. Nothing is ever killed: a running body is asked to stop, through one stop token for all reasons.

#include <errand/errand.h>

#include <chrono>
#include <iostream>
#include <latch>
#include <stdexcept>
#include <stop_token>

using namespace std::chrono_literals;

int main() {
  errand::Queue queue({.workers = 2});
  const auto show = [](const char* what, const errand::Task<>& task) {
    task.wait();
    const auto info = task.info();
    std::cout << what << ": " << to_string(info->state);
    if (!info->last_error.empty()) std::cout << ", " << info->last_error;
    std::cout << "\n";
  };

  // A task that waits is cancelled at once, and its closure destroyed.
  auto later = queue.submit_in(1h, [] {});
  if (!later.cancel()) return 1;  // false: it was over already
  show("waiting", later);

  // A task that runs is asked. sleep_for() returns early then; loops look at stop_requested().
  std::latch begun(1);
  auto endless = queue.submit([&begun](errand::Attempt& attempt) {
    begun.count_down();
    while (attempt.sleep_for(10min)) {
    }
    std::cout << "asked to stop: " << to_string(attempt.stop_reason()) << "\n";
  });
  begun.wait();
  if (!queue.cancel(endless.id())) return 1;  // by id; endless.cancel() does the same
  show("running", endless);

  // Three limits, which are three things. For each attempt: it counts as failed, and may be tried again.
  auto slow = queue.submit([](errand::Attempt& attempt) { attempt.sleep_for(attempt.number() == 1 ? 10min : 0s); },
                           {.max_attempts = 2, .retry = errand::Retry::immediate(), .timeout = 200ms});
  show("timeout", slow);
  std::cout << "  it took " << slow.info()->attempts << " attempts\n";

  // For all attempts and the waits between them.
  auto over = queue.submit([] { throw std::runtime_error("not yet"); },
                           {.max_attempts = errand::unlimited, .retry = errand::Retry::fixed(1s), .max_elapsed = 50ms});
  show("max_elapsed", over);

  // And for the start: what nobody got round to in time is not done at all.
  queue.pause();
  auto stale = queue.submit([] {}, {.expires_at = std::chrono::system_clock::now() + 10ms});
  show("expires_at", stale);
  queue.resume();

  // The submitter's own token, for example that of a request whose client has gone.
  std::stop_source request;
  auto reply = queue.submit_in(1h, [] {}, {.stop = request.get_token()});
  request.request_stop();
  show("own token", reply);
}
