// Which task is next: 0 is served first, 9 last, and first come, first served among equals.

#include <errand/errand.h>

#include <chrono>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

int main() {
  // One worker, which waits for start(): so the order can be seen.
  errand::Queue queue({.workers = 1, .start = false});
  const auto say = [](std::string text) { return [text = std::move(text)] { std::cout << text << "\n"; }; };

  queue.submit(say("normal, first"));
  queue.submit(say("low"), {.priority = errand::kLow});
  queue.submit(say("high"), {.priority = errand::kHigh});
  queue.submit(say("normal, second"));
  auto promoted = queue.submit(say("low, but moved up to 1"), {.priority = errand::kLow});
  if (!queue.set_priority(promoted.id(), 1)) return 1;

  // A task that is urgent overtakes everything that has not started, however late it comes.
  queue.submit(
      [&queue, say] {
        std::cout << "0: first of all, and submits more\n";
        queue.submit(say("0: late, and still before the rest"), {.priority = 0});
      },
      {.priority = 0});

  if (!queue.start() || !queue.wait_idle(10s)) return 1;

  // Where low priorities would starve, waiting tasks can gain a priority as time passes.
  errand::Queue fair({.workers = 1, .start = false, .age_step = 1ms});
  auto old = fair.submit(say("low, but it has waited for 9 steps"), {.priority = errand::kLow});
  old.wait_for(9ms);
  fair.submit(say("high, and new"), {.priority = errand::kHigh});
  return fair.start() && fair.wait_idle(10s) ? 0 : 1;
}
