// An owner whose tasks of kind "kill" end their process, in a way of their own. Says on its standard output what its
// bodies do, as lines, and "drained" before it ends by itself.
//
//   torture_suicide PATH HOW    HOW: abort, segv, overflow, exit, terminate or loop

#include <errand/errand.h>
#include <errand/sqlite.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

using namespace std::chrono_literals;

namespace {

void say(const std::string& what, std::string_view payload) {
  const std::string line = what + " " + std::string(payload) + "\n";
  if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) ::_exit(3);
}

// Without end, as far as the compiler knows.
int overflow(volatile char* above, int depth) {
  volatile char here[4096];
  here[0] = above[0];
  return depth == 0 ? here[0] : overflow(here, depth - 1) + here[0];
}

void throws_out() noexcept(false) {
  throw 42;
}
void terminates() noexcept {
  throws_out();
}

std::atomic<bool> looping{false};

void kill_by(const std::string& how) {
  volatile char first[1] = {1};
  if (how == "abort") std::abort();
  if (how == "segv") static_cast<void>(std::raise(SIGSEGV));
  if (how == "overflow") static_cast<void>(overflow(first, 1 << 30));
  if (how == "exit") std::exit(0);
  if (how == "terminate") terminates();
  if (how == "loop") {
    looping = true;
    for (volatile bool for_ever = true; for_ever;) {
    }
  }
}

struct Left {
  std::size_t waiting = 0;
  std::size_t running = 0;
  std::size_t over = 0;
  bool operator==(const Left&) const = default;
};
Left left_in(errand::Store& store) {
  const auto counts = store.counts(errand::real_clock()->now());
  Left left;
  if (!counts) ::_exit(4);
  for (const errand::Counts& one : *counts) {
    left.waiting += one.scheduled + one.available + one.retryable;
    left.running += one.running;
    left.over += one.completed + one.discarded;
  }
  return left;
}

}  // namespace

int main(int argc, char** argv) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (argc != 3) return 1;
  const rlimit no_core{};
  ::setrlimit(RLIMIT_CORE, &no_core);
  const std::string how = argv[2];
  const auto store = errand::open_sqlite(argv[1]);
  if (!store) {
    std::puts(store.error().message().c_str());
    return 2;
  }
  errand::Queue queue({.name = "work", .workers = 4, .start = false, .store = *store});
  queue.handle("count", [](std::span<const std::byte> bytes, errand::Attempt& attempt) {
    const std::string_view payload(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    say("start", payload);
    attempt.sleep_for(1ms);
    say("effect", payload);
  });
  queue.handle("kill", [&](std::span<const std::byte>) {
    say("kill", "");
    kill_by(how);
  });
  queue.start();
  Left last;
  for (int alike = 0;; ++alike) {
    const Left left = left_in(*store->operator->());
    if (left.waiting + left.running == 0) break;
    if (left != last) alike = 0;
    last = left;
    // What loops, and other suspects that wait for it, is all that is left: somebody who looks after this program would
    // end it now. Looks at the store instead of a time: a slow machine makes them slow too.
    if (looping && alike > 300) ::_exit(9);
    std::this_thread::sleep_for(1ms);
  }
  queue.shutdown();
  say("drained", "");
  return 0;
}
