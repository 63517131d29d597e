// What is done to many named tasks at once, by a filter, driven by hand.

#include <algorithm>
#include <stdexcept>

#include "support.h"

using errand::Change;
using errand::Code;
using errand::TaskState;
using What = errand::Change::What;

namespace {

using Ids = std::vector<errand::TaskId>;

class NamedTasksByFilter : public Named {
 protected:
  NamedTasksByFilter() {
    queue->handle<Report>([this](const Report& report) {
      ran.push_back(report.pages);
      if (report.pages < 0) throw std::runtime_error("no such page");
    });
  }

  errand::TaskId add(int pages, errand::TaskOptions options = {}) const {
    const auto task = queue->enqueue(Report{pages}, std::move(options));
    EXPECT_TRUE(task) << task.error().message();
    return task ? task->id() : errand::TaskId{};
  }
  // That many with each tag.
  [[nodiscard]] std::pair<Ids, Ids> reds_and_blues(int count, const errand::TaskOptions& options = {}) const {
    std::pair<Ids, Ids> ids;
    for (int i = 0; i < count; ++i) {
      ids.first.push_back(add(100 + i, {.delay = options.delay, .priority = options.priority, .tags = {"red"}}));
      ids.second.push_back(add(200 + i, {.delay = options.delay, .priority = options.priority, .tags = {"blue"}}));
    }
    return ids;
  }
  // What it did to which, and nothing else.
  void expect_changed(const errand::TaskFilter& filter, const Change& change, const Ids& ids,
                      const Ids& refused = {}) const {
    const auto changed = queue->change(filter, change);
    ASSERT_TRUE(changed) << changed.error().message();
    EXPECT_EQ(changed->ids, ids);
    EXPECT_EQ(changed->refused, refused);
    EXPECT_EQ(changed->running, Ids{});
  }
  void expect_all(const Ids& ids, TaskState expected) const {
    for (const errand::TaskId id : ids) EXPECT_EQ(state(id), expected) << to_string(id);
  }
  std::vector<int> all_that_run() {
    ran.clear();
    queue->dispatch();
    return std::exchange(ran, {});
  }

  std::vector<int> ran;
};
ERRAND_ON_BOTH_STORES(NamedTasksByFilter);

}  // namespace

// What waits is available now; what is over begins a new life.
TEST_P(NamedTasksByFilter, AreTriedAgain) {
  const auto later = add(1, {.delay = 1h});
  const auto failed = add(-2, {.max_attempts = 1});
  const auto waits = add(-3, {.retry = errand::Retry::fixed(1h)});
  const auto done = add(4);
  const auto other = queue->enqueue_bytes("another kind", {}, {.delay = 1h});
  EXPECT_EQ(all_that_run(), (std::vector<int>{-2, -3, 4}));
  expect_all({failed}, TaskState::discarded);
  expect_all({waits}, TaskState::retryable);
  expect_changed({.kind = "report"}, {.what = What::retry}, {later, failed, waits, done});
  expect_all({later, failed, waits, done}, TaskState::available);
  EXPECT_EQ(info(failed).attempts, 0) << "counted from the beginning";
  EXPECT_EQ(info(waits).attempts, 1) << "it is the same life";
  auto again = all_that_run();
  std::sort(again.begin(), again.end());
  EXPECT_EQ(again, (std::vector<int>{-3, -2, 1, 4}));
  if (other) expect_all({other->id()}, TaskState::scheduled);
}

TEST_P(NamedTasksByFilter, OfOneStateAreTriedAgain) {
  const auto failed = add(-1, {.max_attempts = 1});
  const auto done = add(2);
  all_that_run();
  expect_changed({.state = TaskState::discarded}, {.what = What::retry}, {failed});
  expect_all({done}, TaskState::completed);
  EXPECT_EQ(all_that_run(), std::vector<int>{-1});
}

// Whether they are in the store or in hand by then.
TEST_P(NamedTasksByFilter, AreHeldAndReleased) {
  const auto [reds, blues] = reds_and_blues(3);
  expect_changed({.tag = "red"}, {.what = What::hold}, reds);
  expect_changed({.tag = "red"}, {.what = What::hold}, {}, reds);
  expect_changed({.tag = "blue"}, {.what = What::release}, {}, blues);
  EXPECT_EQ(all_that_run(), (std::vector<int>{200, 201, 202}));
  for (const errand::TaskId id : reds) EXPECT_TRUE(info(id).held);
  expect_changed({.all = true}, {.what = What::release}, reds, blues);
  EXPECT_EQ(all_that_run(), (std::vector<int>{100, 101, 102}));
}

TEST_P(NamedTasksByFilter, AreRescheduled) {
  const auto [reds, blues] = reds_and_blues(3);
  const auto over = add(1, {.priority = 0, .tags = {"red"}});
  ASSERT_TRUE(queue->run_one(over));
  ran.clear();
  const errand::WallTime at = clock->now() + 1h;
  expect_changed({.tag = "red"}, {.what = What::edit, .run_at = at}, reds, {over});
  expect_all(reds, TaskState::scheduled);
  EXPECT_EQ(info(reds[1]).next_run_at, at);
  EXPECT_EQ(all_that_run(), (std::vector<int>{200, 201, 202}));
  clock->advance(1h - 1us);
  EXPECT_EQ(all_that_run(), std::vector<int>{});
  clock->advance(1us);
  EXPECT_EQ(all_that_run(), (std::vector<int>{100, 101, 102}));
}

