// What errand has to reach. The reasons stand in docs/benchmarks.md.

#include "suite.h"

namespace bench {

const std::vector<Goal>& memory_goals() {
  static const std::vector<Goal> goals = {
      {.row = "W1 1 producer, 1 worker", .against = "best", .bound = 2.5, .far = 1.7, .stretch = 1},
      {.row = "W1 1 producer, 2 workers", .against = "best", .bound = 2.5, .far = 1.7, .stretch = 1},
      {.row = "W1 mixed, 1 worker", .against = "errand, plain", .bound = 0.8},
      {.row = "W2 handle per task, kept", .against = "best", .bound = 8},
      {.row = "W2 handle per task, dropped", .against = "best", .bound = 10},
      // One bound for near and far: only contended runs are kept apart.
      {.row = "W3 2 producers, 2 workers", .against = "best", .bound = 2.5, .far = 2.5},
      {.row = "W3 errand with more or fewer threads than 2 and 2",
       .who = "16 and 16",
       .against = "errand",
       .bound = 0.7},
      {.row = "W3 errand, 1 producer, more or fewer workers than 2", .who = "16", .against = "errand", .bound = 0.7},
      {.row = "W3 errand, 2 workers, more or fewer producers than 2", .who = "16", .against = "errand", .bound = 0.7},
      {.row = "W4 tree of tasks, 2 workers", .against = "oneTBB task_group", .bound = 2.5},
      {.row = "W4 tree of tasks, 2 workers",
       .who = "errand, default order",
       .against = "oneTBB task_group",
       .bound = 1},
      {.row = "W4 tree of tasks, 2 workers", .who = "errand, untimed", .against = "oneTBB task_group", .bound = 4.5},
      {.row = "W5 idle pool, submit to body, p50", .against = "a word to wake on", .bound = 1.1},
      {.row = "W5 idle pool, submit to body, p99", .against = "Boost.Asio", .bound = 1.1},
      {.row = "W5 idle pool, submit to body, p50",
       .who = "errand, 16 workers",
       .against = "a word to wake on",
       .bound = 1.1},
      {.row = "W5 idle pool, submit to body, p99", .who = "errand, 16 workers", .against = "Boost.Asio", .bound = 1.1},
      {.row = "urgent task under load, passed by more than one a worker, most", .bound = 0},
      {.row = "urgent task under load, passed by more than one a worker, most", .who = "2 workers", .bound = 0},
      {.row = "questions meanwhile, no-ops", .against = "a loop", .bound = 0.95},
      {.row = "questions meanwhile, no-ops", .who = "info() of random ids", .against = "a loop", .bound = 0.95},
      {.row = "questions meanwhile, tasks of 1 us", .against = "a loop", .bound = 0.95},
      {.row = "questions meanwhile, tasks of 1 us", .who = "info() of random ids", .against = "a loop", .bound = 0.95},
      {.row = "questions meanwhile, between two starts, p99", .bound = 100},
      {.row = "questions meanwhile, between two starts, p99", .who = "info() of random ids", .bound = 100},
      {.row = "W5 idle pool, submit to body, p50", .who = "errand, spinning", .bound = 1},
      {.row = "W6 timers scheduled", .against = "Boost.Asio", .bound = 12},
      {.row = "W6 far timers cancelled", .against = "Boost.Asio", .bound = 16},
      {.row = "W6 lateness, p50", .bound = 100},
      {.row = "W6 lateness, p99", .bound = 4000},
      {.row = "W6 processor time", .against = "Boost.Asio", .bound = 0.4},
      {.row = "W6 schedule and cancel a timer beside 10 k others, or more",
       .who = "10 M others",
       .against = "errand",
       .bound = 1.5},
      {.row = "W6 schedule and fire a timer beside 10 k others, or more",
       .who = "10 M others",
       .against = "errand",
       .bound = 1.5},
      {.row = "W7 memory growth over 100 M tasks", .bound = 1},
      {.row = "W8 resident bytes a waiting task", .bound = 68},
      {.row = "W8 resident bytes a task that waits for its time", .bound = 128},
      {.row = "memory 10 s after a burst of 10 M, beyond before", .bound = 10},
      {.row = "idle: 16 workers, a schedule in an hour", .bound = 0.1},
  };
  return goals;
}

const std::vector<Goal>& durable_goals() {
  static const std::vector<Goal> goals = {
      {.row = "D1 1 thread enqueues", .against = "fdatasync alone", .bound = 0.8},
      {.row = "D2 64 threads enqueue", .against = "fdatasync alone", .bound = 12},
      {.row = "D2 64 threads enqueue", .against = "BullMQ", .bound = 4},
      {.row = "D3 pipelined", .bound = 400e3},
      {.row = "D3 pipelined", .who = "errand, enqueue_many", .bound = 400e3},
      {.row = "D3 pipelined", .against = "Redis", .bound = 1.2},
      {.row = "D3 pipelined", .who = "errand, enqueue_many", .against = "Redis", .bound = 1.2},
      {.row = "D4 enqueued, run and completed, kept", .bound = 150e3},
      {.row = "D4 enqueued, run and completed, kept", .against = "plainjob, NORMAL", .bound = 15},
      {.row = "D4 enqueued, run and completed, kept", .who = "errand, 64 blocking threads", .bound = 65e3},
      {.row = "D4 enqueued, run and completed, ephemeral", .bound = 180e3},
      {.row = "D5 idle, from the call to the body, p50", .against = "fdatasync alone", .bound = 1.6},
      {.row = "D5 idle, from the call to the body, p99", .bound = 500},
      {.row = "D6 claims of 100, 1 M kept", .who = "1 M waiting", .against = "100 k waiting", .bound = 0.9},
      {.row = "D6 claimed and completed, 1 M kept", .who = "1 M waiting", .against = "100 k waiting", .bound = 0.9},
      {.row = "D6 claims of 100, 1 M kept", .who = "10 M waiting", .against = "100 k waiting", .bound = 0.85},
      {.row = "D6 claimed and completed, 1 M kept", .who = "10 M waiting", .against = "100 k waiting", .bound = 0.85},
      {.row = "D7 64 threads enqueue, flushes 2 ms slower", .against = "a flush for each thread", .bound = 0.75},
      {.row = "D7 4,000 in flight, flushes 2 ms slower", .against = "errand, the disk as it is", .bound = 0.5},
      {.row = "D idle: processor time of one core", .bound = 0.2},
      {.row = "D idle: written", .bound = 0},
  };
  return goals;
}

}  // namespace bench
