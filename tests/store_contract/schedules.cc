// Schedules as they are kept: what is put, found, paused and removed.

#include "contract.h"

using namespace errand;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> names_of(const Result<std::vector<Result<KeptSchedule>>>& found) {
  std::vector<std::string> names;
  EXPECT_TRUE(found) << found.error().message();
  if (!found) return names;
  for (const auto& one : *found) names.push_back(one->schedule.queue + "/" + one->schedule.name);
  return names;
}

// With something in each of its fields.
NewTask full_template() {
  NewTask task;
  task.queue = "mail";
  task.kind = "report";
  task.payload = std::string("\0\xff{", 3);
  task.content_type = "application/octet-stream";
  task.priority = 9;
  task.max_attempts = unlimited;
  task.retry = "fixed 5s";
  task.timeout = 1500ms;
  task.max_elapsed = 2h;
  task.ephemeral = true;
  task.name = "the report";
  task.tags = {"a", "b\"c"};
  task.metadata = {{"who", "me"}, {"why", ""}};
  task.unique = {.key = "report-1", .states = kWaitingStates, .until = {}, .on_clash = OnClash::replace};
  return task;
}

void expect_same(const NewTask& a, const NewTask& b) {
  EXPECT_EQ(a.queue, b.queue);
  EXPECT_EQ(a.kind, b.kind);
  EXPECT_EQ(a.payload, b.payload);
  EXPECT_EQ(a.content_type, b.content_type);
  EXPECT_EQ(a.priority, b.priority);
  EXPECT_EQ(a.max_attempts, b.max_attempts);
  EXPECT_EQ(a.retry, b.retry);
  EXPECT_EQ(a.timeout, b.timeout);
  EXPECT_EQ(a.max_elapsed, b.max_elapsed);
  EXPECT_EQ(a.ephemeral, b.ephemeral);
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.tags, b.tags);
  EXPECT_EQ(a.metadata, b.metadata);
  EXPECT_EQ(a.unique.key, b.unique.key);
  EXPECT_EQ(a.unique.states, b.unique.states);
  EXPECT_EQ(a.unique.on_clash, b.unique.on_clash);
}

}  // namespace

TEST_P(StoreContract, AScheduleIsKeptAsItWasPut) {
  NewSchedule given = schedule();
  given.cron.clear();
  given.interval = 90s;
  given.anchor = now + 5us;
  given.time_zone = "Europe/Dublin";
  given.dst = Dst::both;
  given.overlap = Overlap::cancel_previous;
  given.missed = Missed::all;
  given.catch_up_cap = 7;
  given.catch_up_window = 3h;
  given.jitter = 1234567ns;
  given.paused = true;
  given.task = full_template();
  put(given);
  reopen_if_durable();
  const KeptSchedule kept = find_schedule();
  const NewSchedule& found = kept.schedule;
  EXPECT_EQ(found.queue, "mail");
  EXPECT_EQ(found.name, "nightly");
  EXPECT_EQ(found.cron, "");
  EXPECT_EQ(found.interval, 90s);
  EXPECT_EQ(found.anchor, now + 5us);
  EXPECT_EQ(found.time_zone, "Europe/Dublin");
  EXPECT_EQ(found.dst, Dst::both);
  EXPECT_EQ(found.overlap, Overlap::cancel_previous);
  EXPECT_EQ(found.missed, Missed::all);
  EXPECT_EQ(found.catch_up_cap, 7);
  EXPECT_EQ(found.catch_up_window, 3h);
  EXPECT_EQ(found.jitter, 1234567ns);
  EXPECT_TRUE(found.paused);
  EXPECT_EQ(found.next, now + 1h);
  expect_same(found.task, full_template());
  EXPECT_EQ(found.task.schedule, "nightly");
  EXPECT_EQ(kept.created_at, now);
  EXPECT_FALSE(kept.last);
  EXPECT_FALSE(kept.last_run.value);
  EXPECT_EQ(kept.runs + kept.skipped + kept.waiting + kept.running, 0u);
}

