// In which order available tasks start.

#include <atomic>

#include "support.h"

namespace {

// Submits bodies that write their letter down.
struct Letters {
  explicit Letters(errand::Queue& queue) : queue(queue) {}
  errand::Task<> submit(char letter, int priority = errand::kNormal) {
    return queue.submit([this, letter] { said += letter; }, {.priority = priority});
  }
  errand::Queue& queue;
  std::string said{};
};

// All that is available, in this thread, with workers' own rules between two bodies.
void run_everything(errand::Queue& queue) {
  std::stop_source stop;
  queue.submit([&] { stop.request_stop(); }, {.priority = 9});
  queue.run(stop.get_token());
}

}  // namespace

TEST(Order, IsFirstInFirstOutInsideOnePriority) {
  Manual m;
  std::vector<int> ran;
  for (int i = 0; i < 1000; ++i) m.queue.submit([&ran, i] { ran.push_back(i); });
  m.queue.dispatch();
  ASSERT_EQ(ran.size(), 1000u);
  EXPECT_TRUE(std::is_sorted(ran.begin(), ran.end()));
}

TEST(Order, IsFirstInFirstOutWithOneWorkerToo) {
  errand::Queue queue({.workers = 1});
  std::vector<int> ran;
  for (int i = 0; i < 5000; ++i) queue.submit([&ran, i] { ran.push_back(i); });
  EXPECT_TRUE(queue.wait_idle(kSoon));
  ASSERT_EQ(ran.size(), 5000u);
  EXPECT_TRUE(std::is_sorted(ran.begin(), ran.end()));
}

TEST(Order, ServesTheBetterPriorityFirst) {
  Manual m;
  Letters letters(m.queue);
  letters.submit('9', 9);
  letters.submit('l', errand::kLow);
  letters.submit('n');
  letters.submit('h', errand::kHigh);
  letters.submit('0', 0);
  m.queue.dispatch();
  EXPECT_EQ(letters.said, "0hnl9");
}

TEST(Order, PlainTasksAndThoseWithWishesShareOneLine) {
  Manual m;
  std::string said;
  m.queue.submit([&] { said += 'a'; });
  m.queue.submit([&] { said += 'b'; }, {.timeout = 1h});
  m.queue.submit([&] { said += 'c'; });
  m.queue.submit([&] { said += 'd'; }, {.name = "d"});
  m.queue.dispatch();
  EXPECT_EQ(said, "abcd");
}

// FLOOR 21: what is urgent and late overtakes everything that has not started, in the middle of a batch as well.
TEST(Order, ALateUrgentTaskOvertakesAllThatHasNotStarted) {
  Manual m;
  Letters letters(m.queue);
  m.queue.submit([&] { letters.submit('!', 0); });
  for (int i = 0; i < 10; ++i) letters.submit('.');
  run_everything(m.queue);
  EXPECT_EQ(letters.said, "!..........");
}

TEST(Order, ALateUrgentTaskWithWishesOvertakesToo) {
  Manual m;
  std::string said;
  m.queue.submit([&] { m.queue.submit([&] { said += '!'; }, {.priority = 0, .timeout = 1h}); });
  for (int i = 0; i < 10; ++i) m.queue.submit([&] { said += '.'; });
  run_everything(m.queue);
  EXPECT_EQ(said, "!..........");
}

TEST(Order, ATaskThatABodySubmitsQueuesUpLikeEveryoneElses) {
  Manual m;
  Letters letters(m.queue);
  m.queue.submit([&] { letters.submit('c'); });
  letters.submit('a');
  letters.submit('b');
  run_everything(m.queue);
  EXPECT_EQ(letters.said, "abc");
}

TEST(Order, ThreadsTakeTurnsOfAtMost64Tasks) {
  Manual m;
  std::vector<int> ran;
  const auto submit = [&](int t) {
    for (int i = 0; i < 1000; ++i) m.queue.submit([&ran, t] { ran.push_back(t); });
  };
  submit(0);
  std::thread(submit, 1).join();
  m.queue.dispatch();
  ASSERT_EQ(ran.size(), 2000u);
  // While both have tasks, neither waits for more than 64 of the other's.
  int in_a_row = 0;
  int left[2] = {1000, 1000};
  for (std::size_t i = 0; i < ran.size() && left[0] > 0 && left[1] > 0; ++i) {
    in_a_row = i > 0 && ran[i] == ran[i - 1] ? in_a_row + 1 : 1;
    --left[ran[i]];
    ASSERT_LE(in_a_row, 64) << "at " << i;
  }
}

TEST(Order, StrictIsOneLineForAllThreads) {
  Manual m({.order = errand::Order::strict});
  std::string said;
  for (const char c : {'a', 'b', 'c', 'd'}) {
    std::thread([&m, &said, c] { m.queue.submit([&said, c] { said += c; }); }).join();
    m.queue.submit([&said, c] { said += static_cast<char>(c - 'a' + 'A'); });
  }
  m.queue.dispatch();
  EXPECT_EQ(said, "aAbBcCdD");
}

TEST(Order, StrictHoldsPrioritiesToo) {
  Manual m({.order = errand::Order::strict});
  Letters letters(m.queue);
  m.queue.submit([&] { letters.submit('!', 0); });
  letters.submit('b');
  letters.submit('a', 2);
  run_everything(m.queue);
  EXPECT_EQ(letters.said, "a!b");
}

