// Group commit, by itself: who leads, who waits, and who may go.

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
