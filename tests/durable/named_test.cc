// Named tasks from enqueue to their end, driven by hand.

#include <stdexcept>

#include "support.h"

namespace {

class NamedTask : public Named {};
ERRAND_ON_BOTH_STORES(NamedTask);

}  // namespace

TEST_P(NamedTask, RunsItsHandlerAndLeavesItsOutput) {
  std::vector<std::string> sent;
  queue->handle<Mail>([&](const Mail& mail) {
    sent.push_back(mail.to);
    return Receipt{mail.user + 1};
  });
  auto task = queue->enqueue(Mail{"a@b.c", 7});
  ASSERT_TRUE(task) << task.error().message();
  EXPECT_FALSE(task->existed());
  EXPECT_EQ(task->state(), errand::TaskState::available);
  queue->dispatch();
  EXPECT_EQ(sent, std::vector<std::string>{"a@b.c"});
  EXPECT_EQ(task->state(), errand::TaskState::completed);
  EXPECT_EQ(task->get().code, 8);
  EXPECT_EQ(task->get().code, 8) << "it is kept, and can be read again";
  const auto info = task->info();
  ASSERT_TRUE(info);
  EXPECT_EQ(info->kind, "mail");
  EXPECT_EQ(info->queue, "mail");
  EXPECT_EQ(info->attempts, 1);
  EXPECT_TRUE(info->started_at);
  EXPECT_TRUE(info->finished_at);
}

TEST_P(NamedTask, IsTheStoresUntilSomebodyCanHandleIt) {
  auto task = queue->enqueue(Mail{"a@b.c", 7});
  if (GetParam() == Where::memory) {
    ASSERT_FALSE(task);
    EXPECT_EQ(task.error().code(), errand::Code::unknown_kind) << "nobody else would ever see it";
    return;
  }
  ASSERT_TRUE(task) << task.error().message();
  queue->handle<Report>([](const Report&) {});
  queue->dispatch();
  queue->dispatch();
  EXPECT_TRUE(info(task->id()).no_handler);
  EXPECT_EQ(info(task->id()).attempts, 0);
  int ran = 0;
  queue->handle<Mail>([&](const Mail&) {
    ++ran;
    return Receipt{};
  });
  queue->dispatch();
  EXPECT_EQ(ran, 1);
  EXPECT_EQ(state(task->id()), errand::TaskState::completed);
}

TEST_P(NamedTask, WaitsForItsTime) {
  int ran = 0;
  queue->handle<Report>([&](const Report&) { ++ran; });
  auto task = queue->enqueue(Report{1}, {.delay = 1h});
  ASSERT_TRUE(task);
  const auto next = queue->dispatch();
  EXPECT_EQ(task->state(), errand::TaskState::scheduled);
  EXPECT_EQ(next, clock->mono() + 1h);
  clock->advance(1h - 1us);
  queue->dispatch();
  EXPECT_EQ(ran, 0);
  clock->advance(1us);
  queue->dispatch();
  EXPECT_EQ(ran, 1);
}

TEST_P(NamedTask, ThatFailsIsTriedAgainAndKeepsItsErrors) {
  int attempts = 0;
  queue->handle<Report>(
      [&](const Report&, errand::Attempt& attempt) -> errand::Outcome {
        EXPECT_EQ(attempt.number(), ++attempts);
        if (attempt.number() == 1) throw std::runtime_error("disk on fire");
        if (attempt.number() == 2) return errand::retry("still smoking");
        return errand::done();
      },
      {.retry = errand::Retry::fixed(10s)});
  auto task = queue->enqueue(Report{1});
  ASSERT_TRUE(task);
  queue->dispatch();
  EXPECT_EQ(task->state(), errand::TaskState::retryable);
  EXPECT_EQ(info(task->id()).last_error, "disk on fire");
  advance(9s);
  EXPECT_EQ(attempts, 1);
  advance(1s);
  EXPECT_EQ(attempts, 2);
  advance(10s);
  EXPECT_EQ(task->state(), errand::TaskState::completed);
  const auto known = info(task->id());
  EXPECT_EQ(known.attempts, 3);
  ASSERT_EQ(known.history.size(), 2u);
  EXPECT_EQ(known.history[0].number, 1);
  EXPECT_EQ(known.history[1].error->message(), "still smoking");
}

