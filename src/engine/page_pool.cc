#include "engine/page_pool.h"

#include <algorithm>
#include <utility>

#include "base/memory.h"

namespace errand {
inline namespace v0 {
namespace detail {

namespace {

// Large pages of the system's have this size, as a rule.
constexpr std::size_t kLargePage = std::size_t{2} << 20;
// The first pages of a queue stay small, and so does a queue that needs no more.
constexpr std::uint32_t kSmallPages = kLargePage / kPageSize;
// Free pages that trim() leaves for the next burst, those that one step gives back, and busy ones that one step looks
// at, under the lock.
constexpr std::size_t kKeptFree = 64;
constexpr std::size_t kTrimmedAtOnce = 256;
constexpr std::size_t kBusyAtOnce = 64;
// How many pages acquire() looks at on the stack, and how many busy ones in vain: some at any time, and as many as it
// found not to be busy any more, up to the most.
constexpr std::size_t kMostLooks = 64;
constexpr std::size_t kLooksInVain = 2;

// Leak checkers look for pointers only in memory that they know. Null where none is at work.
extern "C" {
[[gnu::weak]] void __lsan_register_root_region(const void* begin, std::size_t size);    // NOLINT: their names
[[gnu::weak]] void __lsan_unregister_root_region(const void* begin, std::size_t size);  // NOLINT
}

// Aligned to its own size, so that a record finds its slab by masking its address.
void* map_slab() {
  void* memory = map_aligned_memory(kSlabSize);
  if (memory != nullptr && __lsan_register_root_region != nullptr) __lsan_register_root_region(memory, kSlabSize);
  return memory;
}

void unmap_slab(void* slab) {
  if (__lsan_unregister_root_region != nullptr) __lsan_unregister_root_region(slab, kSlabSize);
  unmap_memory(slab, kSlabSize);
}

// Whoever needs more than the first pages has many tasks: one page fault instead of 512. The cold lines stay small,
// unless most tasks have them, as far as can be told: `mostly_cold`.
void ask_for_large_pages(void* slab, std::uint32_t first_index, bool mostly_cold) {
  constexpr std::size_t kOfRecords = kPagesPerSlab * kPageSize / kLargePage * kLargePage;
  const std::size_t small = first_index == 0 ? kSmallPages * kPageSize : 0;
  prefer_large_pages(static_cast<char*>(slab) + small, (mostly_cold ? kSlabSize : kOfRecords) - small);
}

Slab* make_slab(PagePool* pool, std::uint32_t first_index, bool mostly_cold) {
  void* memory = map_slab();
  if (memory == nullptr) return nullptr;
  const bool large = first_index != 0;
  // Before its header is there: that would make the first page a small one.
  if (large) ask_for_large_pages(memory, first_index, mostly_cold);
  return ::new (memory) Slab{pool, first_index, large};
}

// The memory of the cold lines of released pages [begin, end). Pages of memory in which lines of their neighbours lie
// go too, if these have been released as well.
void give_cold_to_system(Slab& slab, std::size_t begin, std::size_t end) {
  while (slab.is_released(begin - 1)) --begin;
  while (slab.is_released(end)) ++end;
  const auto first = reinterpret_cast<std::uintptr_t>(cold_lines(slab) + begin * kRecordsPerPage);
  const auto last = reinterpret_cast<std::uintptr_t>(cold_lines(slab) + end * kRecordsPerPage);
  const std::uintptr_t from = (first + kPageSize - 1) & ~(kPageSize - 1);
  const std::uintptr_t to = last & ~(kPageSize - 1);
  if (from < to) give_memory_back(reinterpret_cast<void*>(from), to - from);
}

std::uint64_t pinned_in(const Page& page) noexcept {
  std::uint64_t pinned = 0;
  for (int line = kFirstLine; line < kLines; ++line) {
    // Acquire: what the handle did with the record comes before its next use.
    if (page.pins[line].load(std::memory_order_acquire) != kUnpinned) pinned |= bit_of(static_cast<std::size_t>(line));
  }
  return pinned;
}

// Records that are in use, or held by handles. Acquire: what was done with the others.
std::uint64_t busy_in(const Page& page) noexcept {
  return page.in_use.load(std::memory_order_acquire) | pinned_in(page);
}

bool is_reusable(const Page& page) noexcept {
  return std::popcount(busy_in(page)) <= 2 * kFewInUse;
}

// How many of these records hold a task that completed and is kept by its page alone: all others have rings.
std::size_t completed_in(Page& page, std::uint64_t records) noexcept {
  constexpr std::uint64_t kSeen = kStateMask | kSingle;
  std::size_t completed = 0;
  for (; records != 0; records &= records - 1) {
    const std::uint64_t word = page.line(std::countr_zero(records)).word.load(std::memory_order_relaxed);
    completed += (word & kSeen) == raw(TaskState::completed) ? 1 : 0;
  }
  return completed;
}

}  // namespace

void PageStack::push(Page& page) noexcept {
  page.below = top_;
  (size_++ > 0 ? top_->above : bottom_) = &page;
  top_ = &page;
}

Page& PageStack::pop() noexcept {
  --size_;
  return *std::exchange(top_, top_->below);
}

Page& PageStack::pop_bottom() noexcept {
  --size_;
  return *std::exchange(bottom_, bottom_->above);
}

PagePool::PagePool(std::uint64_t seed, std::size_t retain, std::shared_ptr<Clock> clock)
    : clock(std::move(clock)),
      retain_(retain),
      slabs_(static_cast<std::atomic<Slab*>*>(map_memory(kMaxSlabs * sizeof(std::atomic<Slab*>)))),
      rng_(seed) {
  ERRAND_ASSERT(slabs_ != nullptr);
}

PagePool::~PagePool() {
  // Relaxed: whoever still used a record has given up its share of the pool before.
  const std::uint32_t end = end_index();
  for (std::uint32_t index = 1; index < end; ++index) {
    if (index % kPagesPerSlab == 0) continue;
    for (Record& record : page(index).records) {
      if ((record.word.load(std::memory_order_relaxed) & kCold) != 0)
        delete cold(record).extra.load(std::memory_order_relaxed);
    }
  }
  for (std::size_t i = 0; i * kPagesPerSlab < end; ++i) {
    Slab* slab = slabs_[i].load(std::memory_order_relaxed);
    if (slab == nullptr) continue;
    unmap_slab(slab);
  }
  unmap_memory(slabs_, kMaxSlabs * sizeof(std::atomic<Slab*>));
}

std::size_t PagePool::acquire(std::span<Page*> out) {
  MutexLock lock(mu_);
  std::size_t n = 0;
  // A page that is busy leaves the stack when it is come to: to look at it costs two lines that are elsewhere.
  for (std::size_t looks = 0; n < out.size() && free_.size() > 0 && looks < kMostLooks; ++looks) {
    if (Page* page = take_free()) out[n++] = page;
  }
  // Where the first of these is busy still, the others are as a rule, as handles go in the order they came.
  std::size_t looks = kLooksInVain;
  while (n < out.size() && !busy_.empty() && (looks > 0 || looks_saved_ > 0)) {
    if (Page* page = take_busy()) {
      out[n++] = page;
      looks_saved_ = std::min(looks_saved_ + 1, kMostLooks);
    } else {
      --(looks > 0 ? looks : looks_saved_);
    }
  }
  while (n < out.size()) {
    Page* page = released_ > 0 ? take_released() : take_new();
    if (page == nullptr) break;
    out[n++] = page;
  }
  return n;
}

Page* PagePool::take_free() {
  Page& page = free_.pop();
  unused_ = std::min(unused_, free_.size());
  if (is_reusable(page)) return &page;
  busy_.push_back(&page);
  return nullptr;
}

Page* PagePool::take_busy() {
  Page* page = busy_.front();
  busy_.pop_front();
  if (is_reusable(*page)) return page;
  busy_.push_back(page);
  return nullptr;
}

Page* PagePool::take_released() {
  std::size_t place = kPagesPerSlab;
  while (place == kPagesPerSlab) {
    Slab& slab = slab_at(lowest_released_);
    place = slab.next_released(lowest_released_ % kPagesPerSlab);
    lowest_released_ = slab.first_index + static_cast<std::uint32_t>(place);
  }
  Slab& slab = slab_at(lowest_released_);
  slab.flip_released(place);
  --released_;
  if (!std::exchange(slab.large, true)) ask_for_large_pages(&slab, slab.first_index, false);
  Page& page = this->page(lowest_released_);
  begin_life(page);
  return &page;
}

Page* PagePool::take_new() {
  std::uint32_t index = end_.load(std::memory_order_relaxed);
  if (index % kPagesPerSlab == 0) ++index;  // page 0 of a slab is its header
  const std::size_t number = index / kPagesPerSlab;
  if (number >= kMaxSlabs) return nullptr;
  if (slabs_[number].load(std::memory_order_relaxed) == nullptr) {
    const bool mostly_cold = cold_pages_.exchange(0, std::memory_order_relaxed) > kPagesPerSlab / 2;
    Slab* slab = make_slab(this, static_cast<std::uint32_t>(number * kPagesPerSlab), mostly_cold);
    if (slab == nullptr) return nullptr;
    slabs_[number].store(slab, std::memory_order_release);
  }
  if (index == kSmallPages) {
    const bool mostly_cold = cold_pages_.load(std::memory_order_relaxed) > kSmallPages / 2;
    ask_for_large_pages(&slab_at(index), 0, mostly_cold);
    slab_at(index).large = true;
  }
  Page& page = this->page(index);
  begin_life(page);
  end_.store(index + 1, std::memory_order_release);
  return &page;
}

// Of memory that is all zero. Ids of other queues, of other runs, and of what was here before do not fit.
void PagePool::begin_life(Page& page) {
  page.generation.store(static_cast<std::uint32_t>(rng_()) & 0x7fffffff, std::memory_order_relaxed);
}

void PagePool::retire(std::span<Page* const> pages) {
  while (!pages.empty()) {
    Retired retired[8];
    const std::size_t n = std::min(pages.size(), std::size(retired));
    for (std::size_t i = 0; i < n; ++i) {
      Page& page = *pages[i];
      // Acquire: the words of those that have been given back.
      const std::uint64_t busy = page.in_use.load(std::memory_order_acquire) & kAllRecords;
      retired[i] = {&page, busy, completed_in(page, kAllRecords & ~busy)};
    }
    pages = pages.subspan(n);
    const std::size_t margin = kRecordsPerPage * in_progress_.load(std::memory_order_relaxed);
    const std::size_t least = retain_ == 0 ? 0 : retain_ + margin;
    MutexLock lock(mu_);
    for (std::size_t i = 0; i < n; ++i) keep(retired[i]);
    while (!retired_.empty() && completed_ - retired_.front().completed >= least) let_go_oldest();
    worth_trimming_.store(free_.size() + busy_.size() > kKeptFree, std::memory_order_relaxed);
  }
}

// A page with nothing in it that is to be kept is free at once.
void PagePool::keep(const Retired& retired) {
  if (retired.completed == 0) {
    free_.push(*retired.page);
    return;
  }
  retired_.push_back(retired);
  completed_ += retired.completed;
}

void PagePool::let_go_oldest() {
  const Retired oldest = retired_.front();
  retired_.pop_front();
  completed_ -= oldest.completed;
  // What was in use when the page came back may have ended long after that.
  const std::uint64_t busy = oldest.page->in_use.load(std::memory_order_acquire) & kAllRecords;
  keep({oldest.page, busy, completed_in(*oldest.page, oldest.busy & ~busy)});
}

// Busy pages in which nothing is left go back on the stack: all others could not be given back either. True if there
// are more to look at.
bool PagePool::look_at_busy() {
  for (std::size_t looks = 0; to_look_at_ > 0 && !busy_.empty() && looks < kBusyAtOnce; ++looks, --to_look_at_) {
    Page& page = *busy_.front();
    busy_.pop_front();
    if (busy_in(page) == 0) {
      free_.push(page);
    } else {
      busy_.push_back(&page);
    }
  }
  return to_look_at_ > 0 && !busy_.empty();
}

bool PagePool::trim() {
  std::vector<Page*> unused;
  {
    MutexLock lock(mu_);
    // The bottom of the stack, without what is kept for the next burst.
    const std::size_t most = std::min(unused_, kTrimmedAtOnce);
    const std::size_t n = free_.size() > kKeptFree ? std::min(most, free_.size() - kKeptFree) : 0;
    while (unused.size() < n) unused.push_back(&free_.pop_bottom());
    unused_ -= n;
    if (n == 0) {
      if (!std::exchange(looking_, true)) to_look_at_ = busy_.size();
      if (look_at_busy()) return true;
      looking_ = false;
      unused_ = free_.size();  // the next round begins
      worth_trimming_.store(free_.size() > kKeptFree, std::memory_order_relaxed);
      return false;
    }
  }
  std::sort(unused.begin(), unused.end());
  std::vector<Page*> still_busy;
  std::vector<std::uint32_t> gone;
  for (std::size_t i = 0; i < unused.size();) {
    // A run of pages that lie side by side, of one slab, goes at once.
    std::size_t end = i;
    while (end < unused.size() && unused[end] == unused[i] + (end - i) &&
           &slab_of(unused[end]) == &slab_of(unused[i])) {
      if (busy_in(*unused[end]) != 0) break;
      forget(*unused[end]);
      gone.push_back(index_of(*unused[end]));
      ++end;
    }
    if (end == i) {
      still_busy.push_back(unused[end++]);
    } else {
      give_memory_back(unused[i], (end - i) * kPageSize);
    }
    i = end;
  }
  MutexLock lock(mu_);
  busy_.insert(busy_.end(), still_busy.begin(), still_busy.end());
  released_ += gone.size();
  for (const std::uint32_t index : gone) {
    Slab& slab = slab_at(index);
    slab.flip_released(index % kPagesPerSlab);
    lowest_released_ = std::min(lowest_released_, index);
    // Or the system would fill up again what has little left in it, a header by itself with two megabytes.
    if (std::exchange(slab.large, false)) prefer_small_pages(&slab, kSlabSize);
  }
  for (std::size_t i = 0, end = 0; i < gone.size(); i = end) {
    for (end = i + 1; end < gone.size() && gone[end] == gone[i] + (end - i);) ++end;
    // No slab follows another without its header between them.
    give_cold_to_system(slab_at(gone[i]), gone[i] % kPagesPerSlab, gone[end - 1] % kPagesPerSlab + 1);
  }
  return true;
}

// Nobody finds its tasks from here on.
void PagePool::forget(Page& page) {
  for (Record& record : page.records) {
    // Readers that have seen the old word hold the mutex while they read the Extra; all others find this one.
    const std::uint64_t word = record.word.exchange(0, std::memory_order_acq_rel);
    if ((word & kCold) == 0) continue;
    Extra* extra = nullptr;
    {
      MutexLock lock(cold_mutex(page));
      extra = cold(record).extra.exchange(nullptr, std::memory_order_relaxed);
    }
    delete extra;
  }
}

Record* PagePool::find(std::uint64_t id) const noexcept {
  const std::uint32_t index = page_in(id);
  const int line = line_in(id);
  // Generation 0 is of records that were never opened, and of no task.
  if (generation_in(id) == 0 || index == 0 || index >= end_index() || index % kPagesPerSlab == 0 || line < kFirstLine)
    return nullptr;
  return &page(index).line(line);
}

Record& PagePool::record_of(TimerNode& timer) noexcept {
  Slab& slab = slab_of(&timer);
  const auto index = static_cast<std::size_t>(reinterpret_cast<ColdLine*>(&timer) - cold_lines(slab));
  auto* page = reinterpret_cast<Page*>(reinterpret_cast<char*>(&slab) + (index / kRecordsPerPage) * kPageSize);
  return page->records[index % kRecordsPerPage];
}

bool PagePool::any_pinned() const noexcept {
  const std::uint32_t end = end_index();
  for (std::uint32_t index = 1; index < end; ++index) {
    if (index % kPagesPerSlab != 0 && pinned_in(page(index)) != 0) return true;
  }
  return false;
}

std::uint64_t open_page(Page& page) noexcept {
  const std::uint64_t pinned = pinned_in(page);
  const std::uint32_t last = page.generation.load(std::memory_order_relaxed);
  page.generation.store(last == 0x7fffffff ? 1 : last + 1, std::memory_order_relaxed);
  page.next.store(0, std::memory_order_relaxed);
  // Acquire: what was done with these records until they were given back, see Page::give_back().
  const std::uint64_t opened = kAllRecords & ~(page.in_use.load(std::memory_order_acquire) | pinned);
  page.opened.store(opened, std::memory_order_relaxed);
  page.in_use.fetch_or(opened | kHeld, std::memory_order_acq_rel);
  return opened;
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
