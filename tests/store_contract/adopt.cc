// What another store kept, taken in.

#include "contract.h"

using namespace errand;
using namespace std::chrono_literals;

namespace {

// A task of another store: seen by nobody here.
KeptTask of_another(NewTask task, std::uint64_t number) {
  KeptTask kept;
  kept.id = TaskId{(std::uint64_t{1} << 63) | number};
  kept.state = TaskState::available;
  kept.created_at = task.run_at;
  kept.task = std::move(task);
  return kept;
}

// One that has everything a task can have.
KeptTask rich_task(NewTask given, WallTime now) {
  given.payload = std::string("any \0 bytes \xff", 12);
  given.priority = 7;
  given.max_attempts = unlimited;
  given.retry = "immediate";
  given.timeout = 3s;
  given.max_elapsed = 4s;
  given.expires_at = now + 7h;
  given.ephemeral = true;
  given.name = "a name";
  given.tags = {"red", "blue"};
  given.metadata = {{"b", "2"}, {"a", "\"1\""}};
  given.unique = {.key = "k", .until = now + 9h};
  given.schedule = "nightly";
  given.slot = now - 1h;
  KeptTask task = of_another(std::move(given), 70);
  task.state = TaskState::retryable;
  task.task.run_at = now + 5min;
  task.attempts = 3;
  task.crashes = 1;
  task.first_started_at = now - 3h;
  task.started_at = now - 2h;
  task.last_error = KeptError{Code::cancelled, "why"};
  task.history = {{1, now - 3h, 17ns, {Code::failed, "first \"one\""}}, {2, now - 2h, 5s, {Code::invalid, ""}}};
  task.progress_done = 4;
  task.progress_total = 9;
  task.progress_note = "nearly";
  task.log = {"one", "two"};
  task.holds_key = true;
  return task;
}

void expect_same(const KeptTask& a, const KeptTask& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.state, b.state);
  EXPECT_EQ(a.task.queue, b.task.queue);
  EXPECT_EQ(a.task.kind, b.task.kind);
  EXPECT_EQ(a.task.payload, b.task.payload);
  EXPECT_EQ(a.task.content_type, b.task.content_type);
  EXPECT_EQ(a.task.priority, b.task.priority);
  EXPECT_EQ(a.task.run_at, b.task.run_at);
  EXPECT_EQ(a.task.max_attempts, b.task.max_attempts);
  EXPECT_EQ(a.task.retry, b.task.retry);
  EXPECT_EQ(a.task.timeout, b.task.timeout);
  EXPECT_EQ(a.task.max_elapsed, b.task.max_elapsed);
  EXPECT_EQ(a.task.expires_at, b.task.expires_at);
  EXPECT_EQ(a.task.ephemeral, b.task.ephemeral);
  EXPECT_EQ(a.task.name, b.task.name);
  EXPECT_EQ(a.task.tags, b.task.tags);
  EXPECT_EQ(a.task.metadata, b.task.metadata);
  EXPECT_EQ(a.task.unique.key, b.task.unique.key);
  if (!a.task.unique.key.empty()) {
    EXPECT_EQ(a.task.unique.states, b.task.unique.states);
  }
  EXPECT_EQ(a.task.unique.until, b.task.unique.until);
  EXPECT_EQ(a.task.schedule, b.task.schedule);
  EXPECT_EQ(a.task.slot, b.task.slot);
  EXPECT_EQ(a.aside, b.aside);
  EXPECT_EQ(a.attempts, b.attempts);
  EXPECT_EQ(a.crashes, b.crashes);
  EXPECT_EQ(a.created_at, b.created_at);
  EXPECT_EQ(a.first_started_at, b.first_started_at);
  EXPECT_EQ(a.started_at, b.started_at);
  EXPECT_EQ(a.finished_at, b.finished_at);
  EXPECT_EQ(a.prune_at, b.prune_at);
  EXPECT_EQ(a.last_error, b.last_error);
  EXPECT_EQ(a.history, b.history);
  EXPECT_EQ(a.output, b.output);
  EXPECT_EQ(a.output_type, b.output_type);
  EXPECT_EQ(a.progress_done, b.progress_done);
  EXPECT_EQ(a.progress_total, b.progress_total);
  EXPECT_EQ(a.progress_note, b.progress_note);
  EXPECT_EQ(a.log, b.log);
  EXPECT_EQ(a.cancel_requested, b.cancel_requested);
  EXPECT_EQ(a.holds_key, b.holds_key);
}