TEST_P(NamedTask, WithoutAttemptsLeftIsDiscardedWithItsOwnError) {
  queue->handle<Report>([](const Report&) { throw std::runtime_error("no luck"); },
                        {.max_attempts = 2, .retry = errand::Retry::immediate()});
  auto task = queue->enqueue(Report{1});
  ASSERT_TRUE(task);
  queue->dispatch();
  queue->dispatch();
  EXPECT_EQ(task->state(), errand::TaskState::discarded);
  const auto result = task->result();
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message().find("no luck"), std::string::npos) << result.error().message();
  // A named task can always be tried again.
  EXPECT_TRUE(queue->retry(task->id()));
  EXPECT_EQ(task->state(), errand::TaskState::available);
  queue->dispatch();
  EXPECT_EQ(info(task->id()).attempts, 1) << "a new life counts from the beginning";
}

TEST_P(NamedTask, ASnoozeGivesItsAttemptBack) {
  int calls = 0;
  queue->handle<Report>([&](const Report&, errand::Attempt& attempt) -> errand::Outcome {
    EXPECT_EQ(attempt.number(), 1);
    return ++calls < 3 ? errand::snooze(1min) : errand::done();
  });
  auto task = queue->enqueue(Report{1}, {.max_attempts = 1});
  ASSERT_TRUE(task);
  queue->dispatch();
  EXPECT_EQ(task->state(), errand::TaskState::scheduled);
  advance(1min);
  advance(1min);
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(task->state(), errand::TaskState::completed);
}

TEST_P(NamedTask, ThatCannotBeReadFailsAsAnyOther) {
  queue->handle<Mail>([](const Mail&) { return Receipt{}; });
  const std::string text = "{\"to\": 7}";
  auto task = queue->enqueue_bytes("mail", std::as_bytes(std::span(text)), {}, "application/json");
  ASSERT_TRUE(task);
  queue->dispatch();
  EXPECT_EQ(task->state(), errand::TaskState::retryable);
  EXPECT_NE(info(task->id()).last_error.find("Mail.to"), std::string::npos) << info(task->id()).last_error;
}

TEST_P(NamedTask, OfBytesIsHandledByItsKind) {
  std::string seen;
  queue->handle("upper", [&](std::span<const std::byte> bytes, errand::Attempt& attempt) {
    seen = std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()) + "/" +
           std::string(attempt.content_type()) + "/" + std::string(attempt.kind());
    return errand::Output{"OUT", "text/plain"};
  });
  const std::string text("a\0b", 3);
  auto task = queue->enqueue_bytes("upper", std::as_bytes(std::span(text)), {}, "text/plain");
  ASSERT_TRUE(task);
  queue->dispatch();
  EXPECT_EQ(seen, std::string("a\0b", 3) + "/text/plain/upper");
  const auto output = queue->output(task->id());
  ASSERT_TRUE(output);
  EXPECT_EQ(output->bytes, "OUT");
}

TEST_P(NamedTask, OfAnyKindGoesToHandleAny) {
  std::vector<std::string> kinds;
  queue->handle<Report>([&](const Report&) { kinds.emplace_back("own"); });
  queue->handle_any([&](std::span<const std::byte>, errand::Attempt& attempt) { kinds.emplace_back(attempt.kind()); });
  ASSERT_TRUE(queue->enqueue_bytes("other", {}));
  ASSERT_TRUE(queue->enqueue(Report{}));
  queue->dispatch();
  EXPECT_EQ(kinds, (std::vector<std::string>{"other", "own"}));
}

