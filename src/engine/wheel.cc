#include "engine/wheel.h"

#include <errand/result.h>

#include <algorithm>
#include <bit>

namespace errand {
inline namespace v0 {
namespace detail {

namespace {

constexpr std::uint64_t kSign = std::uint64_t{1} << 63;

std::uint64_t to_moment(std::int64_t ns) {
  return static_cast<std::uint64_t>(ns) ^ kSign;
}
std::int64_t to_ns(std::uint64_t moment) {
  return static_cast<std::int64_t>(moment ^ kSign);
}

// The lowest level at which both are in the same turn.
int level_of(std::uint64_t moment, std::uint64_t position) {
  return (63 - std::countl_zero((moment ^ position) | 1)) / 8;
}

}  // namespace

Wheel::Wheel(std::int64_t now) noexcept : position_(to_moment(now)) {}

std::size_t Wheel::slot_of(int level, std::uint64_t moment) noexcept {
  return static_cast<std::size_t>(level) * kSlots + ((moment >> (8 * level)) & (kSlots - 1));
}

std::size_t Wheel::ring_of(int level, std::uint64_t moment) noexcept {
  const std::uint64_t number = level == 0 ? moment * kRings : moment >> (8 * level - kRingBits);
  return static_cast<std::size_t>(level) * kSlots * kRings + (number & (kSlots * kRings - 1));
}

void Wheel::insert(TimerNode& node) noexcept {
  ++size_;
  // What belongs into a slot that is being spread queues up there: nodes with the same due may still be in it.
  place(node, spreading_);
}

// On the lowest level that is right, or on `least` if that is higher. Returns the level.
int Wheel::place(TimerNode& node, int least) noexcept {
  const std::uint64_t moment = std::max(to_moment(node.due), position_);
  const int level = std::max(level_of(moment, position_), least);
  append(node, level, moment);
  return level;
}

void Wheel::append(TimerNode& node, int level, std::uint64_t moment) noexcept {
  const std::size_t index = ring_of(level, moment);
  TimerNode& ring = rings_[index];
  unsigned char& used = used_rings_[index / kRings];
  const unsigned bit = 1u << (index % kRings);
  if ((used & bit) == 0) {
    used = static_cast<unsigned char>(used | bit);
    used_[index / kRings / 64] |= std::uint64_t{1} << (index / kRings % 64);
    levels_ |= 1u << level;
    node.next = node.prev = &ring;
    ring = {node.due, &node, &node};
    return;
  }
  TimerNode* const last = ring.prev;
  node.next = &ring;
  node.prev = last;
  last->next = &node;
  ring.prev = &node;
  if (node.due < ring.due) ring.due = node.due;
}

void Wheel::remove(TimerNode& node) noexcept {
  --size_;
  node.prev->next = node.next;
  node.next->prev = node.prev;
  // Both neighbours are one only if that is the ring itself.
  if (node.next == node.prev) emptied(static_cast<std::size_t>(node.next - rings_));
  node.next = node.prev = nullptr;
}

void Wheel::emptied(std::size_t ring) noexcept {
  const std::size_t slot = ring / kRings;
  used_rings_[slot] = static_cast<unsigned char>(used_rings_[slot] & ~(1u << (ring % kRings)));
  if (used_rings_[slot] != 0) return;
  std::uint64_t& word = used_[slot / 64];
  word &= ~(std::uint64_t{1} << (slot % 64));
  if (word != 0) return;
  const std::size_t level = slot / kSlots;
  std::uint64_t left = 0;
  for (std::size_t i = level * kWords; i < (level + 1) * kWords; ++i) left |= used_[i];
  if (left == 0) levels_ &= ~(1u << level);
}

// The slot's node if it is the only one in it and below it. REQUIRES: first() said this slot.
TimerNode* Wheel::sole(const Slot& slot) const noexcept {
  if ((levels_ & ((1u << slot.level) - 1)) != 0) return nullptr;
  const unsigned used = used_rings_[slot.index];
  if (!std::has_single_bit(used)) return nullptr;
  const TimerNode& ring = rings_[slot.index * kRings + static_cast<std::size_t>(std::countr_zero(used))];
  return ring.next == ring.prev ? ring.next : nullptr;
}

// No later than any due in a used slot, and exact unless that node was removed.
std::int64_t Wheel::earliest(std::size_t slot) const noexcept {
  return rings_[slot * kRings + static_cast<std::size_t>(std::countr_zero(unsigned{used_rings_[slot]}))].due;
}

// The earliest used slot of a level that has one: in position_'s turn, or else in the coming one.
Wheel::Slot Wheel::first_of(int level) const noexcept {
  const std::size_t words = static_cast<std::size_t>(level) * kWords;
  const std::uint64_t turn = level == kLevels - 1 ? 0 : position_ >> (8 * (level + 1));
  for (std::uint64_t ahead = 0; ahead < 2; ++ahead) {
    const std::size_t half = words + ((turn + ahead) & 1) * (kWords / 2);
    for (std::size_t i = half; i < half + kWords / 2; ++i) {
      if (used_[i] == 0) continue;
      const std::size_t index = i * 64 + static_cast<std::size_t>(std::countr_zero(used_[i]));
      return {level, index, ((turn + ahead) << 8 | (index & 255)) << (8 * level), ahead == 0};
    }
  }
  return {};
}

// The slot to look into next: the one that starts first. Of those that start at the same moment the highest, whose
// nodes must sink before the lower ones are handed out. REQUIRES: not empty.
Wheel::Slot Wheel::first() const noexcept {
  Slot best = first_of(std::countr_zero(levels_));
  for (std::uint32_t above = levels_ & (levels_ - 1); !best.this_turn && above != 0; above &= above - 1) {
    const Slot slot = first_of(std::countr_zero(above));
    if (slot.start <= best.start) best = slot;
    if (slot.this_turn) break;
  }
  return best;
}

// Takes up to `limit` nodes off the fronts of a slot's rings, from each ring in order. The sink gets them with dangling
// links, and may append them elsewhere.
template <class Sink>
std::size_t Wheel::drain(std::size_t slot, std::size_t limit, Sink sink) noexcept {
  std::size_t open[kRings];
  TimerNode* next[kRings];
  std::size_t count = 0;
  for (unsigned used = used_rings_[slot]; used != 0; used &= used - 1, ++count) {
    open[count] = slot * kRings + static_cast<std::size_t>(std::countr_zero(used));
    next[count] = rings_[open[count]].next;
    __builtin_prefetch(next[count], 1);
  }
  std::size_t taken = 0;
  for (std::size_t i = 0; count != 0 && taken < limit; ++taken) {
    TimerNode* const node = next[i];
    next[i] = node->next;
    __builtin_prefetch(next[i], 1);
    sink(*node);
    if (next[i] == &rings_[open[i]]) {
      emptied(open[i]);
      --count;
      open[i] = open[count];
      next[i] = next[count];
    } else {
      ++i;
    }
    if (i >= count) i = 0;
  }
  for (std::size_t i = 0; i < count; ++i) {
    rings_[open[i]].next = next[i];
    next[i]->prev = &rings_[open[i]];
  }
  return taken;
}

Wheel::Due Wheel::advance(std::int64_t now, std::size_t limit) noexcept {
  ERRAND_ASSERT(limit > 0);
  const std::uint64_t to = std::max(to_moment(now), position_);
  Due due;
  TimerNode** end = &due.first;
  const auto hand_out = [&](TimerNode& node) {
    node.prev = nullptr;
    *end = &node;
    end = &node.next;
    ++due.count;
  };
  while (levels_ != 0) {
    const Slot slot = spreading_ != 0 ? Slot{} : first();
    if (slot.start > to) break;
    if (limit == 0) {
      due.more = true;
      break;
    }
    if (spreading_ != 0) {
      limit -= spread(limit);
    } else if (slot.level == 0) {
      position_ = slot.start;
      limit -= drain(slot.index, limit, hand_out);
    } else if (TimerNode* const node = sole(slot); node != nullptr) {
      // All others come after this slot, so there is no need to sink level by level.
      position_ = std::min(to_moment(node->due), to);
      --limit;
      emptied(ring_of(slot.level, to_moment(node->due)));
      if (to_moment(node->due) <= to) {
        hand_out(*node);
      } else {
        place(*node, 0);
      }
    } else {
      position_ = slot.start;
      spreading_ = slot.level;
    }
  }
  *end = nullptr;
  size_ -= due.count;
  if (!due.more) position_ = to;
  if (levels_ == 0) spreading_ = 0;
  return due;
}

// Lets nodes sink from position_'s slot on the level being spread.
std::size_t Wheel::spread(std::size_t limit) noexcept {
  // Below there may be a slot that also starts here and that spread_ahead() has filled: its nodes came earlier. So ours
  // queue up behind them, and it is spread next.
  int least = spreading_ - 1;
  while (least > 0 && used_rings_[slot_of(least, position_)] == 0) --least;
  const std::size_t slot = slot_of(spreading_, position_);
  const std::size_t taken = drain(slot, limit, [&](TimerNode& node) {
    const int level = place(node, least);
    ERRAND_ASSERT(level < spreading_);  // or it would go round for ever
  });
  if (used_rings_[slot] == 0) spreading_ = least;
  return taken;
}

bool Wheel::spread_ahead(std::size_t limit) noexcept {
  for (int level = kTopAhead; level > kTickLevel; --level) {
    const std::uint64_t coming = (position_ >> (8 * level)) + 1;
    const std::size_t slot = slot_of(level, coming << (8 * level));
    if (used_rings_[slot] == 0) continue;
    if (limit == 0) return true;
    limit -= drain(slot, limit, [&](TimerNode& node) { append(node, level - 1, to_moment(node.due)); });
    if (used_rings_[slot] != 0) return true;
  }
  return false;
}

std::int64_t Wheel::next_due() const noexcept {
  if (levels_ == 0) return kNever;
  if (spreading_ != 0) return to_ns(position_);
  const Slot slot = first();
  if (const TimerNode* const node = sole(slot)) return node->due;
  if (slot.level <= kTickLevel) return earliest(slot.index);
  // A slot early where that is possible, so that there is time to spread it.
  const std::uint64_t width = std::uint64_t{1} << (8 * slot.level);
  return to_ns(slot.level <= kTopAhead && slot.start - position_ > width ? slot.start - width : slot.start);
}

std::int64_t Wheel::earliest_due() const noexcept {
  std::int64_t due = kNever;
  for (std::uint32_t levels = levels_; levels != 0; levels &= levels - 1) {
    due = std::min(due, earliest(first_of(std::countr_zero(levels)).index));
  }
  return due;
}

void Wheel::rebuild(std::int64_t now) noexcept {
  if (to_moment(now) >= position_) return;
  TimerNode* all = take_all();
  position_ = to_moment(now);
  while (TimerNode* const node = pop(all)) insert(*node);
}

TimerNode* Wheel::take_all() noexcept {
  TimerNode* all = nullptr;
  TimerNode** end = &all;
  // Of nodes with the same due the lower one is the older one.
  while (levels_ != 0) {
    drain(first_of(std::countr_zero(levels_)).index, size_, [&](TimerNode& node) {
      node.prev = nullptr;
      *end = &node;
      end = &node.next;
    });
  }
  *end = nullptr;
  spreading_ = 0;
  size_ = 0;
  return all;
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
