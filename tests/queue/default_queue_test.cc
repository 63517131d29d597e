// The process's own queue. Each test has a process of its own, since there is only one such queue in each.

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <barrier>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "../base/huge_stacks.h"
#include "support.h"

using errand::Code;

namespace {

// A test's child says with its exit code at which step it failed.
void require(bool condition, int step) {
  if (!condition) ::_exit(step);
}

// The real clock, but the first question for the time forks; the child calls `in_child` and ends.
class ForkingClock : public errand::Clock {
 public:
  explicit ForkingClock(void (*in_child)()) : in_child_(in_child) {}

  [[nodiscard]] errand::WallTime now() const noexcept override {
    fork_once();
    return real_->now();
  }
  [[nodiscard]] errand::SteadyTime mono() const noexcept override {
    fork_once();
    return real_->mono();
  }
  void wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected, const errand::WaitUntil& until) override {
    real_->wait(word, expected, until);
  }
  void wake(const std::atomic<std::uint32_t>& word, int count) override { real_->wake(word, count); }

  // The child's exit code, or -1.
  [[nodiscard]] int ended() const {
    int status = -1;
    if (child_ <= 0 || ::waitpid(child_, &status, 0) != child_) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  void fork_once() const noexcept {
    if (forked_.exchange(true)) return;
    child_ = ::fork();
    if (child_ != 0) return;
    in_child_();
    ::_exit(0);
  }

  const std::shared_ptr<errand::Clock> real_ = errand::real_clock();
  void (*in_child_)();
  mutable std::atomic<bool> forked_{false};
  mutable pid_t child_ = -1;
};

class DefaultQueue : public ::testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

}  // namespace