TEST_P(NamedTask, OfAnOldNameGoesToTheKindsAlias) {
  int ran = 0;
  queue->handle<Report>([&](const Report& report) { ran += report.pages; }, {.aliases = {"old_report"}});
  const std::string text = "{\"pages\": 3}";
  ASSERT_TRUE(queue->enqueue_bytes("old_report", std::as_bytes(std::span(text)), {}, "application/json"));
  queue->dispatch();
  EXPECT_EQ(ran, 3);
  EXPECT_THROW(queue->handle("old_report", [](std::span<const std::byte>) {}), std::invalid_argument);
}

TEST_P(NamedTask, ThatExpiredIsDiscardedUnstarted) {
  int ran = 0;
  queue->handle<Report>([&](const Report&) { ++ran; });
  auto task = queue->enqueue(Report{1}, {.expires_at = clock->now() + 1min});
  ASSERT_TRUE(task);
  advance(2min);
  queue->dispatch();
  EXPECT_EQ(ran, 0);
  EXPECT_EQ(task->state(), errand::TaskState::discarded);
  EXPECT_NE(info(task->id()).last_error.find("expired"), std::string::npos);
}

TEST_P(NamedTask, ThatIsEphemeralIsGoneWhenItCompletes) {
  queue->handle<Report>([](const Report&) {});
  auto task = queue->enqueue(Report{1}, {.ephemeral = true});
  ASSERT_TRUE(task);
  queue->dispatch();
  EXPECT_EQ(queue->info(task->id()).error().code(), errand::Code::not_found);
  EXPECT_TRUE(task->wait_for(0s)) << "what is gone is over";
}

TEST_P(NamedTask, SaysHowFarItHasCome) {
  queue->handle<Report>([&](const Report&, errand::Attempt& attempt) {
    attempt.progress(3, 10, "page three");
    attempt.log("first line");
    attempt.log("second line");
    EXPECT_TRUE(attempt.metadata("host", "here"));
    EXPECT_FALSE(attempt.metadata("much", std::string(5000, 'x')));
  });
  auto task = queue->enqueue(Report{1}, {.metadata = {{"trace", "abc"}}, .tags = {"monthly"}});
  ASSERT_TRUE(task);
  queue->dispatch();
  const auto known = info(task->id());
  EXPECT_EQ(known.progress_done, 3u);
  EXPECT_EQ(known.progress_total, 10u);
  EXPECT_EQ(known.progress_note, "page three");
  EXPECT_EQ(known.log, (std::vector<std::string>{"first line", "second line"}));
  EXPECT_EQ(known.metadata, (errand::Metadata{{"trace", "abc"}, {"host", "here"}}));
  EXPECT_EQ(known.tags, std::vector<std::string>{"monthly"});
}

TEST_P(NamedTask, CallsOnFinishOnceInEachFinalState) {
  std::vector<std::pair<int, errand::TaskState>> ends;
  const auto note = [&](int which) {
    return [&ends, which](const errand::TaskInfo& info) { ends.emplace_back(which, info.state); };
  };
  queue->handle<Report>([](const Report& report) -> errand::Outcome {
    return report.pages == 1 ? errand::discard("no") : errand::done();
  });
  ASSERT_TRUE(queue->enqueue(Report{1}, {.on_finish = note(1)}));
  ASSERT_TRUE(queue->enqueue(Report{2}, {.on_finish = note(2)}));
  auto cancelled = queue->enqueue(Report{3}, {.delay = 1h, .on_finish = note(3)});
  auto gone = queue->enqueue(Report{4}, {.on_finish = note(4), .ephemeral = true});
  ASSERT_TRUE(cancelled && gone);
  EXPECT_TRUE(cancelled->cancel());
  EXPECT_TRUE(ends.empty()) << "never inside a cancel";
  queue->dispatch();
  queue->dispatch();
  std::sort(ends.begin(), ends.end());
  EXPECT_EQ(ends, (std::vector<std::pair<int, errand::TaskState>>{{1, errand::TaskState::discarded},
                                                                  {2, errand::TaskState::completed},
                                                                  {3, errand::TaskState::cancelled},
                                                                  {4, errand::TaskState::completed}}));
}

