// Named tasks with workers, producers and everybody else at the same time.

#include "threads.h"

#include <random>

namespace {

class Threaded : public Named {
 protected:
  errand::QueueOptions options(int workers) const { return {.name = "mail", .workers = workers, .store = store}; }
  // With threads of its own instead of the fixture's, which is driven by hand.
  void begin(int workers, bool start = true) {
    queue.reset();
    errand::QueueOptions opts = options(workers);
    opts.start = start;
    queue = std::make_unique<errand::Queue>(std::move(opts));
  }
  void restart(int workers, bool start = true) {
    queue.reset();
    if (GetParam() == Where::sqlite) {
      store.reset();
      store = open();
    }
    begin(workers, start);
  }
  // A commit to a disk takes its time.
  [[nodiscard]] int many(int in_memory, int on_disk) const { return GetParam() == Where::memory ? in_memory : on_disk; }
  bool all_over(const std::vector<errand::TaskId>& ids) {
    for (const errand::TaskId id : ids) {
      const auto task = queue->task<>(id);
      if (task && !task->wait_for(kSoon)) return false;
    }
    return true;
  }
};

ERRAND_ON_BOTH_STORES(Threaded);

}  // namespace

TEST_P(Threaded, EachRunsOnceWhileManyEnqueue) {
  constexpr int kProducers = 4;
  const int each = many(1500, 80);
  Tally ran(kProducers * each);
  begin(3);
  queue->handle<Report>([&](const Report& report) { ran.add(report.pages); });
  Threads producers(kProducers, [&](int producer) {
    for (int i = 0; i < each; ++i) {
      const auto task = queue->enqueue(Report{producer * each + i}, {.priority = i % 10});
      EXPECT_TRUE(task) << task.error().message();
    }
  });
  producers.join();
  EXPECT_TRUE(queue->wait_idle(kSoon));
  EXPECT_EQ(ran.others_than(1, kProducers * each), 0);
  EXPECT_EQ(queue->stats().completed, static_cast<std::uint64_t>(kProducers * each));
  const auto left = queue->find({.state = errand::TaskState::completed}, 100'000);
  ASSERT_TRUE(left);
  EXPECT_EQ(left->size(), static_cast<std::size_t>(kProducers * each));
  queue.reset();
}

TEST_P(Threaded, BodiesEnqueueMore) {
  const int all = many(2048, 128);
  Tally ran(all);
  begin(3);
  queue->handle<Report>([&](const Report& report) {
    for (const int child : {2 * report.pages, 2 * report.pages + 1}) {
      if (child < all && report.pages > 0) {
        EXPECT_TRUE(queue->enqueue(Report{child}));
      }
    }
    ran.add(report.pages);
  });
  ASSERT_TRUE(queue->enqueue(Report{1}));
  EXPECT_TRUE(ran.reaches(all - 1));
  EXPECT_TRUE(queue->wait_idle(kSoon));
  EXPECT_EQ(ran.of(0), 0);
  EXPECT_EQ(ran.others_than(1, all), 1) << "each but number 0";
  queue.reset();
}

// What was acknowledged is completed when the shutdown is over, or it waits in the store; and runs once in all.
TEST_P(Threaded, AShutdownUnderLoadLosesNothing) {
  for (const errand::Drain drain :
       {errand::Drain::none, errand::Drain::running, errand::Drain::due, errand::Drain::queued}) {
    SCOPED_TRACE(static_cast<int>(drain));
    constexpr int kMost = 100'000;
    Tally ran(kMost);
    std::atomic<int> next{0};
    std::mutex mu;
    std::vector<std::pair<errand::TaskId, int>> kept;
    const auto handler = [&](const Report& report) {
      ran.add(report.pages);
      return errand::done();  // it counts, whoever asked it to stop
    };
    restart(3);
    queue->handle<Report>(handler);
    {
      Threads producers(3, [&](int) {
        for (;;) {
          const int number = next++;
          const auto task = queue->enqueue(Report{number});
          if (!task) {
            EXPECT_EQ(task.error().code(), errand::Code::shutting_down) << task.error().message();
            return;
          }
          const std::lock_guard lock(mu);
          kept.emplace_back(task->id(), number);
        }
      });
      EXPECT_TRUE(ran.reaches(many(200, 30)));
      queue->shutdown({.drain = drain, .timeout = 20s});
    }
    const bool drained = GetParam() == Where::memory && (drain == errand::Drain::due || drain == errand::Drain::queued);
    const int before = ran.all();
    restart(3, false);
    for (const auto& [id, number] : kept) {
      const auto task = queue->info(id);
      ASSERT_TRUE(task) << task.error().message();
      const bool completed = task->state == errand::TaskState::completed;
      EXPECT_EQ(ran.of(number), completed ? 1 : 0) << "task " << number << " is " << to_string(task->state);
      EXPECT_TRUE(completed || (!drained && task->state == errand::TaskState::available))
          << "task " << number << " is " << to_string(task->state);
      if (HasFailure()) return;
    }
    queue->handle<Report>(handler);
    queue->start();
    EXPECT_TRUE(ran.reaches(static_cast<int>(kept.size()))) << before << " before the restart";
    EXPECT_TRUE(queue->wait_idle(kSoon));
    for (const auto& [id, number] : kept) EXPECT_EQ(ran.of(number), 1);
    EXPECT_EQ(ran.all(), static_cast<int>(kept.size())) << "and nothing that was refused";
  }
  queue.reset();
}

TEST_P(Threaded, AreCancelledHeldAndChangedUnderLoad) {
  const int all = many(2000, 80);
  Tally ran(all);
  std::vector<std::atomic<std::uint64_t>> ids(static_cast<std::size_t>(all));
  std::atomic<int> enqueued{0};
  Tally finished(all);
  begin(3);
  queue->handle<Report>([&](const Report& report) {
    ran.add(report.pages);
    return errand::done();
  });
  {
    Threads producers(2, [&](int producer) {
      for (int i = producer; i < all; i += 2) {
        const auto task = queue->enqueue(Report{i}, {.on_finish = [&, i](const errand::TaskInfo&) { finished.add(i); },
                                                     .tags = {i % 3 == 0 ? "third" : "other"}});
        ASSERT_TRUE(task) << task.error().message();
        ids[static_cast<std::size_t>(i)] = task->id().value;
        ++enqueued;
      }
    });
    Threads meddlers(2, [&](int which) {
      std::minstd_rand rng(static_cast<unsigned>(which + 1));
      while (enqueued < all) {
        const errand::TaskId id{ids[rng() % static_cast<unsigned>(all)]};
        if (!id) continue;
        if (which == 0) {
          static_cast<void>(queue->cancel(id));
        } else if (rng() % 8 == 0) {
          EXPECT_TRUE(queue->change({.tag = "third"}, {.what = errand::Change::What::edit, .priority = 1}));
        } else if (queue->hold(id)) {
          // It is released, or was cancelled meanwhile.
          EXPECT_TRUE(queue->release(id) || queue->info(id)->state == errand::TaskState::cancelled);
        }
      }
    });
  }
  EXPECT_TRUE(queue->wait_idle(kSoon));
  EXPECT_TRUE(finished.reaches(all));
  EXPECT_EQ(finished.others_than(1, all), 0) << "on_finish exactly once";
  for (int i = 0; i < all; ++i) {
    const auto task = queue->info(errand::TaskId{ids[static_cast<std::size_t>(i)]});
    ASSERT_TRUE(task);
    const bool cancelled = task->state == errand::TaskState::cancelled;
    ASSERT_TRUE(cancelled || task->state == errand::TaskState::completed) << to_string(task->state);
    ASSERT_EQ(ran.of(i), cancelled ? 0 : 1);
  }
  queue.reset();
}

TEST_P(Threaded, AreWaitedForByManyAtOnce) {
  const int all = many(400, 40);
  begin(2);
  queue->handle<Mail>([](const Mail& mail) { return Receipt{mail.user + 1}; });
  std::vector<errand::TaskId> ids;
  for (int i = 0; i < all; ++i) {
    auto task = queue->enqueue(Mail{"a", i}, {.priority = 9 - i % 10});
    ASSERT_TRUE(task);
    ids.push_back(task->id());
  }
  Threads waiters(4, [&](int waiter) {
    for (int i = 0; i < all; ++i) {
      const int which = waiter % 2 == 0 ? i : all - 1 - i;
      auto task = queue->task<Receipt>(ids[static_cast<std::size_t>(which)]);
      ASSERT_TRUE(task);
      if (waiter < 2) {
        EXPECT_TRUE(task->wait_for(kSoon));
      }
      const auto receipt = task->result();
      ASSERT_TRUE(receipt) << receipt.error().message();
      EXPECT_EQ(receipt->code, which + 1);
    }
  });
  waiters.join();
  queue.reset();
}

TEST_P(Threaded, OneOfSeveralIsWaitedFor) {
  begin(2);
  queue->handle<Report>([](const Report&) {});
  Gate gate;
  queue->handle<Mail>([&](const Mail&) {
    gate.wait();
    return Receipt{};
  });
  auto slow = queue->enqueue(Mail{});
  ASSERT_TRUE(slow);
  for (int i = 0; i < many(200, 15); ++i) {
    auto fast = queue->enqueue(Report{i});
    ASSERT_TRUE(fast);
    ASSERT_EQ(errand::wait_any({&*slow, &*fast}, kSoon), 1);
    ASSERT_EQ(fast->state(), errand::TaskState::completed);
  }
  auto closure = queue->submit([&] { gate.wait(); });
  Threads opens(1, [&](int) { gate.open(); });
  EXPECT_GE(errand::wait_any({&*slow, &closure}, kSoon), 0);
  EXPECT_TRUE(errand::wait_all({&*slow, &closure}, kSoon));
  queue.reset();
}

TEST_P(Threaded, ArePausedAndResumedUnderLoad) {
  const int all = many(2000, 80);
  Tally ran(all);
  std::atomic<bool> over{false};
  begin(3);
  queue->handle<Report>([&](const Report& report) { ran.add(report.pages); });
  Threads meddler(1, [&](int) {
    while (!over) {
      queue->pause();
      queue->resume();
      queue->set_workers(0);
      queue->set_workers(3);
    }
  });
  Threads producers(2, [&](int producer) {
    for (int i = producer; i < all; i += 2) EXPECT_TRUE(queue->enqueue(Report{i}));
  });
  producers.join();
  EXPECT_TRUE(ran.reaches(all));
  over = true;
  meddler.join();
  EXPECT_TRUE(queue->wait_idle(kSoon));
  EXPECT_EQ(ran.others_than(1, all), 0);
  queue.reset();
}

TEST_P(Threaded, AreTriedAgainAndSnoozeUnderLoad) {
  const int all = many(600, 60);
  Tally ran(all);
  Tally finished(all);
  begin(3);
  queue->handle<Report>(
      [&](const Report& report, errand::Attempt& attempt) -> errand::Outcome {
        ran.add(report.pages);
        const int times = ran.of(report.pages);
        EXPECT_EQ(attempt.number(), times == 1 ? 1 : times - 1);
        if (times == 1) return errand::snooze(report.pages % 2 == 0 ? 0us : 500us);
        if (times == 2) return errand::retry("again");
        return errand::done();
      },
      {.retry = errand::Retry::immediate()});
  Threads producers(2, [&](int producer) {
    for (int i = producer; i < all; i += 2) {
      EXPECT_TRUE(queue->enqueue(Report{i}, {.on_finish = [&, i](const errand::TaskInfo&) { finished.add(i); }}));
    }
  });
  producers.join();
  EXPECT_TRUE(finished.reaches(all));
  EXPECT_EQ(ran.others_than(3, all), 0);
  EXPECT_EQ(finished.others_than(1, all), 0);
  queue.reset();
}

TEST_P(Threaded, AreRunInACallersThread) {
  const int all = many(300, 30);
  Tally ran(all);
  Tally finished(all);
  queue.reset();
  queue = std::make_unique<errand::Queue>(
      errand::QueueOptions{.name = "mail", .drive = errand::Drive::manual, .store = store});
  queue->handle<Report>([&](const Report& report) { ran.add(report.pages); });
  std::stop_source stop;
  Threads runs(1, [&](int) { queue->run(stop.get_token()); });
  for (int i = 0; i < all; ++i) {
    EXPECT_TRUE(queue->enqueue(Report{i}, {.delay = i % 2 * 1ms, .on_finish = [&, i](const errand::TaskInfo& info) {
                                             EXPECT_EQ(info.state, errand::TaskState::completed);
                                             finished.add(i);
                                           }}));
  }
  EXPECT_TRUE(finished.reaches(all)) << "what became of it is told to the store";
  EXPECT_EQ(ran.others_than(1, all), 0);
  stop.request_stop();
  runs.join();
  queue.reset();
}

TEST_P(Threaded, SeveralQueuesShareAStore) {
  const int each = many(600, 40);
  Tally ran(3 * each);
  queue.reset();
  std::vector<std::unique_ptr<errand::Queue>> queues;
  for (int q = 0; q < 3; ++q) {
    queues.push_back(std::make_unique<errand::Queue>(
        errand::QueueOptions{.name = "queue-" + std::to_string(q), .workers = 1, .store = store}));
    queues.back()->handle<Report>([&](const Report& report) { ran.add(report.pages); });
  }
  Threads producers(3, [&](int producer) {
    for (int i = 0; i < each; ++i) {
      EXPECT_TRUE(queues[static_cast<std::size_t>(producer)]->enqueue(Report{producer * each + i}));
    }
    // It goes while the others work on.
    EXPECT_TRUE(queues[static_cast<std::size_t>(producer)]->wait_idle(kSoon));
    queues[static_cast<std::size_t>(producer)].reset();
  });
  producers.join();
  EXPECT_EQ(ran.others_than(1, 3 * each), 0);
  queue.reset();
}
