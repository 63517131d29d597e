#pragma once
// Rivals of the durable tier that are servers, or programs for Node.js.
//
// Each run starts anew, with files of its own on the disk that errand writes to. An enqueue is done when the rival says
// that the task is kept, and the rival is told to flush before it says so. Whatever can listen on a Unix socket does.
// After each run the rival is asked whether it has all the tasks.

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

/// All: what has to be installed before the rival can run, by the names of Debian's packages; empty: nothing.
/// Rates are tasks a second; latencies go from the call to the body, on an idle queue, as in_us() gives them.

/// beanstalkd -f0: it flushes each task on its own.
namespace beanstalkd {
[[nodiscard]] std::string missing();
/// One connection for each thread.
[[nodiscard]] double enqueue(int threads, std::uint64_t count);
[[nodiscard]] std::vector<double> latency(int count);
}  // namespace beanstalkd

/// A list in Redis and no queue: the least that one can do there. With appendfsync always it flushes once for all that
/// it has read from its connections.
namespace redis {
[[nodiscard]] std::string missing();
[[nodiscard]] double enqueue(std::uint64_t count);
/// By one thread over eight connections, with 4,000 tasks on their way.
[[nodiscard]] double enqueue_pipelined(std::uint64_t count);
}  // namespace redis

/// BullMQ on such a Redis.
namespace bullmq {
[[nodiscard]] std::string missing();
/// By 64 callers.
[[nodiscard]] double enqueue(std::uint64_t count);
/// Enqueued in batches, run and completed by a worker for 64 attempts at once, and kept.
[[nodiscard]] double work(std::uint64_t count);
[[nodiscard]] std::vector<double> latency(int count);
}  // namespace bullmq

/// plainjob on SQLite. Enqueues have synchronous=FULL.
namespace plainjob {
[[nodiscard]] std::string missing();
[[nodiscard]] double enqueue(std::uint64_t count);
[[nodiscard]] double enqueue_many(std::uint64_t count);
/// Enqueued in batches, run and completed, and kept; with synchronous=NORMAL, which is plainjob's choice.
[[nodiscard]] double work(std::uint64_t count);
}  // namespace plainjob

}  // namespace bench