TEST_F(DefaultQueue, StartsItselfOnFirstUse) {
  EXPECT_EXIT(
      {
        auto task = errand::submit([] { return 3; });
        require(task.get() == 3, 1);
        require(errand::default_queue().name() == "default", 2);
        require(errand::default_queue().workers() >= 1, 3);
        require(errand::submit([] { return 4; }, {.name = "x"}).get() == 4, 4);
        std::exit(0);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(DefaultQueue, TakesOptionsBeforeItsFirstUseOnly) {
  EXPECT_EXIT(
      {
        require(errand::start_default({.workers = -1}).error().code() == Code::invalid, 1);
        require(errand::start_default({.name = "mine", .workers = 3}).has_value(), 2);
        require(errand::default_queue().name() == "mine", 3);
        require(errand::default_queue().workers() == 3, 4);
        require(errand::start_default({}).error().code() == Code::invalid, 5);
        std::exit(0);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(DefaultQueue, LeavesNoThreadBehindAtExit) {
  EXPECT_EXIT(
      {
        // Registered before the queue's own handler, so it runs after that one.
        static_cast<void>(std::atexit([] {
          for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
            std::string name;
            std::getline(std::ifstream(thread.path() / "comm"), name);
            require(!name.starts_with("default/"), 2);
          }
        }));
        // Most of them have not begun when the process ends.
        require(errand::start_default({.workers = 64}).has_value(), 1);
        std::exit(0);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(DefaultQueue, MayBeUsedByTheLoggerThatHearsOfItsMissingWorkers) {
  EXPECT_EXIT(
      {
        std::string line;
        errand::set_logger([&](const errand::LogLine& said) {
          line = said.text;
          require(!errand::default_queue().stats().healthy, 1);
        });
        const HugeStacks huge;
        require(huge.worked(), 2);
        require(errand::start_default({.workers = 2}).has_value(), 3);
        require(contains(line, "start thread \"default/0\""), 4);
        errand::set_logger({});
        std::exit(0);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(DefaultQueue, IsDrainedByShutdownAndRefusesAfterwards) {
  EXPECT_EXIT(
      {
        std::atomic<int> ran{0};
        for (int i = 0; i < 100; ++i) errand::submit([&] { ran.fetch_add(1); });
        require(errand::shutdown().left_over == 0, 2);
        require(ran.load() == 100, 3);
        require(errand::submit([] {}).error().code() == Code::shutting_down, 4);
        std::exit(0);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(DefaultQueue, StaysClosedWhenItIsShutDownBeforeItsFirstUse) {
  EXPECT_EXIT(
      {
        require(errand::shutdown().finished == 0, 1);
        require(errand::submit([] { std::abort(); }).error().code() == Code::shutting_down, 2);
        require(errand::start_default({}).error().code() == Code::invalid, 3);
        require(errand::shutdown().finished == 0, 4);
        std::exit(0);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(DefaultQueue, StopsWhatRunsWhenTheProcessExits) {
  EXPECT_EXIT(
      {
        Gate inside;
        errand::submit([&](errand::Attempt& a) {
          inside.open();
          if (!a.sleep_for(1h)) static_cast<void>(::write(2, "stopped", 7));
        });
        require(inside.wait(), 1);
        std::exit(0);
      },
      testing::ExitedWithCode(0), "stopped");
}

TEST_F(DefaultQueue, ExitsInTimeAndNamesWhatIsLeft) {
  EXPECT_EXIT(
      {
        // Not destroyed: the body is still there when everything else is.
        static Gate& inside = *new Gate;
        static Gate& never = *new Gate;
        auto clock = std::make_shared<errand::ManualClock>();
        require(errand::start_default({.workers = 1, .clock = clock}).has_value(), 2);
        errand::submit([] { inside.open(), never.wait(); }, {.name = "stubborn"});
        require(inside.wait(), 1);
        ::alarm(20);
        std::thread([clock] { static_cast<void>(advance_when_waiting(*clock, 1, 2s)); }).detach();
        std::exit(0);
      },
      testing::ExitedWithCode(0), "stubborn");
}

TEST_F(DefaultQueue, RefusesWhatIsSubmittedWhileTheProcessExits) {
  EXPECT_EXIT(
      {
        std::atexit([] {
          const bool refused = !errand::submit([] {});
          static_cast<void>(::write(2, refused ? "refused" : "taken", refused ? 7 : 5));
        });
        errand::submit([] {}).wait();
        std::exit(0);
      },
      testing::ExitedWithCode(0), "refused");
}

TEST_F(DefaultQueue, IsTheParentsInAForkedChild) {
  EXPECT_EXIT(
      {
        // After the queue's own handler: what sanitizers do at exit may wait for threads that the child has not.
        static const pid_t parent = ::getpid();
        std::atexit([] {
          if (::getpid() != parent) ::_exit(0);
        });
        require(errand::submit([] { return 1; }).get() == 1, 1);
        const pid_t child = ::fork();
        if (child == 0) {
          ::alarm(20);
          require(errand::submit([] {}).error().code() == Code::forked, 10);
          require(errand::submit([] {}, {.name = "x"}).error().code() == Code::forked, 11);
          require(errand::default_queue().submit_in(1s, [] {}).error().code() == Code::forked, 12);
          require(errand::start_default({}).error().code() == Code::invalid, 13);  // it is there, if of no use
          require(errand::shutdown({.drain = errand::Drain::queued}).finished == 0, 14);
          require(errand::submit([] {}).error().code() == Code::forked, 15);
          std::exit(0);  // what the parent has to do at its exit is not the child's business
        }
        int status = -1;
        require(::waitpid(child, &status, 0) == child, 2);
        require(WIFEXITED(status) && WEXITSTATUS(status) == 0, WIFEXITED(status) ? WEXITSTATUS(status) : 3);
        require(errand::submit([] { return 2; }).get() == 2, 4);  // the parent goes on
        require(errand::shutdown().left_over == 0, 5);
        std::exit(0);
      },
      testing::ExitedWithCode(0), "");
}

// As if another thread had forked there.
TEST_F(DefaultQueue, MayBeMadeInAChildForkedWhileTheParentWasMakingIts) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer ends a process that forks with threads and then starts others";
#endif
  EXPECT_EXIT(
      {
        const auto clock = std::make_shared<ForkingClock>([] {
          ::alarm(20);
          require(errand::submit([] { return 1; }).get() == 1, 1);
        });
        require(errand::start_default({.workers = 1, .clock = clock}).has_value(), 2);
        require(clock->ended() == 0, 3);
        require(errand::submit([] { return 2; }).get() == 2, 4);
        std::exit(0);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(DefaultQueue, IsOneQueueForAllThreadsThatUseItFirst) {
  EXPECT_EXIT(
      {
        constexpr int kThreads = 4;
        std::barrier at_once(kThreads);
        std::atomic<const errand::Queue*> first{nullptr};
        std::atomic<int> ran{0};
        {
          std::vector<std::jthread> threads;
          for (int i = 0; i < kThreads; ++i) {
            threads.emplace_back([&] {
              at_once.arrive_and_wait();
              const errand::Queue* none = nullptr;
              const errand::Queue* mine = &errand::default_queue();
              require(first.compare_exchange_strong(none, mine) || none == mine, 1);
              errand::submit([&] { ran.fetch_add(1); }).wait();
            });
          }
        }
        require(ran.load() == kThreads, 2);
        std::exit(0);
      },
      testing::ExitedWithCode(0), "");
}
