// What is known of tasks, and for how long.

#include <set>
#include <unordered_map>

#include "support.h"

using errand::Code;
using errand::TaskState;

TEST(Status, ShowsATasksWholeLife) {
  Manual m({.name = "mill"});
  const auto t0 = m.clock->now();
  auto task = m.queue.submit([&] { m.clock->advance(3s), throw std::runtime_error("first"); },
                             {.delay = 1min,
                              .priority = 3,
                              .max_attempts = 2,
                              .retry = errand::Retry::fixed(10s),
                              .name = "grind",
                              .metadata = {{"grain", "rye"}}});
  auto info = *task.info();
  EXPECT_EQ(info.id, task.id());
  EXPECT_EQ(info.state, TaskState::scheduled);
  EXPECT_EQ(info.queue, "mill");
  EXPECT_EQ(info.name, "grind");
  EXPECT_EQ(info.priority, 3);
  EXPECT_EQ(info.attempts, 0);
  EXPECT_EQ(info.max_attempts, 2);
  EXPECT_EQ(info.created_at, t0);
  EXPECT_EQ(info.next_run_at, t0 + 1min);
  EXPECT_EQ(info.started_at, std::nullopt);
  EXPECT_EQ(info.finished_at, std::nullopt);
  EXPECT_EQ(info.metadata, (errand::Metadata{{"grain", "rye"}}));

  m.advance(1min);
  info = *task.info();
  EXPECT_EQ(info.state, TaskState::retryable);
  EXPECT_EQ(info.attempts, 1);
  EXPECT_EQ(info.started_at, t0 + 1min);
  EXPECT_EQ(info.finished_at, std::nullopt);
  EXPECT_EQ(info.next_run_at, t0 + 1min + 13s);
  EXPECT_TRUE(contains(info.last_error, "first"));
  EXPECT_EQ(info.history.at(0).took, 3s);

  m.advance(10s);
  info = *task.info();
  EXPECT_EQ(info.state, TaskState::discarded);
  EXPECT_EQ(info.finished_at, t0 + 1min + 16s);
  EXPECT_EQ(info.next_run_at, std::nullopt);
  EXPECT_EQ(info.created_at, t0);
}

// Any number may come in as an id: those of places that no task has had yet are nobody's.
TEST(Status, IdsThatNeverWereAreNotFound) {
  Manual m;
  m.queue.submit([] {});
  m.queue.dispatch();
  for (std::uint64_t value = 0; value < 256; ++value) {
    const errand::TaskId id{value};
    EXPECT_EQ(m.queue.info(id).error().code(), Code::not_found);
    EXPECT_EQ(m.queue.cancel(id).error().code(), Code::not_found);
    EXPECT_EQ(m.queue.retry(id).error().code(), Code::not_found);
    EXPECT_EQ(m.queue.set_priority(id, 1).error().code(), Code::not_found);
    EXPECT_EQ(m.queue.run_one(id).error().code(), Code::not_found);
  }
}

TEST(Status, ShowsAPlainTasksTimesToo) {
  Manual m;
  const auto t0 = m.clock->now();
  auto task = m.queue.submit([&] { m.clock->advance(2s); });
  m.advance(1s);
  const auto info = *task.info();
  const auto near = [](std::optional<errand::WallTime> a, errand::WallTime b) {
    return a && *a - b < 100ms && b - *a < 100ms;
  };
  EXPECT_EQ(info.created_at, t0);
  EXPECT_TRUE(near(info.started_at, t0 + 1s));
  EXPECT_TRUE(near(info.finished_at, t0 + 3s));
  EXPECT_EQ(info.attempts, 1);
}

