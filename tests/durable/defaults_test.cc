// What holds for a named task that does not say so itself: its kind's, its queue's, errand's own, in this order.

#include <stdexcept>

#include "support.h"

using errand::Retry;
using errand::TaskState;

namespace {

class Defaults : public Named {
 protected:
  // A queue whose tasks wait an hour, unless somebody says otherwise.
  void begin_with_retry() {
    errand::QueueOptions opts = options();
    opts.retry = Retry::fixed(1h);
    queue.reset();
    queue = std::make_unique<errand::Queue>(std::move(opts));
  }
  static void fail(const Report&) { throw std::runtime_error("not today"); }
  // How long it waits after its first attempt.
  [[nodiscard]] errand::Duration wait_of(errand::TaskOptions options = {}) {
    const auto task = queue->enqueue(Report{1}, std::move(options));
    EXPECT_TRUE(task) << task.error().message();
    queue->dispatch();
    const errand::TaskInfo known = info(task->id());
    EXPECT_EQ(known.state, TaskState::retryable);
    return known.next_run_at.value_or(clock->now()) - clock->now();
  }
  // What it may be tried.
  [[nodiscard]] int attempts_of(std::string_view kind, errand::TaskOptions options = {}) const {
    options.delay = 1h;
    const auto task = queue->enqueue_bytes(kind, {}, std::move(options));
    EXPECT_TRUE(task) << task.error().message();
    return task ? info(task->id()).max_attempts : 0;
  }
  // Whether it is known, that long after it ended and a moment later.
  void expect_kept(errand::TaskId id, errand::Duration keep) {
    // What is over that long is looked for twice a minute.
    clock->advance(keep - 1min);
    queue->dispatch();
    EXPECT_TRUE(queue->info(id)) << "it is gone too early";
    clock->advance(2min);
    queue->dispatch();
    EXPECT_EQ(queue->info(id).error().code(), errand::Code::not_found) << "it is still there";
  }
  [[nodiscard]] bool on_disk() const { return GetParam() == Where::sqlite; }
};
ERRAND_ON_BOTH_STORES(Defaults);

}  // namespace

// --- when it is tried again ------------------------------------------------------------------------------------------

TEST_P(Defaults, OfTheQueueSayHowLongATaskWaits) {
  begin_with_retry();
  queue->handle<Report>(&fail);
  EXPECT_EQ(wait_of(), 1h);
}

TEST_P(Defaults, OfTheKindComeBeforeThoseOfTheQueue) {
  begin_with_retry();
  queue->handle<Report>(&fail, {.retry = Retry::fixed(10min)});
  EXPECT_EQ(wait_of(), 10min);
}

TEST_P(Defaults, OfTheTaskComeBeforeAll) {
  begin_with_retry();
  queue->handle<Report>(&fail, {.retry = Retry::fixed(10min)});
  EXPECT_EQ(wait_of({.retry = Retry::fixed(1s)}), 1s);
  EXPECT_EQ(wait_of(), 10min) << "and are its own alone";
}

TEST_P(Defaults, OfErrandAreASecondGiveOrTakeATenth) {
  queue->handle<Report>(&fail);
  const errand::Duration wait = wait_of();
  EXPECT_GE(wait, 900ms);
  EXPECT_LE(wait, 1100ms);
}

// The one that is there when it fails, not when it was enqueued: a policy is mended for all that wait.
TEST_P(Defaults, OfTheKindAreThoseOfToday) {
  queue->handle<Report>(&fail, {.retry = Retry::fixed(10min)});
  const auto task = queue->enqueue(Report{1}, {.delay = 1min});
  ASSERT_TRUE(task);
  const errand::TaskId id = task->id();
  restart();
  queue->handle<Report>(&fail, {.retry = Retry::fixed(20min)});
  advance(1min);
  EXPECT_EQ(info(id).next_run_at, clock->now() + 20min);
}

TEST_P(Defaults, OfTheHandlerForAnyKindHoldForThoseWithoutTheirOwn) {
  begin_with_retry();
  queue->handle<Mail>([](const Mail&) -> errand::Outcome { return errand::retry("own"); });
  queue->handle_any([](std::span<const std::byte>) { return errand::retry("any"); },
                    {.max_attempts = 3, .retry = Retry::fixed(10min)});
  EXPECT_EQ(wait_of(), 10min) << "reports have no handler of their own";
  EXPECT_EQ(attempts_of("report"), 3);
  EXPECT_EQ(attempts_of("mail"), 20) << "who has one is not asked twice";
}

// --- how often -------------------------------------------------------------------------------------------------------

