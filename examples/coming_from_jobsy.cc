// For those who know Jobsy (Go). Left its call, right ours:
//
//   NewWorker(&WorkerOptions{Concurrency: 5, MaxRetry: 3})   Queue({.workers = 5}); attempts are the task's:
//   .max_attempts = 4 worker.Start(ctx)                                        the constructor starts; or .start =
//   false and start() RunNow(name, f)                                          submit(f, {.name = name}); names need
//   not be unique RunAt(name, f, time)                                     submit_at(time, f, {.name = name})
//   RunEvery(name, f, interval)                              every(interval, f, {.name = name})
//   Schedule(name, f, "*/5 * * * *", TaskOptions{...})       cron("*/5 * * * *", f, {.name = name, ...})
//   TimeOut: 10 * time.Second                                .timeout = 10s, for each attempt; none unless you ask
//   task.HighPriority                                        .priority = errand::kHigh, or 0 to 9
//   GetTaskStatus(id), GetAllTasks()                         info(id), list()
//   cancel(); WaitForShutdown(5 * time.Second)               shutdown({.timeout = 5s})

#include <errand/errand.h>

#include <chrono>
#include <iostream>
#include <stdexcept>

using namespace std::chrono_literals;

int main() {
  errand::Queue worker({.workers = 1, .start = false});

  // Everything can be submitted before the start; then the urgent task is first.
  worker.submit([] { std::cout << "executing: immediate task\n"; }, {.name = "immediate"});
  const auto soon = std::chrono::system_clock::now() + 20ms;
  auto delayed = worker.submit_at(soon, [] { return "executing: delayed task"; }, {.name = "delayed"});
  auto tomorrow = worker.submit_at(soon + 24h, [] {}, {.name = "tomorrow"});
  worker.submit([] { std::cout << "executing: urgent task\n"; }, {.priority = errand::kHigh, .name = "urgent"});

  // Five fields or six; a retry of one run is no business of the next one.
  auto custom = worker.cron("*/5 * * * *", [] {}, {.name = "custom", .max_attempts = 6, .timeout = 10s});
  if (!custom) return 1;
  auto hourly = worker.every(1h, [] {}, {.name = "hourly"});

  auto retry = worker.submit([] { throw std::runtime_error("temporary error"); },
                             {.max_attempts = 3, .retry = errand::Retry::exponential(1ms, 10ms), .name = "retry"});

  if (!worker.start()) return 1;
  retry.wait();
  auto status = worker.info(retry.id());
  std::cout << "retry: " << to_string(status->state) << ", " << status->last_error << "\n";

  for (const auto& schedule : worker.schedules())
    std::cout << "schedule: " << schedule.name << ", " << schedule.expression << "\n";
  for (const auto& task : worker.list({.state = errand::TaskState::scheduled})) {
    if (task.name == "tomorrow") std::cout << "still scheduled: " << task.name << "\n";
  }

  std::cout << delayed.get() << "\n";

  // Runs what is due by now. Tomorrow's task ends cancelled, and so do the schedules; Drain::queued would wait for it.
  const errand::Report report = worker.shutdown({.drain = errand::Drain::due, .timeout = 5s});
  std::cout << "left over: " << report.left_over << ", tomorrow: " << to_string(tomorrow.state()) << "\n";
}