void expect_refused(const Result<void>& result, const std::string& why) {
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::invalid);
  EXPECT_NE(result.error().message().find(why), std::string::npos) << result.error().message();
}

}  // namespace

TEST_P(StoreContract, AdoptsATaskAsItWas) {
  const KeptTask rich = rich_task(task(), now);
  KeptTask over = of_another(task(), 3);
  over.state = TaskState::discarded;
  over.finished_at = now - 1min;
  over.prune_at = now + 1h;
  over.output = std::string("out \0 put", 9);
  over.output_type = "text/plain";
  KeptTask held = of_another(task(), 5);
  held.aside = Aside::held;
  const auto adopted = adopt({over, held, rich});
  for (const auto& one : adopted.tasks) EXPECT_TRUE(one) << one.error().message();
  for (int times = 0; times < 2; ++times, reopen_if_durable()) {
    expect_same(find(rich.id), rich);
    expect_same(find(over.id), over);
    expect_same(find(held.id), held);
  }
  EXPECT_EQ(counts().held, 1u);
  now += 1h;
  EXPECT_EQ(claim().tasks.size(), 1u) << "of these the one that is due and not held";
  EXPECT_EQ(tidy().pruned, 1u);
}

TEST_P(StoreContract, AdoptedTasksAreClaimedInTheirOrder) {
  KeptTask late = of_another(task(), 4);
  KeptTask urgent = of_another(task(), 9);
  urgent.task.priority = 0;
  KeptTask early = of_another(task(), 6);
  early.task.run_at = now - 1h;
  claim();  // there was nothing
  adopt({late, early, urgent});
  const Claimed claimed = claim();
  ASSERT_EQ(claimed.tasks.size(), 3u);
  EXPECT_EQ(claimed.tasks[0].id, urgent.id);
  EXPECT_EQ(claimed.tasks[1].id, early.id);
  EXPECT_EQ(claimed.tasks[2].id, late.id);
}

TEST_P(StoreContract, WhatRanIsAvailableWhereItIsAdopted) {
  KeptTask running = of_another(task(), 4);
  running.state = TaskState::running;
  running.token = (std::uint64_t{9} << 40) + 7;
  running.cancel_requested = true;
  adopt({running});
  EXPECT_EQ(find(running.id).state, TaskState::available);
  EXPECT_FALSE(find(running.id).cancel_requested);
  const auto stale = finish(done(running));
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().code(), Code::lease_lost);
  // Over restarts as well: nothing that was claimed here or there is mistaken for what is claimed now.
  std::uint64_t last = running.token;
  for (int times = 0; times < 3; ++times, reopen_if_durable()) {
    const KeptTask claimed = claim_one();
    EXPECT_GT(claimed.token, last);
    last = claimed.token;
    Finish back = done(claimed, TaskState::available);
    ASSERT_TRUE(finish(back));
  }
}

TEST_P(StoreContract, IdsGoOnBehindAdoptedOnes) {
  const TaskId own = add(task()).id;
  const KeptTask other = of_another(task(), 70);
  adopt({other});
  EXPECT_GT(add(task()).id, other.id);
  reopen_if_durable();
  EXPECT_GT(add(task()).id.value, other.id.value + 1);
  EXPECT_EQ(find(own).id, own);
}

TEST_P(StoreContract, AnIdThatIsThereIsRefusedByItself) {
  const TaskId own = add(task()).id;
  KeptTask same = of_another(task(), 1);
  same.id = own;
  same.task.payload = "of another";
  KeptTask next = same;
  ++next.id.value;
  const auto adopted = adopt({same, next, next});
  expect_refused(adopted.tasks.at(0), to_string(own));
  EXPECT_TRUE(adopted.tasks.at(1));
  expect_refused(adopted.tasks.at(2), to_string(next.id));
  EXPECT_EQ(find(own).task.payload, "");
  EXPECT_EQ(ids_of({}).size(), 2u);
}

TEST_P(StoreContract, AdoptedTasksKeepTheirUniqueKeys) {
  NewTask keyed = task();
  keyed.unique.key = "k";
  // The first one let go of its key while it ran, and waits again.
  const KeptTask without = of_another(keyed, 4);
  KeptTask holder = of_another(keyed, 5);
  holder.holds_key = true;
  KeptTask second = of_another(keyed, 6);
  second.holds_key = true;
  const auto adopted = adopt({without, holder, second});
  EXPECT_TRUE(adopted.tasks.at(0));
  EXPECT_TRUE(adopted.tasks.at(1));
  expect_refused(adopted.tasks.at(2), "task " + to_string(holder.id) + " has its unique key");
  const Added added = add(keyed);
  EXPECT_TRUE(added.existed);
  EXPECT_EQ(added.id, holder.id);
}

