// Every option that can't be right is refused with its name, its value and what is allowed.

#include <limits>

#include <errand/waiting_line.h>

#include "support.h"

using errand::Code;
using errand::Order;
using errand::QueueOptions;
using errand::TaskOptions;

namespace {

void expect_parts(const std::string& message, const std::vector<std::string>& parts) {
  for (const auto& part : parts) EXPECT_TRUE(contains(message, part)) << "no \"" << part << "\" in: " << message;
}

// FLOOR 42: from the call itself, and a refusal leaves no trace.
void expect_refused(TaskOptions options, const std::vector<std::string>& parts) {
  Manual m;
  bool told = false;
  if (!options.on_finish) options.on_finish = [&](const errand::TaskInfo&) { told = true; };
  auto held = std::make_shared<int>(1);  // not const: a constant is copied where others are moved
  auto body = [held] {};
  auto task = m.queue.submit(std::move(body), std::move(options));
  ASSERT_FALSE(task);
  EXPECT_EQ(task.error().code(), Code::invalid);
  EXPECT_FALSE(task.error().transient());
  expect_parts(task.error().message(), parts);
  EXPECT_TRUE(contains(task.error().message(), m.queue.name()));
  EXPECT_EQ(held.use_count(), 2);
  m.queue.dispatch();
  EXPECT_FALSE(told);
  EXPECT_EQ(m.queue.list().size(), 0u);
  EXPECT_EQ(m.queue.stats().submitted, 0u);
  EXPECT_EQ(m.queue.stats().refused, 1u);
}

void expect_refused(QueueOptions options, const std::vector<std::string>& parts) {
  const auto checked = options.check();
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code(), Code::invalid);
  expect_parts(checked.error().message(), parts);
  try {
    errand::Queue queue(std::move(options));
    FAIL() << "no exception";
  } catch (const std::invalid_argument& e) {
    EXPECT_EQ(e.what(), checked.error().message());
  }
}

void expect_schedule_refused(errand::ScheduleOptions options, const std::vector<std::string>& parts) {
  Manual m;
  auto tick = m.queue.every(
      1s, [] {}, std::move(options));
  ASSERT_FALSE(tick);
  EXPECT_EQ(tick.error().code(), Code::invalid);
  expect_parts(tick.error().message(), parts);
  EXPECT_TRUE(m.queue.schedules().empty());
}

}  // namespace

TEST(BadInput, TaskPriority) {
  expect_refused(TaskOptions{.priority = 10}, {"priority", "0 to 9", "10"});
  expect_refused(TaskOptions{.priority = -1}, {"priority", "0 to 9", "-1"});
}
TEST(BadInput, TaskDelay) {
  expect_refused(TaskOptions{.delay = -1s}, {"delay", "zero or more", "-1s"});
  Manual m;
  const auto negative = m.queue.submit_in(-1s, [] {});
  ASSERT_FALSE(negative);
  expect_parts(negative.error().message(), {m.queue.name(), "delay", "zero or more", "-1s"});
  auto both = m.queue.submit_in(1s, [] {}, {.at = m.clock->now()});
  expect_parts(both.error().message(), {"at and delay"});
}
// FLOOR 36
TEST(BadInput, TaskMaxAttempts) {
  expect_refused(TaskOptions{.max_attempts = 0}, {"max_attempts", "1 or more", "unlimited", "got 0"});
  expect_refused(TaskOptions{.max_attempts = -2}, {"max_attempts", "-2"});
}
TEST(BadInput, TaskLimits) {
  expect_refused(TaskOptions{.timeout = 0s}, {"timeout", "more than zero", "unset for no limit", "0"});
  expect_refused(TaskOptions{.timeout = -5s}, {"timeout", "-5s"});
  expect_refused(TaskOptions{.max_elapsed = 0s}, {"max_elapsed", "more than zero"});
}
TEST(BadInput, TaskRetry) {
  expect_refused(TaskOptions{.retry = errand::Retry::fixed(0s)}, {"retry", "0"});
  expect_refused(TaskOptions{.retry = errand::Retry::exponential(2s, 1s)}, {"retry", "max"});
  expect_refused(TaskOptions{.retry = errand::Retry::fixed(1s).with_jitter(1.5)}, {"jitter", "1.5"});
  expect_refused(TaskOptions{.retry = errand::Retry::exponential(1s, 1h, 0.5)}, {"factor", "0.5"});
  expect_refused(TaskOptions{.retry = errand::Retry::exponential(1s, 1h, std::numeric_limits<double>::quiet_NaN())},
                 {"factor"});
}
TEST(BadInput, TaskName) {
  expect_refused(TaskOptions{.name = std::string(257, 'x')}, {"name", "at most 256 bytes", "257"});
  Manual m;
  EXPECT_TRUE(m.queue.submit([] {}, {.name = std::string(256, 'x')}));
}
TEST(BadInput, TaskMetadata) {
  expect_refused(TaskOptions{.metadata = {{"k", std::string(4096, 'x')}}}, {"metadata", "at most 4096 bytes", "4097"});
  Manual m;
  EXPECT_TRUE(m.queue.submit([] {}, {.metadata = {{"k", std::string(4095, 'x')}}}));
}

