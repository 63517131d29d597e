#include "base/thread.h"

#include <gtest/gtest.h>

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "huge_stacks.h"

namespace errand {
namespace {

std::string own_name() {
  char name[16] = {};
  pthread_getname_np(pthread_self(), name, sizeof name);
  return name;
}

// What a thread of this name sees as its own.
std::string name_inside(std::string name) {
  std::string seen;
  Thread thread = *Thread::start(std::move(name), [&seen] { seen = own_name(); });
  thread.join();
  return seen;
}

sigset_t own_mask() {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  return mask;
}

TEST(Thread, RunsItsBodyAndJoins) {
  int runs = 0;
  Thread thread = *Thread::start("worker", [&runs] { ++runs; });
  EXPECT_TRUE(thread.joinable());
  thread.join();
  EXPECT_FALSE(thread.joinable());
  EXPECT_EQ(runs, 1);
  thread.join();  // once more does nothing
}

TEST(Thread, JoinsWhenDestroyed) {
  int runs = 0;
  {
    const Thread thread = *Thread::start("worker", [&runs] { ++runs; });
  }
  EXPECT_EQ(runs, 1);
}

TEST(Thread, JoinsWhatItHadBeforeItIsAssigned) {
  int first = 0, second = 0;
  Thread thread = *Thread::start("worker", [&first] { ++first; });
  thread = *Thread::start("worker", [&second] { ++second; });
  EXPECT_EQ(first, 1);
  thread.join();
  EXPECT_EQ(second, 1);
}

TEST(Thread, MovesItsThreadAlong) {
  int runs = 0;
  Thread from = *Thread::start("worker", [&runs] { ++runs; });
  Thread to = std::move(from);
  EXPECT_FALSE(from.joinable());  // NOLINT: that it is empty is the point
  to.join();
  EXPECT_EQ(runs, 1);
}

TEST(Thread, DestroysItsBodyByTheJoin) {
  auto held = std::make_shared<int>(7);
  const std::weak_ptr<int> watch = held;
  Thread thread = *Thread::start("worker", [held = std::move(held)] {});
  thread.join();
  EXPECT_TRUE(watch.expired());
}

TEST(Thread, HasItsName) {
  EXPECT_EQ(name_inside("mail-1"), "mail-1");
  EXPECT_EQ(name_inside("a-name-that-is-too-long"), "a-name-that-is-");
  EXPECT_EQ(name_inside(""), "");
}

TEST(Thread, BlocksTheProgramsSignals) {
  sigset_t inside;
  sigemptyset(&inside);
  Thread::start("worker", [&inside] { inside = own_mask(); })->join();
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD, SIGPIPE, SIGALRM}) {
    EXPECT_EQ(sigismember(&inside, signal), 1) << signal;
  }
}

TEST(Thread, LeavesItsOwnFaultsToTheCrashHandler) {
  sigset_t inside;
  sigfillset(&inside);
  Thread::start("worker", [&inside] { inside = own_mask(); })->join();
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGPROF}) {
    EXPECT_EQ(sigismember(&inside, signal), 0) << signal;
  }
}

// With SIGUSR1 blocked and everything else open; the mask as it was comes back.
class KnownMask {
 public:
  KnownMask() {
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    pthread_sigmask(SIG_SETMASK, &mask, &before_);
  }
  ~KnownMask() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  [[nodiscard]] static bool still_set() {
    const sigset_t now = own_mask();
    return sigismember(&now, SIGUSR1) == 1 && sigismember(&now, SIGTERM) == 0 && sigismember(&now, SIGINT) == 0;
  }

 private:
  sigset_t before_;
};

TEST(Thread, LeavesTheMaskOfItsStarterAlone) {
  const KnownMask mask;
  Thread::start("worker", [] {})->join();
  EXPECT_TRUE(KnownMask::still_set());
}

TEST(Thread, AFailedStartIsAnErrorAndNamesTheThread) {
  auto held = std::make_shared<int>(7);
  const std::weak_ptr<int> watch = held;
  const KnownMask mask;
  {
    const HugeStacks huge;
    ASSERT_TRUE(huge.worked());
    const Result<Thread> thread = Thread::start("mail-1", [held = std::move(held)] { FAIL(); });
    ASSERT_FALSE(thread);
    EXPECT_EQ(thread.error().code(), Code::unavailable);
    EXPECT_TRUE(thread.error().message().starts_with("start thread \"mail-1\": ")) << thread.error().message();
  }
  EXPECT_TRUE(watch.expired());
  EXPECT_TRUE(KnownMask::still_set());
  int runs = 0;
  Thread::start("mail-1", [&runs] { ++runs; })->join();
  EXPECT_EQ(runs, 1) << "the next one starts again";
}

TEST(Thread, NothingToJoinIsFine) {
  Thread thread;
  EXPECT_FALSE(thread.joinable());
  thread.join();
}

TEST(ThreadDeathTest, JoiningItselfEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto join_from_inside = [] {
    Thread thread;
    std::atomic<bool> assigned{false};
    thread = *Thread::start("worker", [&] {
      assigned.wait(false);
      thread.join();
    });
    assigned = true;
    assigned.notify_one();
  };
  EXPECT_DEATH(join_from_inside(), "broken invariant");
}

TEST(UsableCpus, IsAtLeastOneAndAtMostTheMachine) {
  EXPECT_GE(usable_cpus(), 1);
  EXPECT_LE(usable_cpus(), sysconf(_SC_NPROCESSORS_CONF));
}

TEST(UsableCpus, HonoursTheAffinityMask) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu) {
    if (CPU_ISSET(cpu, &before)) CPU_SET(cpu, &one);
  }
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(usable_cpus(), 1);
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
}

}  // namespace
}  // namespace errand