// What a body leaves behind must not cost its task the times that every plain task has.
TEST(Status, ShowsTheTimesOfAPlainTaskThatSaidSomething) {
  Manual m;
  const auto t0 = m.clock->now();
  std::optional<errand::WallTime> started;
  errand::TaskId id;
  {
    auto task = m.queue.submit([&](errand::Attempt& attempt) {
      attempt.log("one");
      started = m.queue.info(attempt.id())->started_at;
      m.clock->advance(2s);
    });
    id = task.id();
  }
  m.advance(1s);
  EXPECT_EQ(started, t0 + 1s);
  const auto info = m.queue.info(id);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->state, errand::TaskState::completed);
  EXPECT_EQ(info->started_at, t0 + 1s);
  EXPECT_EQ(info->finished_at, t0 + 3s);
  EXPECT_EQ(info->attempts, 1);
  EXPECT_EQ(info->log, std::vector<std::string>{"one"});
}

TEST(Status, ShowsATaskWhileItRuns) {
  Manual m;
  const auto t0 = m.clock->now();
  errand::TaskId id;
  auto task = m.queue.submit(
      [&](errand::Attempt& a) -> errand::Outcome {
        const auto info = *m.queue.info(id);
        EXPECT_EQ(info.state, TaskState::running);
        EXPECT_EQ(info.attempts, a.number());
        EXPECT_EQ(info.started_at, m.clock->now());
        EXPECT_EQ(info.next_run_at, std::nullopt);
        EXPECT_EQ(info.finished_at, std::nullopt);
        EXPECT_EQ(info.last_error, a.number() == 1 ? "" : "not yet");
        if (a.number() == 1) return errand::retry("not yet");
        return errand::done();
      },
      {.delay = 1min, .max_attempts = 2, .retry = errand::Retry::fixed(1min), .name = "seen"});
  id = task.id();
  m.advance(1min);
  m.advance(1min);
  EXPECT_EQ(task.info()->started_at, t0 + 2min);
  EXPECT_EQ(task.info()->finished_at, t0 + 2min);
  EXPECT_EQ(task.info()->last_error, "not yet");  // it stays to be seen
}

TEST(Status, ShowsWhenASnoozedTaskComesBack) {
  Manual m;
  auto task = m.queue.submit([]() -> errand::Outcome { return errand::snooze(5min); }, {.delay = 1min});
  m.advance(1min);
  EXPECT_EQ(task.info()->next_run_at, m.clock->now() + 5min);
  m.clock->set_now(m.clock->now() + 24h);  // a wait is no time of day
  EXPECT_EQ(task.info()->next_run_at, m.clock->now() + 5min);
}

TEST(Status, TimesAreOfTheClockAsItIsNowSet) {
  Manual m;
  auto task = m.queue.submit([] {});
  m.clock->set_now(m.clock->now() + 24h);
  EXPECT_EQ(task.info()->created_at, m.clock->now());
}

// FLOOR 11: info, list, handle and the running attempt tell of one state.
TEST(Status, IsTheSameWhereverItIsReadFrom) {
  Manual m;
  errand::TaskId id;
  auto task = m.queue.submit([&] {
    EXPECT_EQ(m.queue.info(id)->state, TaskState::running);
    EXPECT_EQ(m.queue.list({.state = TaskState::running}).at(0).id, id);
    EXPECT_EQ(m.queue.stats().running, 1u);
  });
  id = task.id();
  const auto expect = [&](TaskState state) {
    EXPECT_EQ(task.state(), state);
    EXPECT_EQ(task.info()->state, state);
    EXPECT_EQ(m.queue.info(id)->state, state);
    EXPECT_EQ(m.queue.list({.state = state}).size(), 1u);
  };
  expect(TaskState::available);
  m.queue.dispatch();
  expect(TaskState::completed);
}

// FLOOR 23: what is handed out is a copy, that nobody changes any more.
TEST(Status, InfosAreCopies) {
  Manual m;
  auto task =
      m.queue.submit([](errand::Attempt& a) { a.metadata("k", "new"); }, {.name = "n", .metadata = {{"k", "old"}}});
  const auto before = *task.info();
  m.queue.dispatch();
  EXPECT_EQ(before.metadata[0].second, "old");
  EXPECT_EQ(before.state, TaskState::available);
}