TEST_P(NamedTask, MayWaitForAnotherOne) {
  queue->handle<Mail>([](const Mail& mail) { return Receipt{mail.user}; });
  int got = 0;
  queue->handle<Report>([&](const Report&) {
    auto inner = queue->enqueue(Mail{"x", 41});
    ASSERT_TRUE(inner);
    got = inner->get().code + 1;
    auto later = queue->enqueue(Mail{"x", 1}, {.delay = 1h});
    ASSERT_TRUE(later);
    EXPECT_EQ(later->result().error().code(), errand::Code::would_block);
  });
  auto task = queue->enqueue(Report{});
  ASSERT_TRUE(task);
  queue->dispatch();
  EXPECT_EQ(got, 42);
}

TEST_P(NamedTask, IsUniqueByKeyFieldOrPayload) {
  const auto unique = [&](errand::Unique unique, int user = 1) {
    auto task = queue->enqueue(Mail{"a", user}, {.unique = std::move(unique)});
    EXPECT_TRUE(task) << task.error().message();
    return task ? std::pair(task->id(), task->existed()) : std::pair(errand::TaskId{}, false);
  };
  queue->handle<Mail>([](const Mail&) { return Receipt{}; });
  const auto first = unique({.key = "k"});
  EXPECT_FALSE(first.second);
  EXPECT_EQ(unique({.key = "k"}), std::pair(first.first, true));
  EXPECT_FALSE(unique({.key = "other"}).second);
  EXPECT_FALSE(unique({.by_payload = true}).second);
  EXPECT_TRUE(unique({.by_payload = true}).second);
  EXPECT_FALSE(unique({.by_payload = true}, 2).second);
  EXPECT_FALSE(unique({.by_fields = {"user"}}).second);
  EXPECT_TRUE(unique({.by_fields = {"user"}}).second);
  EXPECT_FALSE(unique({.by_fields = {"user"}}, 3).second);
  const auto refused = queue->enqueue(Mail{}, {.unique = {.key = "k", .on_clash = errand::OnClash::refuse}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), errand::Code::duplicate);
  queue->dispatch();
  EXPECT_FALSE(unique({.key = "k"}).second) << "the first one is over";
  const auto day = unique({.key = "day", .within = 24h});
  queue->dispatch();
  EXPECT_TRUE(unique({.key = "day", .within = 24h}).second) << "for a day, whatever became of it";
  EXPECT_EQ(unique({.key = "day", .within = 24h}).first, day.first);
  clock->advance(25h);
  EXPECT_FALSE(unique({.key = "day", .within = 24h}).second);
}

TEST_P(NamedTask, ManyAreTakenTogetherWithAResultForEach) {
  int pages = 0;
  queue->handle<Report>([&](const Report& report) { pages += report.pages; });
  const auto three = queue->enqueue_many(std::vector<Report>{{1}, {2}, {3}});
  ASSERT_EQ(three.size(), 3u);
  std::vector<errand::Named> mixed;
  mixed.push_back(*errand::named(Report{10}, {.unique = {.key = "once"}}));
  mixed.push_back(*errand::named(Report{10}, {.unique = {.key = "once"}}));
  mixed.push_back(*errand::named(Report{1}, {.priority = 77}));
  const auto results = queue->enqueue_many(std::move(mixed));
  ASSERT_EQ(results.size(), 3u);
  EXPECT_TRUE(results[0] && !results[0]->existed());
  EXPECT_TRUE(results[1] && results[1]->existed());
  ASSERT_FALSE(results[2]);
  EXPECT_NE(results[2].error().message().find("priority"), std::string::npos);
  queue->dispatch();
  EXPECT_EQ(pages, 16);
}