TEST_P(Defaults, AreTwentyAttempts) {
  int attempts = 0;
  queue->handle<Report>([&](const Report&) {
    ++attempts;
    throw std::runtime_error("not today");
  });
  const auto task = queue->enqueue(Report{1}, {.retry = Retry::immediate()});
  ASSERT_TRUE(task);
  EXPECT_EQ(info(task->id()).max_attempts, 20);
  for (int i = 0; i < 30 && !is_final(state(task->id())); ++i) queue->dispatch();
  EXPECT_EQ(attempts, 20);
  EXPECT_EQ(state(task->id()), TaskState::discarded);
}

// About eight hours in all.
TEST_P(Defaults, GoOnForAWorkingDay) {
  queue->handle<Report>(&fail);
  const auto task = queue->enqueue(Report{1});
  ASSERT_TRUE(task);
  const errand::WallTime began = clock->now();
  errand::drain(*queue, *clock);
  const errand::TaskInfo known = info(task->id());
  EXPECT_EQ(known.state, TaskState::discarded);
  ASSERT_TRUE(known.finished_at);
  EXPECT_GT(*known.finished_at - began, 7h);
  EXPECT_LT(*known.finished_at - began, 10h);
}

TEST_P(Defaults, OfAttemptsAreTheTasksThenItsKinds) {
  const auto nothing = [](std::span<const std::byte>) {};
  queue->handle("plain", nothing);
  queue->handle("five", nothing, {.max_attempts = 5});
  queue->handle("endless", nothing, {.max_attempts = errand::unlimited});
  EXPECT_EQ(attempts_of("plain"), 20);
  EXPECT_EQ(attempts_of("plain", {.max_attempts = 2}), 2);
  EXPECT_EQ(attempts_of("plain", {.retry = Retry::fixed(1s)}), 20);
  EXPECT_EQ(attempts_of("five"), 5);
  EXPECT_EQ(attempts_of("five", {.max_attempts = 7}), 7);
  EXPECT_EQ(attempts_of("five", {.max_attempts = errand::unlimited}), errand::unlimited);
  EXPECT_EQ(attempts_of("five", {.retry = Retry::fixed(1s)}), 5);
  EXPECT_EQ(attempts_of("endless"), errand::unlimited);
}

// --- how long it is kept ---------------------------------------------------------------------------------------------

// A store that lasts keeps what failed until somebody has seen it; what is in memory alone is kept as closures are.
TEST_P(Defaults, KeepWhatCompletedForADay) {
  queue->handle<Report>([](const Report&) {});
  const auto task = queue->enqueue(Report{1});
  ASSERT_TRUE(task);
  queue->dispatch();
  expect_kept(task->id(), on_disk() ? errand::Duration(24h) : errand::Duration(1h));
}

TEST_P(Defaults, KeepWhatWasCancelledForADay) {
  queue->handle<Report>([](const Report&) {});
  const auto task = queue->enqueue(Report{1}, {.delay = 1h});
  ASSERT_TRUE(task && queue->cancel(task->id()));
  expect_kept(task->id(), on_disk() ? errand::Duration(24h) : errand::Duration(1h));
}

TEST_P(Defaults, KeepWhatWasDiscardedForAWeek) {
  queue->handle<Report>(&fail);
  const auto task = queue->enqueue(Report{1}, {.max_attempts = 1});
  ASSERT_TRUE(task);
  queue->dispatch();
  expect_kept(task->id(), on_disk() ? errand::Duration(7 * 24h) : errand::Duration(1h));
}

TEST_P(Defaults, OfTheKindSayHowLongEachEndIsKept) {
  queue->handle<Report>(
      [](const Report& report) -> errand::Outcome {
        return report.pages == 1 ? errand::done() : errand::discard("no");
      },
      {.keep_completed = 2h, .keep_cancelled = 3h, .keep_discarded = 4h});
  const auto completed = queue->enqueue(Report{1});
  const auto discarded = queue->enqueue(Report{2});
  const auto cancelled = queue->enqueue(Report{3}, {.delay = 1h});
  ASSERT_TRUE(completed && discarded && cancelled && queue->cancel(cancelled->id()));
  queue->dispatch();
  EXPECT_EQ(state(discarded->id()), TaskState::discarded);
  expect_kept(completed->id(), 2h);
  EXPECT_TRUE(queue->info(cancelled->id()));
  expect_kept(cancelled->id(), 59min);
  EXPECT_TRUE(queue->info(discarded->id()));
  expect_kept(discarded->id(), 59min);
}