// FLOOR 23: nothing that a body changes is seen half done.
TEST(Status, IsReadWhileTheBodyChangesIt) {
  errand::Queue queue({.workers = 1});
  std::atomic<bool> enough{false};
  auto task = queue.submit([&](errand::Attempt& a) {
    while (!enough.load()) {
      a.log("a line that is longer than what a string holds by itself");
      a.metadata("key", "a value that is longer than what a string holds by itself");
      a.progress(1, 2, "a note that is longer than what a string holds by itself");
    }
  });
  for (int i = 0; i < 1000; ++i) {
    const auto info = queue.info(task.id());
    ASSERT_TRUE(info);
    for (const std::string& line : info->log) ASSERT_TRUE(line.ends_with("by itself"));
  }
  enough.store(true);
  EXPECT_TRUE(task.wait_for(kSoon));
}

TEST(Status, AnUnknownIdIsAnErrorValue) {
  Manual m;
  Manual other;
  auto elsewhere = other.queue.submit([] {});
  m.queue.submit([] {});
  for (const errand::TaskId id :
       {errand::TaskId{}, errand::TaskId{1}, errand::TaskId{~std::uint64_t{0}}, elsewhere.id()}) {
    EXPECT_EQ(m.queue.info(id).error().code(), Code::not_found);
    EXPECT_EQ(m.queue.cancel(id).error().code(), Code::not_found);
    EXPECT_EQ(m.queue.retry(id).error().code(), Code::not_found);
    EXPECT_EQ(m.queue.set_priority(id, 3).error().code(), Code::not_found);
    EXPECT_EQ(m.queue.run_one(id).error().code(), Code::not_found);
  }
}

TEST(Status, IdsOfOtherQueuesAreNotFoundEvenInTheSamePlace) {
  for (std::uint64_t seed = 1; seed < 20; ++seed) {
    Manual a({.seed = seed});
    Manual b({.seed = seed + 100});
    auto task = a.queue.submit([] {});
    b.queue.submit([] {});
    EXPECT_FALSE(b.queue.info(task.id()));
  }
}

TEST(Status, IdsAreReadBackFromTheirText) {
  Manual m;
  auto task = m.queue.submit([] {});
  const std::string text = errand::to_string(task.id());
  EXPECT_EQ(text.size(), 14u);
  EXPECT_EQ(text[0], 'm');
  EXPECT_EQ(*errand::parse_task_id(text), task.id());
  std::string upper = text;
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  EXPECT_EQ(*errand::parse_task_id(upper), task.id());
  EXPECT_EQ(task.id().value >> 63, 0u);  // the memory tier
  for (const std::string& bad :
       {std::string(), std::string("m"), text + "0", text.substr(1), std::string("m0000000000000"),
        std::string("mzzzzzzzzzzzzz"), text.substr(0, 13) + "u", text.substr(0, 13) + "-"}) {
    EXPECT_EQ(errand::parse_task_id(bad).error().code(), Code::invalid) << bad;
  }
}

TEST(Status, IdsOfStoresAreTheirNumbers) {
  const errand::TaskId id{(std::uint64_t{1} << 63) | 12345};
  EXPECT_EQ(errand::to_string(id), "12345");
  EXPECT_EQ(*errand::parse_task_id("12345"), id);
  EXPECT_EQ(errand::parse_task_id("9223372036854775807")->value, ~std::uint64_t{0});
  for (const char* bad : {"0", "012", "12a", "-1", "+1", " 1", "9223372036854775808", "99999999999999999999"}) {
    EXPECT_EQ(errand::parse_task_id(bad).error().code(), Code::invalid) << bad;
  }
}

TEST(Status, IdsAreKeysOfHashTables) {
  Manual m;
  std::unordered_map<errand::TaskId, int> numbers;
  std::set<std::size_t> hashes;
  for (int i = 0; i < 100; ++i) {
    const errand::TaskId id = m.queue.submit([] {}).id();
    numbers[id] = i;
    numbers[*errand::parse_task_id(errand::to_string(id))] += 1000;  // the same key
    hashes.insert(std::hash<errand::TaskId>{}(id));
  }
  EXPECT_EQ(numbers.size(), 100u);
  for (const auto& [id, number] : numbers) EXPECT_GE(number, 1000);
  EXPECT_GT(hashes.size(), 90u);  // else a table of them would be a list
  EXPECT_FALSE(numbers.contains(errand::TaskId{}));
}