TEST_P(StoreContract, AKeyWhoseTimeIsOverMakesRoomForAnAdoptedOne) {
  NewTask keyed = task();
  keyed.unique = {.key = "k", .until = now + 1h};
  const TaskId first = add(keyed).id;
  KeptTask second = of_another(keyed, 50);
  second.task.unique.until = now + 9h;
  second.holds_key = true;
  expect_refused(adopt({second}).tasks.at(0), to_string(first));
  now += 2h;
  EXPECT_TRUE(adopt({second}).tasks.at(0));
  EXPECT_EQ(add(keyed).id, second.id);
}

TEST_P(StoreContract, AnAdoptedSlotHasOneRun) {
  put(schedule());
  const TaskId own = add(run_of(now)).id;
  expect_refused(adopt({of_another(run_of(now), 50)}).tasks.at(0),
                 "task " + to_string(own) + " is the run of its slot");
  const KeptTask next = of_another(run_of(now + 1h), 51);
  EXPECT_TRUE(adopt({next}).tasks.at(0));
  const Added again = add(run_of(now + 1h));
  EXPECT_TRUE(again.existed);
  EXPECT_EQ(again.id, next.id);
}

TEST_P(StoreContract, AdoptsASchedulesPast) {
  KeptSchedule given;
  given.schedule = schedule();
  given.schedule.paused = true;
  given.schedule.overlap = Overlap::skip;
  given.schedule.task.payload = "each time";
  given.created_at = now - 9h;
  given.last = now - 1h;
  given.last_run = TaskId{(std::uint64_t{1} << 63) | 40};
  given.runs = 12;
  given.skipped = 3;
  KeptSchedule taken = given;
  taken.schedule.name = "taken";
  put(taken.schedule);
  const KeptTask run = of_another(run_of(now - 2h), 30);
  const KeptSchedule schedules[] = {taken, given};
  const KeptTask tasks[] = {run};
  const std::string paused[] = {"mail", "other"};
  const auto adopted = store->adopt({.paused = paused, .schedules = schedules, .tasks = tasks}, now);
  ASSERT_TRUE(adopted) << adopted.error().message();
  expect_refused(adopted->schedules.at(0), "taken");
  EXPECT_TRUE(adopted->schedules.at(1));
  EXPECT_TRUE(adopted->tasks.at(0));
  for (int times = 0; times < 2; ++times, reopen_if_durable()) {
    const KeptSchedule found = find_schedule();
    EXPECT_TRUE(found.schedule.paused);
    EXPECT_EQ(found.schedule.next, given.schedule.next);
    EXPECT_EQ(found.schedule.overlap, Overlap::skip);
    EXPECT_EQ(found.schedule.task.payload, "each time");
    EXPECT_EQ(found.created_at, given.created_at);
    EXPECT_EQ(found.last, given.last);
    EXPECT_EQ(found.last_run, given.last_run);
    EXPECT_EQ(found.runs, 12u);
    EXPECT_EQ(found.skipped, 3u);
    EXPECT_EQ(found.waiting, 1u);
    EXPECT_TRUE(counts("mail").paused);
    EXPECT_TRUE(counts("other").paused);
    EXPECT_EQ(claim().tasks.size(), 0u);
  }
  // What was dealt with there is dealt with here.
  EXPECT_TRUE(add(run_of(now - 3h)).existed);
  const KeptSchedule found = find_schedule();
  EXPECT_NE(found.version, 0u);
  EXPECT_TRUE(advance(advance_of(found, {now})));
}

namespace {

struct Ear final : StoreListener {
  void changed(std::span<const std::string> queues) noexcept override {
    heard.insert(heard.end(), queues.begin(), queues.end());
  }
  std::vector<std::string> heard;
};

}  // namespace

TEST_P(StoreContract, TellsOfWhatItAdopted) {
  const auto ear = std::make_shared<Ear>();
  store->listen(ear);
  adopt({of_another(task(), 4), of_another(task(), 5)});
  EXPECT_EQ(ear->heard, std::vector<std::string>{"mail"});
}
