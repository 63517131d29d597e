// Touches every layer that has something to link: a closure on a worker, a retry, and a schedule in a time zone.

#include <errand/errand.h>

#include <chrono>
#include <cstdio>

int main() {
  using namespace std::chrono_literals;
  errand::Queue queue;

  const int answer = queue.submit([] { return 42; }, {.max_attempts = 3, .retry = errand::Retry::fixed(1ms)}).get();
  if (answer != 42) {
    std::printf("expected 42, got %d\n", answer);
    return 1;
  }

  auto nine = queue.cron("0 9 * * MON-FRI", [] {}, {.time_zone = "Europe/Berlin"});
  if (!nine) {
    std::printf("%s\n", nine.error().message().c_str());
    return 1;
  }
  return 0;
}
