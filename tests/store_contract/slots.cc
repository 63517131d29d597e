// Slots: each has one run at most, whoever asks, how often, and when.

#include <algorithm>

#include "contract.h"

using namespace errand;
using namespace std::chrono_literals;

TEST_P(StoreContract, AnAdvanceAddsItsRunsAndMovesOn) {
  const KeptSchedule read = put(schedule());
  now += 3h;
  Advance three = advance_of(read, {now - 1h, now});
  three.skipped = 1;
  const auto done = advance(three);
  ASSERT_TRUE(done) << done.error().message();
  ASSERT_EQ(done->runs.size(), 2u);
  const TaskId ids[] = {done->runs[0]->id, done->runs[1]->id};
  EXPECT_EQ(find(ids[0]).task.slot, now - 1h);
  EXPECT_EQ(find(ids[1]).task.slot, now);
  EXPECT_EQ(find(ids[1]).task.schedule, "nightly");
  reopen_if_durable();
  const KeptSchedule after = find_schedule();
  EXPECT_EQ(after.version, done->version);
  EXPECT_NE(after.version, read.version);
  EXPECT_EQ(after.last, now);
  EXPECT_EQ(after.schedule.next, now + 1h);
  EXPECT_EQ(after.runs, 2u);
  EXPECT_EQ(after.last_run, ids[1]);
  EXPECT_EQ(after.skipped, 1u);
  ASSERT_TRUE(advance(advance_of(after, {now + 1h})));
  EXPECT_EQ(find_schedule().runs, 3u);
}

TEST_P(StoreContract, AnAdvanceSharesItsTransaction) {
  const KeptSchedule read = put(schedule());
  const Advance advances[] = {advance_of(read, {now})};
  const ClaimRequest claims[] = {{.queue = "mail", .kinds = kinds, .limit = 9}};
  const auto committed = store->commit({.advanced = advances, .claims = claims}, now);
  ASSERT_TRUE(committed);
  ASSERT_EQ(committed->claims.at(0).tasks.size(), 1u) << "what it adds can be claimed at once";
  EXPECT_EQ(committed->claims[0].tasks[0].task.slot, now);
  EXPECT_EQ(find_schedule().running, 1u);
}

// Two processes that have read the same, and one that is told of its schedule's new terms too late.
TEST_P(StoreContract, AnAdvanceOfWhatHasChangedSinceChangesNothing) {
  put(schedule());
  for (int what = 0; what < 4; ++what) {
    now += 1h;
    const KeptSchedule read = find_schedule();
    if (what == 0) {
      ASSERT_TRUE(advance(advance_of(read, {now})));
    } else if (what == 1) {
      ASSERT_TRUE(store->pause_schedule("mail", "nightly", true));
    } else {
      if (what == 2) {
        ASSERT_TRUE(store->remove_schedule("mail", "nightly"));
        reopen_if_durable();
      }
      put(schedule());
    }
    const KeptSchedule changed = find_schedule();
    const std::size_t tasks = ids_of({}).size();
    Advance late = advance_of(read, {now});
    late.skipped = 5;
    late.cancel_earlier = true;
    const auto done = advance(late);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code(), Code::lease_lost);
    EXPECT_NE(done.error().message().find("schedule \"nightly\" of queue \"mail\""), std::string::npos);
    const KeptSchedule after = find_schedule();
    EXPECT_EQ(after.version, changed.version);
    EXPECT_EQ(after.schedule.next, changed.schedule.next);
    EXPECT_EQ(after.last, changed.last);
    EXPECT_EQ(after.skipped, 0u);
    EXPECT_EQ(after.waiting, changed.waiting);
    EXPECT_EQ(ids_of({}).size(), tasks);
  }
}

TEST_P(StoreContract, AnAdvanceThatIsLateLeavesItsBatchAlone) {
  const KeptSchedule read = put(schedule());
  const Advance advances[] = {advance_of(read, {now}), advance_of(read, {now + 1h})};
  NewTask tasks[] = {task()};
  const auto committed = store->commit({.added = tasks, .advanced = advances}, now);
  ASSERT_TRUE(committed);
  EXPECT_TRUE(committed->advanced.at(0));
  ASSERT_FALSE(committed->advanced.at(1)) << "the first one of the batch was first";
  EXPECT_EQ(committed->advanced[1].error().code(), Code::lease_lost);
  EXPECT_EQ(ids_of({}).size(), 2u);
}

TEST_P(StoreContract, ASlotHasOneRunHoweverOftenItIsAdvanced) {
  put(schedule());
  const TaskId first = advance(advance_of(find_schedule(), {now}))->runs.at(0)->id;
  reopen_if_durable();
  const auto again = advance(advance_of(find_schedule(), {now, now + 1h, now + 1h}));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->runs.at(0)->existed);
  EXPECT_EQ(again->runs[0]->id, first);
  EXPECT_FALSE(again->runs.at(1)->existed);
  EXPECT_TRUE(again->runs.at(2)->existed);
  EXPECT_EQ(again->runs[2]->id, again->runs[1]->id);
  EXPECT_EQ(ids_of({}).size(), 2u);
  EXPECT_EQ(find_schedule().runs, 2u);
}

