// Later, at a time, every so often, and by the calendar.

#include <errand/errand.h>

#include <atomic>
#include <chrono>
#include <iostream>
#include <latch>

using namespace std::chrono_literals;

int main() {
  std::latch three_beats(3);
  std::atomic<int> beats = 0;
  errand::Queue queue({.workers = 2});  // after what its tasks use: it is destroyed first, and they end with it

  // After a delay, or at a moment; a moment that has passed means now. The id is the same before and after it runs.
  auto tea = queue.submit_in(30ms, [] { return "tea is ready"; });
  auto past = queue.submit_at(std::chrono::system_clock::now() - 1h, [] { return "that was due an hour ago"; });
  std::cout << past.get() << "\n" << tea.get() << "\n";

  // A task that is scheduled can be cancelled, or brought forward with retry().
  auto far = queue.submit_in(24h, [] { return "tomorrow's work, today"; });
  std::cout << "tomorrow's work is " << to_string(far.state()) << "\n";
  if (!queue.retry(far.id())) return 1;
  std::cout << far.get() << "\n";

  // At a fixed rate. The handle pauses, resumes, triggers and cancels; dropping it changes nothing.
  auto heart = queue.every(5ms,
                           [&] {
                             if (++beats <= 3) three_beats.count_down();
                           },
                           {.name = "heart", .first = errand::First::now});
  three_beats.wait();
  heart.cancel();
  std::cout << "heart: " << heart.info().expression << ", " << (heart.info().runs >= 3 ? "3 runs or more" : "?")
            << "\n";

  // By the calendar: five fields, or six with seconds first, in a time zone that knows its clock changes.
  auto nine = queue.cron("0 9 * * MON-FRI", [] {}, {.name = "report", .time_zone = "Europe/Berlin"});
  if (!nine) return 1;
  std::cout << "the next " << nine->next(3).size() << " slots of " << nine->info().name << " are known\n";

  // An expression is input, so a wrong one is an error value.
  auto wrong = queue.cron("0 25 * * *", [] {});
  std::cout << wrong.error().message() << "\n";

  for (const errand::ScheduleInfo& each : queue.schedules()) std::cout << each.name << ": " << each.expression << "\n";
}
