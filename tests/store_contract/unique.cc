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

TEST_P(StoreContract, AClashMayReplaceThePayloadOrTheTimeAlone) {
  NewTask first = with_key(task());
  first.payload = "old";
  first.run_at = now + 2h;
  const TaskId id = add(first).id;
  NewTask payload = with_key(task(), OnClash::replace_payload);
  payload.payload = "new";
  payload.content_type = "text/plain";
  EXPECT_TRUE(add(payload).replaced);
  EXPECT_EQ(find(id).task.payload, "new");
  EXPECT_EQ(find(id).task.content_type, "text/plain");
  EXPECT_EQ(find(id).state, TaskState::scheduled);
  EXPECT_EQ(find(id).task.run_at, now + 2h);
  NewTask time = with_key(task(), OnClash::replace_time);
  time.payload = "newest";
  time.run_at = now + 1h;
  EXPECT_TRUE(add(time).replaced);
  EXPECT_EQ(find(id).task.run_at, now + 1h);
  now += 1h;
  EXPECT_EQ(claim_one().task.payload, "new");
  EXPECT_FALSE(add(payload).replaced);
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

// Those that wait are not refused for one another; as long as one runs, the key is held.
TEST_P(StoreContract, AUniqueKeyMayBeForTasksThatRunAlone) {
  const NewTask one = with_key(task(), OnClash::keep, bit(TaskState::running));
  const TaskId first = add(one).id;
  const TaskId second = add(one).id;
  EXPECT_NE(second, first);
  const std::vector<KeptTask> claimed = claim().tasks;
  ASSERT_EQ(claimed.size(), 2u);
  EXPECT_TRUE(claimed[0].holds_key && !claimed[1].holds_key) << "the first one had it before";
  EXPECT_EQ(add(one).id, first);
  ASSERT_TRUE(finish(done(claimed[0], TaskState::available)));
  EXPECT_EQ(add(one).id, second) << "it runs still";
  EXPECT_EQ(add(one).id, second);
  ASSERT_TRUE(finish(done(claimed[1])));
  const TaskId third = add(one).id;
  EXPECT_NE(third, first);
  EXPECT_EQ(claim_one().id, first);
  EXPECT_EQ(add(one).id, first);
}

TEST_P(StoreContract, AUniqueKeyForTasksThatRunIsFreeAfterARestart) {
  const NewTask one = with_key(task(), OnClash::keep, bit(TaskState::running));
  const TaskId first = add(one).id;
  const KeptTask claimed = claim_one();
  reopen_if_durable();
  if (!store->traits().durable) {
    ASSERT_TRUE(finish(done(claimed, TaskState::available)));
  }
  EXPECT_FALSE(add(one).existed) << "nothing runs";
  EXPECT_TRUE(claim_one().holds_key);
  EXPECT_EQ(add(one).id, first);
}

// However many ran meanwhile, one is kept for the key.
TEST_P(StoreContract, AUniqueKeyMayBeForTasksThatHaveSucceeded) {
  const NewTask one = with_key(task(), OnClash::keep, bit(TaskState::completed));
  const TaskId ids[] = {add(one).id, add(one).id, add(one).id};
  const std::vector<KeptTask> claimed = claim().tasks;
  ASSERT_EQ(claimed.size(), 3u);
  EXPECT_FALSE(add(one).existed) << "none has succeeded";
  Finish ends[] = {done(claimed[0], TaskState::discarded), done(claimed[1]), done(claimed[2])};
  for (Finish& end : ends) end.prune_at = now + 1h;
  const auto committed = store->commit({.finished = ends}, now);
  ASSERT_TRUE(committed);
  reopen_if_durable();
  NewTask many[] = {task(), one, with_key(task(), OnClash::refuse)};
  const auto added = store->commit({.added = many}, now);
  ASSERT_TRUE(added);
  EXPECT_FALSE(added->added.at(0)->existed);
  EXPECT_TRUE(added->added.at(1)->existed);
  EXPECT_EQ(added->added.at(1)->id, ids[1]);
  EXPECT_EQ(added->added.at(2).error().code(), Code::duplicate);
  const bool holds[] = {find(ids[0]).holds_key, find(ids[1]).holds_key, find(ids[2]).holds_key};
  EXPECT_TRUE(!holds[0] && holds[1] && !holds[2]);
  EXPECT_FALSE(find(ids[1]).prune_at) << "as long as it has its key";
  EXPECT_EQ(find(ids[2]).prune_at, now + 1h) << "it has none";
  now += 2h;
  EXPECT_EQ(tidy().pruned, 2u);
  EXPECT_EQ(add(one).id, ids[1]);
  change(only(ids[1]), {.what = Change::What::remove});
  EXPECT_FALSE(add(one).existed);
}

TEST_P(StoreContract, AUniqueKeyIsTakenHoweverItsTaskEnds) {
  const NewTask cancelled = with_key(task(), OnClash::keep, bit(TaskState::cancelled));
  const TaskId first = add(cancelled).id;
  change(only(first), {.what = Change::What::cancel, .prune_at = now + 1h});
  EXPECT_EQ(add(cancelled).id, first);
  EXPECT_FALSE(find(first).prune_at);
  NewTask late = with_key(task(), OnClash::keep, bit(TaskState::discarded));
  late.unique.key = "late";
  late.run_at = now + 2h;
  late.expires_at = now + 1h;
  const TaskId second = add(late).id;
  now += 1h;
  EXPECT_EQ(tidy().expired, std::vector{second});
  EXPECT_EQ(add(late).id, second);
  EXPECT_FALSE(find(second).prune_at);
}

// It lets go of its key while it runs, and may have it again at its end.
TEST_P(StoreContract, AUniqueKeyIsTakenAtTheEndByWhoeverLostIt) {
  const NewTask one = with_key(task(), OnClash::keep, kWaitingStates | bit(TaskState::completed));
  const TaskId first = add(one).id;
  const KeptTask claimed = claim_one();
  const TaskId second = add(one).id;
  EXPECT_NE(second, first);
  change(only(second), {.what = Change::What::cancel});
  ASSERT_TRUE(finish(done(claimed)));
  EXPECT_EQ(add(one).id, first);
}

TEST_P(StoreContract, AUniqueKeyWhoseTimeIsOverIsNotTaken) {
  NewTask one = with_key(task(), OnClash::keep, bit(TaskState::completed));
  one.unique.until = now + 1h;
  const TaskId first = add(one).id;
  const TaskId second = add(one).id;
  const std::vector<KeptTask> claimed = claim().tasks;
  ASSERT_EQ(claimed.size(), 2u);
  ASSERT_TRUE(finish(done(claimed[0])));
  EXPECT_EQ(add(one).id, first);
  now += 1h;
  ASSERT_TRUE(finish(done(claimed[1])));
  one.unique.until = now + 1h;
  EXPECT_FALSE(add(one).existed);
  EXPECT_FALSE(find(second).holds_key);
}

// A time that is over is nobody's reason to refuse: neither the other task's, nor its own.
TEST_P(StoreContract, ATaskIsTriedAgainThoughAnotherHasHadItsKey) {
  const TaskId first = add(with_key(task())).id;
  change(only(first), {.what = Change::What::cancel});
  NewTask brief = with_key(task());
  brief.unique.until = now + 1h;
  const TaskId second = add(brief).id;
  EXPECT_EQ(change(only(first), {.what = Change::What::retry}).refused, std::vector{first});
  now += 1h;
  EXPECT_EQ(change(only(first), {.what = Change::What::retry}).ids, std::vector{first});
  EXPECT_TRUE(find(first).holds_key);
  EXPECT_FALSE(find(second).holds_key);
  EXPECT_EQ(add(brief).id, first);
  // The second one has nothing to do with its key any more.
  change(only(second), {.what = Change::What::cancel});
  EXPECT_EQ(change(only(second), {.what = Change::What::retry}).ids, std::vector{second});
  EXPECT_FALSE(find(second).holds_key);
  EXPECT_EQ(add(brief).id, first);
}

TEST_P(StoreContract, ATaskWhoseTimeForItsKeyIsOverIsTriedAgainWithoutIt) {
  NewTask brief = with_key(task());
  brief.unique.until = now + 1h;
  const TaskId first = add(brief).id;
  change(only(first), {.what = Change::What::cancel});
  now += 1h;
  const TaskId second = add(with_key(task())).id;
  EXPECT_EQ(change(only(first), {.what = Change::What::retry}).ids, std::vector{first});
  EXPECT_FALSE(find(first).holds_key);
  EXPECT_EQ(add(with_key(task())).id, second);
}

TEST_P(StoreContract, AClaimMayTakeTheKeyOfWhatIsNextInLine) {
  const TaskId first = add(with_key(task(), OnClash::keep, bit(TaskState::running))).id;
  NewTask brief = with_key(task());
  brief.unique.until = now + 1h;
  const TaskId second = add(brief).id;
  const TaskId third = add(task()).id;
  now += 1h;
  const std::vector<KeptTask> claimed = claim().tasks;
  ASSERT_EQ(claimed.size(), 3u);
  EXPECT_TRUE(claimed[0].id == first && claimed[1].id == second && claimed[2].id == third);
  EXPECT_TRUE(claimed[0].holds_key && !claimed[1].holds_key);
}
