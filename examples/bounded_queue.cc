// A queue that holds only so much, and four answers to a submit that finds it full.

#include <errand/errand.h>

#include <chrono>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

errand::QueueOptions room_for_two(errand::WhenFull when_full) {
  // The worker waits for start(), so that the queue fills up here.
  return {.workers = 1, .start = false, .capacity = 2, .when_full = when_full};
}

int main() {
  {
    // refuse, the default: the handle is false, and the closure was not touched.
    errand::Queue queue(room_for_two(errand::WhenFull::refuse));
    queue.submit([] {});
    queue.submit([] {});
    auto third = queue.submit([] {});
    if (!third) std::cout << "refuse: " << to_string(third.error().code()) << "\n";
    std::cout << "  " << queue.stats().submitted << " taken, " << queue.stats().refused << " refused\n";
  }
  {
    // block: the submitter waits for room, so that a fast producer goes at the workers' pace; here for at most 10 ms.
    auto options = room_for_two(errand::WhenFull::block);
    options.block_for = 10ms;
    errand::Queue queue(std::move(options));
    queue.submit([] {});
    queue.submit([] {});
    std::cout << "block: " << (queue.submit([] {}) ? "taken" : "no room in 10 ms") << "\n";
  }
  {
    // Without block_for it waits as long as it takes.
    errand::Queue queue({.workers = 1, .capacity = 2, .when_full = errand::WhenFull::block});
    int taken = 0;
    for (int i = 0; i < 1000; ++i) taken += queue.submit([] {}) ? 1 : 0;
    std::cout << "  " << taken << " taken, never more than 2 at a time\n";
  }
  {
    // drop_oldest: for work that ages, such as the next frame or the latest position.
    errand::Queue queue(room_for_two(errand::WhenFull::drop_oldest));
    std::vector<errand::Task<int>> frames;
    for (int i = 1; i <= 4; ++i) frames.push_back(queue.submit([i] { return i; }));
    if (!queue.start()) return 1;
    std::cout << "drop_oldest:";
    for (auto& frame : frames) {
      auto shown = frame.result();
      std::cout << " " << (shown ? std::to_string(*shown) : "dropped");
    }
    std::cout << "\n";
  }
  {
    // run_here: the submitter does the work itself, which slows it down as well.
    errand::Queue queue(room_for_two(errand::WhenFull::run_here));
    queue.submit([] {});
    queue.submit([] {});
    const auto here = std::this_thread::get_id();
    auto third = queue.submit([here] { return std::this_thread::get_id() == here; });
    std::cout << "run_here: " << to_string(third.state()) << " before submit() returned, "
              << (third.get() ? "in the caller's thread" : "elsewhere") << "\n";
  }
}
