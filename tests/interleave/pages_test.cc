// Pages and their pool: what one thread opened others give back, and look for by ids that may be old.

#include "pages.h"

#include "rounds.h"

namespace interleave {
namespace {

using namespace errand::detail;  // NOLINT(google-build-using-namespace)
using errand::Rng;
using errand::TaskState;

// Ids on their way from one thread to another.
class Mailbox {
 public:
  // Puts `id` somewhere, and returns what lay there; 0: nothing.
  std::uint64_t swap(std::uint64_t id, Rng& rng) { return places_[rng.below(kPlaces)].exchange(id); }
  // A look, without taking it.
  [[nodiscard]] std::uint64_t look(Rng& rng) const { return places_[rng.below(kPlaces)].load(); }
  template <class F>
  void empty(F f) {
    for (auto& place : places_) {
      if (const std::uint64_t id = place.exchange(0)) f(id);
    }
  }

 private:
  static constexpr std::size_t kPlaces = 64;
  std::atomic<std::uint64_t> places_[kPlaces] = {};
};

class House {
 public:
  explicit House(std::uint64_t seed) : pages_(seed) {}

  // Opens a page, and begins a task in each of its records.
  void fill_one(Rng& rng) {
    Page& page = pages_.acquire();
    std::uint64_t opened = open_page(page);
    const std::uint32_t generation = page.generation.load(std::memory_order_relaxed);
    for (; opened != 0; opened &= opened - 1) {
      const int line = std::countr_zero(opened);
      Record& record = page.line(line);
      const std::uint64_t id = make_id(generation, index_of(page), static_cast<std::size_t>(line));
      record.word.store(make_word(generation, 5, 0, kVacant), std::memory_order_relaxed);
      const bool pinned = rng.below(8) == 0;
      pin_of(record).store(pinned ? kPinned : kUnpinned, std::memory_order_relaxed);
      record.stamp.store(static_cast<std::int64_t>(id), std::memory_order_release);
      record.word.store(make_word(generation, 5, 0, raw(TaskState::available)), std::memory_order_release);
      if (pinned) unpin(pins_.swap(id, rng));
      end(tasks_.swap(id, rng));
    }
    pages_.give_back(page, kHeld);
  }
  // A task that may be over, in a record that may be another's. Nobody may be taken for another.
  void look_for_any(Rng& rng) {
    const std::uint64_t id = tasks_.look(rng);
    Record* record = pages_.pool.find(id);
    if (record == nullptr) return;
    dally(rng);
    const std::uint64_t before = record->word.load(std::memory_order_acquire);
    const auto says = static_cast<std::uint64_t>(record->stamp.load(std::memory_order_acquire));
    const std::uint64_t after = record->word.load(std::memory_order_acquire);
    if (generation_in(before) != generation_in(id) || generation_in(after) != generation_in(id)) return;
    if (raw_state(before) != kVacant) {
      EXPECT_EQ(says, id);
    }
  }
  void unpin_any(Rng& rng) { unpin(pins_.swap(0, rng)); }
  void trim() { pages_.pool.trim(); }

  void check() {
    tasks_.empty([&](std::uint64_t id) { end(id); });
    EXPECT_EQ(pages_.out(), 0);
    pins_.empty([&](std::uint64_t id) { unpin(id); });
    EXPECT_FALSE(pages_.pool.any_pinned());
  }

 private:
  void end(std::uint64_t id) {
    if (id == 0) return;
    Record& record = expect(id);
    const std::uint64_t word = record.word.load(std::memory_order_acquire);
    record.word.store(with_state(word, raw(TaskState::completed)), std::memory_order_release);
    pages_.give_back(page_of(record), bit_of(line_of(record)));
  }
  void unpin(std::uint64_t id) {
    if (id != 0) pin_of(expect(id)).store(kUnpinned, std::memory_order_release);
  }
  // The record of a task that has not been given back, or is pinned.
  Record& expect(std::uint64_t id) {
    Record& record = *pages_.pool.find(id);
    EXPECT_EQ(generation_in(record.word.load(std::memory_order_acquire)), generation_in(id)) << "used again";
    EXPECT_EQ(static_cast<std::uint64_t>(record.stamp.load(std::memory_order_relaxed)), id);
    return record;
  }

  Pages pages_;
  Mailbox tasks_;
  Mailbox pins_;
};

TEST(PagesInterleaved, NoRecordIsAnothersBeforeItsTime) {
  rounds([](Rng& rng) {
    House house(rng());
    {
      Team team(3);
      for (int i = 0; i < 2; ++i) {
        team.add([&, rng = Rng(rng())]() mutable {
          for (int step = 0; step < 40 && !testing::Test::HasFailure(); ++step) house.fill_one(rng);
        });
      }
      team.add([&, rng = Rng(rng())]() mutable {
        for (int step = 0; step < 2000 && !testing::Test::HasFailure(); ++step) {
          house.look_for_any(rng);
          if (step % 4 == 0) house.unpin_any(rng);
          if (step % 512 == 0) house.trim();
        }
      });
    }
    house.check();
  });
}

}  // namespace
}  // namespace interleave
