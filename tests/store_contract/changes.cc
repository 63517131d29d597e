// What is done to tasks from outside, one or many.

#include "contract.h"

using namespace errand;
using namespace std::chrono_literals;

namespace {

using What = Change::What;

}  // namespace

TEST_P(StoreContract, CancelsWhatWaits) {
  const TaskId id = add(task()).id;
  EXPECT_EQ(change(only(id), {.what = What::cancel, .prune_at = now + 1h}).ids, std::vector{id});
  EXPECT_EQ(find(id).state, TaskState::cancelled);
  EXPECT_EQ(find(id).finished_at, now);
  EXPECT_EQ(find(id).prune_at, now + 1h);
  EXPECT_TRUE(claim().tasks.empty());
  EXPECT_EQ(change(only(id), {.what = What::cancel}).refused, std::vector{id});
}

TEST_P(StoreContract, AsksWhatRunsToStop) {
  const TaskId id = add(task()).id;
  const KeptTask claimed = claim_one();
  EXPECT_FALSE(find(id).cancel_requested);
  EXPECT_EQ(change(only(id), {.what = What::cancel}).running, std::vector{id});
  EXPECT_EQ(find(id).state, TaskState::running);
  EXPECT_TRUE(find(id).cancel_requested);
  ASSERT_TRUE(finish(done(claimed, TaskState::cancelled)));
  EXPECT_EQ(find(id).state, TaskState::cancelled);
  EXPECT_FALSE(find(id).cancel_requested);
}

TEST_P(StoreContract, MakesAWaitingTaskAvailableNow) {
  NewTask later = task();
  later.run_at = now + 1h;
  const TaskId id = add(later).id;
  EXPECT_EQ(change(only(id), {.what = What::retry}).ids, std::vector{id});
  EXPECT_EQ(find(id).state, TaskState::available);
  const KeptTask claimed = claim_one();
  EXPECT_EQ(change(only(id), {.what = What::retry}).refused, std::vector{id}) << "it runs";
  ASSERT_TRUE(finish(done(claimed)));
}

TEST_P(StoreContract, AFinalTaskCanBeginANewLife) {
  const TaskId id = add(task()).id;
  Finish end = done(claim_one(), TaskState::discarded);
  end.attempts = 20;
  end.error = KeptError{Code::failed, "no"};
  end.prune_at = now + 1h;
  ASSERT_TRUE(finish(end));
  now += 1min;
  EXPECT_EQ(change(only(id), {.what = What::retry}).ids, std::vector{id});
  const KeptTask kept = find(id);
  EXPECT_EQ(kept.state, TaskState::available);
  EXPECT_EQ(kept.attempts, 0);
  EXPECT_FALSE(kept.finished_at || kept.prune_at || kept.first_started_at);
  EXPECT_EQ(kept.last_error->text, "no") << "why it ended before";
  now += 2h;
  EXPECT_EQ(tidy().pruned, 0u);
  EXPECT_EQ(claim_one().id, id);
}

TEST_P(StoreContract, HoldsAndReleases) {
  const TaskId id = add(task()).id;
  EXPECT_EQ(change(only(id), {.what = What::release}).refused, std::vector{id}) << "nobody holds it";
  EXPECT_EQ(change(only(id), {.what = What::hold}).ids, std::vector{id});
  EXPECT_EQ(change(only(id), {.what = What::hold}).refused, std::vector{id});
  reopen_if_durable();
  EXPECT_TRUE(claim().tasks.empty());
  EXPECT_EQ(counts().held, 1u);
  EXPECT_EQ(find(id).aside, Aside::held);
  const std::string welcome[] = {"welcome"};
  EXPECT_EQ(*store->restore("mail", welcome), 0u) << "that is for those without a handler";
  EXPECT_EQ(change(only(id), {.what = What::release}).ids, std::vector{id});
  EXPECT_EQ(claim_one().id, id);
  EXPECT_EQ(change(only(id), {.what = What::hold}).refused, std::vector{id}) << "it runs";
}

TEST_P(StoreContract, EditsWhatWaits) {
  const TaskId other = add(task()).id;
  const TaskId id = add(task()).id;
  EXPECT_EQ(change(only(id), {.what = What::edit, .priority = 1, .payload = "new"}).ids, std::vector{id});
  KeptTask claimed = claim_one();
  EXPECT_EQ(claimed.id, id);
  EXPECT_EQ(claimed.task.payload, "new");
  EXPECT_EQ(change(only(id), {.what = What::edit, .priority = 2}).refused, std::vector{id}) << "it runs";
  EXPECT_EQ(change(only(other), {.what = What::edit, .run_at = now + 1h}).ids, std::vector{other});
  EXPECT_TRUE(claim().tasks.empty());
  EXPECT_EQ(find(other).state, TaskState::scheduled);
  EXPECT_EQ(change(only(other), {.what = What::edit, .run_at = now}).ids, std::vector{other});
  EXPECT_EQ(claim_one().id, other);
}

