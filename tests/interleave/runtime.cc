// Stands where the race detector's library would. Code that is compiled with -fsanitize=thread calls these functions
// for each atomic operation, and before each plain read or write. They do what they are asked, and at random
//
// - first hold the thread up: by a few instructions, by a turn of the scheduler's, or until other threads have got far.
//   So a thread often stands still between two looks at memory, where by itself that takes millions of tries.
// - let a store be seen late: the thread goes on, and others see the old value for as long as the order of the store
//   allows. Processors do this too, for a few nanoseconds at a time. What is asked for here is what x86 promises: all
//   stores come in their order, and an exchange, a system call or a mutex is a barrier.
// - let a weak compare-and-swap fail.

#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>

#include <atomic>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "interleave.h"

namespace {

// What a call costs on the way to the next hold-up. Plain reads and writes are many, and seldom matter.
constexpr int kPlain = 1;
constexpr int kAtomic = 16;

std::atomic<std::uint64_t> seed{0};
std::atomic<std::uint32_t> round{0};    // odd: threads are disturbed
std::atomic<std::uint32_t> threads{0};  // that have been met in this round
std::atomic<std::uint64_t> turns{0};    // hold-ups so far, of all threads: how far the others have got

void relax() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// --- stores that are not seen yet ------------------------------------------------------------------------------------

// What a thread has stored and others do not see, in order.
class LateStores {
 public:
  [[nodiscard]] bool empty() const noexcept { return count_.load(std::memory_order_relaxed) == 0; }
  // False if there are too many.
  template <class T>
  bool add(volatile void* at, T value) noexcept {
    lock();
    const std::size_t n = count_;
    const bool fits = n < kMost;
    if (fits) {
      entries_[n] = {at, value, sizeof value};
      count_ = n + 1;
    }
    unlock();
    return fits;
  }
  // What their own thread sees at this place.
  template <class T>
  bool find(const volatile void* at, T& value) noexcept {
    bool found = false;
    lock();
    for (std::size_t i = count_; i > 0 && !found; --i) {
      const Entry& entry = entries_[i - 1];
      found = entry.at == at && entry.size == sizeof value;
      if (found) value = static_cast<T>(entry.value);
    }
    unlock();
    return found;
  }
  // By any thread: some barriers are for all.
  void come_true() noexcept {
    if (empty()) return;
    lock();
    for (std::size_t i = 0; i < count_; ++i) {
      const Entry& entry = entries_[i];
      if (entry.size == 1) put<std::uint8_t>(entry);
      if (entry.size == 2) put<std::uint16_t>(entry);
      if (entry.size == 4) put<std::uint32_t>(entry);
      if (entry.size == 8) put<std::uint64_t>(entry);
    }
    count_ = 0;
    unlock();
  }

  std::atomic<bool> taken{false};  // by a thread

 private:
  static constexpr std::size_t kMost = 8;
  struct Entry {
    volatile void* at;
    std::uint64_t value;
    std::size_t size;
  };

  void lock() noexcept {
    while (busy_.exchange(true, std::memory_order_acquire)) relax();
  }
  void unlock() noexcept { busy_.store(false, std::memory_order_release); }
  template <class T>
  static void put(const Entry& entry) noexcept {
    __atomic_store_n(static_cast<volatile T*>(entry.at), static_cast<T>(entry.value), __ATOMIC_RELEASE);
  }

  std::atomic<bool> busy_{false};
  std::atomic<std::size_t> count_{0};
  Entry entries_[kMost] = {};
};
LateStores late_stores[64];

void all_come_true() noexcept {
  for (LateStores& late : late_stores) late.come_true();
}

// --- a thread --------------------------------------------------------------------------------------------------------

struct Thread {
  int left = 0;  // until it is held up
  std::uint32_t round = 0;
  // Its temperament: what lies between two hold-ups, twice as much at most; and one in so many stores is seen late.
  int often = 0;
  int seldom = 0;
  std::uint64_t state = 0;
  LateStores* late = nullptr;
  int loads_left = 0;       // until its late stores are seen; 0: there are none
  bool ends = false;        // and has no late stores any more
  bool calm = false;        // see Calm
  std::int64_t spared = 0;  // turns of the scheduler's that are left out

