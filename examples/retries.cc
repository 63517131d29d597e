// Tasks that fail, and what happens then. While a task waits for its next attempt it holds no worker.

#include <errand/errand.h>

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;
using errand::Retry;

struct Refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

int main() {
  errand::Queue queue({.workers = 1});
  const auto show = [&](const char* what, errand::Task<>& task) {
    task.wait();
    auto info = task.info();
    std::cout << what << ": " << to_string(info->state) << " after attempt " << info->attempts
              << (info->last_error.empty() ? "" : ", " + info->last_error) << "\n";
  };

  // Without options a closure has one attempt. This one has four, 5 ms apart, and needs three.
  auto flaky = queue.submit(
      [](errand::Attempt& attempt) {
        if (attempt.number() < 3) throw std::runtime_error("connection lost");
      },
      {.max_attempts = 4, .retry = Retry::fixed(5ms)});
  show("fixed", flaky);

  // Exponential: 2 ms, 4 ms, 8 ms, each spread by a tenth, never more than the second number. The real error is kept.
  auto hopeless = queue.submit([] { throw std::runtime_error("smtp is down"); },
                               {.max_attempts = 3, .retry = Retry::exponential(2ms, 1s)});
  show("exponential", hopeless);

  // Only errors that are worth it. The predicate sees the error, and the exception behind it.
  const auto worth = [](const errand::Error& error) { return error.message().find("denied") == std::string::npos; };
  auto denied =
      queue.submit([] { throw Refused("access denied"); }, {.max_attempts = 5, .retry = Retry::fixed(5ms).when(worth)});
  show("when", denied);

  // A body that knows better says so.
  auto pointless = queue.submit([] { throw errand::DoNotRetry("no such user"); },
                                {.max_attempts = errand::unlimited, .retry = Retry::immediate()});
  show("DoNotRetry", pointless);

  // It may also name the wait, or say "not now", which does not count as an attempt.
  int asked = 0;
  auto busy = queue.submit(
      [&asked]() -> errand::Outcome {
        switch (++asked) {
          case 1:
            return errand::snooze(5ms);
          case 2:
            return errand::retry_after(5ms, "server says: in a moment");
          default:
            return errand::done();
        }
      },
      {.max_attempts = 2});
  show("snooze, retry_after", busy);

  // A policy of one's own: a function from the attempt's number to the wait.
  auto own =
      queue.submit([] { throw std::runtime_error("again"); },
                   {.max_attempts = 4,
                    .retry = Retry::custom([](int attempt, const errand::Error&) { return attempt * attempt * 1ms; })});
  show("custom", own);
  const errand::Result<errand::TaskInfo> info =
      own.info();  // a name for it: a loop over own.info()->history would outlive it
  for (const errand::AttemptInfo& each : info->history) {
    std::cout << "  attempt " << each.number << ": " << each.error->message() << "\n";
  }
}
