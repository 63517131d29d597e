#pragma once
// Where pages come from and go back to.

#include <errand/random.h>

#include <deque>
#include <memory>
#include <shared_mutex>
#include <span>
#include <vector>

#include "base/mutex.h"
#include "engine/cold.h"
#include "engine/page.h"

namespace errand {
inline namespace v0 {
namespace detail {

inline constexpr std::size_t kMaxSlabs = (std::size_t{1} << 26) / kPagesPerSlab;  // 26 bits of page index

/// Those of all the slab's records, in order of the pages; the header's place is empty.
inline ColdLine* cold_lines(const Slab& slab) noexcept {
  return reinterpret_cast<ColdLine*>(reinterpret_cast<std::uintptr_t>(&slab) + kPagesPerSlab * kPageSize);
}

/// Free pages, linked through themselves: in a list beside them, those of a burst would leave memory in use for good.
/// What points past either end has no meaning: to clear it would fetch a page that nobody needs yet.
class PageStack {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  void push(Page& page) noexcept;
  /// REQUIRES: size() > 0, as below.
  Page& pop() noexcept;
  /// The one that has been here for longest.
  Page& pop_bottom() noexcept;

 private:
  std::size_t size_ = 0;
  Page* top_ = nullptr;
  Page* bottom_ = nullptr;
};

/// A queue's pages. A page that comes back keeps its finished tasks, at least until `retain` tasks have completed in
/// the pages that came after it; from then on it is free. Of the free ones the last is handed out first, so that those
/// nobody needs any more stay at the bottom, where trim() finds them.
///
/// Threads: any; the pages themselves belong to whoever acquired them.
class PagePool {
 public:
  PagePool(std::uint64_t seed, std::size_t retain, std::shared_ptr<Clock> clock);
  ~PagePool();
  PagePool(const PagePool&) = delete;
  PagePool& operator=(const PagePool&) = delete;

  /// Fills `out` with pages to open; fewer only when memory is exhausted.
  std::size_t acquire(std::span<Page*> out);
  /// Takes back pages that give_back() called worth reopening.
  void retire(std::span<Page* const> pages);

  /// So many pages more may be in progress at a time: tasks in them that completed long ago come back late, and must
  /// not count for those that did not. One for each lane, two for each worker.
  void expect_in_progress(std::size_t pages) noexcept { in_progress_.fetch_add(pages, std::memory_order_relaxed); }

  /// A page has been opened for tasks that have cold lines, all of them.
  void note_cold_page() noexcept { cold_pages_.fetch_add(1, std::memory_order_relaxed); }

  /// Gives memory that was not needed since the last round back to the system: one bounded step of a round. True if the
  /// round is not over.
  bool trim();
  /// Whether there are so many pages, free or busy when last looked at, that rounds of trim() are worth their while.
  [[nodiscard]] bool worth_trimming() const noexcept { return worth_trimming_.load(std::memory_order_relaxed); }

  /// The record an id means, whatever its generation now; null where there never was such a record.
  [[nodiscard]] Record* find(std::uint64_t id) const noexcept;
  /// Whether this task is available, and of this priority.
  [[nodiscard]] bool waits(std::uint64_t id, int priority) const noexcept {
    const Record* record = find(id);
    const std::uint64_t word = record != nullptr ? record->word.load(std::memory_order_acquire) : 0;
    return generation_in(word) == generation_in(id) && raw_state(word) == raw(TaskState::available) &&
           priority_in(word) == priority;
  }
  [[nodiscard]] Page& page(std::uint32_t index) const noexcept {
    return *reinterpret_cast<Page*>(reinterpret_cast<char*>(&slab_at(index)) + (index % kPagesPerSlab) * kPageSize);
  }
  [[nodiscard]] static ColdLine& cold(const Record& record) noexcept {
    const std::uintptr_t in_slab = reinterpret_cast<std::uintptr_t>(&record) & (kSlabSize - 1);
    return cold_lines(slab_of(&record))[(in_slab / kPageSize) * kRecordsPerPage + line_of(record) - kFirstLine];
  }
  /// REQUIRES: the node is a cold line's.
  [[nodiscard]] static Record& record_of(TimerNode& timer) noexcept;
  [[nodiscard]] Mutex& cold_mutex(const Page& page) const noexcept { return cold_mutexes_[index_of(page) % 64]; }

  /// The queue, as long as there is one: handles may outlive it. Guarded by `engine_mutex`: shared to use it. Without
  /// it, by acquire, the address may be compared.
  std::atomic<Engine*> engine{nullptr};
  std::shared_mutex engine_mutex;
  /// Set in a fork's child, where the queue is nobody's: to be looked at before any lock, which may be held for ever.
  /// It orders nothing, as there is one thread then.
  std::atomic<bool> forked{false};

  /// One past the highest page index ever handed out. Acquire: the slabs of all pages below are there.
  [[nodiscard]] std::uint32_t end_index() const noexcept { return end_.load(std::memory_order_acquire); }
  /// Whether a handle still holds a record here.
  [[nodiscard]] bool any_pinned() const noexcept;

  const std::shared_ptr<Clock> clock;  // the queue's, for handles

 private:
  [[nodiscard]] Slab& slab_at(std::uint32_t index) const noexcept {
    return *slabs_[index / kPagesPerSlab].load(std::memory_order_acquire);
  }
  // A page that came back, the records that were in use then, and how many of the others hold a completed task.
  struct Retired {
    Page* page;
    std::uint64_t busy;
    std::size_t completed;
  };
  void keep(const Retired& retired) ERRAND_REQUIRES(mu_);
  void let_go_oldest() ERRAND_REQUIRES(mu_);
  Page* take_free() ERRAND_REQUIRES(mu_);
  Page* take_busy() ERRAND_REQUIRES(mu_);
  bool look_at_busy() ERRAND_REQUIRES(mu_);
  Page* take_released() ERRAND_REQUIRES(mu_);
  Page* take_new() ERRAND_REQUIRES(mu_);
  void begin_life(Page& page) ERRAND_REQUIRES(mu_);
  void forget(Page& page);

  const std::size_t retain_;
  std::atomic<std::size_t> in_progress_{0};  // relaxed: a margin
  std::atomic<std::size_t> cold_pages_{0};   // opened since the newest slab was made; relaxed: a guess
  std::atomic<Slab*>* slabs_;  // kMaxSlabs entries, constant pointer; entries set once, with release: the slab's header
  std::atomic<std::uint32_t> end_{1};
  mutable Mutex cold_mutexes_[64];

  // Lock order: nothing is called under it.
  Mutex mu_;
  Rng rng_ ERRAND_GUARDED_BY(mu_);
  std::deque<Retired> retired_ ERRAND_GUARDED_BY(mu_);        // kept for their finished tasks; oldest first
  std::size_t completed_ ERRAND_GUARDED_BY(mu_) = 0;          // in all of these
  std::deque<Page*> busy_ ERRAND_GUARDED_BY(mu_);             // when last looked at, which is longest ago of the first
  std::size_t looks_saved_ ERRAND_GUARDED_BY(mu_) = 0;        // see acquire()
  PageStack free_ ERRAND_GUARDED_BY(mu_);                     // the last to come is the first to go
  std::size_t released_ ERRAND_GUARDED_BY(mu_) = 0;           // pages whose memory has been given back: see Slab
  std::uint32_t lowest_released_ ERRAND_GUARDED_BY(mu_) = 0;  // none of them has a lower index
  std::size_t unused_ ERRAND_GUARDED_BY(mu_) = 0;             // so many of free_ lay there since the round began
  bool looking_ ERRAND_GUARDED_BY(mu_) = false;               // at busy_, which ends a round
  std::size_t to_look_at_ ERRAND_GUARDED_BY(mu_) = 0;         // at most so many of them are still to be looked at
  std::atomic<bool> worth_trimming_{false};  // written under mu_; relaxed elsewhere, since too late is early enough
};

/// The records of `page` that may be used again now: not in use, and no handle on them. Marks the page as being filled,
/// and gives it its next generation. REQUIRES: the caller acquired it.
std::uint64_t open_page(Page& page) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace errand