  // SplitMix64.
  std::uint64_t random() noexcept {
    std::uint64_t z = (state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  int below(int bound) noexcept { return static_cast<int>(random() % static_cast<unsigned>(bound)); }
  // 1 to 2^most, each power of two as likely as the next.
  int some(int most) noexcept { return 1 << below(most + 1); }

  void draw_temperament() noexcept {
    often = kAtomic * some(8) / 2;
    seldom = some(6);
  }

  void barrier() noexcept {
    if (loads_left == 0) return;
    loads_left = 0;
    late->come_true();
  }
};
constinit thread_local Thread self;

struct End {
  ~End() {
    self.barrier();
    self.ends = true;
    if (self.late != nullptr) self.late->taken.store(false);
  }
};
thread_local End end;

LateStores* find_late_stores() noexcept {
  for (LateStores& late : late_stores) {
    if (late.taken.exchange(true)) continue;
    static_cast<void>(&end);  // from now on there is something to do at its end
    return &late;
  }
  return nullptr;
}

std::int64_t nanoseconds() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void wait_a_little(Thread& thread) noexcept {
  for (int i = thread.some(9); i > 0; --i) relax();
}

// One turn of the scheduler's. On a busy machine it may take many milliseconds: then a round with thousands of them
// would take minutes, and the next ones are left out.
void let_others_run(Thread& thread) noexcept {
  if (thread.spared > 0) {
    --thread.spared;
    return wait_a_little(thread);
  }
  const std::int64_t began = nanoseconds();
  sched_yield();
  thread.spared = (nanoseconds() - began) / 10'000;
}

void hold_up(Thread& thread) noexcept {
  turns.fetch_add(1, std::memory_order_relaxed);
  // While others do not see what it has stored, they are to get far.
  const int dice = thread.loads_left > 0 ? 12 : thread.below(16);
  if (dice < 8) {
    wait_a_little(thread);
  } else if (dice < 12) {
    let_others_run(thread);
  } else {
    // Until others have been held up so often; not for long, since there may be nobody to wait for.
    const std::uint64_t until = turns.load(std::memory_order_relaxed) + static_cast<std::uint64_t>(thread.some(7));
    const std::int64_t at_most = nanoseconds() + 1'000 * thread.some(7);
    do let_others_run(thread);
    while (turns.load(std::memory_order_relaxed) < until && nanoseconds() < at_most);
  }
  if (dice == 0) all_come_true();  // of threads that sleep, too
}

[[gnu::noinline]] void come_to_hold_up(Thread& thread) noexcept {
  const std::uint32_t now = thread.calm ? 0 : round.load(std::memory_order_acquire);
  if (now % 2 == 0) {
    thread.round = now;
    thread.left = 1000;
    return;
  }
  if (thread.round != now) {
    thread.round = now;
    thread.state = seed.load(std::memory_order_relaxed) + (std::uint64_t{threads.fetch_add(1)} << 32);
    thread.draw_temperament();
  } else {
    hold_up(thread);
    if (thread.below(64) == 0) thread.draw_temperament();
  }
  thread.left = 1 + thread.below(2 * thread.often);
}

inline void step(int cost) noexcept {
  Thread& thread = self;
  if ((thread.left -= cost) <= 0) [[unlikely]]
    come_to_hold_up(thread);
}

// Not on the thread's own stack: the place may be something else's as soon as a function returns.
bool is_late(Thread& thread, const volatile void* at) noexcept {
  if (thread.round % 2 == 0 || thread.ends || (thread.loads_left == 0 && thread.below(thread.seldom) != 0))
    return false;
  const auto away =
      static_cast<const volatile char*>(at) - static_cast<const volatile char*>(__builtin_frame_address(0));
  if (away > -(1 << 18) && away < (1 << 18)) return false;
  if (thread.late == nullptr) thread.late = find_late_stores();
  return thread.late != nullptr;
}

template <class T>
bool store_late(Thread& thread, volatile void* at, T value) noexcept {
  if (!is_late(thread, at) || !thread.late->add(at, value)) return false;
  if (thread.loads_left == 0) {
    thread.loads_left = thread.some(5);
    // It is held up before long, or nothing comes of it.
    thread.left = 1 + thread.below(kAtomic * thread.some(3));
  }
  return true;
}

// --- the operations, each in an order that x86 may give it -----------------------------------------------------------

void plain_read() noexcept {
  step(kPlain);
}
void plain_write() noexcept {
  step(kPlain);
  self.barrier();
}
void before_exchange() noexcept {
  step(kAtomic);
  self.barrier();
}

template <class T>
T load(const volatile void* at) noexcept {
  step(kAtomic);
  Thread& thread = self;
  if (thread.loads_left > 0) [[unlikely]] {
    T value{};
    if (thread.late->find(at, value)) return value;
    if (--thread.loads_left == 0) thread.late->come_true();
  }
  return __atomic_load_n(static_cast<const volatile T*>(at), __ATOMIC_SEQ_CST);
}

template <class T>
void store(volatile void* at, T value, int order) noexcept {
  step(kAtomic);
  Thread& thread = self;
  if (order == __ATOMIC_SEQ_CST) {
    thread.barrier();
    __atomic_store_n(static_cast<volatile T*>(at), value, __ATOMIC_SEQ_CST);
  } else if (!store_late(thread, at, value)) {
    thread.barrier();
    __atomic_store_n(static_cast<volatile T*>(at), value, __ATOMIC_RELEASE);
  }
}

template <class T>
bool compare_exchange(volatile void* at, void* expected, T desired, bool weak) noexcept {
  before_exchange();
  auto* const word = static_cast<volatile T*>(at);
  auto* const old = static_cast<T*>(expected);
  if (weak && self.round % 2 != 0 && self.below(16) == 0) {
    *old = __atomic_load_n(word, __ATOMIC_SEQ_CST);
    return false;
  }
  return __atomic_compare_exchange_n(word, old, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

}  // namespace

namespace interleave {

Disturbance::Disturbance(std::uint64_t with) {
  seed.store(with, std::memory_order_relaxed);
  threads.store(0, std::memory_order_relaxed);
  round.fetch_add(1, std::memory_order_release);
}

Disturbance::~Disturbance() {
  round.fetch_add(1, std::memory_order_release);
}

Calm::Calm() {
  self.calm = true;
  self.left = 0;
}

Calm::~Calm() {
  self.calm = false;
  self.left = 0;
}

}  // namespace interleave

// --- what the compiler calls -----------------------------------------------------------------------------------------

extern "C" {

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_atomic_thread_fence(int) {
  before_exchange();
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
void __tsan_atomic_signal_fence(int) {
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

#define ERRAND_PLAIN(bytes)                   \
  void __tsan_read##bytes(void*) {            \
    plain_read();                             \
  }                                           \
  void __tsan_write##bytes(void*) {           \
    plain_write();                            \
  }                                           \
  void __tsan_unaligned_read##bytes(void*) {  \
    plain_read();                             \
  }                                           \
  void __tsan_unaligned_write##bytes(void*) { \
    plain_write();                            \
  }
ERRAND_PLAIN(1)
ERRAND_PLAIN(2)
ERRAND_PLAIN(4)
ERRAND_PLAIN(8)
ERRAND_PLAIN(16)
void __tsan_vptr_read(void*) {
  plain_read();
}
void __tsan_vptr_update(void*, void*) {
  plain_write();
}
void __tsan_read_range(void*, std::size_t) {
  plain_read();
}
void __tsan_write_range(void*, std::size_t) {
  plain_write();
}

// clang++ calls these where g++ reads and writes.
void* __tsan_memcpy(void* to, const void* from, std::size_t bytes) {
  plain_write();
  return std::memcpy(to, from, bytes);
}
void* __tsan_memmove(void* to, const void* from, std::size_t bytes) {
  plain_write();
  return std::memmove(to, from, bytes);
}
void* __tsan_memset(void* to, int value, std::size_t bytes) {
  plain_write();
  return std::memset(to, value, bytes);
}

#define ERRAND_FETCH(bits, name)                                                                           \
  std::uint##bits##_t __tsan_atomic##bits##_fetch_##name(volatile void* at, std::uint##bits##_t by, int) { \
    before_exchange();                                                                                     \
    return __atomic_fetch_##name(static_cast<volatile std::uint##bits##_t*>(at), by, __ATOMIC_SEQ_CST);    \
  }
#define ERRAND_ATOMIC(bits)                                                                                        \
  std::uint##bits##_t __tsan_atomic##bits##_load(const volatile void* at, int) {                                   \
    return load<std::uint##bits##_t>(at);                                                                          \
  }                                                                                                                \
  void __tsan_atomic##bits##_store(volatile void* at, std::uint##bits##_t value, int order) {                      \
    store(at, value, order);                                                                                       \
  }                                                                                                                \
  std::uint##bits##_t __tsan_atomic##bits##_exchange(volatile void* at, std::uint##bits##_t value, int) {          \
    before_exchange();                                                                                             \
    return __atomic_exchange_n(static_cast<volatile std::uint##bits##_t*>(at), value, __ATOMIC_SEQ_CST);           \
  }                                                                                                                \
  bool __tsan_atomic##bits##_compare_exchange_strong(volatile void* at, void* old, std::uint##bits##_t value, int, \
                                                     int) {                                                        \
    return compare_exchange(at, old, value, false);                                                                \
  }                                                                                                                \
  bool __tsan_atomic##bits##_compare_exchange_weak(volatile void* at, void* old, std::uint##bits##_t value, int,   \
                                                   int) {                                                          \
    return compare_exchange(at, old, value, true);                                                                 \
  }                                                                                                                \
  std::uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(volatile void* at, std::uint##bits##_t old,       \
                                                                 std::uint##bits##_t value, int, int) {            \
    static_cast<void>(compare_exchange(at, &old, value, false));                                                   \
    return old;                                                                                                    \
  }                                                                                                                \
  ERRAND_FETCH(bits, add)                                                                                          \
  ERRAND_FETCH(bits, sub)                                                                                          \
  ERRAND_FETCH(bits, and)                                                                                          \
  ERRAND_FETCH(bits, or)                                                                                           \
  ERRAND_FETCH(bits, xor)
