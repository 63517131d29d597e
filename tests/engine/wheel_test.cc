#include "engine/wheel.h"

#include <errand/random.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <type_traits>
#include <vector>

namespace errand {
namespace {

using detail::TimerNode;
using detail::Wheel;

static_assert(std::is_trivially_default_constructible_v<TimerNode>);

constexpr std::int64_t kLast = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kFirst = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kTick = 65'536;
constexpr std::int64_t kStart = 1'790'000'000'123'456'789;  // some day in 2026
constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

struct Timer : TimerNode {
  std::size_t id = 0;
};

// Timers that stay where they are.
class Timers {
 public:
  Timer& make(std::int64_t due) {
    Timer& timer = all_.emplace_back();
    timer.due = due;
    timer.id = all_.size() - 1;
    return timer;
  }

 private:
  std::deque<Timer> all_;
};

std::vector<std::size_t> ids(TimerNode* list) {
  std::vector<std::size_t> result;
  while (TimerNode* const node = Wheel::pop(list)) {
    EXPECT_FALSE(node->linked());
    result.push_back(static_cast<Timer*>(node)->id);
  }
  return result;
}

std::vector<std::size_t> fired(Wheel& wheel, std::int64_t now) {
  const Wheel::Due due = wheel.advance(now);
  EXPECT_FALSE(due.more);
  std::vector<std::size_t> result = ids(due.first);
  EXPECT_EQ(result.size(), due.count);
  return result;
}

using Ids = std::vector<std::size_t>;

std::int64_t plus(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? (b > 0 ? kLast : kFirst) : sum;
}

// The slow and obvious way.
class Model {
 public:
  void insert(Timer& timer, std::int64_t reached) {
    where_[timer.id] = due_.emplace(std::max(timer.due, reached), &timer);
  }
  void remove(const Timer& timer) {
    due_.erase(where_.at(timer.id));
    where_.erase(timer.id);
  }
  Ids take(std::int64_t now) {
    Ids result;
    while (!due_.empty() && due_.begin()->first <= now) {
      result.push_back(due_.begin()->second->id);
      where_.erase(due_.begin()->second->id);
      due_.erase(due_.begin());
    }
    return result;
  }
  void rebuild(std::int64_t now) {
    const auto old = std::move(due_);
    due_.clear();
    for (const auto& [moment, timer] : old) insert(*timer, now);
  }
  Timer* any(Rng& rng) const {
    if (due_.empty()) return nullptr;
    return std::next(due_.begin(), static_cast<std::ptrdiff_t>(rng.below(due_.size())))->second;
  }
  bool holds(std::size_t id) const { return where_.count(id) != 0; }
  std::size_t size() const { return due_.size(); }
  std::int64_t earliest_linked() const {
    const auto it = std::find_if(due_.begin(), due_.end(), [](const auto& entry) { return entry.second->linked(); });
    return it == due_.end() ? kLast : it->first;
  }
  std::int64_t earliest() const { return due_.empty() ? kLast : due_.begin()->first; }

