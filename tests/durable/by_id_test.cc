// What is asked about named tasks, and done to them from outside, driven by hand.

#include <stdexcept>

#include "support.h"

namespace {

class NamedTaskById : public Named {};
ERRAND_ON_BOTH_STORES(NamedTaskById);

}  // namespace

TEST_P(NamedTaskById, IsCancelledWhileItWaits) {
  int ran = 0;
  queue->handle<Report>([&](const Report&) { ++ran; });
  auto ready = queue->enqueue(Report{1});
  auto later = queue->enqueue(Report{2}, {.delay = 10min});
  ASSERT_TRUE(ready && later);
  EXPECT_TRUE(queue->cancel(ready->id()));
  EXPECT_TRUE(later->cancel());
  EXPECT_EQ(ready->state(), errand::TaskState::cancelled);
  advance(20min);
  EXPECT_EQ(ran, 0);
  const auto again = queue->cancel(ready->id());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), errand::Code::cancelled);
  EXPECT_EQ(ready->result().error().code(), errand::Code::cancelled);
}

TEST_P(NamedTaskById, IsAskedToStopWhileItRuns) {
  queue->handle<Report>([&](const Report&, errand::Attempt& attempt) {
    EXPECT_FALSE(attempt.stop_requested());
    EXPECT_TRUE(queue->cancel(attempt.id()));
    EXPECT_TRUE(attempt.stop_requested());
    EXPECT_EQ(attempt.stop_reason(), errand::StopReason::cancelled);
  });
  auto task = queue->enqueue(Report{1});
  ASSERT_TRUE(task);
  queue->dispatch();
  EXPECT_EQ(task->state(), errand::TaskState::cancelled);
}

TEST_P(NamedTaskById, IsHeldReleasedMovedAndRemoved) {
  std::vector<int> order;
  queue->handle<Report>([&](const Report& report) { order.push_back(report.pages); });
  auto one = queue->enqueue(Report{1});
  auto two = queue->enqueue(Report{2});
  ASSERT_TRUE(one && two);
  EXPECT_TRUE(queue->hold(one->id()));
  EXPECT_TRUE(queue->reschedule(two->id(), clock->now() + 1h));
  queue->dispatch();
  EXPECT_TRUE(order.empty());
  EXPECT_TRUE(info(one->id()).held);
  const std::string payload = "{\"pages\":11}";
  EXPECT_TRUE(queue->set_payload(one->id(), std::as_bytes(std::span(payload))));
  EXPECT_TRUE(queue->release(one->id()));
  queue->dispatch();
  EXPECT_EQ(order, std::vector<int>{11});
  EXPECT_FALSE(queue->remove(two->id())) << "it is not over";
  EXPECT_TRUE(queue->set_priority(two->id(), 1));
  EXPECT_EQ(info(two->id()).priority, 1);
  advance(1h);
  EXPECT_EQ(order, (std::vector<int>{11, 2}));
  EXPECT_TRUE(queue->remove(two->id()));
  EXPECT_EQ(queue->info(two->id()).error().code(), errand::Code::not_found);
}

TEST_P(NamedTaskById, ManyAreChangedByAFilter) {
  int ran = 0;
  queue->handle<Report>([&](const Report&) { ++ran; });
  for (int i = 0; i < 2500; ++i) ASSERT_TRUE(queue->enqueue(Report{i}, {.tags = {i % 2 == 0 ? "even" : "odd"}}));
  const auto refused = queue->change({}, {.what = errand::Change::What::cancel});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), errand::Code::invalid);
  const auto changed = queue->change({.tag = "even"}, {.what = errand::Change::What::cancel});
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->ids.size(), 1250u);
  while (queue->stats().available != 0) queue->dispatch();
  EXPECT_EQ(ran, 1250);
  const auto gone = queue->change({.all = true}, {.what = errand::Change::What::remove});
  ASSERT_TRUE(gone);
  EXPECT_EQ(gone->ids.size(), 2500u);
}

TEST_P(NamedTaskById, IsListedAndCounted) {
  queue->handle<Report>([](const Report& report) {
    if (report.pages == 0) throw std::runtime_error("x");
  });
  ASSERT_TRUE(queue->enqueue(Report{0}));
  ASSERT_TRUE(queue->enqueue(Report{1}));
  queue->dispatch();
  ASSERT_TRUE(queue->enqueue(Report{2}));
  ASSERT_TRUE(queue->enqueue(Report{3}, {.delay = 1h}));
  auto stats = queue->stats();
  EXPECT_EQ(stats.submitted, 4u);
  EXPECT_EQ(stats.available, 1u);
  EXPECT_EQ(stats.scheduled, 1u);
  EXPECT_EQ(stats.retryable, 1u);
  EXPECT_EQ(stats.completed, 1u);
  EXPECT_EQ(stats.failed, 1u);
  EXPECT_EQ(queue->list().size(), 4u);
  EXPECT_EQ(queue->list({.state = errand::TaskState::available}).size(), 1u);
  EXPECT_EQ(queue->list({.state = errand::TaskState::running}).size(), 0u);
  EXPECT_EQ(queue->list({.limit = 3}).size(), 3u);
  const auto first = queue->list({.limit = 1});
  EXPECT_EQ(queue->list({.limit = 10, .after = first.at(0).id}).size(), 3u);
}

