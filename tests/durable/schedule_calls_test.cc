// What is done to schedules of named tasks, beside which others they stand, and what can't be one.

#include "stored_schedule.h"

using errand::Overlap;

// --- by hand ---------------------------------------------------------------------------------------------------------

TEST_P(StoredSchedule, APauseLeavesSlotsOutAndCountsThem) {
  auto tick = every(10s);
  tick.pause();
  EXPECT_TRUE(tick.info().paused);
  walk(2, 10s);
  EXPECT_TRUE(ran.empty());
  EXPECT_EQ(tick.info().skipped, 2u);
  EXPECT_EQ(queue->stats().skipped_slots, 2u);
  clock->advance(25s);  // nobody looks
  tick.resume();
  queue->dispatch();
  EXPECT_TRUE(ran.empty());
  EXPECT_FALSE(tick.info().paused);
  EXPECT_EQ(tick.info().skipped, 4u);
  EXPECT_EQ(queue->stats().skipped_slots, 4u);
  advance(5s);
  EXPECT_EQ(at, (Times{50s}));
}

TEST_P(StoredSchedule, APauseLasts) {
  if (GetParam() == Where::memory) return;
  every(10s).pause();
  begin_again();
  every(10s);
  walk(3, 10s);
  EXPECT_TRUE(ran.empty());
  EXPECT_TRUE(info_of().paused);
  EXPECT_EQ(info_of().skipped, 3u);
  queue->schedule("report")->resume();
  advance(10s);
  EXPECT_EQ(ran.size(), 1u);
}

TEST_P(StoredSchedule, APauseLeavesOutTheSlotThatWaits) {
  auto tick = every(10s);
  queue->pause();
  walk(3, 10s);
  tick.pause();
  queue->resume();
  queue->dispatch();
  queue->dispatch();
  EXPECT_EQ(ran.size(), 1u);
  EXPECT_EQ(tick.info().skipped, 2u);
  tick.resume();
  advance(10s);
  EXPECT_EQ(ran.size(), 2u);
}

TEST_P(StoredSchedule, ATriggerIsOneRunMore) {
  auto tick = every(10s, {.overlap = Overlap::skip});
  tick.trigger();
  tick.trigger();  // overlap does not hold it back
  EXPECT_EQ(tick.info().running, 2);
  queue->dispatch();
  EXPECT_EQ(ran.size(), 2u);
  EXPECT_EQ(tick.info().next_slot, start + 10s);
  EXPECT_EQ(tick.info().last_slot, std::nullopt);
  advance(10s);
  EXPECT_EQ(ran.size(), 3u);
  EXPECT_EQ(tick.info().runs, 3u);
  EXPECT_EQ(queue->stats().submitted, 3u);
}

TEST_P(StoredSchedule, ACancelEndsTheSlotsAndNotTheRuns) {
  auto tick = every(10s);
  queue->pause();
  advance(10s);
  tick.cancel();
  tick.cancel();
  queue->resume();
  queue->dispatch();
  EXPECT_EQ(ran.size(), 1u) << "it had come";
  EXPECT_EQ(queue->dispatch(), errand::SteadyTime::max());
  walk(3, 10s);
  tick.trigger();
  tick.pause();
  tick.resume();
  queue->dispatch();
  EXPECT_EQ(ran.size(), 1u);
  EXPECT_TRUE(tick.info().cancelled);
  EXPECT_TRUE(tick.next(3).empty());
  EXPECT_TRUE(queue->schedules().empty());
  EXPECT_EQ(queue->schedule("report").error().code(), errand::Code::not_found);
  every(10s);
  advance(10s);
  EXPECT_EQ(ran.size(), 2u) << "the name is free again";
  EXPECT_FALSE(tick.info().cancelled) << "a handle knows it by its name";
}

