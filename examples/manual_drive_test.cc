// How to test code that works in the background: with a clock that stands still until it is moved, in one thread.

#include <errand/errand.h>
#include <errand/testing.h>

#include <chrono>
#include <iostream>
#include <string>
#include <vector>

using namespace std::chrono_literals;

// The code under test. It is given its queue, so it cannot tell a test from a Monday morning.
class Reminders {
 public:
  using Send = std::string (*)(const std::string& to);  // returns an error, or nothing

  Reminders(errand::Queue& queue, Send send) : queue_(queue), send_(send) {}

  // An hour before the meeting. A failed mail is tried again a minute later, three times in all.
  errand::TaskId remind(std::string who, errand::WallTime meeting) {
    return queue_
        .submit_at(meeting - 1h,
                   [send = send_, who = std::move(who)]() -> errand::Outcome {
                     std::string error = send(who);
                     return error.empty() ? errand::done() : errand::retry(std::move(error));
                   },
                   {.max_attempts = 3, .retry = errand::Retry::fixed(1min)})
        .id();
  }

 private:
  errand::Queue& queue_;
  Send send_;
};

// --- the test: any framework's, or none ------------------------------------------------------------------------------

std::vector<std::string> outbox;
int failures = 0;

std::string fake_mail(const std::string& to) {
  if (to == "down") return "smtp is down";
  outbox.push_back(to);
  return {};
}

void expect(bool holds, const char* promise) {
  std::cout << (holds ? "ok      " : "FAILED  ") << promise << "\n";
  if (!holds) ++failures;
}

int main() {
  auto clock = std::make_shared<errand::ManualClock>();
  errand::Queue queue({.drive = errand::Drive::manual, .clock = clock});
  Reminders reminders(queue, fake_mail);

  const auto anna = reminders.remind("anna", clock->now() + 3h);
  queue.dispatch();  // runs what is due, in this thread
  expect(outbox.empty(), "nothing is sent before its time");
  expect(queue.info(anna)->state == errand::TaskState::scheduled, "the reminder waits");

  clock->advance(1h);
  queue.dispatch();
  expect(outbox.empty(), "nor an hour later");

  clock->advance(1h + 1min);
  queue.dispatch();
  expect(outbox == std::vector<std::string>{"anna"}, "it is sent an hour before the meeting");

  const auto ben = reminders.remind("ben", clock->now() + 10min);
  queue.dispatch();
  expect(outbox.back() == "ben", "a meeting in less than an hour: at once");
  expect(queue.info(ben)->attempts == 1, "in one attempt");

  const auto down = reminders.remind("down", clock->now());
  queue.dispatch();
  expect(queue.info(down)->state == errand::TaskState::retryable, "a failed mail is tried again");
  const auto before = clock->mono();
  errand::drain(queue, *clock);  // moves the clock to whatever comes next, until nothing does
  expect(clock->mono() - before == 2min, "twice, a minute apart");
  expect(queue.info(down)->state == errand::TaskState::discarded, "and then given up");
  std::cout << "its error: " << queue.info(down)->last_error << "\n";
  return failures == 0 ? 0 : 1;
}
