// A task that is poison harms itself: not its neighbours, not its queue, and its process three times at most.

#include <errand/errand.h>
#include <errand/json.h>
#include <errand/sqlite.h>
#include <errand/testing.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <mutex>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "account.h"
#include "core/text.h"
#include "effort.h"
#include "life.h"
#include "test_disk/disk.h"

using namespace errand;
using namespace std::chrono_literals;

struct Letter {
  int number = 0;
  double weight = 0;
  std::string to{};
  std::vector<int> copies{};
  static constexpr std::string_view kind = "letter";
};
ERRAND_JSON(Letter, number, weight, to, copies)

namespace {

constexpr std::size_t kHuge = std::size_t{16} << 20;

std::string deep(const std::string& open, const std::string& inside, const std::string& close) {
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += open;
  text += inside;
  for (int i = 0; i < 10'000; ++i) text += close;
  return text;
}

// What a message may look like that nobody meant.
std::vector<std::string> letters() {
  return {"",
          std::string(1, '\0'),
          "null",
          "{",
          "\xff\xfe\xed\xa0\x80",
          R"({"to": "\ud800"})",
          R"({"to": "\udc00\ud800"})",
          std::string("{\"to\": \"a\0b\"}", 13),
          R"({"number": 99999999999999999999999999999999999999})",
          R"({"number": -9223372036854775809})",
          R"({"number": 1.5})",
          R"({"weight": NaN})",
          R"({"weight": 1e999})",
          R"({"weight": -Infinity})",
          R"({"copies": )" + deep("[", "1", "]") + "}",
          deep("[", "", "]"),
          deep(R"({"to":)", "1", "}"),
          deep("[", "", "")};
}

class Poison : public testing::Test {
 protected:
  Poison() {
    queue.handle<Letter>([](const Letter&) {});
    queue.handle("says", [](std::span<const std::byte> bytes) {
      return errand::discard(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    });
    queue.handle("throws", [](std::span<const std::byte> bytes) {
      struct NoException {};
      switch (static_cast<int>(bytes[0])) {
        case 0:
          throw 42;
        case 1:
          throw NoException{};
        case 2:
          throw "a text";
        case 3:
          throw static_cast<const char*>(nullptr);
        default:
          throw std::runtime_error(std::string(1 << 20, '\xff'));
      }
    });
    queue.handle("leaves", [](std::span<const std::byte>) { return Output{std::string(kHuge, 'x'), "text/plain"}; });
    queue.handle("notes", [](std::span<const std::byte> bytes, Attempt& attempt) {
      const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      attempt.progress(std::numeric_limits<std::uint64_t>::max(), 0, text);
      attempt.log(text);
      attempt.metadata(text, text);
      return errand::done();
    });
    queue.handle("count", [this](std::span<const std::byte> bytes) {
      const std::string_view payload(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      account.started(payload);
      account.succeeded(payload);
    });
  }
  Result<Task<>> enqueue(std::string_view kind, const std::string& payload) {
    return queue.enqueue_bytes(kind, std::as_bytes(std::span(payload)), {.max_attempts = 1}, "application/json");
  }
  void add_healthy() {
    const int number = account.intend();
    const auto task = enqueue("count", std::to_string(number));
    ASSERT_TRUE(task) << task.error().message();
    account.acknowledged(number);
  }
  // It is over, with text that anybody can read, and its neighbours ran.
  void survives(const std::string& kind, const std::string& payload, std::optional<TaskState> state = {}) {
    SCOPED_TRACE(kind + " " + payload.substr(0, 40));
    add_healthy();
    auto task = enqueue(kind, payload);
    ASSERT_TRUE(task) << task.error().message();
    add_healthy();
    queue.dispatch();
    EXPECT_EQ(account.unfinished(), 0) << "a neighbour did not run";
    const auto info = task->info();
    ASSERT_TRUE(info) << info.error().message();
    EXPECT_TRUE(is_final(info->state)) << to_string(info->state);
    if (state) {
      EXPECT_EQ(info->state, *state) << info->last_error;
    }
    EXPECT_EQ(info->state == TaskState::discarded, !info->last_error.empty());
    EXPECT_LE(info->last_error.size(), 8192u + 100);
    for (const std::string& text : {info->last_error, info->progress_note, info->log.empty() ? "" : info->log[0]})
      EXPECT_TRUE(is_utf8(text) && text.find('\0') == std::string::npos);
    EXPECT_TRUE(queue.stats().healthy);
    // It is not asked again.
    EXPECT_TRUE(queue.remove(task->id()));
    ++poisons;
  }

  disk::Disk disk{1};
  const std::shared_ptr<ManualClock> clock = std::make_shared<ManualClock>();
  Account account;
  const Result<SqliteStore> store = open_sqlite("tasks.db", {.vfs = disk.vfs_name()});
  Queue queue{{.name = "work", .drive = Drive::manual, .store = *store, .clock = clock, .seed = 1}};
  int poisons = 0;
};

TEST_F(Poison, ThatIsContentHarmsItselfAlone) {
  Figures figures("T10", "payloads, errors, outputs and notes that are poison");
  const std::string dirty[] = {std::string("a\0b", 3),    "\xed\xa0\x80", "\xff", "\xc3", std::string(1 << 20, '\xff'),
                               std::string(1 << 19, '\0')};
  for (int i = 0; i < by_effort(1, 1, 100) && !HasFailure(); ++i) {
    for (const std::string& letter : letters()) survives("letter", letter);
    for (const std::string& text : dirty) survives("says", text, TaskState::discarded);
    for (const std::string& text : dirty) survives("notes", text, TaskState::completed);
    for (char how = 0; how < 5; ++how) survives("throws", std::string(1, how), TaskState::discarded);
    survives("leaves", "", TaskState::discarded);
    const auto huge = enqueue("count", std::string(kHuge, 'x'));
    ASSERT_FALSE(huge);
    EXPECT_EQ(huge.error().code(), Code::too_large);
    const auto no_kind = enqueue(std::string("ki\0nd", 5), "");
    ASSERT_FALSE(no_kind);
    EXPECT_EQ(no_kind.error().code(), Code::invalid);
  }
  const auto verdict = account.check(*store->operator->(), clock->now(), true);
  EXPECT_TRUE(verdict.clean()) << text_of(verdict);
  figures.count("poisons", poisons).count("healthy neighbours", account.acked()).count("lost", verdict.lost);
}

// --- how long others wait --------------------------------------------------------------------------------------------

// A queue with real workers and a real disk, and how long its tasks wait from their enqueue to their body.
class Waits {
 public:
  using Steady = std::chrono::steady_clock;

  Waits() {
    queue_.handle("count", [this](std::span<const std::byte> bytes) {
      std::int64_t asked = 0;
      std::memcpy(&asked, bytes.data(), sizeof asked);
      const std::lock_guard lock(mu_);
      waits_->push_back(Steady::now().time_since_epoch() - Steady::duration(asked));
    });
    queue_.handle<Letter>([](const Letter&) {});
    queue_.handle("says", [](std::span<const std::byte>) { return errand::discard(std::string(1 << 20, '\xff')); });
    queue_.handle("throws", [](std::span<const std::byte>) { throw 42; });
    queue_.handle("leaves", [](std::span<const std::byte>) { return Output{std::string(kHuge, 'x'), "text/plain"}; });
    queue_.handle("makes", [](std::span<const std::byte> bytes) {
      std::size_t size = 0;
      std::memcpy(&size, bytes.data(), sizeof size);
      const std::string made(size, 'x');
      return Output{made.substr(size - 1), "text/plain"};
    });
  }

  /// So many, beside as many others: poison, or tasks as harmless as these, whose bodies do the same work.
  void measure(int count, bool poison, std::vector<Steady::duration>& waits) {
    waits_ = &waits;
    std::jthread other([&] {
      for (int i = 0; i < count; ++i) {
        if (poison) {
          add_poison(i);
        } else {
          add_harmless(i);
        }
      }
    });
    for (int i = 0; i < count; ++i) {
      const std::int64_t now = Steady::now().time_since_epoch().count();
      EXPECT_TRUE(queue_.enqueue_bytes("count", std::as_bytes(std::span(&now, 1))));
    }
    other.join();
    EXPECT_TRUE(queue_.wait_idle(120s));
  }

 private:
  void add(std::string_view kind, std::string_view payload) {
    const auto bytes = std::as_bytes(std::span(payload));
    EXPECT_TRUE(queue_.enqueue_bytes(kind, bytes, {.max_attempts = 1}, "application/json"));
  }
  void add_harmless(int i) {
    const std::size_t size = i % 5 == 1 ? std::size_t{1} << 20 : i % 50 == 3 ? kHuge : 0;
    if (size != 0) return add("makes", {reinterpret_cast<const char*>(&size), sizeof size});
    add("letter", R"({"number": 1, "weight": 1, "to": "a", "copies": [1]})");
  }
  void add_poison(int i) {
    if (i % 5 == 1) return add("says", "");
    if (i % 5 == 2) return add("throws", "");
    if (i % 50 == 3) return add("leaves", "");
    add("letter", letters_[static_cast<std::size_t>(i) % letters_.size()]);
  }

  const Scratch folder_;
  const std::vector<std::string> letters_ = letters();
  std::mutex mu_;
  std::vector<Steady::duration>* waits_ = nullptr;
  const Result<SqliteStore> store_ = open_sqlite(folder_.file("tasks.db"));
  Queue queue_{{.name = "work", .workers = 4, .store = *store_}};
};

std::int64_t p99_in_us(std::vector<std::chrono::steady_clock::duration>& waits) {
  std::sort(waits.begin(), waits.end());
  return waits[waits.size() * 99 / 100] / 1us;
}

// Both in turn, on a disk that may be slower at one time than at another.
TEST(PoisonBesideOthers, DoesNotMakeThemWait) {
  Figures figures("T10", "how long others wait beside poison, and beside tasks as harmless as they are");
  const int rounds = by_effort(2, 20, 200);
  // One of three, since nobody else on the machine promises to be quiet. A slice only looks whether it ends.
  for (int tries = 0;; ++tries) {
    std::vector<std::chrono::steady_clock::duration> beside_poison;
    std::vector<std::chrono::steady_clock::duration> beside_others;
    Waits waits;
    for (int i = 0; i < rounds && !testing::Test::HasFailure(); ++i) {
      waits.measure(100, false, beside_others);
      waits.measure(100, true, beside_poison);
    }
    ASSERT_EQ(beside_poison.size(), static_cast<std::size_t>(rounds) * 100);
    ASSERT_EQ(beside_others.size(), beside_poison.size());
    const std::int64_t poison = p99_in_us(beside_poison);
    const std::int64_t others = p99_in_us(beside_others);
    if (effort() != Effort::slice && poison >= 2 * others && tries < 2) continue;
    if (effort() != Effort::slice) {
      EXPECT_LT(poison, 2 * others);
    }
    figures.count("of each", beside_others.size()).count("us p99 beside poison", poison);
    figures.count("us p99 beside others", others).count("measured again", tries);
    return;
  }
}

// --- what ends its process -------------------------------------------------------------------------------------------

// Two of them among others, and the program is started again until nothing is left.
void kills_three_times_at_most(const std::string& how, int& deaths, int& innocents) {
  SCOPED_TRACE(how);
  const Scratch folder;
  const std::string path = folder.file("tasks.db");
  Account account;
  std::vector<TaskId> killers;
  {
    const auto store = open_sqlite(path);
    ASSERT_TRUE(store) << store.error().message();
    Queue queue({.name = "work", .workers = 0, .store = *store});
    for (int i = 0; i < 40; ++i) {
      const int number = account.intend();
      const std::string payload = std::to_string(number);
      ASSERT_TRUE(queue.enqueue_bytes("count", std::as_bytes(std::span(payload))));
      account.acknowledged(number);
      if (i % 20 != 10) continue;
      const auto killer = queue.enqueue_bytes("kill", {});
      ASSERT_TRUE(killer);
      killers.push_back(killer->id());
    }
  }
  bool drained = false;
  int died = 0;
  for (; !drained && !testing::Test::HasFailure(); ++died) {
    ASSERT_LE(died, 6) << "it dies without end";
    Life life(ERRAND_SUICIDE, {path, how}, [&](std::string_view line) {
      const std::string_view payload = line.substr(line.find(' ') + 1);
      if (line.starts_with("start ")) account.started(payload);
      if (line.starts_with("effect ")) account.succeeded(payload);
      if (line.starts_with("drained")) drained = true;
    });
    EXPECT_FALSE(life.listen(Life::Clock::now() + 120s)) << "it neither ends nor dies";
    life.kill();
    account.life_ends();
    if (drained) break;
  }
  const auto store = open_sqlite(path);
  ASSERT_TRUE(store) << store.error().message();
  const WallTime now = real_clock()->now();
  for (const TaskId id : killers) {
    const auto killer = (*store)->find(id, now);
    ASSERT_TRUE(killer);
    EXPECT_EQ(killer->state, TaskState::discarded);
    EXPECT_EQ(killer->crashes, kMostCrashes);
    EXPECT_NE(killer->last_error.value_or(KeptError{}).text.find("crashed 3 times"), std::string::npos);
    // Killers are no tasks of the account's.
    const Change forget{.what = Change::What::remove};
    ASSERT_TRUE((*store)->change({.ids = {id}}, forget, {}, 10, now));
  }
  const auto verdict = account.check(*store->operator->(), now, true);
  EXPECT_TRUE(verdict.clean()) << text_of(verdict);
  // Two may have run together at the first crash, and each is alone with it from there on.
  EXPECT_GE(died, kMostCrashes);
  EXPECT_LE(died, 2 * kMostCrashes);
  deaths += died;
  innocents += verdict.crashes;
}

// What a sanitizer has to say of a stack without end takes it minutes.
void leave_signals_to_the_system() {
  for (const char* name : {"ASAN_OPTIONS", "TSAN_OPTIONS"}) {
    const char* const before = std::getenv(name);
    ::setenv(name, ((before != nullptr ? std::string(before) + ":" : "") + "handle_segv=0").c_str(), 1);
  }
}

TEST(PoisonOfProcesses, KillsThemThreeTimesAtMost) {
  leave_signals_to_the_system();
  Figures figures("T10", "bodies that abort, overflow the stack, exit, terminate, and loop for ever");
  const std::vector<std::string> all = {"abort", "exit", "overflow", "segv", "terminate", "loop"};
  int deaths = 0;
  int innocents = 0;
  int files = 0;
  for (int i = 0; i < by_effort(1, 1, 100) && !HasFailure(); ++i) {
    for (const std::string& how : all) {
      kills_three_times_at_most(how, deaths, innocents);
      ++files;
    }
  }
  figures.count("files", files).count("deaths", deaths).count("charges of tasks that ran beside", innocents);
}

}  // namespace