TEST_P(NamedTask, BadInputIsRefusedAndLeavesNoTrace) {
  queue->handle<Mail>([](const Mail&) { return Receipt{}; });
  const auto refused = [&](errand::Result<errand::Task<>> task, errand::Code code, std::string_view part) {
    ASSERT_FALSE(task);
    EXPECT_EQ(task.error().code(), code) << task.error().message();
    EXPECT_NE(task.error().message().find(part), std::string::npos) << task.error().message();
  };
  using errand::Code;
  refused(queue->enqueue_bytes("", {}), Code::invalid, "kind");
  refused(queue->enqueue_bytes("a\xff", {}), Code::invalid, "kind");
  refused(queue->enqueue_bytes("mail", {}, {.priority = 10}), Code::invalid, "priority");
  refused(
      queue->enqueue_bytes(
          "mail", {}, {.retry = errand::Retry::custom([](int, const errand::Error&) { return errand::Duration(1s); })}),
      Code::invalid, "function");
  refused(queue->enqueue_bytes("mail", {}, {.name = std::string("a\0b", 3)}), Code::invalid, "name");
  refused(queue->enqueue_bytes("mail", {}, {.tags = {"\xc3"}}), Code::invalid, "tags");
  refused(queue->enqueue_bytes("mail", {}, {.unique = {.within = 1h}}), Code::invalid, "unique");
  refused(queue->enqueue_bytes("mail", {}, {.unique = {.by_fields = {"x"}}}), Code::invalid, "by_fields");
  refused(queue->enqueue_bytes("mail", std::vector<std::byte>((1 << 20) + 1)), Code::too_large, "1048577");
  const auto encoded = queue->enqueue(Mail{"\xff", 1});
  ASSERT_FALSE(encoded);
  EXPECT_EQ(encoded.error().code(), Code::invalid);
  EXPECT_TRUE(queue->list().empty());
  EXPECT_EQ(queue->stats().refused, 10u);
  EXPECT_EQ(queue->stats().submitted, 0u);
  EXPECT_THROW(queue->handle<Mail>([](const Mail&) { return Receipt{}; }), std::invalid_argument);
  EXPECT_THROW(queue->handle<Report>([](const Report&) {}, {.timeout = 0s}), std::invalid_argument);
  const auto nothing = [](std::span<const std::byte>) {};
  EXPECT_THROW(queue->handle(std::string_view("a\0b", 3), nothing), std::invalid_argument);
  EXPECT_THROW(queue->handle("\xff", nothing), std::invalid_argument);
  EXPECT_THROW(queue->handle(std::string(129, 'x'), nothing), std::invalid_argument);
  EXPECT_THROW(queue->handle("report", nothing, {.aliases = {""}}), std::invalid_argument);
  EXPECT_THROW(queue->handle("", nothing), std::invalid_argument) << "handle_any() is for any kind";
  EXPECT_THROW(errand::Queue{options()}, std::invalid_argument) << "a second queue of this name";
}

// They were nobody's to drop: their store has them.
TEST_P(NamedTask, HasNoPlaceInAQueueThatDropsTheOldest) {
  const auto dropping = [](errand::StorePtr with) {
    return errand::QueueOptions{.drive = errand::Drive::manual,
                                .store = std::move(with),
                                .capacity = 10,
                                .when_full = errand::WhenFull::drop_oldest};
  };
  EXPECT_THROW(errand::Queue{dropping(store)}, std::invalid_argument);
  errand::Queue closures(dropping(nullptr));
  EXPECT_THROW(closures.handle<Report>([](const Report&) {}), std::invalid_argument);
}

// Stores keep microseconds. A wait that ends between two of them is over when dispatch() says, and not a moment later.
TEST_P(NamedTask, IsThereAgainAtTheMomentThatDispatchTells) {
  int bodies = 0;
  queue->handle<Report>([&](const Report&) -> errand::Outcome {
    ++bodies;
    return bodies == 1 ? errand::snooze(1'000'001ns) : errand::done();
  });
  auto task = queue->enqueue(Report{});
  ASSERT_TRUE(task);
  const errand::SteadyTime next = queue->dispatch();
  EXPECT_EQ(bodies, 1);
  ASSERT_GT(next, clock->mono());
  clock->advance(next - clock->mono());
  queue->dispatch();
  EXPECT_EQ(bodies, 2);
}

