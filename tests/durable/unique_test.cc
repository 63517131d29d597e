// Unique keys of named tasks, as their users see them: a task that a queue has claimed and not begun waits.

#include "core/text.h"
#include "support.h"

using errand::OnClash;
using errand::TaskState;
using errand::Unique;

namespace {

class UniqueTask : public Named {
 protected:
  ~UniqueTask() override { queue.reset(); }
  errand::Result<errand::Task<Receipt>> add(Unique unique, int user = 1) {
    return queue->enqueue(Mail{"a", user}, {.unique = std::move(unique)});
  }
  // What ran, by user.
  void handle(errand::HandlerOptions options = {}) {
    queue->handle<Mail>(
        [this](const Mail& mail) {
          ran.push_back(mail.user);
          return Receipt{mail.user};
        },
        std::move(options));
    queue->dispatch();
  }

  std::vector<int> ran;
};
ERRAND_ON_BOTH_STORES(UniqueTask);

}  // namespace

TEST_P(UniqueTask, IsReplacedWhileItWaitsThoughItIsClaimed) {
  handle();
  auto first = add({.key = "k", .on_clash = OnClash::replace}, 1);
  const auto second = add({.key = "k", .on_clash = OnClash::replace}, 2);
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(first->existed() || first->replaced());
  EXPECT_TRUE(second->existed() && second->replaced());
  EXPECT_EQ(second->id(), first->id());
  queue->dispatch();
  EXPECT_EQ(ran, std::vector<int>{2});
  EXPECT_EQ(first->get().code, 2);
}

TEST_P(UniqueTask, IsReplacedInOneBatchToo) {
  handle();
  std::vector<errand::Named> many;
  for (int user = 1; user <= 3; ++user) {
    many.push_back({.kind = "mail",
                    .payload = R"({"to":"a","user":)" + std::to_string(user) + "}",
                    .content_type = "application/json",
                    .options = {.unique = {.key = "k", .on_clash = OnClash::replace}}});
  }
  const auto tasks = queue->enqueue_many(std::move(many));
  ASSERT_TRUE(tasks[0] && tasks[1] && tasks[2]);
  EXPECT_TRUE(tasks[2]->replaced());
  queue->dispatch();
  EXPECT_EQ(ran, std::vector<int>{3});
}

TEST_P(UniqueTask, IsNotReplacedOnceItRuns) {
  queue->handle<Mail>([&](const Mail& mail) {
    ran.push_back(mail.user);
    if (mail.user == 1) {
      const auto second = add({.key = "k", .on_clash = OnClash::replace}, 2);
      EXPECT_TRUE(second && second->existed());
      EXPECT_FALSE(second && second->replaced());
    }
    return Receipt{};
  });
  ASSERT_TRUE(add({.key = "k", .on_clash = OnClash::replace}, 1));
  queue->dispatch();
  EXPECT_EQ(ran, std::vector<int>{1});
}

TEST_P(UniqueTask, OfWaitingStatesKeepsItsKeyWhileItIsClaimed) {
  queue->handle<Mail>([&](const Mail& mail) {
    ran.push_back(mail.user);
    // It runs, and so another one may wait.
    if (mail.user == 1) {
      EXPECT_FALSE(add({.key = "k", .states = errand::kWaitingStates}, 3)->existed());
    }
    return Receipt{};
  });
  queue->dispatch();
  EXPECT_FALSE(add({.key = "k", .states = errand::kWaitingStates}, 1)->existed());
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(add({.key = "k", .states = errand::kWaitingStates}, 2)->existed());
  queue->dispatch();
  queue->dispatch();
  EXPECT_EQ(ran, (std::vector<int>{1, 3}));
}

// A task that is claimed and has not begun waits: it keeps nobody out.
TEST_P(UniqueTask, OfTasksThatRunHoldsItsKeyWhileItsBodyDoes) {
  static constexpr std::uint16_t kRunning = errand::bit(TaskState::running);
  queue->handle<Mail>([&](const Mail& mail) {
    ran.push_back(mail.user);
    EXPECT_TRUE(add({.key = "k", .states = kRunning}, 9)->existed());
    EXPECT_EQ(add({.key = "k", .states = kRunning, .on_clash = OnClash::refuse}, 9).error().code(),
              errand::Code::duplicate);
    return Receipt{};
  });
  queue->dispatch();
  for (int user = 1; user <= 3; ++user) EXPECT_FALSE(add({.key = "k", .states = kRunning}, user)->existed());
  drain(*queue);
  EXPECT_EQ(ran, (std::vector<int>{1, 2, 3}));
  EXPECT_FALSE(add({.key = "k", .states = kRunning}, 4)->existed());
  drain(*queue);
  EXPECT_EQ(ran.size(), 4u);
}

