// Which tasks a claim finds, and in which order.

#include <set>

#include "contract.h"

using namespace errand;
using namespace std::chrono_literals;

TEST_P(StoreContract, GivesBackWhatItWasGiven) {
  NewTask given = task();
  given.payload = std::string("\0{\"to\": \"\xff\"}", 12);
  given.priority = 7;
  given.max_attempts = unlimited;
  given.retry = "fixed 1s";
  given.timeout = 10s;
  given.max_elapsed = 1h;
  given.expires_at = now + 48h;
  given.name = "of user 7 \xe2\x9c\x93";
  given.tags = {"a", "b c", "\"quoted\""};
  given.metadata = {{"user", "7"}, {"", "empty key"}, {"quote\"", "\\"}};
  const auto added = add(given);
  EXPECT_FALSE(added.existed);
  EXPECT_EQ(added.id.value >> 63, 1u);
  reopen_if_durable();
  const KeptTask kept = find(added.id);
  EXPECT_EQ(kept.id, added.id);
  EXPECT_EQ(kept.state, TaskState::available);
  EXPECT_EQ(kept.task.queue, "mail");
  EXPECT_EQ(kept.task.kind, "welcome");
  EXPECT_EQ(kept.task.payload, given.payload);
  EXPECT_EQ(kept.task.content_type, given.content_type);
  EXPECT_EQ(kept.task.priority, 7);
  EXPECT_EQ(kept.task.run_at, now);
  EXPECT_EQ(kept.task.max_attempts, unlimited);
  EXPECT_EQ(kept.task.retry, given.retry);
  EXPECT_EQ(kept.task.timeout, given.timeout);
  EXPECT_EQ(kept.task.max_elapsed, given.max_elapsed);
  EXPECT_EQ(kept.task.expires_at, given.expires_at);
  EXPECT_EQ(kept.task.name, given.name);
  EXPECT_EQ(kept.task.tags, given.tags);
  EXPECT_EQ(kept.task.metadata, given.metadata);
  EXPECT_EQ(kept.created_at, now);
  EXPECT_EQ(kept.attempts, 0);
  EXPECT_FALSE(kept.started_at || kept.finished_at || kept.last_error || kept.prune_at);
}

TEST_P(StoreContract, ClaimsByPriorityThenTimeThenId) {
  std::vector<TaskId> ids;
  for (const auto& [priority, before] : {std::pair{5, 0s}, {5, 2s}, {9, 5s}, {0, 0s}, {5, 2s}, {4, 0s}}) {
    NewTask one = task();
    one.priority = priority;
    one.run_at = now - before;
    ids.push_back(add(one).id);
  }
  std::vector<TaskId> claimed;
  for (const std::size_t limit : {1, 2, 100}) {
    for (const KeptTask& one : claim(limit).tasks) claimed.push_back(one.id);
  }
  EXPECT_EQ(claimed, (std::vector{ids[3], ids[5], ids[1], ids[4], ids[0], ids[2]}));
}

TEST_P(StoreContract, ClaimsNothingTwice) {
  const TaskId id = add(task()).id;
  EXPECT_EQ(claim_one().id, id);
  EXPECT_TRUE(claim().tasks.empty());
  EXPECT_EQ(find(id).state, TaskState::running);
}

TEST_P(StoreContract, GivesEachClaimALargerToken) {
  std::set<std::uint64_t> tokens;
  std::uint64_t last = 0;
  add(task());
  for (int i = 0; i < 20; ++i) {
    if (i % 2 == 0) add(task());
    if (i % 5 == 4) reopen_if_durable();
    const KeptTask claimed = claim_one();
    EXPECT_GT(claimed.token, last);
    last = claimed.token;
    tokens.insert(last);
    ASSERT_TRUE(finish(done(claimed, i % 2 == 0 ? TaskState::available : TaskState::completed)));
  }
  EXPECT_EQ(tokens.size(), 20u);
}

