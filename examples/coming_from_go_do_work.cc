// For those who know go_do_work (Go). Left its call, right ours:
//
//   NewTaskQueue(WithWorkerCount(5), WithQueueSize(200))   Queue({.workers = 5, .capacity = 200})
//   WithRetryPolicy(3, base, max, RetryExponential, pred)  Queue({.retry = Retry::exponential(base, max).when(pred)}),
//                                                          and .max_attempts = 4 for a task (3 retries are 4 attempts)
//   Submit(ctx, f)                                         submit(f), with .stop = token for the context
//   Schedule(ctx, f, delay)                                submit_in(delay, f)
//   ScheduleAt(ctx, f, time)                               submit_at(time, f)
//   ScheduleRecurring(ctx, f, interval)                    every(interval, f)
//   Status(id)                                             info(id); the id is the same before, during and after
//   Shutdown(ctx)                                          shutdown({.drain = ..., .timeout = ...})

#include <errand/errand.h>

#include <atomic>
#include <chrono>
#include <iostream>
#include <latch>
#include <stdexcept>

using namespace std::chrono_literals;

int main() {
  const auto is_temporary = [](const errand::Error& error) { return error.message() == "unexpected end of file"; };
  const auto policy = errand::Retry::exponential(2ms, 30ms).when(is_temporary);
  errand::Queue queue({.workers = 5, .capacity = 200, .retry = policy});

  // Submit, and ask how it went. How often it is tried is the task's own; the policy is the queue's.
  auto task = queue.submit(
      [](errand::Attempt& attempt) {
        if (attempt.number() < 3) throw std::runtime_error("unexpected end of file");
      },
      {.max_attempts = 6});
  task.wait();
  auto info = queue.info(task.id());
  std::cout << "submit: " << to_string(info->state) << " after " << info->attempts << " attempts\n";

  const auto fill_disk = [] { throw std::runtime_error("disk full"); };
  auto fatal = queue.submit(fill_disk, {.max_attempts = 6});
  std::cout << "an error not worth a retry: " << fatal.result().error().message() << "\n";

  // A task may also bring a policy of its own.
  auto stubborn = queue.submit(fill_disk, {.max_attempts = 2, .retry = errand::Retry::immediate()});
  std::cout << "unless the task says so: " << stubborn.result().error().message() << "\n";

  // After a delay, and at a time.
  auto later = queue.submit_in(1h, [] {});
  std::cout << "schedule: " << to_string(queue.info(later.id())->state);
  if (!queue.retry(later.id())) return 1;  // which brings it forward
  later.wait();
  std::cout << ", then " << to_string(queue.info(later.id())->state) << " under the same id\n";
  queue.submit_at(std::chrono::system_clock::now() + 5ms, [] { std::cout << "schedule at: done\n"; }).wait();

  // Again and again; the handle ends it, and so does the queue's shutdown.
  std::latch twice(2);
  std::atomic<int> runs = 0;
  auto tick = queue.every(3ms, [&] {
    if (++runs <= 2) twice.count_down();
  });
  twice.wait();
  tick.cancel();
  std::cout << "recurring: ran, then cancelled\n";

  const errand::Report report = queue.shutdown({.drain = errand::Drain::due, .timeout = 5s});
  std::cout << "shutdown: " << report.left_over << " left over, " << to_string(queue.submit([] {}).error().code())
            << "\n";
}
