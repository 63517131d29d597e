// Which commands a signal to all of them reaches.

#include "run/children.h"

#include <errand/result.h>

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace errand::cli {
namespace {

struct Started {
  pid_t pid = -1;
};

// A process that does nothing, in a group of its own.
Result<Started> start_idle() {
  const pid_t pid = ::fork();
  if (pid == 0) {
    for (;;) ::pause();
  }
  ::setpgid(pid, pid);
  return Started{pid};
}

TEST(RunChildren, ASignalToAllReachesTheOneThatIsBeingStarted) {
  Children children;
  std::atomic<bool> sending{false};
  std::atomic<bool> sent{false};
  std::thread sender;
  const auto started = children.start([&] {
    sender = std::thread([&] {
      sending = true;
      children.signal_all(SIGKILL);
      sent = true;
    });
    while (!sending) sched_yield();
    // As long as it takes the other thread to send, if it does not wait for us.
    for (int i = 0; i < 10'000 && !sent; ++i) sched_yield();
    EXPECT_FALSE(sent);
    return start_idle();
  });
  sender.join();
  ::kill(started->pid, SIGTERM);  // ends it where nothing else did
  int status = 0;
  ASSERT_EQ(::waitpid(started->pid, &status, 0), started->pid);
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
}

}  // namespace
}  // namespace errand::cli