TEST_P(StoreContract, ASlotStaysDealtWithWhenItsRunIsForgotten) {
  put(schedule());
  Advance one = advance_of(find_schedule(), {now});
  one.runs[0].ephemeral = true;
  ASSERT_TRUE(advance(one));
  ASSERT_TRUE(finish(done(claim_one())));
  ASSERT_TRUE(ids_of({}).empty());
  reopen_if_durable();
  const auto again = advance(advance_of(find_schedule(), {now}));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->runs.at(0)->existed);
  EXPECT_FALSE(again->runs[0]->id.value);
  EXPECT_TRUE(ids_of({}).empty());
}

TEST_P(StoreContract, ASlotThatWasSkippedHasNoRunLater) {
  Advance skips = advance_of(put(schedule()), {now});
  skips.runs.clear();
  skips.skipped = 1;
  ASSERT_TRUE(advance(skips));
  EXPECT_EQ(find_schedule().last, now);
  EXPECT_TRUE(advance(advance_of(find_schedule(), {now}))->runs.at(0)->existed);
  EXPECT_TRUE(add(run_of(now)).existed);
  EXPECT_TRUE(ids_of({}).empty());
}

TEST_P(StoreContract, SlotsDoNotComeAgainWhenTheClockGoesBack) {
  ASSERT_TRUE(advance(advance_of(put(schedule()), {now - 1h, now})));
  now -= 90min;
  // Its terms are new, and whoever put them has counted from the clock as it is now.
  NewSchedule given = schedule();
  given.cron = "30 * * * *";
  given.next = now + 1min;
  put(given);
  const auto again = advance(advance_of(find_schedule(), {now + 1min, now + 30min}));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->runs.at(0)->existed);
  EXPECT_TRUE(again->runs.at(1)->existed);
  EXPECT_EQ(find_schedule().last, now + 90min) << "it does not fall";
  EXPECT_EQ(find_schedule().schedule.next, now + 90min);
  EXPECT_EQ(ids_of({}).size(), 2u);
  EXPECT_FALSE(advance(advance_of(find_schedule(), {now + 91min}))->runs.at(0)->existed);
}

TEST_P(StoreContract, AnotherScheduleOfTheNameHasNoSlotTwice) {
  ASSERT_TRUE(advance(advance_of(put(schedule()), {now - 1h, now})));
  ASSERT_EQ(claim(1).tasks.size(), 1u);
  ASSERT_TRUE(store->remove_schedule("mail", "nightly"));
  const KeptSchedule another = put(schedule());
  EXPECT_FALSE(another.last);
  EXPECT_EQ(another.runs, 0u);
  EXPECT_EQ(another.waiting, 1u) << "runs are its name's";
  EXPECT_EQ(another.running, 1u);
  const auto again = advance(advance_of(another, {now - 1h, now, now + 1h}));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->runs.at(0)->existed);
  EXPECT_TRUE(again->runs.at(1)->existed);
  EXPECT_FALSE(again->runs.at(2)->existed);
}

TEST_P(StoreContract, SlotsAreOfAQueueAndASchedule) {
  NewTask other_queue = run_of(now);
  other_queue.queue = "post";
  NewTask other_schedule = run_of(now);
  other_schedule.schedule = "hourly";
  NewTask of_none = run_of(now);
  of_none.schedule.clear();
  NewTask tasks[] = {run_of(now), other_queue, other_schedule, of_none, of_none};
  const auto committed = store->commit({.added = tasks}, now);
  ASSERT_TRUE(committed);
  for (const auto& added : committed->added) EXPECT_FALSE(added->existed);
}

// Not by an Advance alone.
TEST_P(StoreContract, ASlotHoldsForEveryTaskThatIsAdded) {
  const TaskId first = add(run_of(now)).id;
  EXPECT_EQ(add(run_of(now)).id, first) << "there is no such schedule, and its slots hold";
  put(schedule());
  NewTask late = run_of(now + 1h);
  late.ephemeral = true;
  late.run_at = now;
  late.priority = 0;
  add(late);
  EXPECT_EQ(find_schedule().last, now + 1h);
  ASSERT_TRUE(finish(done(claim_one())));
  EXPECT_TRUE(add(late).existed);
  EXPECT_EQ(ids_of({}), std::vector{first});
}

