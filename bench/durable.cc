// D1 to D5 and D7: tasks on SQLite, from one thread and from many.

#include <errand/errand.h>
#include <errand/sqlite.h>

#include <deque>
#include <memory>
#include <thread>

#include "disk.h"
#include "durable.h"
#include "measure.h"
#include "rivals/rivals.h"
#include "suite.h"
#include "test_disk/slow_flush.h"

namespace bench {

namespace {

using namespace std::chrono_literals;

std::span<const std::byte> payload() {
  return std::as_bytes(std::span(kPayload));
}

errand::SqliteStore open(const Place& place, const char* vfs = "") {
  auto store = errand::open_sqlite(place.file("tasks.db"), {.vfs = vfs});
  demand(store.has_value(), "the store can't be opened");
  return *store;
}

// A queue that keeps what it is given, and runs none of it.
errand::QueueOptions keeps(const errand::SqliteStore& store) {
  return {.name = "bench", .workers = 1, .start = false, .store = store};
}

void is_kept(const errand::SqliteStore& store, std::uint64_t count) {
  const errand::StorePtr tasks = store;
  auto counts = tasks->counts(errand::real_clock()->now());
  demand(counts && counts->size() == 1 && counts->front().available == count, "a task was lost");
}

// --- D1, D2, D7: an enqueue returns when the task is on the disk -----------------------------------------------------

double enqueue(int threads, std::uint64_t count, const char* vfs = "") {
  const Place place;
  const errand::SqliteStore store = open(place, vfs);
  errand::Queue queue(keeps(store));
  place.settle();
  const double rate = each_of(threads, count, [&](int) {
    demand(queue.enqueue_bytes("nothing", payload()).has_value(), "a task was refused");
  });
  const std::uint64_t share = count / static_cast<std::uint64_t>(threads);
  is_kept(store, share * static_cast<std::uint64_t>(threads));
  return rate;
}

// One transaction for each row.
double raw_enqueue(std::uint64_t count) {
  const Place place;
  open(place);
  RawDatabase raw(place.file("tasks.db"));
  place.settle();
  const auto start = SteadyClock::now();
  for (std::uint64_t i = 1; i <= count; ++i) {
    raw.begin();
    raw.insert(i, kPayload);
    raw.wait(i);
    raw.commit();
  }
  return static_cast<double>(count) / seconds_since(start);
}

double flush_rate(std::uint64_t count) {
  const Place place;
  const std::vector<double> took = flushes(place, static_cast<int>(count));
  double sum = 0;
  for (const double one : took) sum += one;
  return static_cast<double>(count) / sum;
}

// --- D3: many at once ------------------------------------------------------------------------------------------------

double enqueue_async(std::uint64_t count) {
  const Place place;
  const errand::SqliteStore store = open(place);
  errand::Queue queue(keeps(store));
  std::vector<errand::Acceptance<>> sent;
  sent.reserve(count);
  place.settle();
  const auto start = SteadyClock::now();
  for (std::uint64_t i = 0; i < count; ++i) sent.push_back(queue.enqueue_bytes_async("nothing", payload()));
  demand(sent.back().result().has_value(), "a task was refused");
  const double took = seconds_since(start);
  is_kept(store, count);
  return static_cast<double>(count) / took;
}

double enqueue_many(std::uint64_t count) {
  const Place place;
  const errand::SqliteStore store = open(place);
  errand::Queue queue(keeps(store));
  place.settle();
  const auto start = SteadyClock::now();
  for (std::uint64_t i = 0; i < count; i += kBatch) {
    std::vector<errand::Named> some;
    for (std::uint64_t j = 0; j < kBatch; ++j)
      some.push_back({"nothing", kPayload, "application/octet-stream", {}, {}});
    for (const auto& one : queue.enqueue_many(std::move(some))) demand(one.has_value(), "a task was refused");
  }
  const double took = seconds_since(start);
  is_kept(store, count);
  return static_cast<double>(count) / took;
}

double raw_enqueue_many(std::uint64_t count) {
  const Place place;
  open(place);
  RawDatabase raw(place.file("tasks.db"));
  place.settle();
  const auto start = SteadyClock::now();
  for (std::uint64_t i = 1; i <= count; i += kBatch) {
    raw.begin();
    for (std::uint64_t j = i; j < i + kBatch; ++j) {
      raw.insert(j, kPayload);
      raw.wait(j);
    }
    raw.commit();
  }
  return static_cast<double>(count) / seconds_since(start);
}

// --- D4: enqueued, claimed, run and completed ------------------------------------------------------------------------

// A handler that counts, and the wait until all has been run and written.
class Worked {
 public:
  Worked(const Place& place, const char* vfs = "")
      : store_(open(place, vfs)), queue({.name = "bench", .workers = 1, .store = store_}) {
    queue.handle("nothing", [this](std::span<const std::byte>) { bodies_->one(); });
  }
  // All that was enqueued is completed, and kept if it is to be.
  void wait(std::uint64_t count, bool kept) {
    bodies_->wait_for(count);
    demand(queue.wait_idle(120s), "the queue did not become idle");
    if (!kept) return;
    const errand::StorePtr tasks = store_;
    auto counts = tasks->counts(errand::real_clock()->now());
    demand(counts && counts->front().completed == count, "a task is not known as completed");
  }