TEST(Status, ListsWhatMatches) {
  Manual m;
  m.queue.submit([] {}, {.priority = 2, .name = "a"});
  m.queue.submit([] {}, {.name = "a"});
  m.queue.submit([] {}, {.delay = 1h, .name = "b"});
  auto gone = m.queue.submit([] {}, {.name = "b"});
  EXPECT_TRUE(gone.cancel());
  EXPECT_EQ(m.queue.list().size(), 4u);
  EXPECT_EQ(m.queue.list({.state = TaskState::available}).size(), 2u);
  EXPECT_EQ(m.queue.list({.state = TaskState::scheduled}).at(0).name, "b");
  EXPECT_EQ(m.queue.list({.name = "b"}).size(), 2u);
  EXPECT_EQ(m.queue.list({.priority = 2}).size(), 1u);
  EXPECT_EQ(m.queue.list({.state = TaskState::cancelled, .name = "b", .priority = 5}).size(), 1u);
  EXPECT_EQ(m.queue.list({.name = "c"}).size(), 0u);
  EXPECT_EQ(m.queue.list({.limit = 3}).size(), 3u);
  EXPECT_EQ(m.queue.list({.limit = 0}).size(), 0u);
  EXPECT_EQ(m.queue.list({.limit = -1}).size(), 0u);
}

TEST(Status, PagesMeetEachTaskOnce) {
  Manual m;
  std::set<errand::TaskId> submitted;
  for (int i = 0; i < 500; ++i) submitted.insert(m.queue.submit([] {}, {.priority = i % 10}).id());
  for (const int limit : {1, 7, 100}) {
    std::set<errand::TaskId> met;
    errand::TaskId after;
    for (;;) {
      const auto page = m.queue.list({.limit = limit, .after = after});
      for (const auto& info : page) ASSERT_TRUE(met.insert(info.id).second);  // else the pages have no end
      if (page.empty()) break;
      after = page.back().id;
    }
    EXPECT_EQ(met, submitted);
  }
}

TEST(Status, PagesKeepToTheirFilter) {
  Manual m;
  std::set<errand::TaskId> wanted;
  for (int i = 0; i < 300; ++i) {
    auto task = m.queue.submit([] {}, {.priority = i % 3, .name = i % 2 == 0 ? "even" : "odd"});
    const bool cancelled = i % 5 == 0 && task.cancel();
    if (i % 3 == 1 && i % 2 == 0 && cancelled) wanted.insert(task.id());
  }
  std::set<errand::TaskId> met;
  errand::TaskId after;
  for (;;) {
    const auto page =
        m.queue.list({.state = TaskState::cancelled, .name = "even", .priority = 1, .limit = 4, .after = after});
    if (page.empty()) break;
    EXPECT_LE(page.size(), 4u);
    for (const auto& info : page) ASSERT_TRUE(met.insert(info.id).second);  // else the pages have no end
    after = page.back().id;
  }
  EXPECT_EQ(met, wanted);
  EXPECT_EQ(met.size(), 10u);
}

// The task a page ended with may be gone when the next page is asked for.
TEST(Status, PagesGoOnAfterATaskThatIsGone) {
  Manual m({.retention = {.count = 0}});
  std::vector<errand::TaskId> ids;
  for (int i = 0; i < 10; ++i) ids.push_back(m.queue.submit_in(1h, [] {}).id());
  const auto first = m.queue.list({.limit = 4});
  ASSERT_EQ(first.size(), 4u);
  EXPECT_TRUE(m.queue.cancel(first.back().id));
  const auto rest = m.queue.list({.after = first.back().id});
  EXPECT_EQ(rest.size(), 6u);
  EXPECT_TRUE(m.queue.list({.after = errand::TaskId{~std::uint64_t{0}}}).empty());
}