TEST_P(StoreContract, AScheduleMayHaveNoNextSlot) {
  NewSchedule given = schedule();
  given.next.reset();
  EXPECT_FALSE(put(given).schedule.next);
  EXPECT_FALSE(find_schedule().schedule.next);
  EXPECT_FALSE(find_schedule().schedule.catch_up_window);
  EXPECT_FALSE(find_schedule().schedule.task.timeout);
}

TEST_P(StoreContract, ATemplateHasNoMoments) {
  NewSchedule given = schedule();
  given.task.queue = "another";
  given.task.schedule = "another";
  given.task.expires_at = given.task.slot = given.task.unique.until = now;
  const NewTask kept = put(given).schedule.task;
  EXPECT_EQ(kept.queue, "mail");
  EXPECT_EQ(kept.schedule, "nightly");
  EXPECT_EQ(kept.run_at, WallTime{});
  EXPECT_FALSE(kept.expires_at || kept.slot || kept.unique.until);
}

TEST_P(StoreContract, SchedulesAreListedByQueueAndName) {
  NewSchedule given = schedule();
  for (const auto& [queue, name] : {std::pair{"mail", "b"}, {"post", "a"}, {"mail", "a"}, {"mail", "c"}}) {
    given.queue = queue;
    given.name = name;
    put(given);
  }
  EXPECT_EQ(names_of(store->list_schedules("mail")), (std::vector<std::string>{"mail/a", "mail/b", "mail/c"}));
  EXPECT_EQ(names_of(store->list_schedules("")), (std::vector<std::string>{"mail/a", "mail/b", "mail/c", "post/a"}));
  EXPECT_EQ(names_of(store->list_schedules("nobody")), std::vector<std::string>{});
}

// As at each start of a program, which puts what it has.
TEST_P(StoreContract, OtherTermsKeepTheSlotsOfTheSameTiming) {
  NewSchedule given = schedule();
  given.anchor = now;
  const KeptSchedule first = put(given);
  const WallTime created_at = now;
  now += 1h;
  ASSERT_TRUE(advance(advance_of(first, {now})));
  ASSERT_TRUE(store->pause_schedule("mail", "nightly", true));
  const KeptSchedule before = find_schedule();
  now += 10h;
  given.anchor = now;
  given.next = now + 7min;
  given.overlap = Overlap::skip;
  given.task.payload = "new";
  const KeptSchedule after = put(given);
  EXPECT_EQ(after.schedule.anchor, created_at);
  EXPECT_EQ(after.schedule.next, before.schedule.next);
  EXPECT_EQ(after.last, before.last);
  EXPECT_EQ(after.last_run, before.last_run);
  EXPECT_EQ(after.runs, 1u);
  EXPECT_EQ(after.created_at, created_at);
  EXPECT_TRUE(after.schedule.paused) << "who paused it says when it goes on";
  EXPECT_EQ(after.schedule.overlap, Overlap::skip);
  EXPECT_EQ(after.schedule.task.payload, "new");
  EXPECT_NE(after.version, before.version);
}

TEST_P(StoreContract, ANextSlotIsTakenWhereThereIsNone) {
  NewSchedule given = schedule();
  given.next.reset();
  put(given);
  given.next = now + 2h;
  EXPECT_EQ(put(given).schedule.next, now + 2h);
}

TEST_P(StoreContract, AnotherTimingTakesTheSlotThatIsGiven) {
  const auto changes = {+[](NewSchedule& s) { s.cron = "30 * * * *"; },
                        +[](NewSchedule& s) { s.time_zone = "Asia/Gaza"; }, +[](NewSchedule& s) { s.dst = Dst::skip; },
                        +[](NewSchedule& s) { s.cron.clear(), s.interval = 5s; },
                        +[](NewSchedule& s) { s.interval = 6s; }};
  NewSchedule given = schedule();
  ASSERT_TRUE(advance(advance_of(put(given), {now})));
  for (const auto change : changes) {
    change(given);
    given.anchor = *given.next + 1us;
    *given.next += 7min;
    const KeptSchedule after = put(given);
    EXPECT_EQ(after.schedule.next, given.next);
    EXPECT_EQ(after.schedule.anchor, given.anchor);
    EXPECT_EQ(after.last, now) << "what was dealt with stays so";
    EXPECT_EQ(after.runs, 1u);
  }
}

