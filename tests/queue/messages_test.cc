// Typed messages and raw bytes, to one handler per type.

#include <optional>
#include <span>

#include "support.h"

using errand::Code;
using errand::TaskState;

namespace {

struct Mail {
  std::string to;
};
struct Ping {
  int n;
};

}  // namespace

TEST(Messages, GoToTheHandlerOfTheirType) {
  Manual m;
  std::string said;
  m.queue.handle_messages<Mail>([&](const Mail& mail) { said += "mail to " + mail.to + ";"; });
  m.queue.handle_messages<Ping>(
      [&](const Ping& ping, errand::Attempt& a) { said += "ping " + std::to_string(ping.n + a.number()) + ";"; });
  EXPECT_TRUE(m.queue.submit_message(Mail{"a@b.c"}));
  EXPECT_TRUE(m.queue.submit_message(Ping{6}, {.name = "pinged"}));
  m.queue.dispatch();
  EXPECT_EQ(said, "mail to a@b.c;ping 7;");
  EXPECT_EQ(m.queue.list({.name = "pinged"}).size(), 1u);
}

TEST(Messages, WithoutAHandlerAreRefusedAndLeaveNoTrace) {
  Manual m;
  auto refused = m.queue.submit_message(Mail{"x"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::unknown_kind);
  EXPECT_EQ(m.queue.submit_bytes({}).error().code(), Code::unknown_kind);
  EXPECT_EQ(m.queue.list().size(), 0u);
  EXPECT_EQ(m.queue.stats().refused, 2u);
}

TEST(Messages, AreRefusedByNameLikeEveryOtherTask) {
  Manual m({.capacity = 1});
  m.queue.handle_messages<Ping>([](const Ping&) {});
  EXPECT_TRUE(m.queue.submit_message(Ping{1}));
  EXPECT_EQ(m.queue.submit_message(Ping{2}).error().code(), Code::queue_full);
  EXPECT_EQ(m.queue.submit_message(Ping{2}, {.priority = 10}).error().code(), Code::invalid);
  m.queue.shutdown();
  EXPECT_EQ(m.queue.submit_message(Ping{3}).error().code(), Code::shutting_down);
}

// FLOOR 42: misuse shows where it happens.
TEST(Messages, ASecondHandlerThrows) {
  Manual m;
  m.queue.handle_messages<Mail>([](const Mail&) {});
  EXPECT_THROW(m.queue.handle_messages<Mail>([](const Mail&) {}), std::invalid_argument);
  m.queue.handle_bytes([](std::span<const std::byte>) {});
  EXPECT_THROW(m.queue.handle_bytes([](std::span<const std::byte>) {}), std::invalid_argument);
}

// FLOOR 34: bytes that make no sense are a failed attempt, whatever they are.
TEST(Messages, BytesAreInput) {
  Manual m;
  m.queue.handle_bytes([](std::span<const std::byte> bytes) -> errand::Outcome {
    if (bytes.empty()) throw std::runtime_error("empty payload");
    if (bytes[0] == std::byte{0xff}) return errand::discard("bad payload");
    return errand::done();
  });
  const std::byte good[] = {std::byte{1}};
  const std::byte bad[] = {std::byte{0xff}, std::byte{0}};
  auto ok = m.queue.submit_bytes(good);
  auto rejected = m.queue.submit_bytes(bad);
  auto empty = m.queue.submit_bytes({});
  m.queue.dispatch();
  EXPECT_EQ(ok.state(), TaskState::completed);
  EXPECT_EQ(rejected.state(), TaskState::discarded);
  EXPECT_EQ(rejected.info()->last_error, "bad payload");
  EXPECT_TRUE(contains(empty.info()->last_error, "empty payload"));
}

TEST(Messages, TheirHandlersMayAskForAnotherAttempt) {
  Manual m;
  int runs = 0;
  m.queue.handle_messages<Ping>([&](const Ping& ping) -> errand::Outcome {
    EXPECT_EQ(ping.n, 1);  // the message is whole each time
    if (++runs < 3) return errand::retry("again");
    return errand::done();
  });
  auto task = m.queue.submit_message(Ping{1}, {.max_attempts = 3, .retry = errand::Retry::immediate()});
  for (int i = 0; i < 3; ++i) m.queue.dispatch();
  EXPECT_EQ(task.state(), TaskState::completed);
}

TEST(Messages, AreOwnedByTheQueue) {
  Manual m;
  std::string seen;
  m.queue.handle_bytes([&](std::span<const std::byte> bytes) {
    seen.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  });
  {
    std::string text = "hello";
    m.queue.submit_bytes(std::as_bytes(std::span(text)));
    text.assign(5, 'x');
  }
  m.queue.dispatch();
  EXPECT_EQ(seen, "hello");
}

TEST(Messages, AHandlerMayComeWhileTheQueueRuns) {
  errand::Queue queue({.workers = 1});
  EXPECT_FALSE(queue.submit_message(Ping{1}));
  int got = 0;
  queue.handle_messages<Ping>([&](const Ping& ping) { got = ping.n; });
  EXPECT_TRUE(queue.submit_message(Ping{2}).wait_for(kSoon));
  EXPECT_EQ(got, 2);
}

TEST(Messages, AreRefusedWhileTheQueueIsDestroyed) {
  std::optional<Code> code;
  {
    errand::Queue queue({.workers = 1});
    queue.handle_messages<Ping>([](const Ping&) {});
    queue.submit([&] {
      while (queue.submit([] {})) std::this_thread::yield();  // until the destructor has begun
      code = queue.submit_message(Ping{1}).error().code();
    });
  }
  EXPECT_EQ(code, Code::shutting_down);
}