// FLOOR 1: what is finished is kept, and not for ever.
TEST(Status, FinishedTasksAreKeptUpToACount) {
  Manual m({.retention = {.count = 100}});
  std::vector<errand::TaskId> ids;
  for (int i = 0; i < 5000; ++i) {
    ids.push_back(m.queue.submit([] {}).id());
    if (i % 10 == 9) m.queue.dispatch();
  }
  for (std::size_t i = ids.size() - 100; i < ids.size(); ++i) EXPECT_TRUE(m.queue.info(ids[i])) << i;
  EXPECT_FALSE(m.queue.info(ids[0]));
  EXPECT_LT(m.queue.list({.limit = 100'000}).size(), 1000u);
}

TEST(Status, AsManyAreKeptWhereMostTasksEndInOtherWays) {
  Manual m({.retention = {.count = 1000}});
  std::vector<errand::TaskId> completed;
  for (int i = 0; i < 20'000; ++i) {
    auto task = m.queue.submit([] {}, {.priority = i % 50 == 0 ? errand::kHigh : errand::kNormal});
    if (i % 100 < 60) {
      EXPECT_TRUE(task.cancel());
    } else {
      completed.push_back(task.id());
    }
    if (i % 64 == 63) m.queue.dispatch();
  }
  m.queue.dispatch();
  for (std::size_t i = completed.size() - 1000; i < completed.size(); ++i) EXPECT_TRUE(m.queue.info(completed[i])) << i;
  EXPECT_FALSE(m.queue.info(completed[0]));
}

TEST(Status, TheSameHoldsForTasksWithWishesAndPerFinalState) {
  Manual m({.retention = {.count = 20}});
  std::vector<errand::TaskId> failed;
  for (int i = 0; i < 5; ++i) failed.push_back(m.queue.submit([] { throw 1; }).id());
  m.queue.dispatch();
  for (int i = 0; i < 2000; ++i) {
    m.queue.submit([] {}, {.name = "many"});
    m.queue.dispatch();
  }
  EXPECT_LT(m.queue.list({.name = "many", .limit = 100'000}).size(), 500u);
  EXPECT_GE(m.queue.list({.name = "many", .limit = 100'000}).size(), 20u);
  for (const errand::TaskId id : failed) EXPECT_TRUE(m.queue.info(id));  // successes do not push failures out
}

TEST(Status, FinishedTasksAreKeptUpToAnAge) {
  Manual m({.retention = {.age = 1min}});
  const auto plain = m.queue.submit([] {}).id();
  const auto named = m.queue.submit([] {}, {.name = "x"}).id();
  m.queue.dispatch();
  m.clock->advance(59s);
  EXPECT_TRUE(m.queue.info(plain));
  EXPECT_TRUE(m.queue.info(named));
  m.clock->advance(2s);
  EXPECT_EQ(m.queue.info(plain).error().code(), Code::not_found);
  EXPECT_EQ(m.queue.info(named).error().code(), Code::not_found);
  EXPECT_TRUE(m.queue.list().empty());
}

TEST(Status, NothingIsKeptWhereTheCountIsZero) {
  Manual m({.retention = {.count = 0}});
  const auto plain = m.queue.submit([] {}).id();
  const auto named = m.queue.submit([] {}, {.name = "x"}).id();
  auto held = m.queue.submit([] { return 4; });
  m.queue.dispatch();
  EXPECT_FALSE(m.queue.info(plain));
  EXPECT_FALSE(m.queue.info(named));
  EXPECT_EQ(held.get(), 4);  // a handle keeps its own
}

TEST(Status, LiveTasksAreNeverDropped) {
  Manual m({.retention = {.count = 1, .age = 1s}});
  const auto waiting = m.queue.submit_in(1000h, [] {}).id();
  for (int i = 0; i < 1000; ++i) {
    m.queue.submit([] {});
    m.queue.dispatch();
  }
  m.advance(100h);
  EXPECT_EQ(m.queue.info(waiting)->state, TaskState::scheduled);
}

TEST(Status, UnnamedQueuesAreNumbered) {
  errand::Queue a({.workers = 0});
  errand::Queue b({.workers = 0});
  EXPECT_EQ(a.name().substr(0, 6), "queue-");
  EXPECT_NE(a.name(), b.name());
}