TEST_P(StoreContract, AScheduleThatIsRemovedIsGone) {
  const KeptSchedule read = put(schedule());
  const TaskId run = advance(advance_of(read, {now}))->runs.at(0)->id;
  const KeptSchedule again = find_schedule();
  ASSERT_TRUE(store->remove_schedule("mail", "nightly"));
  EXPECT_EQ(store->find_schedule("mail", "nightly").error().code(), Code::not_found);
  EXPECT_EQ(store->remove_schedule("mail", "nightly").error().code(), Code::not_found);
  EXPECT_EQ(store->pause_schedule("mail", "nightly", true).error().code(), Code::not_found);
  const auto late = advance(advance_of(again, {now + 1h}));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), Code::not_found);
  EXPECT_NE(late.error().message().find("advance schedule \"nightly\" of queue \"mail\""), std::string::npos);
  EXPECT_EQ(ids_of({}), std::vector{run}) << "its run stays, and no other comes";
  EXPECT_TRUE(store->list_schedules("")->empty());
}

TEST_P(StoreContract, APauseOfAScheduleLastsOverARestart) {
  put(schedule());
  ASSERT_TRUE(store->pause_schedule("mail", "nightly", true));
  reopen_if_durable();
  EXPECT_TRUE(find_schedule().schedule.paused);
  ASSERT_TRUE(store->pause_schedule("mail", "nightly", false));
  EXPECT_FALSE(find_schedule().schedule.paused);
}

TEST_P(StoreContract, RunsOfAScheduleAreCounted) {
  put(schedule());
  NewTask another = run_of(now);
  another.queue = "post";
  another.slot.reset();
  NewTask tasks[] = {run_of(now - 2h), run_of(now - 1h), run_of(now), run_of(now + 1h), task(), another};
  ASSERT_TRUE(store->commit({.added = tasks}, now));
  const Claimed claimed = claim(2);
  ASSERT_EQ(claimed.tasks.size(), 2u);
  EXPECT_EQ(find_schedule().running, 2u);
  EXPECT_EQ(find_schedule().waiting, 2u);
  ASSERT_TRUE(finish(done(claimed.tasks[0])));
  ASSERT_TRUE(finish(done(claimed.tasks[1], TaskState::retryable)));
  EXPECT_EQ(store->list_schedules("mail")->at(0)->running, 0u);
  EXPECT_EQ(store->list_schedules("mail")->at(0)->waiting, 3u);
  EXPECT_EQ(find_schedule().runs, 4u);
  change(only(claimed.tasks[0].id), {.what = Change::What::retry});
  EXPECT_EQ(find_schedule().waiting, 4u) << "a second life is one more that waits";
  TaskFilter filter;
  filter.schedule = "nightly";
  EXPECT_EQ(ids_of(filter).size(), 5u);
  filter.queue = "mail";
  EXPECT_EQ(ids_of(filter).size(), 4u);
  EXPECT_FALSE(filter.empty());
}

// By hand.
TEST_P(StoreContract, ARunMayComeBesidesTheSlots) {
  const KeptSchedule before = put(schedule());
  NewTask run = run_of(now);
  run.slot.reset();
  add(run);
  const TaskId second = add(run).id;
  EXPECT_EQ(find(second).task.schedule, "nightly");
  EXPECT_FALSE(find(second).task.slot);
  const KeptSchedule after = find_schedule();
  EXPECT_EQ(after.last_run, second);
  EXPECT_EQ(after.runs, 2u);
  EXPECT_EQ(after.schedule.next, before.schedule.next);
  EXPECT_FALSE(after.last);
  EXPECT_EQ(after.version, before.version) << "and slots go on as they were";
}