TEST_P(StoreContract, RemovesOnlyWhatIsOver) {
  const TaskId id = add(task()).id;
  EXPECT_EQ(change(only(id), {.what = What::remove}).refused, std::vector{id});
  const KeptTask claimed = claim_one();
  EXPECT_EQ(change(only(id), {.what = What::remove}).refused, std::vector{id});
  ASSERT_TRUE(finish(done(claimed)));
  EXPECT_EQ(change(only(id), {.what = What::remove}).ids, std::vector{id});
  EXPECT_EQ(store->find(id, now).error().code(), Code::not_found);
  EXPECT_TRUE(change(only(id), {.what = What::remove}).ids.empty());
}

TEST_P(StoreContract, FindsWhatAFilterAsksFor) {
  std::vector<TaskId> ids;
  for (int i = 0; i < 8; ++i) {
    NewTask one = task();
    one.queue = (i & 1) != 0 ? "mail" : "other";
    one.kind = (i & 2) != 0 ? "welcome" : "bye";
    one.priority = (i & 4) != 0 ? 5 : 3;
    one.name = "n" + std::to_string(i);
    one.tags = {"all", i == 6 ? "a \"tag\"" : "t" + std::to_string(i)};
    ids.push_back(add(one).id);
  }
  const auto found = [&](auto set) {
    TaskFilter filter;
    set(filter);
    return ids_of(filter);
  };
  EXPECT_EQ(found([](auto&) {}), ids);
  EXPECT_EQ(found([](auto& f) { f.queue = "mail"; }), (std::vector{ids[1], ids[3], ids[5], ids[7]}));
  EXPECT_EQ(found([](auto& f) { f.queue = "mail", f.kind = "bye", f.priority = 5; }), std::vector{ids[5]});
  EXPECT_EQ(found([](auto& f) { f.name = "n4"; }), std::vector{ids[4]});
  EXPECT_EQ(found([](auto& f) { f.tag = "a \"tag\""; }), std::vector{ids[6]});
  EXPECT_EQ(found([](auto& f) { f.tag = "all"; }), ids);
  EXPECT_EQ(found([](auto& f) { f.tag = "al"; }), std::vector<TaskId>{});
  EXPECT_EQ(found([&](auto& f) { f.ids = {ids[7], ids[2], TaskId{5}}; }), (std::vector{ids[2], ids[7]}));
  EXPECT_EQ(found([](auto& f) { f.state = TaskState::running; }), std::vector<TaskId>{});
  const KeptTask claimed = claim_one();
  EXPECT_EQ(found([](auto& f) { f.state = TaskState::running; }), std::vector{claimed.id});
  EXPECT_EQ(found([](auto& f) { f.state = TaskState::available; }).size(), 7u);
}

TEST_P(StoreContract, ChangesManyInSteps) {
  std::vector<TaskId> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(add(task()).id);
  TaskFilter mail;
  mail.queue = "mail";
  const auto first = store->change(mail, {.what = Change::What::cancel}, TaskId{}, 2, now);
  EXPECT_EQ(first->ids, (std::vector{ids[0], ids[1]}));
  const auto rest = store->change(mail, {.what = Change::What::cancel}, ids[1], 100, now);
  EXPECT_EQ(rest->ids, (std::vector{ids[2], ids[3], ids[4]}));
}

TEST_P(StoreContract, CountsByQueueAndState) {
  for (int i = 0; i < 6; ++i) add(task());
  NewTask later = task();
  later.run_at = now + 1h;
  add(later);
  later.queue = "other";
  add(later);
  const Claimed claimed = claim(5);
  ASSERT_TRUE(finish(done(claimed.tasks.at(0))));
  ASSERT_TRUE(finish(done(claimed.tasks.at(1), TaskState::cancelled)));
  ASSERT_TRUE(finish(done(claimed.tasks.at(2), TaskState::discarded)));
  Finish again = done(claimed.tasks.at(3), TaskState::retryable);
  again.run_at = now + 1s;
  ASSERT_TRUE(finish(again));
  const Counts mail = counts();
  EXPECT_EQ(mail.available, 1u);
  EXPECT_EQ(mail.scheduled, 1u);
  EXPECT_EQ(mail.running, 1u);
  EXPECT_EQ(mail.retryable, 1u);
  EXPECT_EQ(mail.completed, 1u);
  EXPECT_EQ(mail.cancelled, 1u);
  EXPECT_EQ(mail.discarded, 1u);
  EXPECT_EQ(counts("other").scheduled, 1u);
  EXPECT_EQ(counts("nobody's").scheduled, 0u);
}
