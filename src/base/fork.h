#pragma once
// What becomes of a process's own things when it forks.

#include <cstdint>

#include "base/mutex.h"

namespace errand {
inline namespace v0 {

/// What a process has of its own, all of it, and a fork's child can't go on with as it is: its files, its mappings,
/// whatever has threads.
struct PerProcess {
  /// Held while the process forks: no other thread is at it then, and the child finds it whole.
  Mutex mu;
  /// What the child makes of it, while it has no thread but this one.
  virtual void in_child() noexcept ERRAND_REQUIRES(mu) = 0;

 protected:
  ~PerProcess() = default;
};

/// Who is locked first at a fork. What a thread does under the lock of an upper layer may call a lower one and take a
/// lock there, so that a fork has to have the upper one's first. Within a layer nobody holds two.
enum class Layer : std::uint8_t { durable, engine, base };

/// From now on each fork sees to it, for good.
void at_fork(Layer layer, PerProcess& thing);

/// Makes the one of its type that there is to be. Never destroyed: stores and queues may outlive main().
///
/// To be called before main(), by an object of static storage: a thread that is just making it while another one forks
/// would leave the child waiting for it.
template <typename Thing>
[[nodiscard]] Thing& make_per_process(Layer layer) {
  auto* const thing = new Thing;
  at_fork(layer, *thing);
  return *thing;
}

/// How often this process is the child of a fork. What was made when it was less is another process's, and its locks
/// may be held for ever.
[[nodiscard]] std::uint32_t forks_so_far() noexcept;

}  // namespace v0
}  // namespace errand
