#pragma once
// One worker: takes tasks, claims them one by one, runs them, and says what became of them.
//
// A worker is a set of steps, not a thread. A thread of the queue's own calls step() over and over (Workers); under
// manual drive and in simulations anybody does, with as many workers as wanted.

#include <errand/random.h>

#include "engine/children.h"
#include "engine/frame.h"
#include "engine/lane.h"
#include "engine/meter.h"
#include "engine/parking.h"

namespace errand {
inline namespace v0 {
namespace detail {

class Engine;

// What a worker has in hand at one priority, as thieves see it: page index 63..38 | end 37..32 | generation 31..0. The
// owner writes it anew for each batch; thieves take from the end by compare-and-swap. Where the owner is, `at` says;
// how many batches had been taken from lanes before this one, `ticket`. Both are relaxed: by a wrong `at` a batch is
// only cut at another place, and each task in it is claimed by its word.
struct alignas(16) Hand {
  std::atomic<std::uint64_t> tail{0};
  std::atomic<std::uint32_t> at{0};
  std::atomic<std::uint32_t> ticket{0};
};

class Worker {
 public:
  Worker(Engine& engine, int number, std::uint64_t seed);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Runs one task. False if there was none it may run.
  bool step();

  // The two halves of step(), for simulations in which other things happen while a body runs.
  struct Claimed {
    Record* record = nullptr;
    std::uint64_t word = 0;  // running
  };
  [[nodiscard]] Claimed claim();
  void run(Claimed claimed);

  /// Runs the task of this id now if it is available, whatever its turn.
  bool run_if_available(std::uint64_t id);

  /// Whether there is something to run, looking everywhere. Raises the signals of what it finds.
  [[nodiscard]] bool finds_work() const;
  [[nodiscard]] static bool finds_work_in(const Engine& engine, const Worker* self = nullptr);
  /// Runs what is available on entry, and nothing else.
  void run_all_now();
  /// Order::depth_first: what the body that this worker is in submits.
  void push_child(std::uint64_t id, int priority);
  /// Gives up what it has in hand: others find it with the engine.
  void surrender();
  /// Gives back what it holds on to between tasks: called before it sleeps.
  void settle();

  // Until this stamp no timer is due, as long as the next one is due at this moment.
  struct Quiet {
    std::int64_t until = 0;
    std::int64_t next_mono = 0;

    [[nodiscard]] bool holds(std::int64_t stamp, std::int64_t next) const noexcept {
      return stamp < until && next == next_mono;
    }
  };

  [[nodiscard]] Engine& engine() const noexcept { return engine_; }

  /// Whether it pays to look for work for a while before it sleeps: the last time there was some soon. After a task
  /// that had waited for a moment nothing says that a submit is about to come.
  [[nodiscard]] bool expects_work_soon() const noexcept { return !after_moment_ && last_idle_ns_ < kSoonNs; }
  void note_idle(std::int64_t ns) noexcept { last_idle_ns_ = ns; }

  // Takes from the end of what `victim` has in hand. `late`: also the task that it is about to claim, if that is all.
  bool steal_from(Worker& victim, int priority, bool late = false);

  const int number;
  Meter meter;
  Berth berth;
  Rng rng;
  // Frames; 0: no body is running. Release when one is over: whoever finds it gone finds what it did.
  std::atomic<std::uint32_t> depth{0};
  Frame* frame = nullptr;  // the attempt it is in; the thread that drives the worker alone
  int submits = 0;         // calls of submit() below it on the stack, which run their task themselves

 private:
  friend class Engine;

  [[nodiscard]] Claimed claim(std::uint32_t signals);
  [[nodiscard]] bool nothing_at(std::uint32_t priorities) const noexcept;
  [[nodiscard]] Claimed next_in_hand(int priority);
  [[nodiscard]] Claimed take_from_line();
  bool take_from_late(int priority);
  bool take_from_lanes(int priority);
  bool take_from_a_lane(int priority, bool& busy);
  bool take_from_others(int priority);
  void hold(int priority, const Batch& batch, std::uint32_t ticket);
  [[nodiscard]] Claimed take_child(int priority);
  [[nodiscard]] Claimed steal_child(int priority);
  [[nodiscard]] Children* children(int priority) const noexcept {
    return children_[priority].load(std::memory_order_acquire);
  }
  [[nodiscard]] Claimed claim_id(std::uint64_t id, int priority = kAnyPriority);
  [[nodiscard]] Claimed claim_record(Record& record, std::uint64_t word, int priority);
  [[nodiscard]] Claimed claim_forward(Record& forward, std::uint64_t word, int priority);
  [[nodiscard]] Claimed claim_here(Page& page, std::uint32_t generation, int line, int priority);
  [[nodiscard]] Claimed claim_line(Page& page, std::uint32_t generation, int line, int priority);
  void give_back(Page& page, std::uint64_t bits) {
    if (done_page_ != &page) [[unlikely]]
      give_back_others(page);
    done_ |= bits;
  }
  void give_back_others(Page& page);
  void retire(Page& page);

  Engine& engine_;
  static constexpr int kChildrenInARow = 64;
  static constexpr int kAnyPriority = -1;
  // About what a worker looks for before it sleeps, and what waking it takes.
  static constexpr std::int64_t kSoonNs = 50'000;

  int children_in_a_row_ = 0;
  std::uint32_t in_hand_ = 0;        // bit p: hands_[p] may have something
  std::uint32_t with_children_ = 0;  // bit p: children_[p] may have something
  Batch batches_[10];                // what it has in hand, by priority; how much of it, hands_ says
  Lane* turn_[10] = {};              // the lane that was served last, by priority
  std::int64_t last_stamp_ = 0;      // the end of the last task, if the next one follows at once; else 0
  bool after_moment_ = false;        // the last task of the last batch was a forward's
  std::int64_t last_idle_ns_ = 0;    // how long it had nothing to do, the last time

  Quiet quiet_;

  // Records that are finished and not given back yet, all of one page.
  Page* done_page_ = nullptr;
  std::uint64_t done_ = 0;
  Page* retired_[8] = {};
  std::size_t retired_count_ = 0;

  alignas(64) Hand hands_[10];
  std::atomic<Children*> children_[10] = {};  // made on first use, with release; thieves look
};

}  // namespace detail
}  // namespace v0
}  // namespace errand
