// What becomes of a claimed task.

#include "contract.h"

using namespace errand;
using namespace std::chrono_literals;

TEST_P(StoreContract, KeepsHowATaskEnded) {
  add(task());
  const KeptTask claimed = claim_one();
  now += 2s;
  Finish end = done(claimed);
  end.started_at = now - 1s;
  end.output = std::string("\0out", 4);
  end.output_type = "application/json";
  end.prune_at = now + 24h;
  ASSERT_TRUE(finish(end));
  reopen_if_durable();
  const KeptTask kept = find(claimed.id);
  EXPECT_EQ(kept.state, TaskState::completed);
  EXPECT_EQ(kept.attempts, 1);
  EXPECT_EQ(kept.started_at, now - 1s);
  EXPECT_EQ(kept.first_started_at, now - 1s);
  EXPECT_EQ(kept.finished_at, now);
  EXPECT_EQ(kept.output, end.output);
  EXPECT_EQ(kept.output_type, "application/json");
  EXPECT_EQ(kept.prune_at, now + 24h);
  EXPECT_TRUE(claim().tasks.empty());
}

TEST_P(StoreContract, AStaleTokenChangesNothing) {
  const TaskId id = add(task()).id;
  const KeptTask first = claim_one();
  ASSERT_TRUE(finish(done(first, TaskState::available)));
  EXPECT_EQ(finish(done(first)).error().code(), Code::lease_lost) << "it waits again";
  const KeptTask second = claim_one();
  Note stale{.id = id, .token = first.token, .progress_done = 5};
  EXPECT_EQ(note(stale).error().code(), Code::lease_lost);
  EXPECT_EQ(finish(done(first)).error().code(), Code::lease_lost) << "another claim has it";
  EXPECT_EQ(find(id).state, TaskState::running);
  EXPECT_EQ(find(id).progress_done, 0u);
  ASSERT_TRUE(finish(done(second)));
  EXPECT_EQ(finish(done(second)).error().code(), Code::lease_lost) << "it is over";
  Finish nobody = done(second);
  nobody.id = TaskId{(std::uint64_t{1} << 63) | 12345};
  EXPECT_EQ(finish(nobody).error().code(), Code::lease_lost);
}

TEST_P(StoreContract, AnItemsErrorLeavesTheRestAlone) {
  add(task());
  add(task());
  const Claimed claimed = claim();
  Finish bad = done(claimed.tasks.at(0));
  bad.token += 100;
  const Finish both[] = {bad, done(claimed.tasks.at(1))};
  NewTask more[] = {task()};
  const auto committed = store->commit({.finished = both, .added = more}, now);
  ASSERT_TRUE(committed);
  EXPECT_FALSE(committed->finished.at(0));
  EXPECT_TRUE(committed->finished.at(1));
  EXPECT_TRUE(committed->added.at(0));
  EXPECT_EQ(find(claimed.tasks[0].id).state, TaskState::running);
  EXPECT_EQ(find(claimed.tasks[1].id).state, TaskState::completed);
}

TEST_P(StoreContract, AFailedAttemptIsKeptAndTriedAgainLater) {
  add(task());
  for (int attempt = 1; attempt <= 10; ++attempt) {
    const KeptTask claimed = claim_one();
    EXPECT_EQ(claimed.attempts, attempt - 1);
    Finish failed = done(claimed, TaskState::retryable);
    failed.run_at = now + 1s;
    failed.error = KeptError{Code::failed, "smtp is down, " + std::to_string(attempt)};
    failed.failed = KeptAttempt{attempt, now, 5ms, *failed.error};
    ASSERT_TRUE(finish(failed));
    EXPECT_EQ(find(claimed.id).state, TaskState::retryable);
    EXPECT_EQ(counts().retryable, 1u);
    EXPECT_TRUE(claim().tasks.empty());
    now += 1s;
  }
  reopen_if_durable();
  const KeptTask kept = claim_one();
  EXPECT_EQ(kept.attempts, 10);
  EXPECT_EQ(kept.last_error, (KeptError{Code::failed, "smtp is down, 10"}));
  ASSERT_EQ(kept.history.size(), 8u);
  EXPECT_EQ(kept.history.front().number, 3);
  EXPECT_EQ(kept.history.back(), (KeptAttempt{10, now - 1s, 5ms, {Code::failed, "smtp is down, 10"}}));
  EXPECT_EQ(kept.first_started_at, now - 10s);
}