// Whoever had it is gone, and whatever it still has to say comes too late.
TEST_P(StoreContract, AClaimEndsWithItsOwner) {
  if (!store->traits().durable) GTEST_SKIP() << "nothing outlives this one's owner";
  const TaskId id = add(task()).id;
  const KeptTask before = claim_one();
  reopen_if_durable();
  EXPECT_EQ(find(id).state, TaskState::available);
  EXPECT_EQ(counts().available, 1u);
  EXPECT_EQ(finish(done(before)).error().code(), Code::lease_lost);
  const KeptTask after = claim_one();
  EXPECT_EQ(after.id, id);
  EXPECT_GT(after.token, before.token);
  EXPECT_EQ(finish(done(before)).error().code(), Code::lease_lost);
  EXPECT_TRUE(finish(done(after)));
}

// A number means one task, for ever.
TEST_P(StoreContract, GivesNoIdTwice) {
  add(task());
  const TaskId last = add(task()).id;
  for (const KeptTask& claimed : claim().tasks) ASSERT_TRUE(finish(done(claimed)));
  change({}, {.what = Change::What::remove});
  EXPECT_TRUE(ids_of({}).empty());
  reopen_if_durable();
  EXPECT_GT(add(task()).id, last);
}

TEST_P(StoreContract, ClaimsOnlyFromTheQueueThatIsAskedFor) {
  NewTask other = task();
  other.queue = "other";
  const TaskId id = add(other).id;
  EXPECT_TRUE(claim().tasks.empty());
  EXPECT_EQ(claim(1, "other").tasks.at(0).id, id);
}

TEST_P(StoreContract, ClaimsWhatIsBetterThanAPriority) {
  NewTask later = task();
  later.run_at = now + 1s;
  later.priority = 1;
  add(later);
  add(task());  // of priority 5
  NewTask better = task();
  better.priority = 4;
  const TaskId id = add(better).id;
  const ClaimRequest request[] = {{.queue = "mail", .any_kind = true, .limit = 100, .below = 5}};
  const auto committed = store->commit({.claims = request}, now);
  ASSERT_TRUE(committed) << committed.error().message();
  const Claimed& claimed = committed->claims.at(0);
  ASSERT_EQ(claimed.tasks.size(), 1u);
  EXPECT_EQ(claimed.tasks[0].id, id);
  EXPECT_FALSE(claimed.more);
  EXPECT_EQ(claimed.next_due, now + 1s);
  EXPECT_EQ(claim().tasks.size(), 1u);
}

TEST_P(StoreContract, ClaimsWhatABatchAddsInOneOrderWithWhatWaits) {
  const TaskId old = add(task()).id;
  NewTask later = task();
  later.run_at = now + 1min;
  const TaskId waits = add(later).id;
  now += 1s;
  std::vector<NewTask> added(4, task());
  added[0].priority = 7;
  added[1].run_at = now - 500ms;  // it was on its way for a moment, and comes behind `old`
  added[2].run_at = now;
  added[3].priority = 2;
  const ClaimRequest claims[] = {{.queue = "mail", .any_kind = true, .limit = 3}};
  const auto committed = store->commit({.added = added, .claims = claims}, now);
  ASSERT_TRUE(committed) << committed.error().message();
  const auto id = [&](std::size_t i) { return committed->added.at(i)->id; };
  const Claimed& claimed = committed->claims.at(0);
  ASSERT_EQ(claimed.tasks.size(), 3u);
  EXPECT_EQ(claimed.tasks[0].id, id(3));
  EXPECT_EQ(claimed.tasks[1].id, old);
  EXPECT_EQ(claimed.tasks[2].id, id(1));
  EXPECT_TRUE(claimed.more);
  for (const KeptTask& one : claimed.tasks) {
    EXPECT_EQ(one.state, TaskState::running);
    EXPECT_EQ(one.task.kind, "welcome");
    EXPECT_EQ(find(one.id).token, one.token);
  }
  const Claimed rest = claim();
  ASSERT_EQ(rest.tasks.size(), 2u);
  EXPECT_EQ(rest.tasks[0].id, id(2));
  EXPECT_EQ(rest.tasks[1].id, id(0));
  EXPECT_EQ(rest.next_due, now + 59s);
  // Back in line, in their places, and over for good.
  for (const KeptTask& one : claimed.tasks) {
    Finish back = done(one);
    back.to = TaskState::available;
    back.run_at = one.task.run_at;
    ASSERT_TRUE(finish(back));
  }
  const Claimed again = claim();
  ASSERT_EQ(again.tasks.size(), 3u);
  EXPECT_EQ(again.tasks[0].id, id(3));
  EXPECT_EQ(again.tasks[1].id, old);
  EXPECT_EQ(again.tasks[2].id, id(1));
  for (const KeptTask& one : again.tasks) ASSERT_TRUE(finish(done(one)));
  for (const KeptTask& one : rest.tasks) ASSERT_TRUE(finish(done(one)));
  reopen_if_durable();
  EXPECT_TRUE(claim().tasks.empty());
  EXPECT_EQ(find(waits).state, TaskState::scheduled);
}

