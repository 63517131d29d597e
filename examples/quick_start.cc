// Run something in the background, get its value back, and ask what became of it.

#include <errand/errand.h>

#include <chrono>
#include <iostream>
#include <stdexcept>

using namespace std::chrono_literals;

int main() {
  errand::Queue queue;  // one worker thread per CPU this process may use; it starts at once

  // Submitting never waits. The handle may be dropped: the task runs all the same.
  queue.submit([] { /* warm a cache, send a statistic ... */ });

  // A body may return a value. get() waits for it, and throws what the body threw.
  auto product = queue.submit([] { return 6 * 7; });
  std::cout << "6 * 7 = " << product.get() << "\n";

  // result() waits as well, and does not throw: a value, or the error that stands in its place.
  auto config = queue.submit([]() -> int { throw std::runtime_error("no such file"); }, {.name = "read_config"});
  if (auto value = config.result(); !value) std::cout << "read_config: " << value.error().message() << "\n";

  // Every task has an id, and can be asked about for a while after it has ended.
  if (auto info = queue.info(config.id())) {
    std::cout << info->name << " is " << to_string(info->state) << " after " << info->attempts << " attempt\n";
  }

  // Whatever was submitted before is done by now, or fails loudly here.
  std::cout << (queue.wait_idle(10s) ? "idle" : "still busy") << "\n";
}  // the destructor runs what is left, for at most 30 seconds, and joins every thread