// A moment that is past is now.
TEST_P(NamedTasksByFilter, AreRescheduledToNow) {
  const auto [reds, blues] = reds_and_blues(2, {.delay = 1h});
  expect_changed({.state = TaskState::scheduled, .all = true}, {.what = What::edit, .run_at = clock->now() - 1min},
                 {reds[0], blues[0], reds[1], blues[1]});
  expect_all(reds, TaskState::available);
  EXPECT_EQ(all_that_run(), (std::vector<int>{100, 200, 101, 201}));
}

TEST_P(NamedTasksByFilter, ChangeTheirPriority) {
  const auto [reds, blues] = reds_and_blues(3);
  expect_changed({.tag = "blue"}, {.what = What::edit, .priority = 0}, blues);
  for (const errand::TaskId id : blues) EXPECT_EQ(info(id).priority, 0);
  for (const errand::TaskId id : reds) EXPECT_EQ(info(id).priority, errand::kNormal);
  const auto first = add(1, {.priority = 0});
  expect_changed({.priority = 0}, {.what = What::edit, .priority = 1}, {blues[0], blues[1], blues[2], first});
  EXPECT_EQ(all_that_run(), (std::vector<int>{200, 201, 202, 1, 100, 101, 102}));
}

TEST_P(NamedTasksByFilter, ChangeTheirPayload) {
  const auto [reds, blues] = reds_and_blues(2);
  expect_changed({.tag = "red"}, {.what = What::edit, .payload = "{\"pages\":7}"}, reds);
  for (const errand::TaskId id : reds) EXPECT_EQ(queue->payload(id)->bytes, "{\"pages\":7}");
  EXPECT_EQ(queue->payload(blues[0])->bytes, "{\"pages\":200}");
  EXPECT_EQ(all_that_run(), (std::vector<int>{7, 200, 7, 201}));
}

// All that an edit can say, at once.
TEST_P(NamedTasksByFilter, ChangeAllOfItTogether) {
  const auto later = add(1, {.delay = 1h, .name = "this one"});
  const auto other = add(2);
  expect_changed({.name = "this one"},
                 {.what = What::edit, .priority = 0, .run_at = clock->now(), .payload = "{\"pages\":3}"}, {later});
  EXPECT_EQ(all_that_run(), (std::vector<int>{3, 2}));
  expect_all({later, other}, TaskState::completed);
}

TEST_P(NamedTasksByFilter, AreRemovedOnceTheyAreOver) {
  const auto over = add(1);
  queue->dispatch();
  const auto waits = add(2, {.delay = 1h});
  expect_changed({.kind = "report"}, {.what = What::remove}, {over}, {waits});
  EXPECT_EQ(queue->info(over).error().code(), Code::not_found);
  expect_all({waits}, TaskState::scheduled);
}

TEST_P(NamedTasksByFilter, OfIdsAreTheseAlone) {
  const auto [reds, blues] = reds_and_blues(3);
  expect_changed({.ids = {reds[2], blues[0], reds[2]}}, {.what = What::hold}, {blues[0], reds[2]});
  expect_changed({.ids = {reds[0], blues[1]}, .tag = "blue"}, {.what = What::hold}, {blues[1]});
  // What was in hand and is looked at comes behind what stayed there.
  auto others = all_that_run();
  std::sort(others.begin(), others.end());
  EXPECT_EQ(others, (std::vector<int>{100, 101, 202}));
}

// What runs can only be asked to stop.
TEST_P(NamedTasksByFilter, ThatRunAreRefused) {
  Ids own;
  queue->handle<Mail>([&](const Mail&, errand::Attempt& attempt) {
    own = {attempt.id()};
    for (const What what : {What::retry, What::hold, What::release, What::remove})
      expect_changed({.kind = "mail"}, {.what = what}, {}, own);
    expect_changed({.kind = "mail"}, {.what = What::edit, .run_at = clock->now() + 1h}, {}, own);
    expect_changed({.kind = "mail"}, {.what = What::edit, .priority = 0}, {}, own);
    expect_changed({.kind = "mail"}, {.what = What::edit, .payload = "x"}, {}, own);
    EXPECT_FALSE(attempt.stop_requested());
    return Receipt{3};
  });
  auto task = queue->enqueue(Mail{"a", 1});
  ASSERT_TRUE(task);
  queue->dispatch();
  ASSERT_EQ(own, Ids{task->id()});
  EXPECT_EQ(task->get().code, 3);
}