TEST_P(NamedTask, KeepsItsOwnRetryPolicyAndLimits) {
  queue->handle<Report>([](const Report&) { throw std::runtime_error("x"); }, {.retry = errand::Retry::fixed(1s)});
  auto task = queue->enqueue(Report{}, {.max_attempts = 2, .retry = errand::Retry::fixed(1h)});
  ASSERT_TRUE(task);
  restart();
  queue->handle<Report>([](const Report&) { throw std::runtime_error("x"); }, {.retry = errand::Retry::fixed(1s)});
  queue->dispatch();
  const auto known = info(task->id());
  EXPECT_EQ(known.state, errand::TaskState::retryable);
  EXPECT_EQ(*known.next_run_at, clock->now() + 1h);
  advance(1h);
  EXPECT_EQ(state(task->id()), errand::TaskState::discarded);
}

TEST_P(NamedTask, SurvivesItsQueue) {
  queue->handle<Mail>([](const Mail&) { return Receipt{}; });
  queue->pause();
  auto first = queue->enqueue(Mail{"a", 1});
  auto later = queue->enqueue(Mail{"b", 2}, {.delay = 1h});
  ASSERT_TRUE(first && later);
  const auto id = first->id();
  restart();
  EXPECT_TRUE(queue->paused()) << "a pause lasts";
  std::vector<std::string> sent;
  queue->handle<Mail>([&](const Mail& mail) {
    sent.push_back(mail.to);
    return Receipt{mail.user};
  });
  queue->dispatch();
  EXPECT_TRUE(sent.empty());
  queue->resume();
  queue->dispatch();
  EXPECT_EQ(sent, std::vector<std::string>{"a"});
  restart();
  auto again = queue->task<Receipt>(id);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->get().code, 1) << "what it left is read back by type";
  queue->handle<Mail>([&](const Mail& mail) {
    sent.push_back(mail.to);
    return Receipt{mail.user};
  });
  advance(1h);
  EXPECT_EQ(sent, (std::vector<std::string>{"a", "b"}));
}

TEST_P(NamedTask, IsForgottenWhenItsKindSays) {
  queue->handle<Report>([](const Report&) {}, {.keep_completed = 1min});
  queue->handle<Mail>([](const Mail&) { return Receipt{}; });
  auto soon = queue->enqueue(Report{});
  auto later = queue->enqueue(Mail{});
  ASSERT_TRUE(soon && later);
  queue->dispatch();
  EXPECT_EQ(state(soon->id()), errand::TaskState::completed);
  advance(2min);
  EXPECT_EQ(queue->info(soon->id()).error().code(), errand::Code::not_found);
  EXPECT_EQ(state(later->id()), errand::TaskState::completed);
}

