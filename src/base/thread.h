#pragma once
// Threads of our own: named, deaf to signals, and an error instead of a crash when there is none to be had.

#include <errand/callback.h>
#include <errand/result.h>

#include <memory>
#include <string>

namespace errand {
inline namespace v0 {

/// One thread that runs `body` to its end. Joins when destroyed.
class Thread {
 public:
  Thread() noexcept;
  /// `name` shows in debuggers and top; the kernel keeps 15 characters of it.
  [[nodiscard]] static Result<Thread> start(std::string name, Callback<void()> body);
  Thread(Thread&& other) noexcept;
  Thread& operator=(Thread&& other) noexcept;
  ~Thread();

  [[nodiscard]] bool joinable() const noexcept { return handle_ != nullptr; }
  void join();
  /// Leaves the thread to itself: for a fork's child, where it does not exist.
  void forget() noexcept;

 private:
  struct Handle;
  std::unique_ptr<Handle> handle_;
};

/// Lets another thread have the processor, if one waits for it.
void yield_thread() noexcept;

/// Processors this process may use: its affinity mask and its control group's quota, at least 1.
[[nodiscard]] int usable_cpus();

}  // namespace v0
}  // namespace errand
