// In which order named tasks are claimed and begin, however many wait.

#include "support.h"

namespace {

// More than are claimed ahead.
constexpr int kMany = 5000;

std::vector<Report> many_reports() {
  std::vector<Report> reports(kMany);
  for (int i = 0; i < kMany; ++i) reports[static_cast<std::size_t>(i)].pages = i;
  return reports;
}

class NamedTaskInLine : public Named {};
ERRAND_ON_BOTH_STORES(NamedTaskInLine);

}  // namespace

TEST_P(NamedTaskInLine, StartsByPriorityThenByTime) {
  std::vector<int> order;
  queue->handle<Report>([&](const Report& report) { order.push_back(report.pages); });
  queue->pause();
  ASSERT_TRUE(queue->enqueue(Report{1}, {.priority = 7}));
  ASSERT_TRUE(queue->enqueue(Report{2}));
  ASSERT_TRUE(queue->enqueue(Report{3}, {.priority = 0}));
  ASSERT_TRUE(queue->enqueue(Report{4}));
  queue->resume();
  queue->dispatch();
  EXPECT_EQ(order, (std::vector<int>{3, 2, 4, 1}));
}

// It is claimed late, and has waited for longer than that.
TEST_P(NamedTaskInLine, HasAgedInItsStore) {
  queue.reset();
  errand::QueueOptions ageing = options();
  ageing.age_step = 1s;
  queue = std::make_unique<errand::Queue>(std::move(ageing));
  std::vector<int> order;
  queue->handle<Report>([&](const Report& report) { order.push_back(report.pages); });
  queue->pause();
  ASSERT_TRUE(queue->enqueue(Report{1}, {.priority = 9}));
  clock->advance(10s);
  queue->resume();
  ASSERT_TRUE(queue->submit([&] { order.push_back(2); }, {.priority = 1}));
  queue->dispatch();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
  EXPECT_EQ(queue->stats().start_delay.count_below(9s), 1u) << "the other one has not waited";
}

TEST_P(NamedTaskInLine, AnUrgentOneIsClaimedPastManyThatWait) {
  std::vector<int> order;
  queue->handle<Report>([&](const Report& report) { order.push_back(report.pages); });
  for (const auto& one : queue->enqueue_many(many_reports())) ASSERT_TRUE(one);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(queue->enqueue(Report{kMany + i}, {.priority = 0}));
  queue->dispatch();
  EXPECT_LT(order.size(), std::size_t{kMany}) << "not all were claimed";
  while (order.size() < kMany + 3) queue->dispatch();
  EXPECT_EQ(std::vector<int>(order.begin(), order.begin() + 4), (std::vector<int>{kMany, kMany + 1, kMany + 2, 0}));
}

TEST_P(NamedTaskInLine, AnUrgentOneThatBecomesDueIsClaimedPastManyThatWait) {
  std::vector<int> order;
  queue->handle<Report>([&](const Report& report) { order.push_back(report.pages); });
  // Until payloads are known to be small, fewer are claimed.
  ASSERT_TRUE(queue->enqueue(Report{}));
  queue->dispatch();
  order.clear();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(queue->enqueue(Report{kMany + i}, {.delay = 1min, .priority = 0}));
  for (const auto& one : queue->enqueue_many(many_reports())) ASSERT_TRUE(one);
  clock->advance(1min);
  // What is claimed a few at a time comes before the first of those that are claimed already all the same.
  queue->dispatch();
  EXPECT_LT(order.size(), std::size_t{kMany}) << "not all were claimed";
  while (order.size() < kMany + 100) queue->dispatch();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], kMany + i);
  EXPECT_EQ(order[100], 0);
}

// One that is worse than all that comes does not make that urgent, however much it is.
TEST_P(NamedTaskInLine, OneThatIsWorseDoesNotMakeAllOthersUrgent) {
  int ran = 0;
  queue->handle<Report>([&](const Report&) { ++ran; });
  ASSERT_TRUE(queue->enqueue(Report{0}, {.priority = 9}));
  for (int i = 0; i < 3; ++i) {
    for (const auto& one : queue->enqueue_many(many_reports())) ASSERT_TRUE(one);
  }
  const auto counts = store->counts(clock->now());
  ASSERT_TRUE(counts);
  EXPECT_GT(counts->at(0).running, 4000u);
  EXPECT_LT(counts->at(0).running, 9000u);
  while (ran < 3 * kMany + 1) queue->dispatch();
}

// What is claimed ahead is not given back for the sake of one.
TEST_P(NamedTaskInLine, AChangeOfOneLeavesTheOthersInHand) {
  int ran = 0;
  queue->handle<Report>([&](const Report&) { ++ran; });
  std::vector<errand::TaskId> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(queue->enqueue(Report{i})->id());
  ASSERT_TRUE(queue->hold(ids[7]));
  EXPECT_EQ(store->counts(clock->now())->at(0).running, 19u);
  queue->dispatch();
  EXPECT_EQ(ran, 19);
}