TEST(Order, DepthFirstRunsABodysOwnChildrenNewestFirst) {
  Manual m({.order = errand::Order::depth_first});
  std::string said;
  const auto write = [&](char c) { return [&said, c] { said += c; }; };
  m.queue.submit([&] {
    m.queue.submit(write('1'));
    m.queue.submit(write('2'));
    m.queue.submit([&] { said += '3', m.queue.submit(write('4')); });
  });
  m.queue.submit(write('x'));
  run_everything(m.queue);
  EXPECT_EQ(said, "3421x");
}

TEST(Order, DepthFirstLetsOthersInAfter64InARow) {
  Manual m({.order = errand::Order::depth_first});
  int before_x = -1;
  int ran = 0;
  m.queue.submit([&] {
    for (int i = 0; i < 200; ++i) m.queue.submit([&] { ++ran; });
  });
  m.queue.submit([&] { before_x = ran; });
  for (int i = 0; i < 5; ++i) run_everything(m.queue);
  EXPECT_EQ(ran, 200);
  EXPECT_GE(before_x, 1);
  EXPECT_LE(before_x, 64);
}

TEST(Order, DepthFirstServesAnUrgentTaskFirst) {
  Manual m({.order = errand::Order::depth_first});
  std::string said;
  m.queue.submit([&] {
    m.queue.submit([&] { said += 'c'; });
    std::thread([&] { m.queue.submit([&] { said += '!'; }, {.priority = 0}); }).join();
  });
  for (int i = 0; i < 2; ++i) run_everything(m.queue);
  EXPECT_EQ(said, "!c");
}

TEST(Order, DepthFirstKeepsChildrenOfEveryPriorityWhenTheirWorkerLeaves) {
  Manual m({.order = errand::Order::depth_first});
  std::string said;
  m.queue.submit([&] {
    for (int priority = 9; priority >= 0; --priority) {
      m.queue.submit([&said, priority] { said += static_cast<char>('0' + priority); }, {.priority = priority});
    }
  });
  m.queue.dispatch();  // its worker leaves when this returns
  m.queue.dispatch();
  EXPECT_EQ(said, "0123456789");
}

TEST(Order, DepthFirstStillRunsBetterPrioritiesFirst) {
  Manual m({.order = errand::Order::depth_first});
  std::string said;
  const auto write = [&](char c) { return [&said, c] { said += c; }; };
  m.queue.submit([&] {
    m.queue.submit(write('2'), {.priority = 2});
    m.queue.submit(write('5'));
    m.queue.submit(write('8'), {.priority = 8});
    m.queue.submit(write('@'), {.priority = 2});
  });
  m.queue.submit(write('x'));
  run_everything(m.queue);
  EXPECT_EQ(said, "@25x8");
}

TEST(Order, DepthFirstGoesOnWhenTheUrgentTasksAreDone) {
  errand::Queue queue({.workers = 1, .order = errand::Order::depth_first});
  Counter ran;
  queue.submit([&] {
    for (int i = 0; i < 3; ++i) queue.submit([&] { ran.add(); });
    std::thread([&] { queue.submit([&] { ran.add(); }, {.priority = 0}); }).join();
  });
  EXPECT_TRUE(ran.reaches(4));
}

TEST(Order, AgeingLiftsWhatHasWaitedLong) {
  Manual m({.age_step = 1s});
  Letters letters(m.queue);
  letters.submit('o', 8);
  m.clock->advance(4s);  // counts as 4 by now
  letters.submit('y', 5);
  letters.submit('u', 3);
  m.queue.dispatch();
  EXPECT_EQ(letters.said, "uoy");
}

TEST(Order, AgeingEndsAtPriorityZeroAndThereTheOldestIsFirst) {
  Manual m({.age_step = 1s});
  Letters letters(m.queue);
  letters.submit('o', 9);
  m.clock->advance(1s);
  letters.submit('0', 0);
  m.clock->advance(1h);
  m.queue.dispatch();
  EXPECT_EQ(letters.said, "o0");
}

TEST(Order, WithoutAgeingAPriorityStands) {
  Manual m({.order = errand::Order::strict});
  Letters letters(m.queue);
  letters.submit('o', 8);
  m.clock->advance(1000h);
  letters.submit('y', 7);
  m.queue.dispatch();
  EXPECT_EQ(letters.said, "yo");
}

TEST(Order, AnotherPriorityMovesATaskToTheEndOfThatLine) {
  for (const auto order : {errand::Order::fair, errand::Order::strict}) {
    Manual m({.order = order});
    Letters letters(m.queue);
    auto a = letters.submit('a');
    auto b = letters.submit('b');
    letters.submit('c');
    letters.submit('d', 8);
    EXPECT_TRUE(m.queue.set_priority(b.id(), 2));
    EXPECT_TRUE(m.queue.set_priority(a.id(), 8));
    EXPECT_EQ(a.info()->priority, 8);
    m.queue.dispatch();
    EXPECT_EQ(letters.said, "bcda");
    EXPECT_FALSE(m.queue.set_priority(a.id(), 1));
  }
}

TEST(Order, AScheduledTaskTakesItsNewPriorityAlong) {
  Manual m;
  std::string said;
  auto late = m.queue.submit_in(1s, [&] { said += 'l'; });
  EXPECT_TRUE(m.queue.set_priority(late.id(), 1));
  m.clock->advance(2s);
  m.queue.submit([&] { said += 'n'; });
  m.queue.dispatch();
  EXPECT_EQ(said, "ln");
  EXPECT_EQ(m.queue.set_priority(late.id(), 10).error().code(), errand::Code::invalid);
}
