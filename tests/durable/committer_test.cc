// Group commit: who leads, who waits, and who may go; and what shares a transaction.

#include "durable/committer.h"

#include "threads.h"

namespace {

using errand::durable::Committer;

// A member that wishes for nothing, and finds out if it is called when it is no longer there.
class Quiet final : public errand::durable::Member {
 public:
  std::atomic<bool> is_there{true};
  std::atomic<int> calls{0};

  void coming(const errand::NewTask&, errand::WallTime) override { called(); }
  bool wishes(errand::ClaimRequest&, errand::WallTime) override {
    called();
    return false;
  }
  void claimed(errand::Claimed) override { called(); }
  void finished(const errand::Finish&, const errand::Result<void>&) override { called(); }
  void expired(const std::vector<errand::TaskId>&) override { called(); }
  void settled() override { called(); }
  void look_again() override { called(); }
  [[nodiscard]] const std::string& name() const noexcept override { return name_; }
  std::optional<errand::WallTime> next_due() const override { return std::nullopt; }

 private:
  void called() {
    EXPECT_TRUE(is_there) << "it was called after it had gone";
    ++calls;
  }

  const std::string name_ = "mail";
};

errand::NewTask task() {
  return {.queue = "mail", .kind = "report"};
}

// The machine's time, in which the test is told of each wake, in the thread that wakes.
class ToldOfWakes final : public errand::Clock {
 public:
  std::function<void()> woke{};
  std::atomic<int> waits{0};

  errand::WallTime now() const noexcept override { return real_->now(); }
  errand::SteadyTime mono() const noexcept override { return real_->mono(); }
  void wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected, const errand::WaitUntil& until) override {
    ++waits;
    real_->wait(word, expected, until);
  }
  void wake(const std::atomic<std::uint32_t>& word, int count) override {
    real_->wake(word, count);
    if (woke) woke();
  }

 private:
  const std::shared_ptr<errand::Clock> real_ = errand::real_clock();
};

}  // namespace

// The last of its rounds is over, and whoever led has not yet let go: no other round follows.
TEST(Committer, ALeaverDoesNotWaitForARoundThatIsOver) {
  const auto store = errand::open_memory();
  const auto clock = std::make_shared<ToldOfWakes>();
  Committer committer(*store, clock, 1);
  Quiet member;
  committer.attach(member);
  Gate over;
  std::atomic<bool> gone{false};
  int wakes = 0;
  clock->woke = [&] {
    // The round's: nobody waits for the call but the one who led.
    if (++wakes != 1) return;
    over.open();
    EXPECT_TRUE(soon([&] { return gone || clock->waits != 0; }));
  };
  Threads caller(1, [&](int) { static_cast<void>(committer.add(member, {task()})); });
  ASSERT_TRUE(over.wait());
  Threads leaver(1, [&](int) {
    committer.detach(member);
    gone = true;
  });
  EXPECT_TRUE(soon([&] { return gone.load(); }));
  caller.join();
  clock->woke = {};
  EXPECT_TRUE(committer.sync());  // lets it go
}

TEST(Committer, ALeaverIsNotCalledAnyMore) {
  const auto store = std::make_shared<Shaky>();
  Committer committer(*store, errand::real_clock(), 1);
  Quiet stays;
  committer.attach(stays);
  std::atomic<bool> over{false};
  Threads callers(2, [&](int) {
    while (!over) static_cast<void>(committer.add(stays, {task()}));
  });
  for (int i = 0; i < 1000; ++i) {
    store->fails = i % 4 == 0;
    Quiet goes;
    committer.attach(goes);
    static_cast<void>(committer.add(goes, {task()}));
    committer.ending();
    committer.finish(goes, {.id = errand::TaskId{1}});
    committer.detach(goes);
    goes.is_there = false;
    // Its end is told to the store all the same.
    store->fails = false;
    EXPECT_TRUE(committer.sync());
    EXPECT_EQ(committer.delivered(), committer.endings());
  }
  over = true;
}

// However many callers meet the fault meanwhile, and however often.
TEST(Committer, AsksAStoreThatFailedAgainAfterTimeAndNotAfterCalls) {
  const auto store = std::make_shared<Shaky>();
  const auto clock = std::make_shared<errand::ManualClock>();
  Committer committer(*store, clock, 1);
  Quiet member;
  committer.attach(member);
  store->fails = true;
  committer.ending();
  committer.finish(member, {.id = errand::TaskId{1}});
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(committer.add(member, {task()}).front());
  store->fails = false;
  clock->advance(100ms);
  static_cast<void>(committer.step());
  EXPECT_EQ(committer.delivered(), committer.endings());
  EXPECT_FALSE(committer.trouble());
}

TEST(Committer, TakesManyThatAreEnqueuedTogetherInOneTransaction) {
  const auto store = std::make_shared<Shaky>(true);
  errand::Queue queue({.name = "mail", .workers = 1, .store = store});
  queue.handle<Report>([](const Report&) {});
  std::atomic<int> added{0};
  store->before_commit([&](const errand::Batch& batch) { added += batch.added.empty() ? 0 : 1; });
  const auto tasks = queue.enqueue_many(std::vector<Report>(500));
  EXPECT_EQ(tasks.size(), 500u);
  EXPECT_EQ(added, 1);
}

// What a body says of itself is put together, and costs no more than two transactions a second.
TEST(Committer, WritesWhatABodySaysOfItselfNowAndThen) {
  const auto store = std::make_shared<Shaky>(true);
  std::atomic<int> notes{0};
  store->before_commit([&](const errand::Batch& batch) { notes += batch.notes.empty() ? 0 : 1; });
  errand::Queue queue({.name = "mail", .workers = 1, .store = store});
  errand::Duration took{};
  queue.handle<Report>([&](const Report&, errand::Attempt& attempt) {
    const errand::SteadyTime began = errand::real_clock()->mono();
    for (int i = 1; i <= 20'000; ++i) {
      attempt.progress(static_cast<std::uint64_t>(i), 20'000, "on it");
      if (i % 100 == 0) attempt.log("another hundred");
    }
    took = errand::real_clock()->mono() - began;
  });
  auto task = queue.enqueue(Report{1});
  ASSERT_TRUE(task && task->wait_for(kSoon));
  EXPECT_LE(notes, took / 500ms + 2);
  const auto info = task->info();
  ASSERT_TRUE(info);
  EXPECT_EQ(info->progress_done, 20'000u) << "and the last word is there";
  EXPECT_EQ(info->log.size(), 32u);
}