 private:
  const std::unique_ptr<Bodies> bodies_ = std::make_unique<Bodies>();
  const errand::SqliteStore store_;

 public:
  errand::Queue queue;
};

// One producer, with so many tasks on their way to the disk at most.
double work(std::uint64_t count, bool kept, std::size_t in_flight, const char* vfs = "") {
  const Place place;
  Worked worked(place, vfs);
  std::deque<errand::Acceptance<>> sent;
  place.settle();
  const auto start = SteadyClock::now();
  for (std::uint64_t i = 0; i < count; ++i) {
    if (sent.size() == in_flight) {
      demand(sent.front().result().has_value(), "a task was refused");
      sent.pop_front();
    }
    sent.push_back(worked.queue.enqueue_bytes_async("nothing", payload(), {.ephemeral = !kept}));
  }
  worked.wait(count, kept);
  return static_cast<double>(count) / seconds_since(start);
}

double work_blocking(std::uint64_t count) {
  const Place place;
  Worked worked(place);
  const std::uint64_t share = count / kManyThreads;
  place.settle();
  const auto start = SteadyClock::now();
  each_of(kManyThreads, count,
          [&](int) { demand(worked.queue.enqueue_bytes("nothing", payload()).has_value(), "a task was refused"); });
  worked.wait(share * kManyThreads, true);
  return static_cast<double>(share) * kManyThreads / seconds_since(start);
}

// The rows alone, a thousand in a transaction, each transaction with the ends of the one before.
double raw_work(std::uint64_t count, bool kept) {
  const Place place;
  open(place);
  RawDatabase raw(place.file("tasks.db"));
  place.settle();
  const auto start = SteadyClock::now();
  for (std::uint64_t i = 1; i <= count + kBatch; i += kBatch) {
    raw.begin();
    for (std::uint64_t j = i; i > kBatch && j < i + kBatch; ++j) {
      if (kept) {
        raw.complete(j - kBatch);
      } else {
        raw.remove(j - kBatch);
      }
    }
    for (std::uint64_t j = i; i <= count && j < i + kBatch; ++j) raw.insert(j, kPayload);
    raw.commit();
  }
  return static_cast<double>(count) / seconds_since(start);
}

// --- D5: from the call to the body -----------------------------------------------------------------------------------

std::vector<double> latency(int count) {
  const Place place;
  const errand::SqliteStore store = open(place);
  std::atomic<std::int64_t> began{0};
  errand::Queue queue({.name = "bench", .workers = 1, .store = store});
  queue.handle("nothing", [&](std::span<const std::byte>) {
    began.store(SteadyClock::now().time_since_epoch().count(), std::memory_order_release);
  });
  place.settle();
  std::vector<double> took;
  for (int i = -10; i < count; ++i) {
    began.store(0, std::memory_order_relaxed);
    const auto start = SteadyClock::now();
    demand(queue.enqueue_bytes("nothing", payload()).has_value(), "a task was refused");
    while (began.load(std::memory_order_acquire) == 0) std::this_thread::sleep_for(50us);
    const auto end = SteadyClock::time_point(SteadyClock::duration(began.load(std::memory_order_acquire)));
    if (i >= 0) took.push_back(std::chrono::duration<double>(end - start).count());
    demand(queue.wait_idle(10s), "the queue did not become idle");
    std::this_thread::sleep_for(1ms);
  }
  return in_us(took);
}

std::vector<double> flush_latency(int count) {
  const Place place;
  return in_us(flushes(place, count, 1ms));
}

}  // namespace

void enqueuing(Suite& suite) {
  const std::uint64_t few = suite.scale.of(3e3);
  const std::uint64_t many = suite.scale.of(64e3);
  suite.measure("D1 1 thread enqueues", "tasks/s", true,
                {{"errand", [=] { return enqueue(1, few); }},
                 {"plainjob", [=] { return plainjob::enqueue(few); }, false, plainjob::missing()},
                 {"beanstalkd -f0", [=] { return beanstalkd::enqueue(1, few); }, false, beanstalkd::missing()},
                 {"Redis", [=] { return redis::enqueue(few); }, false, redis::missing()},
                 {"raw SQLite, same row", [=] { return raw_enqueue(few); }, true},
                 {"fdatasync alone", [=] { return flush_rate(few); }, true}});
  suite.measure(
      "D2 64 threads enqueue", "tasks/s", true,
      {{"errand", [=] { return enqueue(kManyThreads, many); }},
       {"BullMQ", [=] { return bullmq::enqueue(many); }, false, bullmq::missing()},
       {"beanstalkd -f0", [=] { return beanstalkd::enqueue(kManyThreads, few); }, false, beanstalkd::missing()},
       {"fdatasync alone", [=] { return flush_rate(few); }, true}});
  const std::uint64_t lots = suite.scale.of(3e5) / kBatch * kBatch;
  suite.measure("D3 pipelined", "tasks/s", true,
                {{"errand", [=] { return enqueue_async(lots); }},
                 {"errand, enqueue_many", [=] { return enqueue_many(lots); }},
                 {"Redis", [=] { return redis::enqueue_pipelined(lots); }, false, redis::missing()},
                 {"plainjob, addMany", [=] { return plainjob::enqueue_many(lots); }, false, plainjob::missing()},
                 {"raw SQLite, same rows", [=] { return raw_enqueue_many(lots); }, true}});
}

void working(Suite& suite) {
  const std::uint64_t lots = suite.scale.of(2e5) / kBatch * kBatch;
  const std::uint64_t many = suite.scale.of(64e3);
  const std::uint64_t some = suite.scale.of(2e4);
  suite.measure("D4 enqueued, run and completed, kept", "tasks/s", true,
                {{"errand", [=] { return work(lots, true, lots); }},
                 {"errand, 64 blocking threads", [=] { return work_blocking(many); }},
                 {"plainjob, NORMAL", [=] { return plainjob::work(some); }, false, plainjob::missing()},
                 {"BullMQ", [=] { return bullmq::work(some); }, false, bullmq::missing()},
                 {"raw SQLite, same rows", [=] { return raw_work(lots, true); }, true}});
  suite.measure("D4 enqueued, run and completed, ephemeral", "tasks/s", true,
                {{"errand", [=] { return work(lots, false, lots); }},
                 {"raw SQLite, same rows", [=] { return raw_work(lots, false); }, true}});
}

void starting(Suite& suite) {
  const int count = static_cast<int>(suite.scale.of(1000));
  suite.measure_several({{"D5 idle, from the call to the body, p50", "us", false},
                         {"D5 idle, from the call to the body, p99", "us", false}},
                        {{"errand", [=] { return latency(count); }},
                         {"beanstalkd -f0", [=] { return beanstalkd::latency(count); }, false, beanstalkd::missing()},
                         {"BullMQ", [=] { return bullmq::latency(count); }, false, bullmq::missing()},
                         {"fdatasync alone", [=] { return flush_latency(count); }, true}});
}

void slow_disk(Suite& suite) {
  const disk::SlowFlush slow(2ms);
  const disk::SlowFlush plain(0ms);
  const std::uint64_t many = suite.scale.of(64e3);
  suite.measure("D7 64 threads enqueue, flushes 2 ms slower", "tasks/s", true,
                {{"errand", [&, many] { return enqueue(kManyThreads, many, slow.vfs_name()); }},
                 {"a flush for each thread",
                  [&] {
                    // What one thread reaches that commits alone, times the threads.
                    return kManyThreads * enqueue(1, 1000, slow.vfs_name());
                  },
                  true}});
  const std::uint64_t lots = suite.scale.of(2e5);
  suite.measure("D7 4,000 in flight, flushes 2 ms slower", "tasks/s", true,
                {{"errand", [&, lots] { return work(lots, true, kInFlight, slow.vfs_name()); }},
                 {"errand, the disk as it is", [&, lots] { return work(lots, true, kInFlight, plain.vfs_name()); }}});
}

}  // namespace bench
