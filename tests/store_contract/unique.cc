// Keys that one task has at a time.

#include "contract.h"

using namespace errand;
using namespace std::chrono_literals;

namespace {

NewTask with_key(NewTask task, OnClash on_clash = OnClash::keep, std::uint16_t states = kLiveStates) {
  task.unique = {.key = "user-7", .states = states, .until = {}, .on_clash = on_clash};
  return task;
}

}  // namespace

TEST_P(StoreContract, AUniqueKeyKeepsTheFirst) {
  const auto first = add(with_key(task()));
  NewTask again = with_key(task());
  again.payload = "other";
  const auto second = add(again);
  EXPECT_TRUE(second.existed);
  EXPECT_FALSE(second.replaced);
  EXPECT_EQ(second.id, first.id);
  EXPECT_EQ(find(first.id).task.payload, "");
  EXPECT_EQ(ids_of({}), std::vector{first.id});
}

TEST_P(StoreContract, AUniqueKeyHoldsInsideOneBatch) {
  NewTask many[] = {with_key(task()), task(), with_key(task()), with_key(task(), OnClash::refuse), task()};
  const auto committed = store->commit({.added = many}, now);
  ASSERT_TRUE(committed);
  EXPECT_FALSE(committed->added.at(0)->existed);
  EXPECT_TRUE(committed->added.at(2)->existed);
  EXPECT_EQ(committed->added.at(2)->id, committed->added.at(0)->id);
  EXPECT_EQ(committed->added.at(3).error().code(), Code::duplicate);
  EXPECT_EQ(ids_of({}).size(), 3u);
}

TEST_P(StoreContract, AUniqueKeyLastsOverARestart) {
  add(with_key(task()));
  reopen_if_durable();
  EXPECT_TRUE(add(with_key(task())).existed);
}

TEST_P(StoreContract, AUniqueKeyIsLetGoOfInOtherStates) {
  const TaskId first = add(with_key(task())).id;
  KeptTask claimed = claim_one();
  EXPECT_TRUE(add(with_key(task())).existed) << "running is a live state";
  ASSERT_TRUE(finish(done(claimed)));
  const auto second = add(with_key(task()));
  EXPECT_FALSE(second.existed);
  EXPECT_NE(second.id, first);
  // The first one can't begin a new life beside it.
  const Changed changed = change(only(first), {.what = Change::What::retry});
  EXPECT_EQ(changed.refused, std::vector{first});
  EXPECT_EQ(find(first).state, TaskState::completed);
  change(only(second.id), {.what = Change::What::cancel});
  EXPECT_EQ(change(only(first), {.what = Change::What::retry}).ids, std::vector{first});
  EXPECT_TRUE(add(with_key(task())).existed) << "it has its key again";
}

TEST_P(StoreContract, AUniqueKeyMayOutliveItsTask) {
  add(with_key(task(), OnClash::keep, kAllStates));
  ASSERT_TRUE(finish(done(claim_one())));
  EXPECT_TRUE(add(with_key(task())).existed);
}

TEST_P(StoreContract, AUniqueKeyEndsWithItsPeriod) {
  NewTask one = with_key(task(), OnClash::keep, kAllStates);
  one.unique.until = now + 1h;
  const TaskId first = add(one).id;
  now += 1h - 1us;
  EXPECT_TRUE(add(one).existed);
  now += 1us;
  one.unique.until = now + 1h;
  const auto second = add(one);
  EXPECT_FALSE(second.existed);
  EXPECT_EQ(add(one).id, second.id);
  EXPECT_EQ(find(first).state, TaskState::available) << "it is still there, without a key";
}

TEST_P(StoreContract, AClashMayReplaceWhatWaits) {
  const TaskId first = add(with_key(task())).id;
  NewTask again = with_key(task(), OnClash::replace);
  again.payload = "new";
  again.content_type = "text/plain";
  again.run_at = now + 1h;
  const auto second = add(again);
  EXPECT_TRUE(second.existed);
  EXPECT_TRUE(second.replaced);
  EXPECT_EQ(second.id, first);
  EXPECT_EQ(find(first).task.payload, "new");
  EXPECT_EQ(find(first).task.content_type, "text/plain");
  EXPECT_EQ(find(first).state, TaskState::scheduled);
  EXPECT_TRUE(claim().tasks.empty());
  now += 1h;
  const KeptTask claimed = claim_one();
  EXPECT_EQ(claimed.task.payload, "new");
  again.payload = "too late";
  EXPECT_FALSE(add(again).replaced);
  EXPECT_EQ(find(first).task.payload, "new");
}

TEST_P(StoreContract, AClashMayBeRefused) {
  const TaskId first = add(with_key(task())).id;
  const auto second = try_add(with_key(task(), OnClash::refuse));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), Code::duplicate);
  EXPECT_NE(second.error().message().find(to_string(first)), std::string::npos) << second.error().message();
  EXPECT_EQ(ids_of({}), std::vector{first});
}

// It ends without a word of its queue's, which has said how long tasks of all kinds are kept.
TEST_P(StoreContract, ATaskIsKeptAsLongAsItKeepsItsKey) {
  const auto with_all_states = [&](const char* key, std::optional<Duration> within) {
    NewTask one = with_key(task(), OnClash::keep, kAllStates);
    one.unique.key = key;
    if (within) one.unique.until = now + *within;
    return one;
  };
  const TaskId day = add(with_all_states("day", 24h)).id;
  const TaskId minute = add(with_all_states("minute", 1min)).id;
  const TaskId always = add(with_all_states("always", {})).id;
  NewTask late = with_all_states("late", 365 * 24h);
  late.run_at = now + 2h;
  late.expires_at = now + 1h;
  const TaskId expires = add(late).id;
  for (const TaskId id : {day, minute, always}) change(only(id), {.what = Change::What::cancel, .prune_at = now + 1h});
  EXPECT_EQ(find(day).prune_at, now + 24h);
  EXPECT_EQ(find(minute).prune_at, now + 1h);
  EXPECT_FALSE(find(always).prune_at);
  now += 1h;
  EXPECT_EQ(tidy().expired, std::vector{expires});
  EXPECT_EQ(find(expires).prune_at, now - 1h + 365 * 24h);
  now += 23h - 1us;
  tidy();
  EXPECT_TRUE(add(with_all_states("day", 24h)).existed);
}

// At most one that waits, however many run.
TEST_P(StoreContract, AUniqueKeyMayBeForWaitingTasksAlone) {
  const NewTask one = with_key(task(), OnClash::keep, kWaitingStates);
  const TaskId first = add(one).id;
  const KeptTask claimed = claim_one();
  const auto second = add(one);
  EXPECT_FALSE(second.existed);
  EXPECT_EQ(add(one).id, second.id);
  ASSERT_TRUE(finish(done(claimed, TaskState::available))) << "two wait now, and one has the key";
  EXPECT_EQ(add(one).id, second.id);
  change(only(second.id), {.what = Change::What::cancel});
  EXPECT_FALSE(add(one).existed) << "the first one has lost it";
  EXPECT_EQ(find(first).state, TaskState::available);
}