TEST_P(StoreContract, ARunMayBeRefusedByItsUniqueKey) {
  NewTask holder = task();
  holder.unique.key = "user-7";
  const TaskId first = add(holder).id;
  Advance two = advance_of(put(schedule()), {now, now + 1h});
  for (NewTask& run : two.runs) run.unique.key = "user-7";
  two.runs[1].unique.on_clash = OnClash::refuse;
  const auto done = advance(two);
  ASSERT_TRUE(done);
  EXPECT_TRUE(done->runs.at(0)->existed);
  EXPECT_EQ(done->runs[0]->id, first);
  ASSERT_FALSE(done->runs.at(1));
  EXPECT_EQ(done->runs[1].error().code(), Code::duplicate);
  const KeptSchedule after = find_schedule();
  EXPECT_EQ(after.last, now + 1h) << "its slots have been dealt with";
  EXPECT_EQ(after.schedule.next, now + 2h);
  EXPECT_EQ(after.runs, 0u);
  EXPECT_FALSE(after.last_run.value);
}

TEST_P(StoreContract, AnAdvanceMayCancelEarlierRuns) {
  put(schedule());
  NewTask other = run_of(now);
  other.schedule = "hourly";
  add(other);
  ASSERT_TRUE(advance(advance_of(find_schedule(), {now - 2h, now - 1h})));
  const Claimed claimed = claim(1);
  ASSERT_EQ(claimed.tasks.size(), 1u);
  const TaskId running = claimed.tasks[0].id;
  Advance next = advance_of(find_schedule(), {now});
  next.cancel_earlier = true;
  next.prune_at = now + 1h;
  const auto done = advance(next);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->running, std::vector{running});
  EXPECT_TRUE(find(running).cancel_requested);
  ASSERT_EQ(done->cancelled.size(), 1u);
  EXPECT_EQ(find(done->cancelled[0]).state, TaskState::cancelled);
  EXPECT_EQ(find(done->cancelled[0]).task.slot, now - 1h);
  EXPECT_EQ(find(done->cancelled[0]).prune_at, now + 1h);
  EXPECT_EQ(find(done->runs.at(0)->id).state, TaskState::available);
  EXPECT_EQ(find_schedule().waiting, 1u);
  EXPECT_EQ(counts().cancelled, 1u) << "the other schedule's run goes on";
}

// The one that lives may be the run of the very slot.
TEST_P(StoreContract, NothingIsCancelledForASlotThatWasDealtWith) {
  put(schedule());
  const TaskId run = advance(advance_of(find_schedule(), {now}))->runs.at(0)->id;
  Advance again = advance_of(find_schedule(), {now});
  again.cancel_earlier = true;
  const auto done = advance(again);
  ASSERT_TRUE(done);
  EXPECT_TRUE(done->cancelled.empty());
  EXPECT_EQ(find(run).state, TaskState::available);
}

TEST_P(StoreContract, SlotsAreRoundedUp) {
  NewSchedule given = schedule();
  given.next = now + 1ns;
  given.anchor = now + 1001ns;
  const KeptSchedule read = put(given);
  EXPECT_EQ(read.schedule.next, now + 1us);
  EXPECT_EQ(read.schedule.anchor, now + 2us);
  Advance one = advance_of(read, {now + 1ns});
  one.next = now + 1001ns;
  const auto done = advance(one);
  ASSERT_TRUE(done);
  EXPECT_EQ(find(done->runs.at(0)->id).task.slot, now + 1us);
  EXPECT_EQ(find_schedule().last, now + 1us);
  EXPECT_EQ(find_schedule().schedule.next, now + 2us);
  EXPECT_TRUE(advance(advance_of(find_schedule(), {now + 500ns}))->runs.at(0)->existed);
}

TEST_P(StoreContract, ASlotMovesWithoutRuns) {
  Advance only_next = advance_of(put(schedule()), {});
  only_next.next = now + 5h;
  ASSERT_TRUE(advance(only_next));
  EXPECT_FALSE(find_schedule().last);
  EXPECT_EQ(find_schedule().schedule.next, now + 5h);
  only_next.version = find_schedule().version;
  only_next.next.reset();
  ASSERT_TRUE(advance(only_next));
  EXPECT_FALSE(find_schedule().schedule.next) << "none will come";
}

TEST_P(StoreContract, NoVersionComesTwice) {
  std::vector<std::uint64_t> versions;
  for (int round = 0; round < 3; ++round) {
    versions.push_back(put(schedule()).version);
    versions.push_back(put(schedule()).version);
    ASSERT_TRUE(store->pause_schedule("mail", "nightly", true));
    versions.push_back(find_schedule().version);
    versions.push_back(advance(advance_of(find_schedule(), {now + round * 1h}))->version);
    if (round == 1) {
      ASSERT_TRUE(store->remove_schedule("mail", "nightly"));
    }
    reopen_if_durable();
  }
  std::sort(versions.begin(), versions.end());
  EXPECT_EQ(std::adjacent_find(versions.begin(), versions.end()), versions.end());
}