TEST_P(StoredSchedule, OtherTermsHoldAtOnce) {
  every(1h, {}, 1);
  advance(1h);
  EXPECT_EQ(ran, (std::vector<int>{1}));
  every(1h, {}, 2);
  advance(1h);
  EXPECT_EQ(ran, (std::vector<int>{1, 2})) << "its slots are as before";
  every(5min, {}, 3);
  EXPECT_EQ(queue->dispatch(), clock->mono() + 5min);
  advance(5min);
  EXPECT_EQ(ran, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(info_of().runs, 3u);
  auto nightly = queue->cron("0 0 * * *", Report{4}, {.name = "report"});
  ASSERT_TRUE(nightly);
  EXPECT_EQ(nightly->info().expression, "0 0 * * *");
  walk(12, 5min);
  EXPECT_EQ(ran.size(), 3u);
}

// Somebody else, of another program perhaps, changed it in the store.
TEST_P(StoredSchedule, WhatTheStoreSaysWhenTheSlotComesHolds) {
  every(10s);
  auto kept = store->find_schedule("mail", "report");
  ASSERT_TRUE(kept);
  errand::NewSchedule other = kept->schedule;
  other.task.payload = R"({"pages": 5})";
  ASSERT_TRUE(store->put_schedule(other, clock->now()));
  advance(10s);
  EXPECT_EQ(ran, std::vector<int>{5});
  ASSERT_TRUE(store->pause_schedule("mail", "report", true));
  advance(10s);
  EXPECT_EQ(ran.size(), 1u);
  EXPECT_EQ(info_of().skipped, 1u);
  ASSERT_TRUE(store->remove_schedule("mail", "report"));
  advance(10s);
  EXPECT_EQ(queue->dispatch(), errand::SteadyTime::max());
  other.name = "unheard of";
  other.next = clock->now() + 5s;
  other.anchor = clock->now();
  ASSERT_TRUE(store->put_schedule(other, clock->now()));
  ASSERT_TRUE(queue->schedule("unheard of")) << "and from here on it is known";
  advance(10s);
  EXPECT_EQ(ran, (std::vector<int>{5, 5}));
}

TEST_P(StoredSchedule, ItsHandleMayOutliveItsQueue) {
  auto tick = every(10s);
  queue.reset();
  tick.pause();
  tick.resume();
  tick.trigger();
  tick.cancel();
  EXPECT_EQ(tick.info().name, "report");
  EXPECT_TRUE(tick.next(1).empty());
  EXPECT_TRUE(store->find_schedule("mail", "report")) << "it is kept";
  EXPECT_TRUE(store->list({.schedule = "report"}, {}, 10, clock->now())->empty());
}

TEST_P(StoredSchedule, AQueueThatClosesTakesNone) {
  auto tick = every(10s);
  queue->shutdown({.drain = errand::Drain::none});
  const auto late = queue->every(1s, Report{1}, {.name = "late"});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), errand::Code::shutting_down);
  walk(3, 10s);
  EXPECT_TRUE(ran.empty());
  EXPECT_EQ(store->list_schedules("mail")->size(), 1u);
}

// --- both tiers, and other queues ------------------------------------------------------------------------------------

TEST_P(StoredSchedule, StandsBesideThoseOfClosures) {
  every(10s, {.name = "b"});
  int closures = 0;
  auto a = queue->every(10s, [&] { ++closures; }, {.name = "a"});
  auto c = queue->every(10s, [&] { ++closures; }, {.name = "c"});
  ASSERT_TRUE(a && c);
  std::vector<std::string> names;
  for (const auto& info : queue->schedules()) names.push_back(info.name);
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_TRUE(queue->schedule("a") && queue->schedule("b"));
  advance(10s);
  EXPECT_EQ(closures, 2);
  EXPECT_EQ(ran.size(), 1u);
}

TEST_P(StoredSchedule, HasItsNameAlone) {
  every(10s, {.name = "stored"});
  const auto closure = queue->every(1s, [] {}, {.name = "stored"});
  ASSERT_FALSE(closure);
  EXPECT_EQ(closure.error().code(), errand::Code::invalid);
  auto own = queue->every(1s, [] {}, {.name = "own"});
  const auto clash = queue->cron("@daily", Report{1}, {.name = "own"});
  ASSERT_FALSE(clash);
  EXPECT_EQ(clash.error().code(), errand::Code::invalid);
  EXPECT_EQ(clash.error().message(),
            "schedule on queue \"mail\": name: there is a schedule \"own\" of a closure already");
  EXPECT_EQ(store->list_schedules("mail")->size(), 1u);
  own.cancel();
  EXPECT_TRUE(queue->cron("@daily", Report{1}, {.name = "own"}));
  queue->schedule("stored")->cancel();
  EXPECT_TRUE(queue->every(1s, [] {}, {.name = "stored"}));
}

TEST_P(StoredSchedule, OfOneNameMayBeInTwoQueuesOfAStore) {
  errand::QueueOptions opts = options();
  opts.name = "other";
  errand::Queue other(std::move(opts));
  std::vector<int> others;
  other.handle<Report>([&](const Report& report) { others.push_back(report.pages); });
  every(10s, {}, 1);
  ASSERT_TRUE(other.every(20s, Report{2}, {.name = "report"}));
  for (int i = 0; i < 4; ++i) {
    advance(10s);
    other.dispatch();
  }
  EXPECT_EQ(ran, (std::vector<int>{1, 1, 1, 1}));
  EXPECT_EQ(others, (std::vector<int>{2, 2}));
  EXPECT_EQ(other.schedules().size(), 1u);
}