// What is wrong with an edit is as wrong as in a new task, and changes nothing.
TEST_P(NamedTaskById, AnEditIsCheckedAsANewTaskIs) {
  std::vector<int> ran;
  queue->handle<Report>([&](const Report& report) { ran.push_back(report.pages); });
  ASSERT_TRUE(queue->enqueue(Report{1}));
  const auto refused = [&](errand::Change change, errand::Code code, const char* what) {
    change.what = errand::Change::What::edit;
    const auto changed = queue->change({.all = true}, change);
    ASSERT_FALSE(changed) << what;
    EXPECT_EQ(changed.error().code(), code);
    EXPECT_NE(changed.error().message().find(what), std::string::npos) << changed.error().message();
  };
  refused({.priority = 10}, errand::Code::invalid, "priority: expected 0 to 9, got 10");
  refused({.priority = -1}, errand::Code::invalid, "priority: expected 0 to 9, got -1");
  refused({.payload = std::string((1 << 20) + 1, 'x')}, errand::Code::too_large, "payload");
  refused({}, errand::Code::invalid, "edit");
  queue->dispatch();
  EXPECT_EQ(ran, std::vector<int>{1});
}

TEST_P(NamedTaskById, NoneAreFoundWhereNoneAreAskedFor) {
  queue->handle<Report>([](const Report&) {});
  ASSERT_TRUE(queue->enqueue(Report{1}));
  const auto found = queue->find({}, 0);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->empty());
}

TEST_P(NamedTaskById, IsKeptAsItsKindSaysWhenItIsCancelled) {
  queue->handle<Report>([](const Report&) {}, {.keep_cancelled = 10min});
  queue->handle<Mail>([](const Mail&) { return Receipt{}; }, {.keep_completed = 2h});
  queue->handle_any([](std::span<const std::byte>) {}, {.keep_completed = 5h});
  std::vector<errand::TaskId> reports;
  std::vector<errand::TaskId> mails;
  std::vector<errand::TaskId> others;
  for (int i = 0; i < 3; ++i) {
    reports.push_back(queue->enqueue(Report{i}, {.delay = 1h})->id());
    mails.push_back(queue->enqueue(Mail{"a", i})->id());
    others.push_back(queue->enqueue_bytes("other", {}, {.delay = 1h})->id());
  }
  const auto cancelled = queue->change({.all = true}, {.what = errand::Change::What::cancel});
  ASSERT_TRUE(cancelled);
  EXPECT_EQ(cancelled->ids.size(), 9u);
  EXPECT_TRUE(cancelled->refused.empty() && cancelled->running.empty());
  const auto are_known = [&](const std::vector<errand::TaskId>& ids, bool known) {
    for (const errand::TaskId id : ids) EXPECT_EQ(queue->info(id).has_value(), known);
  };
  advance(15min);
  are_known(reports, false);
  are_known(mails, true);
  advance(2h);
  are_known(mails, false);
  are_known(others, true);
  advance(3h);
  are_known(others, false);
}

TEST_P(NamedTaskById, ShowsWhatItWasEnqueuedWith) {
  queue->handle<Report>([](const Report&) {});
  queue->handle<Mail>([](const Mail&) { return Receipt{}; });
  const auto task = queue->enqueue(Report{7}, {.delay = 1h});
  ASSERT_TRUE(task);
  EXPECT_EQ(queue->payload(task->id())->bytes, "{\"pages\":7}");
  EXPECT_EQ(queue->payload(task->id())->content_type, "application/json");
  ASSERT_TRUE(queue->enqueue(Report{8}));
  ASSERT_TRUE(queue->enqueue(Mail{"a", 1}));
  const auto waiting = errand::enqueued<Report>(*queue);
  ASSERT_EQ(waiting.size(), 2u);
  EXPECT_EQ(waiting[0].pages, 7);
  EXPECT_EQ(waiting[1].pages, 8);
  queue->dispatch();
  EXPECT_EQ(errand::enqueued<Report>(*queue).size(), 1u) << "one is over";
}

// Past 32 bits, and past what a double can tell apart.
TEST_P(NamedTaskById, MayHaveAnIdThatOtherNumbersCannotHold) {
  constexpr std::uint64_t kStoreBit = std::uint64_t{1} << 63;
  queue->handle<Mail>([](const Mail& mail) { return Receipt{mail.user}; });
  for (const int bits : {31, 32, 53}) {
    SCOPED_TRACE(bits);
    // As if so many had been there before.
    errand::KeptTask last;
    last.id = errand::TaskId{kStoreBit | ((std::uint64_t{1} << bits) - 2)};
    last.state = errand::TaskState::completed;
    last.finished_at = clock->now();
    last.task = {.queue = "mail", .kind = "other", .run_at = clock->now()};
    ASSERT_TRUE(store->adopt({.tasks = std::span(&last, 1)}, clock->now())->tasks.at(0));
    for (int i = -1; i <= 1; ++i) {
      auto task = queue->enqueue(Mail{"a", i});
      ASSERT_TRUE(task);
      const std::string text = to_string(task->id());
      EXPECT_EQ(text, std::to_string((std::uint64_t{1} << bits) + static_cast<std::uint64_t>(i)));
      const auto id = errand::parse_task_id(text);
      ASSERT_TRUE(id);
      EXPECT_EQ(*id, task->id());
      EXPECT_TRUE(queue->hold(*id));
      EXPECT_EQ(queue->change({.ids = {*id}}, {.what = errand::Change::What::release})->ids, std::vector{*id});
      EXPECT_EQ(queue->find({}, 10, last.id)->size(), static_cast<std::size_t>(i + 2)) << "pages go by them";
      queue->dispatch();
      EXPECT_EQ(queue->task<Receipt>(*id)->get().code, i);
      EXPECT_EQ(info(*id).id, *id);
    }
  }
}
