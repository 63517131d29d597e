#pragma once
// A page: 62 records that are opened, filled, taken and given back together.

#include <errand/detail/record.h>

#include <bit>
#include <cstdint>
#include <iterator>

namespace errand {
inline namespace v0 {
namespace detail {

class PagePool;
struct ColdLine;

inline constexpr int kFirstLine = 2;
inline constexpr int kLines = 64;
inline constexpr std::size_t kRecordsPerPage = kLines - kFirstLine;

// Bits of a page's masks stand for lines. The two that are no records have other uses.
inline constexpr std::uint64_t kAllRecords = ~std::uint64_t{3};
inline constexpr std::uint64_t kHeld = 1;  // in Page::in_use: the page is being filled, or stands in a lane

// A page with this many records in use, or fewer, is worth opening again; those few are passed over.
inline constexpr int kFewInUse = 16;

constexpr bool worth_reopening(std::uint64_t in_use) noexcept {
  return (in_use & kHeld) == 0 && std::popcount(in_use) <= kFewInUse;
}

// Line 0 is written by the opener before anybody else can reach the page, except `in_use` (whoever gives records back)
// and `next` (the opener, when it goes on to its next page). So `opened` and `generation` are relaxed: whoever came to
// the page acquired what led there, and who came to it by an id takes the generation from the word. While the page is
// free, the pool links it to others through `above` and `below`. Line 1 holds the pins, see record.h.
struct alignas(kPageSize) Page {
  std::atomic<std::uint64_t> in_use;      // records not given back yet, and kHeld
  std::atomic<std::uint64_t> opened;      // records that this life of the page began with
  std::atomic<std::uint32_t> generation;  // of the records opened in this life; 31 bits, never 0
  std::atomic<std::uint64_t> next;        // the page that follows in its lane, by index; 0: none yet; see lane.h
  Page* above;                            // these two: see PageStack
  Page* below;
  alignas(64) std::atomic<std::uint8_t> pins[kLines];
  Record records[kRecordsPerPage];

  [[nodiscard]] Record& line(int line) noexcept { return records[line - kFirstLine]; }

  // Gives records back (bits of lines, or kHeld); true if that made the page worth opening again. Each bit goes once.
  // Release: what was done with the records comes before whoever opens the page. Acquire: the other way round.
  [[nodiscard]] bool give_back(std::uint64_t bits) noexcept {
    const std::uint64_t before = in_use.fetch_and(~bits, std::memory_order_acq_rel);
    return worth_reopening(before & ~bits) && !worth_reopening(before);
  }
};
static_assert(sizeof(Page) == kPageSize);

inline Page& page_of(const Record& record) noexcept {
  return *reinterpret_cast<Page*>(page_address(record));
}

// A slab: pages, and behind them the cold lines of their records, aligned to its own size, so that everything in it
// finds it by masking an address. It is as many pages as fit, to waste nothing where large pages of the system's hold
// it. The first page is the slab's own header: what it says about its pages stands there because a page's memory may be
// given back to the system, and then begins anew. The header stays, 4 KiB of 16 MiB, so that who comes late with an old
// id may read it without a lock.
inline constexpr std::size_t kSlabSize = std::size_t{16} << 20;
inline constexpr std::size_t kColdLineSize = 56;
inline constexpr std::size_t kPagesPerSlab = kSlabSize / (kPageSize + kRecordsPerPage * kColdLineSize);
struct Slab {
  PagePool* pool;
  std::uint32_t first_index;  // the slab's own; its pages follow
  // These are guarded by the pool: whether large pages are asked for here, and pages whose memory has been given back.
  bool large;
  std::uint64_t released[(kPagesPerSlab + 63) / 64] = {};

  [[nodiscard]] bool is_released(std::size_t page) const noexcept {
    return page < kPagesPerSlab && (released[page / 64] >> (page % 64) & 1) != 0;
  }
  void flip_released(std::size_t page) noexcept { released[page / 64] ^= std::uint64_t{1} << (page % 64); }
  // The first of them from this one on; kPagesPerSlab where there is none.
  [[nodiscard]] std::size_t next_released(std::size_t page) const noexcept {
    std::uint64_t bits = released[page / 64] & ~std::uint64_t{0} << (page % 64);
    for (std::size_t word = page / 64;; bits = released[word]) {
      if (bits != 0) return word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
      if (++word == std::size(released)) return kPagesPerSlab;
    }
  }
};

inline Slab& slab_of(const void* in_slab) noexcept {
  return *reinterpret_cast<Slab*>(reinterpret_cast<std::uintptr_t>(in_slab) & ~(kSlabSize - 1));
}
inline std::uint32_t index_of(const Page& page) noexcept {
  const std::uintptr_t offset = reinterpret_cast<std::uintptr_t>(&page) & (kSlabSize - 1);
  return slab_of(&page).first_index + static_cast<std::uint32_t>(offset / kPageSize);
}

constexpr std::uint64_t bit_of(std::size_t line) noexcept {
  return std::uint64_t{1} << line;
}

// Ids: generation 62..32 | page 31..6 | line 5..0.
constexpr std::uint64_t make_id(std::uint32_t generation, std::uint32_t page, std::size_t line) noexcept {
  return (std::uint64_t{generation} << kGenerationShift) | (std::uint64_t{page} << 6) | line;
}
constexpr std::uint32_t generation_in(std::uint64_t id_or_word) noexcept {
  return static_cast<std::uint32_t>(id_or_word >> kGenerationShift);
}
constexpr std::uint32_t page_in(std::uint64_t id) noexcept {
  return static_cast<std::uint32_t>(id) >> 6;
}
constexpr int line_in(std::uint64_t id) noexcept {
  return static_cast<int>(id & 63);
}

inline std::uint64_t id_of(const Record& record, std::uint64_t word) noexcept {
  return make_id(generation_in(word), index_of(page_of(record)), line_of(record));
}

constexpr int priority_in(std::uint64_t word) noexcept {
  return static_cast<int>((word >> kPriorityShift) & 0xf);
}
// How often its body was begun, modulo 2^15: attempts that were given back count too, so that a word that was seen
// during one of them is never taken for the next one's. How many attempts that makes, attempts_of() says (cold.h).
inline constexpr std::uint64_t kRunMask = 0x7fff;
constexpr std::uint64_t runs_in(std::uint64_t word) noexcept {
  return (word >> kRunShift) & kRunMask;
}
constexpr std::uint64_t with_run(std::uint64_t word, int more) noexcept {
  const std::uint64_t runs = (runs_in(word) + static_cast<std::uint64_t>(more)) & kRunMask;
  return (word & ~(kRunMask << kRunShift)) | (runs << kRunShift);
}

constexpr std::uint64_t make_word(std::uint32_t generation, int priority, std::uint64_t flags,
                                  std::uint64_t state) noexcept {
  return (std::uint64_t{generation} << kGenerationShift) | (std::uint64_t(priority) << kPriorityShift) | flags | state;
}
constexpr std::uint64_t with_state(std::uint64_t word, std::uint64_t state) noexcept {
  return (word & ~kStateMask) | state;
}
constexpr std::uint64_t raw(TaskState state) noexcept {
  return static_cast<std::uint64_t>(state);
}

// Stands where a StopReason does: the timeout had fired, and then somebody cancelled the task.
inline constexpr std::uint64_t kCancelledLate = 6;
constexpr std::uint64_t with_stop(std::uint64_t word, std::uint64_t reason) noexcept {
  return (word & ~kStopMask) | (reason << kStopShift);
}
// Who asked the attempt to stop first.
constexpr StopReason first_stop_in(std::uint64_t word) noexcept {
  const std::uint64_t stop = (word & kStopMask) >> kStopShift;
  return stop == kCancelledLate ? StopReason::timed_out : static_cast<StopReason>(stop);
}
// Whose wish decides what becomes of the task: who cancels it does not want another attempt, timeout or not.
constexpr StopReason deciding_stop_in(std::uint64_t word) noexcept {
  const std::uint64_t stop = (word & kStopMask) >> kStopShift;
  return stop == kCancelledLate ? StopReason::cancelled : static_cast<StopReason>(stop);
}

// A task has ended whose value, if it has one, needs a destructor: see unpin(), the other side. Release: the value, for
// whoever holds the handle. Acquire: what that one did with it, before it went.
inline void leave_value(Record& record, void (*destroy_value)(Record&) noexcept) noexcept {
  if (pin_of(record).exchange(kEnded, std::memory_order_acq_rel) == kAbandoned) drop_value(record, destroy_value);
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
