// Stores as lines, and back.

#include <errand/export.h>
#include <errand/random.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "export_support.h"

using namespace errand;
using namespace std::chrono_literals;

namespace {

// --- round trips -----------------------------------------------------------------------------------------------------

// Whatever a store can come to.
class RandomStore {
 public:
  explicit RandomStore(std::uint64_t seed) : rng_(seed) {}

  void fill(Store& store, int steps) {
    for (int i = 0; i < steps; ++i) {
      now_ += std::chrono::microseconds(rng_.below(2'000'000));
      step(store);
    }
  }
  [[nodiscard]] WallTime now() const { return now_; }

 private:
  bool chance(int in) { return rng_.below(static_cast<std::uint64_t>(in)) == 0; }
  WallTime moment() { return now_ + Duration(static_cast<std::int64_t>(rng_.below(4'000'000'000)) - 2'000'000'000); }
  std::string word(const char* prefix, int count) {
    return prefix + std::to_string(rng_.below(static_cast<std::uint64_t>(count)));
  }
  // Text, and bytes of all kinds.
  std::string bytes() {
    if (chance(2)) return word("\"p\\\xc3\xa9\n", 1000);
    std::string bytes;
    for (std::uint64_t i = rng_.below(20); i > 0; --i) bytes += static_cast<char>(rng_.below(256));
    return bytes;
  }

  void step(Store& store) {
    switch (rng_.below(9)) {
      case 0:
      case 1:
      case 2:
        return add(store);
      case 3:
      case 4:
        return claim(store);
      case 5:
        return finish(store);
      case 6:
        return note(store);
      case 7:
        return change(store);
      default:
        return schedule(store);
    }
  }

  NewTask task() {
    NewTask task;
    task.queue = word("q", 2);
    task.kind = word("k", 3);
    task.payload = bytes();
    task.content_type = chance(2) ? "application/json" : "";
    task.priority = static_cast<int>(rng_.below(10));
    task.run_at = chance(2) ? now_ : moment();
    task.max_attempts = chance(4) ? unlimited : 1 + static_cast<int>(rng_.below(30));
    if (chance(4)) task.retry = *Retry::fixed(2s).text();
    if (chance(4)) task.timeout = Duration(1 + rng_.below(1'000'000'000));
    if (chance(4)) task.max_elapsed = Duration(1 + rng_.below(1'000'000'000));
    if (chance(4)) task.expires_at = moment();
    task.ephemeral = chance(6);
    if (chance(3)) task.name = word("n\t", 9);
    if (chance(3)) task.tags = {word("t", 3), "\xf0\x9f\x98\x80"};
    if (chance(3)) task.metadata = {{"x", word("v", 9)}, {"x", ""}, {"", "y"}};
    if (chance(3)) {
      const std::uint16_t states[] = {kLiveStates, kAllStates, kWaitingStates, bit(TaskState::running)};
      task.unique = {.key = word("u", 6), .states = states[rng_.below(4)], .on_clash = OnClash(rng_.below(5))};
      if (chance(3)) task.unique.until = moment();
    }
    return task;
  }

  void add(Store& store) {
    NewTask one = task();
    if (chance(4)) {
      one.schedule = word("s", 2);
      if (chance(2)) one.slot = std::chrono::floor<std::chrono::seconds>(moment());
    }
    ASSERT_TRUE(store.commit({.added = std::span(&one, 1)}, now_));
  }

  void claim(Store& store) {
    const std::string queue = word("q", 2);
    const std::string kinds[] = {"k0", "k1", "k2"};
    const ClaimRequest one[] = {
        {.queue = queue, .kinds = std::span(kinds, 2 + rng_.below(2)), .limit = 1 + rng_.below(3)}};
    const auto committed = store.commit({.claims = one}, now_);
    ASSERT_TRUE(committed);
    for (const KeptTask& claimed : committed->claims.at(0).tasks) running_.push_back(claimed);
  }

  void finish(Store& store) {
    if (running_.empty()) return;
    std::swap(running_[rng_.below(running_.size())], running_.back());
    const KeptTask task = running_.back();
    running_.pop_back();
    constexpr TaskState kTo[] = {TaskState::completed, TaskState::cancelled, TaskState::discarded,
                                 TaskState::retryable, TaskState::scheduled, TaskState::available};
    Finish finish;
    finish.id = task.id;
    finish.token = task.token;
    finish.to = kTo[rng_.below(6)];
    finish.run_at = moment();
    finish.attempts = task.attempts + 1;
    finish.crashes = static_cast<int>(rng_.below(2));
    finish.started_at = moment();
    if (chance(2)) finish.error = KeptError{Code(rng_.below(15)), word("e\"\\\n\x01", 10)};
    if (finish.error) finish.failed = KeptAttempt{finish.attempts, moment(), 5ms, *finish.error};
    if (chance(2)) finish.output = bytes(), finish.output_type = "text/plain";
    if (chance(2)) finish.prune_at = moment();
    ASSERT_TRUE(store.commit({.finished = std::span(&finish, 1)}, now_));
  }

  void note(Store& store) {
    if (running_.empty()) return;
    const KeptTask& task = running_[rng_.below(running_.size())];
    Note note{.id = task.id, .token = task.token, .progress_done = rng_.below(100), .progress_note = word("n", 5)};
    for (std::uint64_t i = rng_.below(20); i > 0; --i) note.log.push_back(word("line \t\xc3\xa9 ", 1000));
    ASSERT_TRUE(store.commit({.notes = std::span(&note, 1)}, now_));
  }

  void change(Store& store) {
    if (chance(4)) {
      ASSERT_TRUE(store.set_paused(word("q", 3), chance(2)));
    } else if (chance(4)) {
      ASSERT_TRUE(store.tidy(3, now_));
    } else {
      TaskFilter filter;
      filter.queue = word("q", 2);
      filter.kind = word("k", 3);
      const Change change{.what = Change::What(rng_.below(5)), .prune_at = moment()};
      ASSERT_TRUE(store.change(filter, change, TaskId{}, 2, now_));
    }
  }

  void schedule(Store& store) {
    if (chance(2)) {
      const auto all = store.list_schedules("");
      for (const auto& one : *all) {
        NewTask run = task();
        run.queue = one->schedule.queue;
        run.schedule = one->schedule.name;
        run.slot = std::chrono::floor<std::chrono::seconds>(moment());
        const Advance advance[] = {{.queue = run.queue,
                                    .schedule = run.schedule,
                                    .version = one->version,
                                    .until = run.slot,
                                    .next = *run.slot + 5s,
                                    .skipped = rng_.below(3),
                                    .runs = {run}}};
        ASSERT_TRUE(store.commit({.advanced = advance}, now_));
      }
      return;
    }
    NewSchedule given;
    given.queue = word("q", 2);
    given.name = word("s", 2);
    if (chance(2)) {
      given.cron = "*/5 * * * *";
    } else {
      given.interval = Duration(1 + rng_.below(1'000'000'000));
    }
    given.anchor = moment();
    given.time_zone = chance(2) ? "UTC" : "Europe/Berlin";
    given.dst = Dst(rng_.below(3));
    given.overlap = Overlap(rng_.below(4));
    given.missed = Missed(rng_.below(3));
    given.catch_up_cap = 1 + static_cast<int>(rng_.below(200));
    if (chance(2)) given.catch_up_window = 3h;
    if (chance(2)) given.jitter = 7ms;
    given.paused = chance(3);
    if (chance(2)) given.next = moment();
    given.task = task();
    ASSERT_TRUE(store.put_schedule(given, now_));
  }

  Rng rng_;
  WallTime now_{std::chrono::seconds(1'700'000'000)};
  std::vector<KeptTask> running_;
};

// Everything of a task that two stores have to agree on: not the token, and not what a clash was to do once.
std::string describe(const KeptTask& t) {
  const auto at = [](const std::optional<WallTime>& when) {
    return when ? std::to_string(when->time_since_epoch().count()) + "|" : "-|";
  };
  const auto ns = [](const std::optional<Duration>& d) { return d ? std::to_string(d->count()) + "|" : "-|"; };
  const NewTask& g = t.task;
  std::string text = to_string(t.id) + "|" + std::string(to_string(t.state)) + "|" + g.queue + "|" + g.kind + "|" +
                     g.payload + "|" + g.content_type + "|" + std::to_string(g.priority) + "|" + at(g.run_at) +
                     std::to_string(g.max_attempts) + "|" + g.retry + "|" + ns(g.timeout) + ns(g.max_elapsed) +
                     at(g.expires_at) + std::to_string(g.ephemeral) + "|" + g.name + "|" + g.schedule + "|" +
                     at(g.slot) + std::to_string(static_cast<int>(t.aside)) + "|" + std::to_string(t.attempts) + "|" +
                     std::to_string(t.crashes) + "|" + at(t.created_at) + at(t.first_started_at) + at(t.started_at) +
                     at(t.finished_at) + at(t.prune_at) + t.output + "|" + t.output_type + "|" +
                     std::to_string(t.progress_done) + "|" + std::to_string(t.progress_total) + "|" + t.progress_note;
  if (!g.unique.key.empty()) {
    const bool holds = t.holds_key && (g.unique.states & errand::bit(t.state)) != 0;  // else the next task takes it
    text += "|key " + g.unique.key + std::to_string(g.unique.states) + at(g.unique.until) + std::to_string(holds);
  }
  if (t.last_error) text += "|error " + std::string(to_string(t.last_error->code)) + t.last_error->text;
  for (const KeptAttempt& a : t.history)
    text += "|attempt " + std::to_string(a.number) + at(a.started_at) + ns(a.took) +
            std::string(to_string(a.error.code)) + a.error.text;
  for (const std::string& line : t.log) text += "|log " + line;
  for (const std::string& tag : g.tags) text += "|tag " + tag;
  for (const auto& [key, value] : g.metadata) text.append("|label ").append(key).append("=").append(value);
  return text;
}

std::string describe(Store& store, WallTime now) {
  std::string text;
  const auto tasks = store.list({}, TaskId{}, 100'000, now);
  for (const KeptTask& task : *tasks) text += describe(task) + "\n";
  const auto counts = store.counts(now);
  for (const Counts& one : *counts) text += one.paused ? "paused " + one.queue + "\n" : "";
  return text;
}

// As after an end of whoever ran them.
void give_back_all(Store& store, WallTime now) {
  TaskFilter running;
  running.state = TaskState::running;
  const auto tasks = store.list(running, TaskId{}, 100'000, now);
  for (const KeptTask& task : *tasks) {
    const Finish back[] = {{.id = task.id,
                            .token = task.token,
                            .to = TaskState::available,
                            .run_at = task.task.run_at,
                            .attempts = task.attempts,
                            .crashes = task.crashes}};
    ASSERT_TRUE(store.commit({.finished = back}, now));
  }
}

std::vector<TaskId> claim_all(Store& store, WallTime now) {
  std::vector<TaskId> ids;
  for (const char* queue : {"q0", "q1", "q2"}) {
    EXPECT_TRUE(store.set_paused(queue, false));
    const ClaimRequest one[] = {{.queue = queue, .any_kind = true, .limit = 100'000}};
    const auto committed = store.commit({.claims = one}, now);
    for (const KeptTask& task : committed->claims.at(0).tasks) ids.push_back(task.id);
  }
  return ids;
}

// Memory, SQLite, memory, or the other way round.
void round_trip(std::uint64_t seed, const std::vector<StorePtr>& stores) {
  RandomStore random(seed);
  random.fill(*stores[0], 150);
  const WallTime now = random.now();
  const std::string first = exported(*stores[0], now);
  give_back_all(*stores[0], now);
  const std::string expected = exported(*stores[0], now);
  std::string text = first;
  for (std::size_t i = 1; i < stores.size(); ++i) {
    std::vector<std::string> refused;
    const auto done = imported(*stores[i], text, now, &refused);
    ASSERT_TRUE(done) << done.error().message();
    ASSERT_EQ(done->refused, 0u) << refused.at(0);
    ASSERT_EQ(describe(*stores[0], now), describe(*stores[i], now));
    text = exported(*stores[i], now);
    ASSERT_EQ(text, expected);
  }
  std::vector<std::vector<TaskId>> order;
  NewTask task[] = {{.queue = "other", .kind = "k", .run_at = now}};
  for (const StorePtr& store : stores) {
    const auto all = store->list({}, TaskId{}, 100'000, now);
    EXPECT_GT(store->commit({.added = task}, now)->added.at(0)->id, all->empty() ? TaskId{} : all->back().id);
    order.push_back(claim_all(*store, now));
    EXPECT_EQ(order.back(), order.front());
  }
}

std::uint64_t first_seed() {
  const char* given = std::getenv("ERRAND_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10)
                          : static_cast<std::uint64_t>(real_clock()->mono().time_since_epoch().count());
}

TEST(Export, AStoreComesBackAsItWas) {
  const std::uint64_t seed = first_seed();
  const int rounds = std::getenv("ERRAND_LONG") != nullptr ? 1000 : 10;
  for (int round = 0; round < rounds && !testing::Test::HasFailure(); ++round) {
    const std::uint64_t this_seed = seed + static_cast<std::uint64_t>(round);
    SCOPED_TRACE("ERRAND_SEED=" + std::to_string(this_seed));
    const StoreFolder folder;
    if (round % 2 == 0) {
      round_trip(this_seed, {open_memory(), folder.open("a.db"), open_memory(), folder.open("b.db")});
    } else {
      round_trip(this_seed, {folder.open("a.db"), open_memory(), folder.open("b.db")});
    }
  }
}

TEST(Export, GoesByPages) {
  const StorePtr store = open_memory();
  std::vector<NewTask> tasks(1000, {.queue = "mail", .kind = "k", .run_at = kNow});
  ASSERT_TRUE(store->commit({.added = tasks}, kNow));
  const StorePtr other = open_memory();
  const auto done = imported(*other, exported(*store, kNow), kNow);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->tasks, 1000u);
  EXPECT_EQ(other->list({}, TaskId{}, 10'000, kNow)->size(), 1000u);
}

TEST(Export, EndsWithWhatItsSinkSays) {
  int lines = 0;
  const auto done = export_tasks(
      *open_memory(),
      [&](std::string_view) -> Result<void> {
        if (++lines == 2) return Error(Code::unavailable, "the pipe is closed");
        return {};
      },
      {}, kNow);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message(), "the pipe is closed");
}

// --- ids -------------------------------------------------------------------------------------------------------------

// None of them goes through a number that can't hold it: not 32 bits, and not the 53 of a double, which is what other
// programs read numbers in JSON with.
TEST(Export, KeepsIdsThatOtherNumbersCannotHold) {
  constexpr std::uint64_t kStoreBit = std::uint64_t{1} << 63;
  constexpr int kFew = 5;
  for (const int bits : {31, 32, 53, 61}) {
    SCOPED_TRACE(bits);
    const std::uint64_t first = (std::uint64_t{1} << bits) - 2;
    const StoreFolder folder;
    StorePtr store = folder.open("tasks.db");
    KeptTask before;
    before.id = TaskId{kStoreBit | first};
    before.state = TaskState::available;
    before.task = {.queue = "mail", .kind = "k", .payload = "0", .run_at = kNow};
    ASSERT_TRUE(store->adopt({.tasks = std::span(&before, 1)}, kNow)->tasks.at(0));
    for (int i = 1; i < kFew; ++i) {
      NewTask task[] = {{.queue = "mail", .kind = "k", .payload = std::to_string(i), .run_at = kNow}};
      const auto added = store->commit({.added = task}, kNow);
      ASSERT_TRUE(added);
      EXPECT_EQ(added->added.at(0)->id.value, kStoreBit | (first + static_cast<std::uint64_t>(i)));
    }
    store.reset();
    store = folder.open("tasks.db");
    const std::string text = exported(*store, kNow);
    const StorePtr others[] = {store, open_memory(), folder.open("other.db")};
    for (const StorePtr& other : others) {
      if (other != store) {
        ASSERT_EQ(imported(*other, text, kNow)->tasks, static_cast<std::uint64_t>(kFew));
      }
      for (int i = 0; i < kFew; ++i) {
        const std::uint64_t number = first + static_cast<std::uint64_t>(i);
        EXPECT_NE(text.find("\"id\":\"" + std::to_string(number) + "\""), std::string::npos) << text;
        const auto parsed = parse_task_id(std::to_string(number));
        ASSERT_TRUE(parsed);
        EXPECT_EQ(to_string(*parsed), std::to_string(number));
        const auto found = other->find(*parsed, kNow);
        ASSERT_TRUE(found) << found.error().message();
        EXPECT_EQ(found->id, *parsed);
        EXPECT_EQ(found->task.payload, std::to_string(i));
        EXPECT_EQ(other->list({.ids = {*parsed}}, TaskId{}, 10, kNow)->size(), 1u);
      }
      const TaskId last{kStoreBit | (first + kFew - 2)};
      EXPECT_EQ(other->list({}, last, 10, kNow)->size(), 1u) << "pages go by them";
      // And what is claimed, finished and added next.
      const ClaimRequest claim[] = {{.queue = "mail", .any_kind = true, .limit = 10}};
      const auto claimed = other->commit({.claims = claim}, kNow);
      ASSERT_EQ(claimed->claims.at(0).tasks.size(), static_cast<std::size_t>(kFew));
      const KeptTask& one = claimed->claims.at(0).tasks.back();
      const Finish finish[] = {{.id = one.id, .token = one.token, .to = TaskState::completed, .run_at = kNow}};
      NewTask next[] = {{.queue = "mail", .kind = "k", .run_at = kNow}};
      const auto committed = other->commit({.finished = finish, .added = next}, kNow);
      ASSERT_TRUE(committed->finished.at(0)) << committed->finished.at(0).error().message();
      EXPECT_EQ(other->find(one.id, kNow)->state, TaskState::completed);
      EXPECT_EQ(committed->added.at(0)->id.value, kStoreBit | (first + kFew));
    }
  }
}

}  // namespace