// What is cancelled is kept like what completed, where its kind says that alone; and what is discarded is not.
TEST_P(Defaults, OfTheKindForWhatCompletedHoldForWhatIsCancelledToo) {
  queue->handle<Report>([](const Report&) -> errand::Outcome { return errand::discard("no"); },
                        {.keep_completed = 10min});
  const auto cancelled = queue->enqueue(Report{1}, {.delay = 1h});
  const auto discarded = queue->enqueue(Report{2});
  ASSERT_TRUE(cancelled && discarded && queue->cancel(cancelled->id()));
  queue->dispatch();
  expect_kept(cancelled->id(), 10min);
  expect_kept(discarded->id(), (on_disk() ? errand::Duration(7 * 24h) : errand::Duration(1h)) - 11min);
}

// --- when it begins, and what it is the same as ----------------------------------------------------------------------

TEST_P(Defaults, AnHourOfTheDayIsWaitedForByTheWallClock) {
  int ran = 0;
  queue->handle<Report>([&](const Report&) { ++ran; });
  const errand::WallTime at = clock->now() + 1h;
  const auto task = queue->enqueue(Report{1}, {.at = at});
  ASSERT_TRUE(task);
  EXPECT_EQ(task->state(), TaskState::scheduled);
  EXPECT_EQ(info(task->id()).next_run_at, at);
  advance(1h - 1us);
  EXPECT_EQ(ran, 0);
  // Somebody sets the clock back, and it is not that late yet.
  clock->set_now(at - 30min);
  advance(10min);
  EXPECT_EQ(ran, 0);
  clock->set_now(at);
  queue->dispatch();
  EXPECT_EQ(ran, 1);
}

TEST_P(Defaults, AnHourThatIsPastIsNow) {
  int ran = 0;
  queue->handle<Report>([&](const Report&) { ++ran; });
  for (const errand::WallTime at : {clock->now(), clock->now() - 1h, errand::WallTime{}, errand::WallTime::min()}) {
    const auto task = queue->enqueue(Report{1}, {.at = at});
    ASSERT_TRUE(task);
    EXPECT_EQ(task->state(), TaskState::available);
  }
  // They are as old as those that come without one.
  const auto urgent = queue->enqueue(Report{2}, {.priority = 0});
  ASSERT_TRUE(urgent);
  queue->dispatch();
  EXPECT_EQ(ran, 5);
  const auto both = queue->enqueue(Report{1}, {.delay = 1h, .at = clock->now()});
  ASSERT_FALSE(both);
  EXPECT_EQ(both.error().code(), errand::Code::invalid);
  EXPECT_NE(both.error().message().find("at and delay"), std::string::npos) << both.error().message();
}

// Beyond any calendar: it waits, and nothing overflows.
TEST_P(Defaults, AnHourThatNeverComesIsWaitedFor) {
  queue->handle<Report>([](const Report&) { ADD_FAILURE() << "it ran"; });
  const auto never = queue->enqueue(Report{1}, {.at = errand::WallTime::max()});
  const auto late = queue->enqueue(Report{2}, {.delay = errand::Duration::max()});
  ASSERT_TRUE(never && late);
  advance(24h * 365);
  EXPECT_EQ(never->state(), TaskState::scheduled);
  EXPECT_EQ(late->state(), TaskState::scheduled);
}

// One of its kind, whatever it says.
TEST_P(Defaults, OneOfAKindIsEnough) {
  queue->handle<Report>([](const Report&) {});
  queue->handle<Mail>([](const Mail&) { return Receipt{}; });
  const auto first = queue->enqueue(Report{1}, {.unique = {.by_kind = true}});
  const auto second = queue->enqueue(Report{2}, {.unique = {.by_kind = true}});
  const auto mail = queue->enqueue(Mail{"a", 1}, {.unique = {.by_kind = true}});
  const auto keyed = queue->enqueue(Report{3}, {.unique = {.key = "k"}});
  const auto free = queue->enqueue(Report{4});
  ASSERT_TRUE(first && second && mail && keyed && free);
  EXPECT_FALSE(first->existed());
  EXPECT_TRUE(second->existed());
  EXPECT_EQ(second->id(), first->id());
  EXPECT_FALSE(mail->existed()) << "another kind";
  EXPECT_FALSE(keyed->existed()) << "a key of its own";
  EXPECT_FALSE(free->existed());
  const auto replaced = queue->enqueue(Report{5}, {.unique = {.by_kind = true, .on_clash = errand::OnClash::replace}});
  ASSERT_TRUE(replaced);
  EXPECT_TRUE(replaced->replaced());
  EXPECT_EQ(queue->payload(first->id())->bytes, "{\"pages\":5}");
  queue->dispatch();
  const auto next = queue->enqueue(Report{6}, {.unique = {.by_kind = true}});
  ASSERT_TRUE(next);
  EXPECT_FALSE(next->existed()) << "the first one is over";
}