TEST_P(StoreContract, SetsAsideWhatItAddsAndNobodyCanHandle) {
  std::vector<NewTask> added(2, task());
  added[0].kind = "unheard_of";
  const std::string kinds[] = {"welcome"};
  const ClaimRequest claims[] = {{.queue = "mail", .kinds = kinds, .limit = 100}};
  const auto committed = store->commit({.added = added, .claims = claims}, now);
  ASSERT_TRUE(committed) << committed.error().message();
  ASSERT_EQ(committed->claims.at(0).tasks.size(), 1u);
  EXPECT_EQ(committed->claims.at(0).tasks[0].id, committed->added.at(1)->id);
  EXPECT_EQ(find(committed->added.at(0)->id).aside, Aside::no_handler);
  EXPECT_TRUE(claim().tasks.empty());
}

TEST_P(StoreContract, SaysWhenItIsWorthAskingAgain) {
  EXPECT_FALSE(claim().next_due);
  NewTask later = task();
  later.run_at = now + 1min;
  later.priority = 0;
  add(later);
  NewTask sooner = task();
  sooner.run_at = now + 1s;
  add(sooner);
  for (int i = 0; i < 3; ++i) add(task());
  Claimed claimed = claim(2);
  EXPECT_TRUE(claimed.more);
  EXPECT_EQ(claimed.next_due, now + 1min);  // what comes before these
  claimed = claim(1);
  EXPECT_FALSE(claimed.more);
  EXPECT_EQ(claimed.next_due, now + 1s);
  now += 1s;
  EXPECT_EQ(claim().tasks.size(), 1u);
  EXPECT_EQ(claim().next_due, now + 59s);
}

TEST_P(StoreContract, NothingComesEarly) {
  NewTask one = task();
  one.run_at = now + 1500ns;
  const TaskId id = add(one).id;
  now += 1us;
  EXPECT_TRUE(claim().tasks.empty());
  EXPECT_EQ(find(id).state, TaskState::scheduled);
  now += 1us;
  EXPECT_EQ(claim_one().id, id);
}

TEST_P(StoreContract, SeesATaskAsAvailableOnceItsTimeHasCome) {
  NewTask one = task();
  one.run_at = now + 1h;
  const TaskId id = add(one).id;
  EXPECT_EQ(find(id).state, TaskState::scheduled);
  EXPECT_EQ(counts().scheduled, 1u);
  now += 1h;
  EXPECT_EQ(find(id).state, TaskState::available);
  EXPECT_EQ(counts().available, 1u);
  EXPECT_EQ(counts().scheduled, 0u);
  TaskFilter available;
  available.state = TaskState::available;
  EXPECT_EQ(ids_of(available), std::vector{id});
}