TEST(BadInput, QueueWorkers) {
  expect_refused(QueueOptions{.workers = -1}, {"workers", "0 to 1024", "-1"});
  expect_refused(QueueOptions{.workers = 1025}, {"workers", "0 to 1024", "1025"});
  errand::Queue queue({.workers = 0});
  EXPECT_THROW(queue.set_workers(-1), std::invalid_argument);
  EXPECT_THROW(queue.set_workers(1025), std::invalid_argument);
  EXPECT_EQ(queue.workers(), 0);
}
TEST(BadInput, QueueName) {
  expect_refused(QueueOptions{.name = std::string(65, 'q')}, {"name", "at most 64 bytes", "65"});
  expect_refused(QueueOptions{.name = "\xc3"}, {"name", "UTF-8"});
  expect_refused(QueueOptions{.name = std::string("a\0b", 3)}, {"name", "NUL"});
}
TEST(BadInput, QueueDurations) {
  expect_refused(QueueOptions{.capacity = 1, .when_full = errand::WhenFull::block, .block_for = 0s},
                 {"block_for", "more than zero"});
  expect_refused(QueueOptions{.age_step = 0s}, {"age_step", "more than zero"});
  expect_refused(QueueOptions{.stuck_after = 0s}, {"stuck_after", "more than zero"});
  expect_refused(QueueOptions{.spin = -1us}, {"spin", "zero or more", "-1us"});
  expect_refused(QueueOptions{.retention = {.age = -1s}}, {"retention.age", "zero or more", "-1s"});
}
TEST(BadInput, QueueRetry) {
  expect_refused(QueueOptions{.retry = errand::Retry::linear(-1s)}, {"retry", "-1s"});
}
TEST(BadInput, QueueOptionsThatDoNotGoTogether) {
  expect_refused(QueueOptions{.order = Order::depth_first, .age_step = 1s}, {"age_step", "depth_first"});
  expect_refused(QueueOptions{.capacity = 5, .order = Order::depth_first}, {"capacity", "depth_first"});
  struct Line final : errand::WaitingLine {
    void push(const errand::WaitingTask&) override {}
    std::optional<errand::WaitingTask> pop(std::int64_t) override { return {}; }
    std::optional<errand::WaitingTask> pop_oldest() override { return {}; }
    [[nodiscard]] std::size_t size() const override { return 0; }
  };
  expect_refused(QueueOptions{.order = Order::strict, .line = std::make_shared<Line>()}, {"line"});
}
TEST(BadInput, QueueOptionsThatWouldDoNothing) {
  expect_refused(QueueOptions{.when_full = errand::WhenFull::block}, {"when_full", "capacity"});
  expect_refused(QueueOptions{.capacity = 1, .block_for = 1s}, {"block_for", "WhenFull::block"});
  expect_refused(QueueOptions{.on_wake = [] {}}, {"on_wake", "Drive::manual"});
  expect_refused(QueueOptions{.spin = 1us, .drive = errand::Drive::manual}, {"spin", "Drive::threads"});
  struct Sink final : errand::MetricsSink {
    void attempt_ended(const errand::TaskInfo&, errand::TaskState, errand::Duration, errand::Duration) override {}
  };
  expect_refused(QueueOptions{.metrics = std::make_shared<Sink>(), .timed = false}, {"timed", "metrics"});
}
TEST(BadInput, QueueOptionsThatAreFine) {
  EXPECT_TRUE(QueueOptions{}.check());
  EXPECT_TRUE((QueueOptions{.workers = 0, .retention = {.count = 0, .age = 0s}}).check());
}