ERRAND_ATOMIC(8)
ERRAND_ATOMIC(16)
ERRAND_ATOMIC(32)
ERRAND_ATOMIC(64)

// --- what the linker calls, for barriers that are somewhere else: see CMakeLists.txt ---------------------------------

// NOLINTBEGIN(bugprone-macro-parentheses): a type stands in none.
#define ERRAND_BARRIER(name, type) \
  int __real_##name(type*);        \
  int __wrap_##name(type* it) {    \
    before_exchange();             \
    return __real_##name(it);      \
  }
// NOLINTEND(bugprone-macro-parentheses)
ERRAND_BARRIER(pthread_mutex_lock, pthread_mutex_t)
ERRAND_BARRIER(pthread_mutex_trylock, pthread_mutex_t)
ERRAND_BARRIER(pthread_mutex_unlock, pthread_mutex_t)
ERRAND_BARRIER(pthread_rwlock_rdlock, pthread_rwlock_t)
ERRAND_BARRIER(pthread_rwlock_wrlock, pthread_rwlock_t)
ERRAND_BARRIER(pthread_rwlock_unlock, pthread_rwlock_t)

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...) {
  std::va_list list;
  va_start(list, number);
  long given[6];
  for (long& one : given) one = va_arg(list, long);
  va_end(list);
  before_exchange();
  // In which order the others execute their barriers, the system does not say.
  if (number == SYS_membarrier) all_come_true();
  return __real_syscall(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}
}

// Memory that is given back is not written to any more.
void operator delete(void* memory) noexcept {
  self.barrier();
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  self.barrier();
  std::free(memory);
}
