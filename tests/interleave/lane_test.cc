// A lane: one thread fills it, others take from it, and cancel what stands in it.

#include "engine/lane.h"

#include <cstring>

#include "pages.h"
#include "rounds.h"

namespace interleave {
namespace {

using namespace errand::detail;  // NOLINT(google-build-using-namespace)
using errand::Rng;
using errand::TaskState;

constexpr int kTasks = 2000;
constexpr int kPriority = 5;

// A lane with tasks that are numbers, in order.
class Belt {
 public:
  explicit Belt(std::uint64_t seed) : pages_(seed) {}

  void publish(int number) {
    while (lane_.cursor.exhausted()) lane_.extend(pages_.acquire());
    const PageCursor::Slot slot = lane_.cursor.take();
    Record& record = *slot.record;
    record.word.store(make_word(generation_in(slot.id), kPriority, 0, kVacant), std::memory_order_relaxed);
    std::memcpy(record.body, &number, sizeof number);
    record.word.store(make_word(generation_in(slot.id), kPriority, 0, raw(TaskState::available)),
                      std::memory_order_release);
    ids_[static_cast<std::size_t>(number)].store(slot.id, std::memory_order_release);
  }

  // Takes and runs one batch. `last`: the number before it, for this taker.
  void take(int share, int& last) {
    if (lane_.quiet()) return;
    const Lane::Taken taken = lane_.take(pages_.pool, share);
    if (taken.passed != nullptr) pages_.retire(*taken.passed);
    std::uint64_t done = 0;
    for (int line = taken.batch.begin; line < taken.batch.end; ++line) {
      const int number = claim(taken.batch.page->line(line), taken.batch.generation, TaskState::completed);
      if (number < 0) continue;
      EXPECT_LT(last, number) << "not in order";
      last = number;
      done |= bit_of(static_cast<std::size_t>(line));
    }
    if (done != 0) pages_.give_back(*taken.batch.page, done);
  }

  void cancel(int number) {
    const std::uint64_t id = ids_[static_cast<std::size_t>(number)].load(std::memory_order_acquire);
    if (id == 0) return;
    Record& record = *pages_.pool.find(id);
    const int cancelled = claim(record, generation_in(id), TaskState::cancelled);
    if (cancelled < 0) return;
    EXPECT_EQ(cancelled, number);
    pages_.give_back(page_of(record), bit_of(line_of(record)));
  }

  void sweep() {
    std::vector<Page*> left_out;
    lane_.sweep(pages_.pool, left_out);
    for (Page* page : left_out) pages_.retire(*page);
  }

  [[nodiscard]] bool is_over() const { return over_.load() >= kTasks; }
  void check() {
    for (const auto& times : times_) ASSERT_EQ(times.load(), 1);
    ASSERT_EQ(over_.load(), kTasks);
    int last = -1;
    while (!lane_.quiet()) take(1, last);
    EXPECT_TRUE(lane_.empty(pages_.pool));
    EXPECT_EQ(pages_.out(), 1) << "all but the producer's have come back";
  }

 private:
  // The number of the task, if this thread is the one to end it.
  int claim(Record& record, std::uint32_t generation, TaskState to) {
    std::uint64_t word = record.word.load(std::memory_order_acquire);
    if (generation_in(word) != generation || raw_state(word) != raw(TaskState::available)) return -1;
    if (!record.word.compare_exchange_strong(word, with_state(word, raw(TaskState::running)))) return -1;
    int number = -1;
    std::memcpy(&number, record.body, sizeof number);
    times_[static_cast<std::size_t>(number)].fetch_add(1);
    over_.fetch_add(1);
    record.word.store(with_state(word, raw(to)), std::memory_order_release);
    return number;
  }

  Pages pages_;
  Lane lane_{kPriority};
  std::vector<std::atomic<std::uint64_t>> ids_ = std::vector<std::atomic<std::uint64_t>>(kTasks);
  std::vector<std::atomic<int>> times_ = std::vector<std::atomic<int>>(kTasks);  // that it was taken, or cancelled
  std::atomic<int> over_{0};
};

void pass_along(Rng& rng, int takers, bool cancels) {
  Belt belt(rng());
  {
    Team team(takers + 1 + (cancels ? 1 : 0));
    team.add([&, rng = Rng(rng())]() mutable {
      for (int number = 0; number < kTasks; ++number) {
        belt.publish(number);
        if (number % 64 == 0) dally(rng);
      }
    });
    for (int i = 0; i < takers; ++i) {
      team.add([&] {
        int last = -1;
        EXPECT_TRUE(comes([&] {
          belt.take(takers, last);
          return belt.is_over();
        })) << "a task is lost";
      });
    }
    if (cancels) {
      team.add([&, rng = Rng(rng())]() mutable {
        while (!belt.is_over() && !testing::Test::HasFailure()) {
          belt.cancel(static_cast<int>(rng.below(kTasks)));
          if (rng.below(16) == 0) belt.sweep();
        }
      });
    }
  }
  belt.check();
}

TEST(LaneInterleaved, GivesEachTaskOnceAndInOrder) {
  rounds([](Rng& rng) { pass_along(rng, 1 + static_cast<int>(rng.below(3)), false); });
}

TEST(LaneInterleaved, EachTaskIsTakenOrCancelled) {
  rounds([](Rng& rng) { pass_along(rng, 1 + static_cast<int>(rng.below(2)), true); });
}

}  // namespace
}  // namespace interleave
