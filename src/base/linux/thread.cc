#include "base/thread.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/cpu_quota.h"

namespace errand {
inline namespace v0 {

struct Thread::Handle {
  pthread_t id{};
  std::string name;
  Callback<void()> body;
};

namespace {

// Signals go to the program's own threads: a worker that took one would run the program's handler between two tasks.
// Those that a thread brings upon itself stay open: blocked, they would end the process without the program's crash
// handler being asked. So does the profiler's, which wants to see every thread.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t blocked;
    sigfillset(&blocked);
    for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPROF}) sigdelset(&blocked, own);
    pthread_sigmask(SIG_SETMASK, &blocked, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

Result<Thread> Thread::start(std::string name, Callback<void()> body) {
  Thread thread;
  thread.handle_ = std::make_unique<Handle>();
  thread.handle_->name = name.substr(0, 15);
  thread.handle_->body = std::move(body);
  const SignalsBlocked blocked;  // the new thread inherits the mask
  const int error = pthread_create(
      &thread.handle_->id, nullptr,
      [](void* p) -> void* {
        auto& handle = *static_cast<Handle*>(p);
        pthread_setname_np(pthread_self(), handle.name.c_str());
        handle.body();
        return nullptr;
      },
      thread.handle_.get());
  if (error != 0) {
    thread.handle_.reset();
    return Error(Code::unavailable, "start thread \"" + name + "\": " + std::strerror(error));
  }
  return thread;
}

Thread::Thread() noexcept = default;

Thread::Thread(Thread&& other) noexcept = default;

Thread& Thread::operator=(Thread&& other) noexcept {
  if (this != &other) {
    join();
    handle_ = std::move(other.handle_);
  }
  return *this;
}

Thread::~Thread() {
  join();
}

void Thread::join() {
  if (!handle_) return;
  ERRAND_ASSERT(pthread_join(handle_->id, nullptr) == 0);  // a thread that joins itself would free its own body
  handle_.reset();
}

void Thread::forget() noexcept {
  (void)handle_.release();
}

void yield_thread() noexcept {
  sched_yield();
}

int usable_cpus() {
  cpu_set_t set;
  int cpus = 1;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) cpus = std::max(1, CPU_COUNT(&set));
  if (const auto quota = cpu_quota("")) cpus = std::min(cpus, std::max(1, static_cast<int>(std::ceil(*quota))));
  return cpus;
}

}  // namespace v0
}  // namespace errand