 private:
  std::multimap<std::int64_t, Timer*> due_;
  std::map<std::size_t, std::multimap<std::int64_t, Timer*>::iterator> where_;
};

// A span of any magnitude, often at the edge of a slot or of a turn.
std::int64_t some_span(Rng& rng) {
  const int level = static_cast<int>(rng.below(8));
  const std::int64_t width = std::int64_t{1} << (8 * level);
  const std::int64_t jitter = static_cast<std::int64_t>(rng.below(3)) - 1;
  switch (rng.below(5)) {
    case 0:
      return static_cast<std::int64_t>(rng() >> (1 + rng.below(63)));
    case 1:
      return std::max<std::int64_t>(0, width * static_cast<std::int64_t>(rng.below(127)) + jitter);
    case 2:
      return level == 7 ? width : width * (254 + static_cast<std::int64_t>(rng.below(4))) + jitter;
    case 3:
      return static_cast<std::int64_t>(rng.below(3 * kTick));
    default:
      return static_cast<std::int64_t>(rng.below(1'000'000'000));
  }
}

std::int64_t some_start(Rng& rng) {
  switch (rng.below(6)) {
    case 0:
      return 0;
    case 1:
      return kFirst;
    case 2:
      return -static_cast<std::int64_t>(rng.below(1'000'000));
    case 3:
      return (std::int64_t{1} << 48) - 1 - static_cast<std::int64_t>(rng.below(3));  // all digits about to turn
    default:
      return kStart + static_cast<std::int64_t>(rng() >> 8);
  }
}

std::int64_t some_due(Rng& rng, std::int64_t now, std::int64_t last_due) {
  switch (rng.below(16)) {
    case 0:
      return last_due;
    case 1:
      return now;
    case 2:
      return plus(now, -some_span(rng));
    case 3:
      return rng.below(4) == 0 ? kLast : last_due;
    case 4:
      return rng.below(8) == 0 ? kFirst : last_due;
    case 5:
      return static_cast<std::int64_t>(rng());
    default:
      return plus(now, some_span(rng));
  }
}

std::int64_t some_now(Rng& rng, const Wheel& wheel, const Model& model, std::int64_t now) {
  switch (rng.below(12)) {
    case 0:
      return now;
    case 1:
      return plus(now, some_span(rng));
    case 2:
      return std::max(now, wheel.next_due());
    case 3:
      return std::max(now, model.earliest());
    case 4:
      return std::max(now, plus(model.earliest(), -1));
    case 5:
      return plus(now, kTick * static_cast<std::int64_t>(rng.below(300)));
    default:
      return plus(now, static_cast<std::int64_t>(rng.below(2'000'000)));
  }
}

// A wheel and a model of it go through the same things.
class Pair {
 public:
  explicit Pair(std::uint64_t seed) : rng_(seed), now_(some_start(rng_)), wheel_(std::make_unique<Wheel>(now_)) {}

  void run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
      switch (rng_.below(12)) {
        case 0:
          advance();
          break;
        case 1:
          remove();
          break;
        case 2:
          wheel_->spread_ahead(1 + rng_.below(20));
          break;
        case 3:
          if (rng_.below(50) == 0) rebuild();
          break;
        case 4:
          if (rng_.below(10) == 0)
            while (wheel_->spread_ahead(3)) continue;
          break;
        default:
          insert();
          break;
      }
      check();
    }
    EXPECT_EQ(fired(*wheel_, kLast), model_.take(kLast));
    EXPECT_EQ(wheel_->next_due(), Wheel::kNever);
    EXPECT_EQ(wheel_->earliest_due(), Wheel::kNever);
    EXPECT_EQ(wheel_->size(), 0u);
  }

 private:
  void insert() {
    Timer& timer = timers_.make(last_due_ = some_due(rng_, now_, last_due_));
    wheel_->insert(timer);
    model_.insert(timer, now_);
  }

  void remove() {
    Timer* const timer = model_.any(rng_);
    if (timer == nullptr) return;
    wheel_->remove(*timer);
    EXPECT_FALSE(timer->linked());
    model_.remove(*timer);
  }

  void advance() {
    now_ = some_now(rng_, *wheel_, model_, now_);
    EXPECT_EQ(fired(*wheel_, now_), model_.take(now_));
    if (wheel_->size() != 0 && now_ != kLast) {
      EXPECT_GT(wheel_->next_due(), now_);
    }
  }

  void rebuild() {
    now_ = plus(now_, -some_span(rng_));
    wheel_->rebuild(now_);
    model_.rebuild(now_);
  }

  void check() {
    EXPECT_EQ(wheel_->size(), model_.size());
    EXPECT_LE(wheel_->next_due(), model_.earliest());
    EXPECT_LE(wheel_->earliest_due(), model_.earliest());
  }

  Rng rng_;
  std::int64_t now_;
  std::int64_t last_due_ = 0;
  Timers timers_;
  Model model_;
  std::unique_ptr<Wheel> wheel_;
};

TEST(Wheel, DoesWhatASortedListDoes) {
  for (std::uint64_t seed = 1; seed <= 400 && !HasFailure(); ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Pair(seed).run(600);
  }
}

// In steps, with inserts and removals between them. Where a due comes that has passed meanwhile is not prescribed; all
// else is in order.
TEST(Wheel, DoesTheSameInBoundedSteps) {
  for (std::uint64_t seed = 1; seed <= 300 && !HasFailure(); ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Rng rng(seed);
    std::int64_t now = some_start(rng);
    std::int64_t last_due = now;
    Wheel wheel(now);
    Model model;
    Timers timers;
    std::set<std::size_t> late;
    for (int round = 0; round < 30; ++round) {
      for (std::uint64_t i = rng.below(60); i > 0; --i) {
        Timer& timer = timers.make(last_due = some_due(rng, now, last_due));
        wheel.insert(timer);
        model.insert(timer, now);
        if (rng.below(20) == 0) wheel.spread_ahead(1 + rng.below(10));
      }
      now = some_now(rng, wheel, model, now);
      Ids got;
      late.clear();
      Wheel::Due due;
      do {
        const std::size_t limit = 1 + rng.below(12);
        due = wheel.advance(now, limit);
        EXPECT_LE(due.count, limit);
        for (const std::size_t id : ids(due.first)) got.push_back(id);
        if (!due.more) break;
        EXPECT_LE(wheel.next_due(), std::max(now, model.earliest_linked()));
        if (rng.below(4) == 0) wheel.spread_ahead(1 + rng.below(10));
        if (rng.below(3) == 0) {
          Timer& timer = timers.make(rng.below(2) == 0 ? last_due : plus(now, some_span(rng)));
          if (timer.due <= now) late.insert(timer.id);
          wheel.insert(timer);
          model.insert(timer, kFirst);
        }
        Timer* const timer = model.any(rng);
        if (rng.below(4) == 0 && timer != nullptr && timer->linked()) {
          wheel.remove(*timer);
          model.remove(*timer);
        }
      } while (due.more);
      Ids want = model.take(now);
      EXPECT_EQ(std::set<std::size_t>(got.begin(), got.end()), std::set<std::size_t>(want.begin(), want.end()));
      std::erase_if(got, [&](std::size_t id) { return late.count(id) != 0; });
      std::erase_if(want, [&](std::size_t id) { return late.count(id) != 0; });
      EXPECT_EQ(got, want);
      EXPECT_EQ(wheel.size(), model.size());
    }
  }
}

TEST(Wheel, EarliestDueIsExactHoweverManyThereAre) {
  Timers timers;
  Wheel wheel(kStart);
  for (const std::int64_t span : {std::int64_t{3}, 300 * kTick, 70'000 * kTick, 17'000'000 * kTick}) {
    for (int i = 9; i >= 0; --i) wheel.insert(timers.make(kStart + span + i));
  }
  EXPECT_EQ(wheel.earliest_due(), kStart + 3);
  ASSERT_EQ(fired(wheel, kStart + 12).size(), 10u);
  EXPECT_EQ(wheel.earliest_due(), kStart + 300 * kTick);
  ASSERT_EQ(fired(wheel, kStart + 300 * kTick + 9).size(), 10u);
  EXPECT_EQ(wheel.earliest_due(), kStart + 70'000 * kTick);
}

// With the wheel stopping just before, at and after every slot on the way, or in one jump.
void expect_on_time(std::int64_t start, std::int64_t due, std::int64_t width, bool in_one_jump) {
  Timers timers;
  Wheel wheel(start);
  wheel.insert(timers.make(due));
  for (std::int64_t now = start; !in_one_jump && now < due; now += std::max<std::int64_t>(1, width - 1)) {
    ASSERT_EQ(fired(wheel, now), Ids{});
    wheel.spread_ahead(kAll);
  }
  ASSERT_EQ(fired(wheel, due - 1), Ids{});
  ASSERT_EQ(wheel.next_due(), due);
  ASSERT_EQ(fired(wheel, due), Ids{0});
}

// "Now" one tick behind at a cascade would send an entry due exactly 255 ticks later a whole turn round again.
TEST(Wheel, EntryAtTheEdgeOfATurnFiresOnTime) {
  for (const std::int64_t start : {std::int64_t{0}, kTick - 1, 255 * kTick, 256 * kTick - 1, 256 * kTick, kStart}) {
    for (int level = 0; level < 7; ++level) {
      const std::int64_t width = std::int64_t{1} << (8 * level);
      for (const std::int64_t slots : {1, 2, 254, 255, 256, 257, 511, 512, 513}) {
        if (level == 6 && slots > 2) continue;  // past the end of time
        for (const std::int64_t jitter : {-1, 0, 1}) {
          const std::int64_t due = start + slots * width + jitter;
          if (due <= start) continue;
          expect_on_time(start, due, width, true);
          expect_on_time(start, due, width, false);
          ASSERT_FALSE(HasFatalFailure()) << "start " << start << ", due " << due;
        }
      }
    }
  }
}

TEST(Wheel, CascadeAtTheStartOfATurnLeavesNothingBehind) {
  Timers timers;
  Wheel wheel(0);
  const std::int64_t turn = 256 * kTick;
  for (std::int64_t tick = 0; tick < 512; ++tick) wheel.insert(timers.make(turn + tick * kTick));
  for (std::int64_t tick = 0; tick < 512; ++tick) {
    const std::int64_t due = turn + tick * kTick;
    ASSERT_EQ(fired(wheel, due - 1), Ids{});
    ASSERT_EQ(fired(wheel, due), Ids{static_cast<std::size_t>(tick)});
  }
}

TEST(Wheel, EqualDuesComeOutInOrderOfInsertion) {
  const std::int64_t due = kStart + 3'600'000'000'000;
  Timers timers;
  Wheel wheel(kStart);
  Ids want;
  // Inserted from ever nearer, so that each starts on another level.
  for (std::int64_t before = due - kStart; before > 0; before /= 3) {
    ASSERT_EQ(fired(wheel, due - before), Ids{});
    for (int i = 0; i < 3; ++i) {
      want.push_back(want.size());
      wheel.insert(timers.make(due));
      wheel.spread_ahead(1);
    }
  }
  EXPECT_EQ(fired(wheel, due), want);
}

TEST(Wheel, EqualDueInsertedWhileItsSlotIsSpreadComesLast) {
  Timers timers;
  Wheel wheel(kStart);
  const std::int64_t due = kStart + 10'000'000'000;
  Ids want;
  for (std::size_t i = 0; i < 100; ++i) {
    wheel.insert(timers.make(due + static_cast<std::int64_t>(i % 2)));
    if (i % 2 == 0) want.push_back(i);
  }
  Wheel::Due step = wheel.advance(due, 30);
  ASSERT_TRUE(step.more);
  ASSERT_EQ(step.count, 0u);
  wheel.insert(timers.make(due));
  want.push_back(100);
  EXPECT_EQ(fired(wheel, due), want);
}

TEST(Wheel, DueInThePastFiresAtOnce) {
  Timers timers;
  Wheel wheel(kStart);
  for (const std::int64_t due : {kStart, kStart - 1, kFirst, kStart - kTick}) wheel.insert(timers.make(due));
  EXPECT_LE(wheel.next_due(), kFirst);
  EXPECT_EQ(fired(wheel, kStart), (Ids{0, 1, 2, 3}));
  EXPECT_EQ(wheel.next_due(), Wheel::kNever);
}

TEST(Wheel, KnowsTheEndsOfTime) {
  Timers timers;
  Wheel wheel(kFirst);
  for (const std::int64_t due : {kLast, kFirst, kLast - 1, kFirst + 1}) wheel.insert(timers.make(due));
  EXPECT_EQ(fired(wheel, kFirst), Ids{1});
  EXPECT_EQ(fired(wheel, kFirst + 1), Ids{3});
  EXPECT_EQ(fired(wheel, kLast - 2), Ids{});
  EXPECT_EQ(fired(wheel, kLast - 1), Ids{2});
  EXPECT_EQ(fired(wheel, kLast), Ids{0});
  wheel.insert(timers.make(kLast));
  EXPECT_EQ(fired(wheel, kLast), Ids{4});
}

TEST(Wheel, NowALittleBehindIsTakenAsTheLatest) {
  Timers timers;
  Wheel wheel(kStart);
  EXPECT_EQ(fired(wheel, kStart + 100), Ids{});
  wheel.insert(timers.make(kStart + 90));
  EXPECT_EQ(fired(wheel, kStart + 80), Ids{0});
}

TEST(Wheel, CostsNothingForTimeThatPasses) {
  Timers timers;
  Wheel wheel(0);
  for (std::int64_t i = 1; i <= 1000; ++i) wheel.insert(timers.make(kLast / 1000 * i));
  std::size_t steps = 0;
  std::size_t count = 0;
  Wheel::Due due;
  do {
    due = wheel.advance(kLast, 1);
    count += due.count;
    ++steps;
  } while (due.more && steps < 1'000'000);
  EXPECT_EQ(count, 1000u);
  EXPECT_LE(steps, 8u * 1000);
}

TEST(Wheel, StepsAreBoundedAndFew) {
  Timers timers;
  Wheel wheel(kStart);
  for (int i = 0; i < 10'000; ++i) wheel.insert(timers.make(kStart + 7'200'000'000'000 + i % 100));
  const std::int64_t now = kStart + 7'200'000'000'100;
  std::size_t steps = 0;
  std::size_t count = 0;
  Wheel::Due due;
  do {
    due = wheel.advance(now, 100);
    ASSERT_LE(due.count, 100u);
    count += due.count;
    ++steps;
  } while (due.more && steps < 1'000'000);
  EXPECT_EQ(count, 10'000u);
  EXPECT_LE(steps, 7u * 10'000 / 100 + 8);
}

TEST(Wheel, RemovedTimerDoesNotFireAndLeavesNoTrace) {
  Rng rng(1);
  Timers timers;
  Wheel wheel(kStart);
  std::vector<Timer*> all;
  for (int i = 0; i < 1000; ++i) wheel.insert(*all.emplace_back(&timers.make(plus(kStart, some_span(rng)))));
  wheel.spread_ahead(kAll);
  for (Timer* const timer : all) wheel.remove(*timer);
  EXPECT_EQ(wheel.size(), 0u);
  EXPECT_EQ(wheel.next_due(), Wheel::kNever);
  EXPECT_EQ(fired(wheel, kLast), Ids{});
}

TEST(Wheel, RemovedWhileItsSlotIsSpread) {
  Timers timers;
  Wheel wheel(kStart);
  const std::int64_t due = kStart + 10'000'000'000;
  std::vector<Timer*> all;
  for (int i = 0; i < 100; ++i) wheel.insert(*all.emplace_back(&timers.make(due)));
  ASSERT_TRUE(wheel.advance(due, 30).more);
  for (Timer* const timer : all) {
    if (timer->id != 7) wheel.remove(*timer);
  }
  EXPECT_EQ(fired(wheel, due), Ids{7});
  wheel.insert(timers.make(due + 1));
  EXPECT_EQ(wheel.next_due(), due + 1);
  EXPECT_EQ(fired(wheel, due + 1), Ids{100});
}

// Sleeps until next_due() again and again; returns how many times in vain.
std::size_t useless_wakes(Wheel& wheel, bool ahead) {
  std::size_t useless = 0;
  while (wheel.size() != 0 && useless < 10'000) {
    const Wheel::Due due = wheel.advance(wheel.next_due());
    useless += due.count == 0;
    while (ahead && wheel.spread_ahead(100)) continue;
  }
  return useless;
}

TEST(Wheel, LoneTimerNeedsOneWake) {
  for (const std::int64_t wait : {std::int64_t{1}, kTick, 1000 * kTick, std::int64_t{3'600'000'000'000}, kLast / 2}) {
    Timers timers;
    Wheel wheel(kStart);
    wheel.insert(timers.make(plus(kStart, wait)));
    EXPECT_EQ(useless_wakes(wheel, false), 0u);
  }
}

TEST(Wheel, FarCrowdNeedsFewWakes) {
  for (const bool ahead : {false, true}) {
    Timers timers;
    Wheel wheel(kStart);
    for (int i = 0; i < 1000; ++i) wheel.insert(timers.make(kStart + 2'592'000'000'000'000 + i / 100));
    EXPECT_LE(useless_wakes(wheel, ahead), 2u * 8);
  }
}

TEST(Wheel, SpreadAheadTakesTheWorkOutOfTheMoment) {
  Timers timers;
  Wheel wheel(0);
  const std::int64_t slot = 256 * kTick;  // of level 3
  for (std::int64_t i = 0; i < 10'000; ++i) wheel.insert(timers.make(slot + i * (slot / 10'000)));
  std::size_t calls = 1;
  while (wheel.spread_ahead(100)) ++calls;
  EXPECT_GE(calls, 100u);
  const Wheel::Due due = wheel.advance(slot, 100);
  EXPECT_EQ(ids(due.first), Ids{0});
  EXPECT_FALSE(due.more);
}

TEST(Wheel, RebuildFollowsAClockThatWasSetBack) {
  Timers timers;
  Wheel wheel(kStart);
  const std::int64_t hour = 3'600'000'000'000;
  for (const std::int64_t due : {hour, hour / 2, hour, -hour / 2}) wheel.insert(timers.make(kStart + due));
  wheel.rebuild(kStart - hour);
  EXPECT_EQ(wheel.size(), 4u);
  EXPECT_EQ(fired(wheel, kStart - hour / 2 - 1), Ids{});
  EXPECT_EQ(fired(wheel, kStart - hour / 2), Ids{3});
  EXPECT_EQ(fired(wheel, kStart + hour), (Ids{1, 0, 2}));
}

TEST(Wheel, TakeAllEmptiesIt) {
  Rng rng(2);
  Timers timers;
  Wheel wheel(kStart);
  for (int i = 0; i < 500; ++i) wheel.insert(timers.make(plus(kStart, some_span(rng))));
  static_cast<void>(wheel.advance(kStart + kTick, 3));
  const std::size_t left = wheel.size();
  EXPECT_EQ(ids(wheel.take_all()).size(), left);
  EXPECT_EQ(wheel.size(), 0u);
  EXPECT_EQ(wheel.next_due(), Wheel::kNever);
  EXPECT_EQ(wheel.take_all(), nullptr);
}

}  // namespace
}  // namespace errand
