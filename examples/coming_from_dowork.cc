// For those who know dowork (Go). Left its call, right ours:
//
//   Submit(f)                          errand::submit(f): the process's own queue, which starts on first use
//   Start(size, workers)               errand::start_default({.workers = ..., .capacity = ...}), before the first use
//   Enqueue(task)                      submit(std::move(task))
//   NewTask(f).Retries(5)              prepare(f).max_attempts(5)
//     .MaxTimeout(10 * time.Minute)      .retry(Retry::exponential(1s, 10min)): a cap on the waits between attempts
//     .Within(10 * time.Second)          .timeout(10s): for each attempt
//     .NotBefore(t)                      .at(t)
//     .After(callback)                   .on_finish(callback)
//   Dispatch(), Run(ctx)               Queue({.drive = Drive::manual}), dispatch(), run(stop_token)
//   task.Attempt(ctx)                  run_one(id)
//   Join(queues...)                    shutdown_all({&a, &b}, options)
//   Shutdown()                         errand::shutdown()

#include <errand/errand.h>
#include <errand/testing.h>

#include <chrono>
#include <iostream>
#include <latch>
#include <memory>
#include <stdexcept>

using namespace std::chrono_literals;

int main() {
  // The process's own queue.
  if (auto started = errand::start_default({.workers = 2, .capacity = 512}); !started) return 1;
  std::cout << errand::submit([] { return "submitted to the default queue"; }).get() << "\n";

  // A task made first and enqueued later. After() is called exactly once, however the task ends.
  std::latch after(1);
  auto task = errand::prepare([](errand::Attempt& attempt) {
                if (attempt.number() < 3) throw std::runtime_error("try again");
              })
                  .max_attempts(5)
                  .retry(errand::Retry::exponential(2ms, 10min))
                  .timeout(10s)
                  .on_finish([&after](const errand::TaskInfo& info) {
                    std::cout << "after: " << to_string(info.state) << " in attempt " << info.attempts << "\n";
                    after.count_down();
                  });
  errand::default_queue().submit(std::move(task));
  after.wait();

  // A queue without threads: whoever calls dispatch() does the work, with a clock that is moved by hand.
  auto clock = std::make_shared<errand::ManualClock>();
  errand::Queue manual({.drive = errand::Drive::manual, .clock = clock});
  manual.submit([] { std::cout << "dispatched\n"; });
  manual.submit(errand::prepare([] { std::cout << "not before its time\n"; }).at(clock->now() + 5min));
  manual.dispatch();
  std::cout << "six minutes pass\n";
  clock->advance(6min);
  manual.dispatch();

  // One attempt of one task, whatever its turn.
  auto single = manual.submit(
      [](errand::Attempt& attempt) {
        std::cout << "attempt " << attempt.number() << "\n";
        if (attempt.number() == 1) throw std::runtime_error("no luck");
      },
      {.max_attempts = 2, .retry = errand::Retry::fixed(1min)});
  if (!manual.run_one(single.id())) return 1;
  std::cout << to_string(single.state()) << ": " << single.info()->last_error << "\n";

  // Several queues end together; the default queue on its own.
  errand::Queue other({.workers = 1});
  const auto joined = errand::shutdown_all({&manual, &other}, {.drain = errand::Drain::queued, .timeout = 5s});
  std::cout << "joined: " << joined.left_over << " left over\n";
  errand::shutdown();
  std::cout << "default queue: " << to_string(errand::submit([] {}).error().code()) << "\n";
}