// A filter that somebody forgot to fill in, not everything there is.
TEST_P(NamedTasksByFilter, AreNoneWhereNobodySaidWhich) {
  const auto waits = add(1, {.delay = 1h});
  const auto over = add(2);
  all_that_run();
  const Change changes[] = {{.what = What::cancel},
                            {.what = What::retry},
                            {.what = What::hold},
                            {.what = What::release},
                            {.what = What::remove},
                            {.what = What::edit, .priority = 1},
                            {.what = What::edit, .run_at = clock->now()},
                            {.what = What::edit, .payload = "{\"pages\":3}"}};
  for (const Change& change : changes) {
    const auto refused = queue->change({}, change);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::invalid);
    EXPECT_EQ(refused.error().message(),
              "change tasks of queue \"mail\": expected a filter, or all = true for every task; got an empty one");
  }
  expect_all({waits}, TaskState::scheduled);
  expect_all({over}, TaskState::completed);
  EXPECT_FALSE(info(waits).held);
  EXPECT_EQ(info(waits).priority, errand::kNormal);
  EXPECT_EQ(queue->payload(waits)->bytes, "{\"pages\":1}");
  expect_changed({.all = true}, {.what = What::hold}, {waits}, {over});
}

// Another queue's are its own, and so is the say in it.
TEST_P(NamedTasksByFilter, AreOfTheirQueueAlone) {
  errand::QueueOptions options = this->options();
  options.name = "other";
  errand::Queue other(std::move(options));
  other.handle<Report>([](const Report&) {});
  const auto theirs = other.enqueue(Report{1}, {.delay = 1h});
  ASSERT_TRUE(theirs);
  const auto ours = add(2, {.delay = 1h});
  expect_changed({.all = true}, {.what = What::retry}, {ours});
  expect_changed({.ids = {theirs->id()}}, {.what = What::retry}, {});
  EXPECT_EQ(theirs->state(), TaskState::scheduled);
  expect_changed({.queue = "mail"}, {.what = What::hold}, {ours});
  const auto refused = queue->change({.queue = "other"}, {.what = What::hold});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::invalid);
  EXPECT_NE(refused.error().message().find("got \"other\""), std::string::npos) << refused.error().message();
}

// In pages, and none is left out, or counted twice.
TEST_P(NamedTasksByFilter, AreAsManyAsThereAre) {
  constexpr int kMany = 2500;
  for (const auto& task : queue->enqueue_many(std::vector<Report>(kMany))) ASSERT_TRUE(task);
  const auto counted = [&](const Change& change) {
    const auto changed = queue->change({.kind = "report"}, change);
    EXPECT_TRUE(changed) << changed.error().message();
    return changed ? std::pair(changed->ids.size(), changed->refused.size()) : std::pair<std::size_t, std::size_t>();
  };
  const std::pair<std::size_t, std::size_t> all(kMany, 0);
  const std::pair<std::size_t, std::size_t> none(0, kMany);
  EXPECT_EQ(counted({.what = What::hold}), all);
  EXPECT_EQ(counted({.what = What::hold}), none);
  EXPECT_EQ(counted({.what = What::release}), all);
  EXPECT_EQ(counted({.what = What::edit, .run_at = clock->now() + 1h}), all);
  EXPECT_EQ(queue->stats().scheduled, std::size_t{kMany});
  EXPECT_EQ(counted({.what = What::edit, .priority = 9}), all);
  EXPECT_EQ(counted({.what = What::retry}), all);
  EXPECT_EQ(queue->stats().available, std::size_t{kMany});
  EXPECT_EQ(counted({.what = What::remove}), none);
  while (ran.size() < kMany) queue->dispatch();
  EXPECT_EQ(counted({.what = What::retry}), all) << "a new life each";
  EXPECT_EQ(counted({.what = What::cancel}), all);
  EXPECT_EQ(counted({.what = What::remove}), all);
  EXPECT_EQ(counted({.what = What::remove}), (std::pair<std::size_t, std::size_t>()));
}

// The store has it for running, and whoever has it is not of this process, or is about to say what became of it: a
// cancel asks again for a while, and not for ever.
TEST_P(NamedTasksByFilter, OfWhichOneNeverComesBackAreCancelledAndItIsSaid) {
  const std::string kinds[] = {"report"};
  const errand::ClaimRequest claims[] = {{.queue = "mail", .kinds = kinds, .limit = 1}};
  errand::NewTask theirs[] = {{.queue = "mail", .kind = "report", .payload = "{}", .run_at = clock->now()}};
  const auto claimed = store->commit({.added = theirs, .claims = claims}, clock->now());
  ASSERT_TRUE(claimed && claimed->claims.at(0).tasks.size() == 1);
  const errand::KeptTask& stays = claimed->claims.at(0).tasks.at(0);
  const auto waits = add(1, {.delay = 1h});
  const auto cancelled = queue->change({.all = true}, {.what = What::cancel});
  ASSERT_FALSE(cancelled);
  EXPECT_EQ(cancelled.error().code(), Code::unavailable) << "it may help to try again";
  EXPECT_EQ(cancelled.error().message(), "cancel task " + to_string(stays.id) +
                                             ": what became of its attempt is on its way to the store; try again");
  EXPECT_EQ(queue->cancel(stays.id).error().code(), Code::unavailable);
  expect_all({waits}, TaskState::cancelled);
  // And nothing is held back for it.
  add(2);
  EXPECT_EQ(all_that_run(), std::vector<int>{2});
}