TEST(BadInput, ScheduleOptions) {
  expect_schedule_refused({.jitter = -1s}, {"jitter", "zero or more", "-1s"});
  expect_schedule_refused({.priority = 11}, {"priority", "0 to 9", "11"});
  expect_schedule_refused({.max_attempts = 0}, {"max_attempts", "got 0"});
  expect_schedule_refused({.timeout = 0s}, {"timeout", "more than zero"});
  expect_schedule_refused({.retry = errand::Retry::fixed(-1s)}, {"retry"});
  expect_schedule_refused({.name = std::string(257, 'x')}, {"name", "256"});
  expect_schedule_refused({.missed = errand::Missed::all, .catch_up_cap = 0}, {"catch_up_cap", "1 to 10000", "0"});
  expect_schedule_refused({.catch_up_cap = 5}, {"catch_up_cap", "Missed::all"});
  expect_schedule_refused({.catch_up_window = 0s}, {"catch_up_window", "more than zero"});
  expect_schedule_refused({.missed = errand::Missed::skip, .catch_up_window = 1h}, {"catch_up_window", "Missed::skip"});
  expect_schedule_refused({.jitter = 1s}, {"jitter", "less than the interval of 1s", "got 1s"});
  Manual m;
  expect_parts(m.queue.every(-3s, [] {}).error().message(), {"interval", "more than zero", "-3s"});
  expect_schedule_refused({.time_zone = "Europe/Berlin"}, {"time_zone", "interval"});
  expect_schedule_refused({.dst = errand::Dst::both}, {"dst", "interval"});
  const auto refused = [&](const char* expression, errand::ScheduleOptions options) {
    return m.queue
        .cron(
            expression, [] {}, std::move(options))
        .error()
        .message();
  };
  const std::string queue = "\"" + m.queue.name() + "\"";
  expect_parts(refused("@hourly", {.first = errand::First::now}), {queue, "first", "trigger()"});
  expect_parts(refused("@hourly", {.time_zone = "Mars/Base"}), {queue, "time_zone", "Mars/Base"});
  expect_parts(refused("61 * * * *", {}), {queue, "cron \"61 * * * *\"", "column 1"});
  expect_parts(refused("0 0 30 2 *", {}), {queue, "cron \"0 0 30 2 *\"", "never"});
  const auto cron = m.queue.cron("@every 5s", [] {}, {.jitter = 1min});
  expect_parts(cron.error().message(), {"jitter", "less than the interval of 5s", "got 60s"});
  expect_parts(refused("* * * * *", {.jitter = 1h}), {queue, "jitter", "less than the interval of 60s", "got 3600s"});
  expect_parts(refused("0 9,17 * * MON-FRI", {.jitter = 8h}), {queue, "jitter", "less than the interval of 28800s"});
  EXPECT_TRUE(m.queue.cron("0 9,17 * * MON-FRI", [] {}, {.jitter = 7h}));
}

TEST(BadInput, PriorityOfAWaitingTask) {
  Manual m;
  auto task = m.queue.submit([] {});
  const auto refused = m.queue.set_priority(task.id(), 10);
  ASSERT_FALSE(refused);
  expect_parts(refused.error().message(), {"priority", "0 to 9", "10"});
  EXPECT_EQ(task.info()->priority, 5);
}

// Whatever came in, what is said of it can be logged, kept, and shown in a browser.
TEST(BadInput, IsQuotedAsText) {
  Manual m;
  const std::string bytes = "ni\xe6ht";
  const std::string quoted = "ni\xef\xbf\xbdht";
  expect_parts(m.queue.schedule(bytes).error().message(), {"no schedule", quoted});
  expect_parts(m.queue.cron(bytes, [] {}).error().message(), {"cron", "ni\\xe6ht"});
  expect_parts(m.queue.cron("@hourly", [] {}, {.time_zone = bytes}).error().message(), {"time_zone", "ni\\xe6ht"});
  expect_parts(m.queue.cron("@hourly", errand::Named{.kind = bytes}, {.name = "tick"}).error().message(), {quoted});
}