// The clock may be set back: what could be claimed before can be claimed now.
TEST_P(StoreContract, KeepsWhatIsAvailableWhenTheClockGoesBack) {
  const TaskId id = add(task()).id;
  NewTask later = task();
  later.run_at = now + 1h;
  const TaskId other = add(later).id;
  EXPECT_EQ(claim_one().id, id);
  now -= 24h;
  const KeptTask at = find(id);
  ASSERT_TRUE(finish([&] {
    Finish back = done(at, TaskState::available);
    back.run_at = at.task.run_at;
    return back;
  }()));
  EXPECT_EQ(claim_one().id, id);
  const TaskId before = add(task()).id;
  now -= 1h;
  EXPECT_EQ(claim_one().id, before);
  EXPECT_EQ(find(other).state, TaskState::scheduled);
}

TEST_P(StoreContract, SetsAsideWhatNobodyCanHandle) {
  NewTask unknown = task();
  unknown.kind = "unknown";
  std::vector<TaskId> ids;
  for (int i = 0; i < 3; ++i) ids.push_back(add(unknown).id);
  const TaskId known = add(task()).id;
  const KeptTask claimed = claim_one();
  EXPECT_EQ(claimed.id, known);
  ASSERT_TRUE(finish(done(claimed)));
  EXPECT_TRUE(claim().tasks.empty());
  EXPECT_EQ(find(ids[0]).aside, Aside::no_handler);
  EXPECT_EQ(find(ids[0]).state, TaskState::available);
  EXPECT_EQ(counts().no_handler, 3u);
  reopen_if_durable();
  const std::string more[] = {"unknown"};
  EXPECT_EQ(*store->restore("other", more), 0u);
  EXPECT_EQ(*store->restore("mail", more), 3u);
  kinds = {"unknown", "welcome"};
  EXPECT_EQ(claim().tasks.size(), 3u);
  EXPECT_EQ(counts().no_handler, 0u);
}

TEST_P(StoreContract, FindsNothingInAQueueThatIsPaused) {
  add(task());
  ASSERT_TRUE(store->set_paused("mail", true));
  ASSERT_TRUE(store->set_paused("mail", true));
  reopen_if_durable();
  EXPECT_TRUE(claim().tasks.empty());
  EXPECT_FALSE(claim().more);
  EXPECT_TRUE(counts().paused);
  ASSERT_TRUE(store->set_paused("mail", false));
  ASSERT_TRUE(store->set_paused("never paused", false));
  EXPECT_EQ(claim().tasks.size(), 1u);
  EXPECT_FALSE(counts().paused);
}

TEST_P(StoreContract, DiscardsWhatExpired) {
  NewTask one = task();
  one.expires_at = now + 1500ns;
  const TaskId first = add(one).id;
  const TaskId second = add(one).id;
  EXPECT_EQ(claim(0).tasks.size(), 0u);
  now += 1us;
  EXPECT_EQ(claim(1).tasks.size(), 1u) << "kept in microseconds, and not too early";
  now += 1us;
  const Tidied tidied = tidy();
  EXPECT_EQ(tidied.expired, std::vector{second});
  EXPECT_EQ(find(second).state, TaskState::discarded);
  EXPECT_EQ(find(second).last_error->text, "expired: it was not started in time");
  EXPECT_EQ(find(second).finished_at, now);
  EXPECT_EQ(find(first).state, TaskState::running);
  const TaskId third = add(one).id;
  const Claimed claimed = claim();
  EXPECT_TRUE(claimed.tasks.empty());
  EXPECT_EQ(claimed.expired, std::vector{third});
  // Nor do these stay for ever.
  for (const TaskId id : {second, third}) EXPECT_EQ(find(id).prune_at, now + 7 * 24h);
  now += 7 * 24h;
  EXPECT_EQ(tidy().pruned, 2u);
}
