// A queue is shut down in whatever state it is: it returns in time, what was accepted is in the file, what had not run
// waits there and is charged nothing, and no thread or file stays open.

#include <errand/errand.h>
#include <errand/sqlite.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <optional>
#include <thread>

#include "account.h"
#include "effort.h"
#include "first_version.h"
#include "test_disk/disk.h"

using namespace errand;
using namespace std::chrono_literals;

namespace {

constexpr auto kTimeout = 300ms;
// Past its deadline. A slice runs beside other things, and under sanitizers.
const auto kLate = by_effort(5'000ms, 200ms, 200ms);

std::size_t entries(const char* folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

// A thread that has been joined may be in the list for a moment.
std::size_t entries_soon(const char* folder, std::size_t expected) {
  const auto until = std::chrono::steady_clock::now() + 10s;
  while (entries(folder) != expected && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  return entries(folder);
}

// A queue on a disk of its own, and what its bodies do.
class Scene {
 public:
  Scene() {
    auto opened = open_sqlite("tasks.db", {.vfs = disk.vfs_name()});
    EXPECT_TRUE(opened) << opened.error().message();
    store.emplace(*opened);
  }
  void begin(bool start = true) {
    queue.emplace(
        QueueOptions{.name = "work", .workers = 2, .start = start, .store = *store, .close = {.timeout = 0s}});
    queue->handle("count", [this](std::span<const std::byte> bytes, Attempt& attempt) { body(bytes, attempt); });
  }
  /// What bodies do, and whether they came to their end; by default they do at once.
  std::function<bool(Attempt&)> act = [](Attempt&) { return true; };

  bool enqueue(int count) {
    bool all = true;
    for (int i = 0; i < count; ++i) {
      const int number = account.intend();
      const std::string payload = std::to_string(number);
      const auto task = queue->enqueue_bytes("count", std::as_bytes(std::span(payload)));
      if (task) {
        account.acknowledged(number);
      } else {
        account.refused(number);
        all = false;
      }
    }
    return all;
  }
  void wait_for_bodies(int count) {
    while (begun.load() < count) std::this_thread::yield();
  }
  void shut_down(Drain drain = Drain::due) {
    const auto before = std::chrono::steady_clock::now();
    static_cast<void>(queue->shutdown({.drain = drain, .timeout = kTimeout}));
    const auto took = std::chrono::steady_clock::now() - before;
    EXPECT_LE(took, kTimeout + kLate);
    longest = std::max(longest, took);
  }
  /// The next life: what is there, and what it was charged.
  void look() {
    gate = true;
    queue.reset();
    store.reset();
    disk.on_operation(nullptr);
    account.life_ends();
    auto opened = open_sqlite("tasks.db", {.vfs = disk.vfs_name()});
    ASSERT_TRUE(opened) << opened.error().message();
    const auto verdict = account.check(*opened->operator->(), real_clock()->now(), false);
    EXPECT_TRUE(verdict.clean()) << text_of(verdict);
    EXPECT_EQ(verdict.crashes, 0);
    const auto kept = (*opened)->list({}, {}, 100'000, real_clock()->now());
    ASSERT_TRUE(kept);
    for (const KeptTask& task : *kept) {
      if (task.state == TaskState::completed) continue;
      EXPECT_EQ(task.state, TaskState::available);
      EXPECT_EQ(task.attempts, 0) << "what had not come to its end is charged";
      ++left_over;
    }
  }

  disk::Disk disk{1};
  Account account;
  std::atomic<bool> gate{false};
  std::atomic<bool> dead{false};  // the disk
  std::atomic<int> begun{0};
  std::optional<SqliteStore> store;
  std::optional<Queue> queue;
  std::chrono::steady_clock::duration longest{};
  int left_over = 0;

 private:
  void body(std::span<const std::byte> bytes, Attempt& attempt) {
    const std::string_view payload(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    account.started(payload);
    ++begun;
    if (act(attempt)) {
      account.succeeded(payload);
    } else {
      account.failed(payload);
    }
  }
};

// Stops when it is asked to.
bool patient(Attempt& attempt) {
  attempt.sleep_for(1h);
  return !attempt.stop_requested();
}

struct State {
  const char* name;
  void (*play)(Scene&);
};

const State kStates[] = {
    {"idle",
     [](Scene& scene) {
       scene.begin();
       scene.shut_down();
     }},
    {"claiming and running",
     [](Scene& scene) {
       scene.begin();
       EXPECT_TRUE(scene.enqueue(100));
       scene.shut_down();
     }},
    {"paused",
     [](Scene& scene) {
       scene.begin();
       scene.queue->pause();
       EXPECT_TRUE(scene.enqueue(20));
       scene.shut_down();
     }},
    {"never started",
     [](Scene& scene) {
       scene.begin(false);
       EXPECT_TRUE(scene.enqueue(20));
       scene.shut_down();
     }},
    {"about to start",
     [](Scene& scene) {
       scene.begin(false);
       EXPECT_TRUE(scene.enqueue(20));
       std::jthread starts([&] { scene.queue->start(); });
       scene.shut_down();
     }},
    {"the store is dead",
     [](Scene& scene) {
       scene.disk.on_operation(
           [&](const disk::Operation&) { return scene.dead ? disk::Fault::io_error : disk::Fault::none; });
       scene.begin();
       EXPECT_TRUE(scene.enqueue(20));
       scene.dead = true;
       scene.shut_down();
       scene.queue.reset();
       scene.dead = false;
     }},
    {"flushes are slow",
     [](Scene& scene) {
       scene.disk.on_operation([](const disk::Operation& operation) {
         if (operation.call == disk::Call::sync) std::this_thread::sleep_for(20ms);
         return disk::Fault::none;
       });
       scene.begin();
       EXPECT_TRUE(scene.enqueue(5));
       scene.shut_down();
       scene.queue.reset();
     }},
    {"bodies wait, and stop when they are asked to",
     [](Scene& scene) {
       scene.act = patient;
       scene.begin();
       EXPECT_TRUE(scene.enqueue(20));
       scene.wait_for_bodies(2);
       scene.shut_down();
     }},
    {"a body does not stop",
     [](Scene& scene) {
       scene.act = [&](Attempt&) {
         while (!scene.gate) std::this_thread::sleep_for(1ms);
         return true;
       };
       scene.begin();
       EXPECT_TRUE(scene.enqueue(20));
       scene.wait_for_bodies(2);
       scene.shut_down();
     }},
    {"from a body",
     [](Scene& scene) {
       scene.act = [&](Attempt&) {
         static_cast<void>(scene.queue->shutdown({.drain = Drain::running, .timeout = kTimeout}));
         return true;
       };
       scene.begin();
       EXPECT_TRUE(scene.enqueue(1));
       scene.wait_for_bodies(1);
       scene.shut_down();
     }},
    {"by two at once",
     [](Scene& scene) {
       scene.act = patient;
       scene.begin();
       EXPECT_TRUE(scene.enqueue(20));
       scene.wait_for_bodies(2);
       std::jthread other([&] { static_cast<void>(scene.queue->shutdown({.timeout = kTimeout})); });
       scene.shut_down();
     }},
    {"while others enqueue",
     [](Scene& scene) {
       scene.begin();
       std::vector<std::jthread> producers;
       for (int i = 0; i < 3; ++i) {
         producers.emplace_back([&] {
           while (scene.enqueue(1)) {
           }
         });
       }
       scene.wait_for_bodies(10);
       scene.shut_down();
     }},
};

TEST(Shutdown, InEveryStateIsInTimeAndChargesNobody) {
  for (const State& state : kStates) {
    SCOPED_TRACE(state.name);
    Figures figures("T11", std::string("shut down: ") + state.name);
    const Rounds rounds(2, by_effort(4, 50, 5000), 1s);
    int done = 0;
    int left_over = 0;
    int acked = 0;
    std::chrono::steady_clock::duration longest{};
    const std::size_t before = entries("/proc/self/task");
    {
      Scene first;  // what is made once is there from here on
      state.play(first);
      first.look();
    }
    const std::size_t threads = entries_soon("/proc/self/task", before);
    const std::size_t files = entries("/proc/self/fd");
    for (; rounds.go_on(done); ++done) {
      Scene scene;
      state.play(scene);
      scene.look();
      longest = std::max(longest, scene.longest);
      left_over += scene.left_over;
      acked += scene.account.acked();
    }
    EXPECT_EQ(entries_soon("/proc/self/task", threads), threads) << "threads are left";
    EXPECT_EQ(entries("/proc/self/fd"), files) << "files are left open";
    figures.count("shutdowns", done).count("acknowledged", acked).count("left for the next start", left_over);
    figures.count("ms the longest", std::chrono::duration_cast<std::chrono::milliseconds>(longest).count());
  }
}

// The file is brought up to date, and its queue ends before it has begun.
TEST(Shutdown, RightBehindAMigrationLosesNothing) {
  Figures figures("T11", "shut down: right behind a migration");
  const Rounds rounds(2, by_effort(4, 50, 5000), 1s);
  int done = 0;
  for (; rounds.go_on(done); ++done) {
    disk::Disk disk(static_cast<std::uint64_t>(done));
    make_first_version(disk);
    const auto store = open_sqlite("tasks.db", {.vfs = disk.vfs_name()});
    ASSERT_TRUE(store) << store.error().message();
    {
      Queue queue({.name = "mail", .workers = 2, .store = *store});
      queue.handle("other", [](std::span<const std::byte>) {});
      const auto before = std::chrono::steady_clock::now();
      static_cast<void>(queue.shutdown({.timeout = kTimeout}));
      EXPECT_LE(std::chrono::steady_clock::now() - before, kTimeout + kLate);
    }
    const auto task = (*store)->find(TaskId{(std::uint64_t{1} << 63) | 1}, real_clock()->now());
    ASSERT_TRUE(task);
    EXPECT_EQ(task->state, TaskState::available);
    EXPECT_EQ(task->attempts, 0);
  }
  figures.count("shutdowns", done);
}

}  // namespace