TEST(NamedTaskInMemory, IsRetainedAsItsQueueSays) {
  const auto clock = std::make_shared<errand::ManualClock>();
  constexpr int kLeast = 1000;
  for (const std::size_t count : {0, kLeast + 50}) {
    errand::Queue queue({.drive = errand::Drive::manual, .retention = {.count = count, .age = 10min}, .clock = clock});
    queue.handle<Report>([](const Report&) {});
    for (int i = 0; i < kLeast + 100; ++i) ASSERT_TRUE(queue.enqueue(Report{i}));
    queue.dispatch();
    const auto kept = queue.find({.state = errand::TaskState::completed}, 10'000);
    ASSERT_TRUE(kept);
    EXPECT_EQ(kept->size(), std::max<std::size_t>(count, kLeast));
    clock->advance(11min);
    queue.dispatch();
    EXPECT_TRUE(queue.find({.state = errand::TaskState::completed}, 10'000)->empty());
  }
}

TEST_P(NamedTask, ClosuresRunBesideThem) {
  std::vector<std::string> order;
  queue->handle<Report>([&](const Report&) { order.emplace_back("named"); });
  ASSERT_TRUE(queue->enqueue(Report{}));
  auto closure = queue->submit([&] { order.emplace_back("closure"); });
  queue->dispatch();
  EXPECT_EQ(order.size(), 2u);
  EXPECT_EQ(closure.state(), errand::TaskState::completed);
  EXPECT_EQ(queue->list().size(), 2u);
  EXPECT_EQ(queue->list({.kind = "report"}).size(), 1u);
}

namespace {

struct Sink final : errand::MetricsSink {
  struct Call {
    errand::TaskInfo task;
    errand::Duration waited;
    errand::Duration took;
  };
  void attempt_ended(const errand::TaskInfo& task, errand::TaskState state, errand::Duration waited,
                     errand::Duration took) override {
    EXPECT_EQ(task.state, state);
    calls.push_back({task, waited, took});
  }
  std::vector<Call> calls;
};

}  // namespace

// FLOOR 33: a sink of one's own is told of each attempt, and the figures count how many a task took.
TEST_P(NamedTask, ASinkIsToldOfEachAttempt) {
  auto sink = std::make_shared<Sink>();
  errand::QueueOptions opts = options();
  opts.metrics = sink;
  queue.reset();
  queue = std::make_unique<errand::Queue>(std::move(opts));
  queue->handle<Report>([&](const Report&) {
    clock->advance(3s);
    throw std::runtime_error("no paper");
  });
  const auto task =
      queue->enqueue(Report{1}, {.max_attempts = 2, .retry = errand::Retry::fixed(5s), .name = "fails", .tags = {"a"}});
  ASSERT_TRUE(task);
  queue->dispatch();
  ASSERT_EQ(sink->calls.size(), 1u);
  EXPECT_EQ(queue->stats().attempts_per_task.count(), 0u);
  const errand::TaskInfo kept = info(task->id());
  const errand::TaskInfo first = sink->calls[0].task;
  EXPECT_EQ(first.id, task->id());
  EXPECT_EQ(first.state, errand::TaskState::retryable);
  EXPECT_EQ(first.kind, "report");
  EXPECT_EQ(first.name, "fails");
  EXPECT_EQ(first.tags, std::vector<std::string>{"a"});
  EXPECT_EQ(first.attempts, 1);
  EXPECT_EQ(first.last_error, "no paper");
  EXPECT_EQ(first.history.size(), 1u);
  EXPECT_EQ(first.next_run_at, kept.next_run_at);
  EXPECT_EQ(first.started_at, kept.started_at);
  EXPECT_EQ(sink->calls[0].took, 3s);
  EXPECT_EQ(sink->calls[0].waited, 0s);
  advance(10s);
  ASSERT_EQ(sink->calls.size(), 2u);
  EXPECT_EQ(sink->calls[1].task.state, errand::TaskState::discarded);
  EXPECT_EQ(sink->calls[1].task.attempts, 2);
  EXPECT_EQ(sink->calls[1].task.history.size(), 2u);
  EXPECT_EQ(sink->calls[1].task.finished_at, info(task->id()).finished_at);
  EXPECT_EQ(queue->stats().attempts_per_task.count(), 1u);
}

TEST_P(NamedTask, ARefusalOfTheQueueIsSaidAsSuch) {
  queue->handle<Report>([](const Report&) {});
  auto task = queue->enqueue(Report{});
  ASSERT_TRUE(task);
  queue->shutdown({.drain = errand::Drain::running});
  const auto late = queue->enqueue(Report{});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), errand::Code::shutting_down);
  EXPECT_EQ(state(task->id()), errand::TaskState::available) << "given back";
  EXPECT_EQ(info(task->id()).attempts, 0);
  queue.reset();
  const auto result = task->cancel();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), errand::Code::gone);
}