TEST_P(UniqueTask, OfTasksThatHaveSucceededIsFoundFromThenOn) {
  const Unique once{.key = "k", .states = errand::bit(TaskState::completed)};
  handle({.keep_completed = 1min});
  const auto first = add(once, 1);
  const auto second = add(once, 2);
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(second->existed()) << "none has succeeded";
  queue->dispatch();
  EXPECT_EQ(ran, (std::vector<int>{1, 2}));
  EXPECT_EQ(add(once, 3)->id(), first->id());
  for (int i = 0; i < 10; ++i) advance(1h);
  EXPECT_EQ(add(once, 3)->id(), first->id()) << "it is kept as long as it has its key";
  EXPECT_EQ(state(second->id()), TaskState::refused) << "and one without it is not";
}

// P7: within means within, however long its kind would keep a task that is over.
TEST_P(UniqueTask, OfADayIsKeptForThatDay) {
  handle({.keep_completed = 1min});
  const auto first = add({.key = "k", .within = 24h});
  const auto plain = queue->enqueue(Mail{"b", 2});
  ASSERT_TRUE(first && plain);
  queue->dispatch();
  for (int i = 0; i < 23; ++i) advance(1h);
  EXPECT_EQ(state(plain->id()), TaskState::refused) << "it is forgotten";
  EXPECT_EQ(add({.key = "k", .within = 24h})->id(), first->id());
  advance(2h);
  EXPECT_FALSE(add({.key = "k", .within = 24h})->existed());
}

TEST_P(UniqueTask, OfADayIsKeptThoughItIsCancelledOrExpires) {
  handle({.keep_completed = 1min});
  const auto cancelled = add({.key = "c", .within = 48h});
  auto expires = queue->enqueue(
      Mail{}, {.delay = 2h, .expires_at = clock->now() + 1h, .unique = {.key = "e", .within = 30 * 24h}});
  ASSERT_TRUE(cancelled && expires);
  ASSERT_TRUE(queue->change({.ids = {cancelled->id()}}, {.what = errand::Change::What::cancel}));
  for (int i = 0; i < 47; ++i) advance(1h);
  EXPECT_EQ(state(expires->id()), TaskState::discarded);
  EXPECT_TRUE(add({.key = "c", .within = 48h})->existed());
  for (int i = 0; i < 20; ++i) advance(24h);
  EXPECT_TRUE(add({.key = "e", .within = 30 * 24h})->existed());
}

TEST_P(UniqueTask, ThatIsEphemeralCannotOutliveItself) {
  handle();
  const auto refused = queue->enqueue(Mail{}, {.unique = {.key = "k", .within = 24h}, .ephemeral = true});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), errand::Code::invalid);
  EXPECT_NE(refused.error().message().find("ephemeral"), std::string::npos);
  EXPECT_TRUE(queue->enqueue(Mail{}, {.unique = {.key = "k"}, .ephemeral = true}));
}

// The key is text, whatever the payload is: so the task can be exported.
TEST_P(UniqueTask, ByAPayloadOfBytesHasAKeyThatIsText) {
  queue->handle("raw", [](std::span<const std::byte>) {});
  const std::string bytes("\0\xff\x80z", 4);
  const std::string others("\0\xff\x81z", 4);
  const auto enqueue = [&](const std::string& payload) {
    return queue->enqueue_bytes("raw", std::as_bytes(std::span(payload)), {.unique = {.by_payload = true}});
  };
  const auto first = enqueue(bytes);
  ASSERT_TRUE(first);
  EXPECT_TRUE(enqueue(bytes)->existed());
  EXPECT_FALSE(enqueue(others)->existed());
  const auto kept = store->find(first->id(), clock->now());
  ASSERT_TRUE(kept);
  const std::string& key = kept->task.unique.key;
  EXPECT_TRUE(errand::is_utf8(key) && key.find('\0') == std::string::npos);
  EXPECT_EQ(kept->task.payload, bytes);
}
