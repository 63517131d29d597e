// The logger is the user's code: it may use the queue that has something to say.

#include <atomic>
#include <mutex>

#include "../base/huge_stacks.h"
#include "support.h"

namespace {

// A logger that asks a queue for whatever takes a lock, and keeps the lines.
class Meddler {
 public:
  explicit Meddler(errand::Queue& queue) {
    errand::set_logger([this, &queue](const errand::LogLine& line) {
      if (inside_.exchange(true)) return;  // what it does has its own failures
      static_cast<void>(queue.start());
      queue.set_workers(queue.workers());
      static_cast<void>(queue.stats());
      static_cast<void>(queue.schedules());
      static_cast<void>(queue.list());
      inside_ = false;
      const std::lock_guard lock(mu_);  // the last it does: whoever sees the line may destroy this
      lines_ += std::string(line.text) + '\n';
    });
  }
  ~Meddler() { errand::set_logger({}); }
  Meddler(const Meddler&) = delete;
  Meddler& operator=(const Meddler&) = delete;

  std::string lines() {
    const std::lock_guard lock(mu_);
    return lines_;
  }

 private:
  std::mutex mu_;
  std::string lines_;
  std::atomic<bool> inside_{false};
};

}  // namespace

TEST(Logger, MayUseTheQueueWhoseWorkersCannotBeMade) {
  errand::Queue queue({.name = "mail", .workers = 0});
  Meddler logger(queue);
  const HugeStacks huge;
  ASSERT_TRUE(huge.worked());
  queue.set_workers(1);
  EXPECT_TRUE(contains(logger.lines(), "start thread \"mail/0\"")) << logger.lines();
}

TEST(Logger, MayUseTheQueueWhoseStuckWorkerCannotBeReplaced) {
  auto clock = std::make_shared<errand::ManualClock>();
  errand::Queue queue({.name = "mail", .workers = 1, .stuck_after = 1s, .clock = clock});
  Meddler logger(queue);
  Gate inside, out;
  queue.submit(
      [&] {
        inside.open();
        EXPECT_TRUE(out.wait());
      },
      {.timeout = 1s});
  ASSERT_TRUE(inside.wait());
  {
    const HugeStacks huge;
    ASSERT_TRUE(huge.worked());
    const auto until = errand::real_clock()->mono() + kSoon;
    while (!contains(logger.lines(), "start thread \"mail/1\"") && errand::real_clock()->mono() < until) {
      clock->advance(1s);
      std::this_thread::yield();
    }
  }
  EXPECT_TRUE(contains(logger.lines(), "start thread \"mail/1\"")) << logger.lines();
  out.open();
}

TEST(Logger, MayUseTheQueueWhoseTimerThreadCannotBeMade) {
  errand::Queue queue({.name = "mail", .workers = 0});
  Meddler logger(queue);
  const HugeStacks huge;
  ASSERT_TRUE(huge.worked());
  queue.submit_in(1h, [] {});
  queue.submit_in(1min, [] {});
  EXPECT_TRUE(contains(logger.lines(), "start thread \"mail/timer\"")) << logger.lines();
}

TEST(Logger, MayUseTheQueueThatABodyCannotClose) {
  errand::Queue queue({.name = "mail", .workers = 1});
  Meddler logger(queue);
  Gate go;
  auto task = queue.submit([&] {
    EXPECT_TRUE(go.wait());
    queue.shutdown();
  });
  {
    const HugeStacks huge;
    ASSERT_TRUE(huge.worked());
    go.open();
    EXPECT_TRUE(task.wait_for(kSoon));
  }
  EXPECT_TRUE(contains(logger.lines(), "start thread \"mail/close\"")) << logger.lines();
}
