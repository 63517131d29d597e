#pragma once
// A lane: the tasks of one priority that one thread submitted, in order.
//
// The producer fills pages and links each to the next; takers pass along them under the lane's try-lock. A record is
// there as soon as its word says so: publishing is the producer's one store, and there is nothing to flush.

#include <span>
#include <vector>

#include "engine/page_pool.h"

namespace errand {
inline namespace v0 {
namespace detail {

// Tasks handed to a worker together: lines [begin, end) of a page. Only a hint: the worker claims each by its word, and
// lines that are somebody else's by then, or were not opened in this generation, are passed over.
struct Batch {
  Page* page = nullptr;
  std::uint32_t generation = 0;
  int begin = 0;
  int end = 0;
};

/// Where a producer writes: hands out the records of one page after the other.
class PageCursor {
 public:
  /// The next record, vacant and with its new id; null when memory is exhausted. `filled` is called with the page that
  /// is full and the one that follows it.
  struct Slot {
    Record* record;
    std::uint64_t id;
  };

  [[nodiscard]] bool exhausted() const noexcept { return free_ == 0; }
  void open(Page& page) noexcept {
    page_ = &page;
    free_ = open_page(page);
    base_id_ = make_id(page.generation.load(std::memory_order_relaxed), index_of(page), 0);
  }
  /// REQUIRES: !exhausted().
  [[nodiscard]] Slot take() noexcept {
    const auto line = static_cast<std::size_t>(std::countr_zero(free_));
    free_ &= free_ - 1;
    Record* record = reinterpret_cast<Record*>(reinterpret_cast<char*>(page_) + line * 64);
    __builtin_prefetch(record + kPrefetch, 1);
    return {record, base_id_ | line};
  }
  [[nodiscard]] Page* page() const noexcept { return page_; }
  /// Whether the record of this id was handed out here since the last open().
  [[nodiscard]] bool has(std::uint64_t id) const noexcept { return (id & ~std::uint64_t{kLines - 1}) == base_id_; }

  // Records ahead: their lines were last written by the worker on another core, and fetching one takes about as long as
  // filling a few. May point past the page; a prefetch does not fault.
  static constexpr std::size_t kPrefetch = 12;

 private:
  Page* page_ = nullptr;
  std::uint64_t free_ = 0;
  std::uint64_t base_id_ = 0;
};

class Lane {
 public:
  explicit Lane(int priority) : priority(priority) {}

  // --- the producer's side; the owning thread alone ---

  PageCursor cursor;
  /// Goes on to `page`: whoever takes will follow. REQUIRES: cursor.exhausted().
  void extend(Page& page) noexcept;

  // --- the takers' side; any thread ---

  /// Whether there is anything to take. Acquire on the record's word.
  [[nodiscard]] bool empty(const PagePool& pool) const noexcept;

  /// False if there may be something new since a taker last found nothing here: two loads, for a worker that looks
  /// between two tasks. True may be wrong for one look, while another worker takes.
  [[nodiscard]] bool quiet() const noexcept {
    const auto* watched = watched_.load(std::memory_order_acquire);
    return watched != nullptr && watched->load(std::memory_order_acquire) == seen_.load(std::memory_order_relaxed);
  }

  struct Taken {
    Batch batch;             // begin == end: nothing
    Page* passed = nullptr;  // the taker went past this page's end, and that made it worth opening again
    bool busy = false;       // nothing, since another taker is at work here
  };
  /// Takes the next tasks, at most one page's. `share`: of an incomplete page, or the last complete one, only one part
  /// in so many.
  [[nodiscard]] Taken take(const PagePool& pool, int share) noexcept;

  /// Leaves out the pages behind the one that is next to be taken from, and before the producer's, in which nobody
  /// waits any more. Those worth opening again are added to `left_out`. Returns how many pages there were, 0 when
  /// a taker is at work here.
  std::size_t sweep(const PagePool& pool, std::vector<Page*>& left_out);

  const int priority;
  Lane* next = nullptr;  // in the queue's list of lanes of this priority; constant once listed

 private:
  friend class LaneProbe;

  [[nodiscard]] bool begin_taking() noexcept;
  void watch(Page& page, std::uint32_t generation, std::uint64_t opened, int line) noexcept;
  void end_taking() noexcept { taking_.store(false, std::memory_order_release); }

  // Both sides' first meeting: the page the lane begins with. From there it goes on by Page::next. The producer stores
  // either with release, the page's header being written, and for `next` all records of the page before published; who
  // looks acquires.
  std::atomic<Page*> first_{nullptr};
  // The try-lock: guards writes of taken_to_, and of pages' `next` where sweep() leaves one out. Acquire and release.
  alignas(64) std::atomic<bool> taking_{false};
  // Page index << 6 | next line to look at; 0: not begun. Release, for empty(), which looks without the try-lock:
  // whoever stored it knew the page's header.
  std::atomic<std::uint64_t> taken_to_{0};
  // The word that changes with the next task, and what it was when the last taker found nothing; null where it found
  // something. Written under the try-lock, the word's value first: release and acquire.
  std::atomic<const std::atomic<std::uint64_t>*> watched_{nullptr};
  std::atomic<std::uint64_t> seen_{0};
};

}  // namespace detail
}  // namespace v0
}  // namespace errand
