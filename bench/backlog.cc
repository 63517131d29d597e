// D6: claims, however much waits or is kept; and what a store costs that nobody asks anything of.

#include <errand/errand.h>
#include <errand/sqlite.h>

#include <algorithm>
#include <thread>

#include "disk.h"
#include "measure.h"
#include "suite.h"

namespace bench {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kClaim = 100;
constexpr std::size_t kLoad = 10'000;  // tasks in a transaction
constexpr int kPriorities = 10;

const std::vector<std::string> kKinds = {"nothing"};

errand::StorePtr open(const std::string& path) {
  auto store = errand::open_sqlite(path);
  demand(store.has_value(), "the store can't be opened");
  return *store;
}

errand::Committed commit(errand::Store& store, const errand::Batch& batch) {
  auto committed = store.commit(batch, errand::real_clock()->now());
  demand(committed.has_value(), "the store fails");
  return std::move(*committed);
}

std::vector<errand::KeptTask> claim(errand::Store& store, std::size_t limit) {
  const errand::ClaimRequest request{.queue = "bench", .kinds = kKinds, .limit = limit};
  return std::move(commit(store, {.claims = {&request, 1}}).claims.front().tasks);
}

void finish(errand::Store& store, const std::vector<errand::KeptTask>& tasks) {
  const errand::WallTime now = errand::real_clock()->now();
  std::vector<errand::Finish> finished;
  for (const errand::KeptTask& task : tasks) {
    finished.push_back({.id = task.id, .token = task.token, .attempts = 1, .started_at = now, .prune_at = now + 24h});
  }
  for (const auto& one : commit(store, {.finished = finished}).finished) demand(one.has_value(), "a task is lost");
}

void add(errand::Store& store, std::uint64_t count) {
  const errand::WallTime now = errand::real_clock()->now();
  for (std::uint64_t i = 0; i < count; i += kLoad) {
    std::vector<errand::NewTask> tasks(kLoad);
    for (std::size_t j = 0; j < kLoad; ++j) {
      tasks[j].queue = "bench";
      tasks[j].kind = "nothing";
      tasks[j].payload.assign(100, 'x');
      tasks[j].priority = static_cast<int>(j * 7 % kPriorities);
      tasks[j].run_at = now;
    }
    commit(store, {.added = tasks});
  }
}

// A file with so many that are kept and so many that wait. What is claimed and not finished waits again once the file
// was closed, so that it serves for each run.
class Backlog {
 public:
  Backlog(std::uint64_t kept, std::uint64_t waiting) {
    const errand::StorePtr store = open(path());
    for (std::uint64_t i = 0; i < kept; i += kLoad) {
      add(*store, kLoad);
      finish(*store, claim(*store, kLoad));
    }
    add(*store, waiting);
  }

  // Claims a second, of a hundred tasks each.
  [[nodiscard]] double claims(int count) const {
    const errand::StorePtr store = open(path());
    place_.settle();
    const auto start = SteadyClock::now();
    for (int i = 0; i < count; ++i) demand(claim(*store, kClaim).size() == kClaim, "a claim is too small");
    return count / seconds_since(start);
  }
  // Tasks a second, claimed by the hundred and completed. Another hundred waits for each, so that nothing runs out.
  [[nodiscard]] double drain(int count) const {
    const errand::StorePtr store = open(path());
    place_.settle();
    const auto start = SteadyClock::now();
    for (int i = 0; i < count; ++i) finish(*store, claim(*store, kClaim));
    const double rate = count * static_cast<double>(kClaim) / seconds_since(start);
    add(*store, static_cast<std::uint64_t>(count) * kClaim);
    return rate;
  }

 private:
  [[nodiscard]] std::string path() const { return place_.file("tasks.db"); }

  Place place_;
};

// Processor time in per cent of one core, and bytes a second that go to the disk.
std::vector<double> idle(std::chrono::seconds how_long) {
  const Place place;
  const errand::StorePtr store = open(place.file("tasks.db"));
  errand::Queue queue({.name = "bench", .workers = 2, .store = store});
  queue.handle("nothing", [](std::span<const std::byte>) {});
  demand(queue.enqueue_bytes("nothing", {}).has_value() && queue.wait_idle(10s), "the queue did not become idle");
  std::this_thread::sleep_for(1s);
  const std::uint64_t before = written_bytes();
  const double cpu = cpu_seconds();
  const auto start = SteadyClock::now();
  std::this_thread::sleep_for(how_long);
  const double took = seconds_since(start);
  return {(cpu_seconds() - cpu) / took * 100, static_cast<double>(written_bytes() - before) / took};
}

}  // namespace

void backlog(Suite& suite) {
  const std::string claims = "D6 claims of 100, 1 M kept";
  const std::string drain = "D6 claimed and completed, 1 M kept";
  if (!suite.wants(claims) && !suite.wants(drain)) return;
  const std::uint64_t million = suite.scale.of(1e6) / kLoad * kLoad + kLoad;
  const Backlog small(million, million / 10 / kLoad * kLoad + kLoad);
  const int count = std::max(10, static_cast<int>(500 * suite.scale.size));
  const Backlog large(million, million);
  const Backlog huge(million, 10 * million);
  suite.measure(claims, "claims/s", true,
                {{"1 M waiting", [&, count] { return large.claims(count); }},
                 {"10 M waiting", [&, count] { return huge.claims(count); }},
                 {"100 k waiting", [&, count] { return small.claims(count); }}});
  suite.measure(drain, "tasks/s", true,
                {{"1 M waiting", [&, count] { return large.drain(count); }},
                 {"10 M waiting", [&, count] { return huge.drain(count); }},
                 {"100 k waiting", [&, count] { return small.drain(count); }}});
}

void idle_store(Suite& suite) {
  if (!suite.wants("D idle")) return;
  Suite once({.size = suite.scale.size, .runs = 1, .only = suite.scale.only});
  once.measure_several({{"D idle: processor time of one core", "%", false}, {"D idle: written", "bytes/s", false}},
                       {{"errand", [&] { return idle(suite.scale.size >= 1 ? 10s : 1s); }}});
  for (Row& row : once.rows) suite.rows.push_back(std::move(row));
}

}  // namespace bench