// --- what can't be right ---------------------------------------------------------------------------------------------

TEST_P(StoredSchedule, BadInputIsRefusedAndLeavesNoTrace) {
  const auto refused = [&](const errand::Result<errand::Schedule>& made, const std::string& why,
                           errand::Code code = errand::Code::invalid) {
    ASSERT_FALSE(made) << why;
    EXPECT_EQ(made.error().code(), code);
    EXPECT_NE(made.error().message().find(why), std::string::npos) << made.error().message();
  };
  const auto with = [&](errand::TaskOptions task) {
    return queue->every(1s, errand::Named{"report", "{}", "application/json", std::move(task), {}}, {.name = "x"});
  };
  refused(queue->every(1s, Report{1}, {}), "name: expected one, got none");
  refused(queue->cron("@daily", Report{1}, {}), "name: expected one, got none");
  refused(queue->every(0s, Report{1}, {.name = "x"}), "interval: expected more than zero");
  refused(queue->every(1500ns, Report{1}, {.name = "x"}), "whole microseconds");
  refused(queue->cron("61 * * * *", Report{1}, {.name = "x"}), "minute");
  refused(queue->cron("0 0 30 2 *", Report{1}, {.name = "x"}), "never fires");
  refused(queue->cron("@daily", Report{1}, {.name = "x", .time_zone = "Europe/Atlantis"}), "Atlantis");
  refused(queue->cron("@daily", Report{1}, {.name = "x", .first = errand::First::now}), "first");
  refused(queue->every(1s, Report{1}, {.name = "x", .jitter = 1s}), "jitter");
  refused(queue->every(1s, Report{1}, {.name = "x", .priority = 10}), "priority");
  refused(queue->every(1s, Report{1}, {.name = std::string("a\0b", 3)}), "name: expected UTF-8");
  refused(queue->every(1s, Report{1}, {.name = std::string(300, 'x')}), "name: expected at most 256 bytes");
  refused(queue->every(1s, errand::Named{"", "{}", "x", {}, {}}, {.name = "x"}), "kind");
  refused(queue->every(1s, errand::Named{"report", std::string(2 << 20, 'x'), "x", {}, {}}, {.name = "x"}), "payload",
          errand::Code::too_large);
  refused(with({.delay = 1s}), "delay");
  refused(with({.at = clock->now()}), "delay and at");
  refused(with({.expires_at = clock->now()}), "expires_at");
  refused(with({.priority = 3}), "expected in ScheduleOptions");
  refused(with({.max_attempts = 3}), "expected in ScheduleOptions");
  refused(with({.unique = {.key = "k"}}), "unique");
  refused(with({.on_finish = [](const errand::TaskInfo&) {}}), "on_finish");
  EXPECT_TRUE(queue->schedules().empty());
  EXPECT_TRUE(store->list_schedules("")->empty());
  EXPECT_TRUE(queue->every(1s, [] {}, {.name = "x"})) << "nor is its name taken";
}

TEST_P(StoredSchedule, OfAKindThatNobodyHandlesIsTheStores) {
  const auto mail = queue->every(10s, Mail{"a@b.c", 7}, {.name = "mails"});
  if (GetParam() == Where::memory) {
    ASSERT_FALSE(mail);
    EXPECT_EQ(mail.error().code(), errand::Code::unknown_kind);
    return;
  }
  ASSERT_TRUE(mail) << mail.error().message();
  advance(10s);
  int sent = 0;
  queue->handle<Mail>([&](const Mail&) {
    ++sent;
    return Receipt{};
  });
  queue->dispatch();
  EXPECT_EQ(sent, 1);
}

// What a store says is input.
TEST_P(StoredSchedule, OfTimesThatCannotBeReadHasNoSlots) {
  errand::NewSchedule odd;
  odd.queue = "mail";
  odd.name = "odd";
  odd.cron = "every now and then";
  odd.next = start + 10s;
  odd.task.kind = "report";
  odd.task.payload = R"({"pages": 1})";
  ASSERT_TRUE(store->put_schedule(odd, start));
  std::vector<std::string> said;
  errand::set_logger([&](const errand::LogLine& line) { said.emplace_back(line.text); });
  queue.reset();
  begin();
  handle();
  every(10s);
  walk(3, 10s);
  errand::set_logger({});
  EXPECT_EQ(ran.size(), 3u) << "of the other one";
  ASSERT_EQ(said.size(), 1u);
  EXPECT_NE(said[0].find("schedule \"odd\" of queue \"mail\" has no slots here"), std::string::npos) << said[0];
  EXPECT_EQ(info_of("odd").next_slot, std::nullopt);
  queue->schedule("odd")->cancel();
  EXPECT_EQ(queue->schedules().size(), 1u);
}