TEST_P(StoreContract, WhatIsGivenBackKeepsItsPlace) {
  const TaskId first = add(task()).id;
  now += 1s;
  const TaskId second = add(task()).id;
  const KeptTask claimed = claim_one();
  Finish back = done(claimed, TaskState::available);
  back.attempts = 0;
  back.run_at = claimed.task.run_at;
  back.started_at.reset();
  now += 1s;
  ASSERT_TRUE(finish(back));
  EXPECT_EQ(find(first).attempts, 0);
  EXPECT_FALSE(find(first).started_at);
  const Claimed both = claim();
  ASSERT_EQ(both.tasks.size(), 2u);
  EXPECT_EQ(both.tasks[0].id, first);
  EXPECT_EQ(both.tasks[1].id, second);
}

TEST_P(StoreContract, AnEphemeralTaskIsGoneWhenItCompletes) {
  NewTask one = task();
  one.ephemeral = true;
  one.unique = {.key = "k", .states = kAllStates};
  add(one);
  KeptTask claimed = claim_one();
  ASSERT_TRUE(finish(done(claimed)));
  EXPECT_EQ(store->find(claimed.id, now).error().code(), Code::not_found);
  EXPECT_FALSE(add(one).existed);
  claimed = claim_one();
  ASSERT_TRUE(finish(done(claimed, TaskState::discarded)));
  EXPECT_EQ(find(claimed.id).state, TaskState::discarded) << "a failure is worth looking at";
}

TEST_P(StoreContract, ARunningTaskTellsHowFarItIs) {
  add(task());
  const KeptTask claimed = claim_one();
  Note first{.id = claimed.id, .token = claimed.token};
  first.progress_done = 3;
  first.progress_total = 10;
  first.progress_note = "downloading";
  first.metadata = Metadata{{"host", "a"}};
  ASSERT_TRUE(note(first));
  Note second{.id = claimed.id, .token = claimed.token};
  second.progress_done = 4;
  for (int i = 0; i < 40; ++i) second.log.push_back("line " + std::to_string(i));
  ASSERT_TRUE(note(second));
  second.log = {"the last one"};
  ASSERT_TRUE(note(second));
  ASSERT_TRUE(finish(done(claimed)));
  reopen_if_durable();
  const KeptTask kept = find(claimed.id);
  EXPECT_EQ(kept.progress_done, 4u);
  EXPECT_EQ(kept.progress_total, 10u);
  EXPECT_EQ(kept.progress_note, "downloading");
  EXPECT_EQ(kept.task.metadata, (Metadata{{"host", "a"}}));
  ASSERT_EQ(kept.log.size(), 32u);
  EXPECT_EQ(kept.log.front(), "line 9");
  EXPECT_EQ(kept.log.back(), "the last one");
}

TEST_P(StoreContract, ForgetsWhatMayBeForgotten) {
  std::vector<TaskId> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(add(task()).id);
  const Claimed claimed = claim();
  for (int i = 0; i < 3; ++i) {
    Finish end = done(claimed.tasks.at(static_cast<std::size_t>(i)));
    if (i < 2) end.prune_at = now + std::chrono::hours(i + 1);
    ASSERT_TRUE(finish(end));
  }
  EXPECT_EQ(tidy().pruned, 0u);
  now += 1h;
  EXPECT_EQ(tidy().pruned, 1u);
  EXPECT_EQ(store->find(ids[0], now).error().code(), Code::not_found);
  now += 1h;
  EXPECT_EQ(store->tidy(1, now)->pruned, 1u);
  now += 10'000h;
  EXPECT_EQ(tidy().pruned, 0u) << "one has no day, and one runs";
  EXPECT_EQ(ids_of({}), (std::vector{ids[2], ids[3]}));
}
