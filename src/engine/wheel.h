#pragma once
// Timers by the million: a hierarchical wheel over nanoseconds.

#include <cstddef>
#include <cstdint>
#include <limits>

namespace errand {
inline namespace v0 {
namespace detail {

/// What a timer costs its owner. The wheel owns the links; zeroed memory is a node that is in no wheel.
struct TimerNode {
  std::int64_t due;  ///< ns; must not change while linked
  TimerNode* next;
  TimerNode* prev;

  [[nodiscard]] bool linked() const noexcept { return prev != nullptr; }
};
static_assert(sizeof(TimerNode) == 24);

/// Keeps timers by the moment they are due, and hands out those whose moment has come.
///
/// It has no clock: `now` is an argument, in nanoseconds since whatever moment the owner counts from, and may be any
/// number. Nodes come out in order of `due`, equal ones in order of insertion, and never before they are due. A `due`
/// that the wheel has already passed counts as the moment the wheel has reached.
/// Time:    now never goes back from call to call; if the owner's clock was set back, rebuild() comes first. A `now`
///          a little older than the last one (two threads read the clock, then lock) is taken as the last one.
/// Cost:    insert and remove touch the node, its neighbours and a slot. A node is moved once for each level it sinks;
///          time that passes costs nothing, however much of it.
/// Memory:  400 KB of address space, of which only what is used becomes memory. So it belongs on the heap.
/// Threads: none; its owner locks.
/// Source:  G. Varghese, T. Lauck, "Hashed and Hierarchical Timing Wheels", SOSP 1987.
class Wheel {
 public:
  /// Nothing is due at this moment or later: what next_due() says of an empty wheel.
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  /// What a step handed out: a list through `next`, of nodes that are no longer in the wheel. Take them with pop().
  struct Due {
    TimerNode* first = nullptr;
    std::size_t count = 0;
    bool more = false;  ///< the step ended at its limit: call again with the same now
  };

  explicit Wheel(std::int64_t now) noexcept;
  Wheel(const Wheel&) = delete;
  Wheel& operator=(const Wheel&) = delete;

  /// REQUIRES: the node is in no wheel and in no list that advance() handed out; it stays where it is while linked.
  void insert(TimerNode& node) noexcept;
  /// REQUIRES: the node is in this wheel.
  void remove(TimerNode& node) noexcept;

  /// Takes out what is due by `now`. Hands out and moves at most `limit` nodes together, so that one call is short;
  /// when `more` is set, it may well have handed out none. REQUIRES: limit > 0.
  [[nodiscard]] Due advance(std::int64_t now, std::size_t limit = std::numeric_limits<std::size_t>::max()) noexcept;

  /// For idle moments after advance(): moves at most `limit` nodes of the upper slots that come next to where they will
  /// be needed. Without it all works the same, but timers due just after the start of a crowded slot are late by the
  /// time it takes to spread that slot. Returns whether there is more to do.
  bool spread_ahead(std::size_t limit) noexcept;

  /// When to call advance() again: never later than the earliest due, and after an advance() without `more` later than
  /// its now. It is earlier than the earliest due at most twice for each level the node still has to sink (a crowd of
  /// timers a month ahead costs a handful of calls), and when the earliest node of a 65 us slot was removed.
  [[nodiscard]] std::int64_t next_due() const noexcept;
  /// The earliest due itself, or a little before it where a node was removed: for an owner whose next call costs more
  /// than a few loads.
  [[nodiscard]] std::int64_t earliest_due() const noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// Goes back to `now`, for an owner whose clock was set back; does nothing if the wheel has not come that far. Costs
  /// a visit to each node.
  void rebuild(std::int64_t now) noexcept;

  /// Empties the wheel into one list: equal dues in order of insertion, otherwise in no order.
  [[nodiscard]] TimerNode* take_all() noexcept;

  /// The first of a list, taken off it; nullptr at its end.
  static TimerNode* pop(TimerNode*& list) noexcept {
    TimerNode* const node = list;
    if (node != nullptr) {
      list = node->next;
      node->next = nullptr;
    }
    return node;
  }

 private:
  // Moments are unsigned in here: int64 with its sign bit flipped, so that they sort the same and never overflow.
  //
  //   level   7        6      5        4       3         2         1        0
  //   slot    2.3 y    78 h   18 min   4.3 s   16.8 ms   65.5 us   256 ns   1 ns       256 slots: a turn
  //
  // A slot of level L holds the moments that share their bits from 8 L up; these bits are its number. A node goes to
  // the lowest level at which it shares the turn with position_. So the slots of a level up to position_'s own are
  // empty (except on level 0, where its own holds the nodes due now), and whatever is in this turn of a level comes
  // before all that is above. When position_ enters a slot, its nodes sink to lower levels.
  //
  // Level 2 is the wheel proper. Timers fire from it through levels 1 and 0, which sort them; these two are crossed
  // at once, in warm cache. Levels 2, 3 and 4 also hold the coming turn, which only spread_ahead() fills; insert()
  // never does: it appends to the slot above, so that equal dues stay in order. Thus each level has room for two turns.
  //
  // A slot is four rings, by the next two bits of the moment. Following the links of cold nodes costs a miss each, one
  // after the other; drain() follows four rings in turn, and the misses overlap.
  static constexpr int kLevels = 8;
  static constexpr int kTickLevel = 2;
  static constexpr int kTopAhead = 5;  // the highest level that spread_ahead() takes from
  static constexpr std::size_t kSlots = 512;
  static constexpr std::size_t kWords = kSlots / 64;
  static constexpr int kRingBits = 2;
  static constexpr std::size_t kRings = 1u << kRingBits;  // of a slot

  struct Slot {
    int level = -1;
    std::size_t index = 0;    // among the slots of all levels
    std::uint64_t start = 0;  // the first moment in it
    bool this_turn = false;
  };

  static std::size_t slot_of(int level, std::uint64_t moment) noexcept;
  static std::size_t ring_of(int level, std::uint64_t moment) noexcept;
  int place(TimerNode& node, int least) noexcept;
  void append(TimerNode& node, int level, std::uint64_t moment) noexcept;
  void emptied(std::size_t ring) noexcept;
  [[nodiscard]] Slot first_of(int level) const noexcept;
  [[nodiscard]] Slot first() const noexcept;
  [[nodiscard]] TimerNode* sole(const Slot& slot) const noexcept;
  [[nodiscard]] std::int64_t earliest(std::size_t slot) const noexcept;
  std::size_t spread(std::size_t limit) noexcept;
  template <class Sink>
  std::size_t drain(std::size_t slot, std::size_t limit, Sink sink) noexcept;

  std::uint64_t position_;    // all before it has been handed out
  int spreading_ = 0;         // the level whose slot at position_ is being spread; 0: none
  std::uint32_t levels_ = 0;  // bit L: level L has a used slot
  std::size_t size_ = 0;
  std::uint64_t used_[kLevels * kWords] = {};        // bit: the slot has a used ring
  unsigned char used_rings_[kLevels * kSlots] = {};  // bit: the ring has a node
  // Each ring is closed by a node of the wheel's own, whose `due` is no later than any in the ring. It is written when
  // the ring comes into use, so that the parts of the wheel that are never used cost no memory.
  TimerNode rings_[kLevels * kSlots * kRings];
};

}  // namespace detail
}  // namespace v0
}  // namespace errand
