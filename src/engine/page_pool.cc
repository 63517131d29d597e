#include "engine/page_pool.h"

#include <sys/mman.h>

#include <algorithm>

namespace errand {
inline namespace v0 {
namespace detail {

namespace {

// Cold lines lie in a block of their own, aligned like the slab; its first 64 bytes say which slab it belongs to.
constexpr std::size_t kColdHeader = 64;
static_assert(kColdHeader + kPagesPerSlab * kRecordsPerPage * sizeof(ColdLine) <= kSlabSize);

void* map(std::size_t size) {
  void* p = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return p == MAP_FAILED ? nullptr : p;
}

// Leak checkers look for pointers only in memory that they know. Null where none is at work.
extern "C" {
[[gnu::weak]] void __lsan_register_root_region(const void* begin, std::size_t size);    // NOLINT: their names
[[gnu::weak]] void __lsan_unregister_root_region(const void* begin, std::size_t size);  // NOLINT
}

// Memory of the system's, aligned to its own size, so that a record finds its slab by masking its address.
void* map_slab() {
  auto* p = static_cast<char*>(map(2 * kSlabSize));
  if (p == nullptr) return nullptr;
  const auto at = reinterpret_cast<std::uintptr_t>(p);
  const std::uintptr_t aligned = (at + kSlabSize - 1) & ~(kSlabSize - 1);
  if (aligned > at) munmap(p, aligned - at);
  const std::uintptr_t end = at + 2 * kSlabSize;
  if (aligned + kSlabSize < end) munmap(reinterpret_cast<void*>(aligned + kSlabSize), end - aligned - kSlabSize);
  if (__lsan_register_root_region != nullptr) {
    __lsan_register_root_region(reinterpret_cast<void*>(aligned), kSlabSize);
  }
  return reinterpret_cast<void*>(aligned);
}

void unmap_slab(void* slab) {
  if (__lsan_unregister_root_region != nullptr) __lsan_unregister_root_region(slab, kSlabSize);
  munmap(slab, kSlabSize);
}

Slab* make_slab(PagePool* pool) {
  void* memory = map_slab();
  void* cold = memory == nullptr ? nullptr : map_slab();
  if (cold == nullptr) {
    if (memory != nullptr) unmap_slab(memory);
    return nullptr;
  }
  auto* slab = static_cast<Slab*>(memory);
  *slab = {pool, reinterpret_cast<ColdLine*>(static_cast<char*>(cold) + kColdHeader)};
  *static_cast<Slab**>(cold) = slab;
  return slab;
}

Slab& slab_of(const Record& record) noexcept {
  return *reinterpret_cast<Slab*>(reinterpret_cast<std::uintptr_t>(&record) & ~(kSlabSize - 1));
}

std::uint64_t pinned_in(const Page& page) noexcept {
  std::uint64_t pinned = 0;
  for (int line = kFirstLine; line < kLines; ++line) {
    // Acquire: what the handle did with the record comes before its next use.
    if (page.pins[line].load(std::memory_order_acquire) != kUnpinned) pinned |= bit_of(static_cast<std::size_t>(line));
  }
  return pinned;
}

}  // namespace

PagePool::PagePool(std::uint64_t seed, std::size_t retain, std::shared_ptr<Clock> clock)
    : clock(std::move(clock)),
      retain_pages_((retain + kRecordsPerPage - 1) / kRecordsPerPage),
      slabs_(static_cast<std::atomic<Slab*>*>(map(kMaxSlabs * sizeof(std::atomic<Slab*>)))),
      rng_(seed) {
  ERRAND_ASSERT(slabs_ != nullptr);
}

PagePool::~PagePool() {
  const std::uint32_t end = end_index();
  for (std::uint32_t index = 1; index < end; ++index) {
    if (index % kPagesPerSlab == 0) continue;
    for (Record& record : page(index).records) {
      if ((record.word.load(std::memory_order_relaxed) & kCold) != 0) delete cold(record).extra.load();
    }
  }
  for (std::size_t i = 0; i * kPagesPerSlab < end; ++i) {
    Slab* slab = slabs_[i].load();
    if (slab == nullptr) continue;
    unmap_slab(reinterpret_cast<char*>(slab->cold) - kColdHeader);
    unmap_slab(slab);
  }
  munmap(slabs_, kMaxSlabs * sizeof(std::atomic<Slab*>));
}

std::size_t PagePool::acquire(std::span<Page*> out) {
  MutexLock lock(mu_);
  std::size_t n = 0;
  // Pages whose records are all held by handles come round again later; each is looked at no more than once here.
  for (std::size_t looks = 0; n < out.size() && retired_.size() > retain_pages_ && looks < 2 * out.size(); ++looks) {
    if (Page* page = take_retired()) out[n++] = page;
  }
  while (n < out.size()) {
    Page* page = take_new();
    if (page == nullptr) break;
    out[n++] = page;
  }
  return n;
}

Page* PagePool::take_retired() {
  Page* page = retired_.front();
  retired_.pop_front();
  const std::uint64_t busy = page->in_use.load(std::memory_order_acquire) | pinned_in(*page);
  if (std::popcount(busy) <= 2 * kFewInUse) return page;
  retired_.push_back(page);
  return nullptr;
}

Page* PagePool::take_new() {
  std::uint32_t index = end_.load(std::memory_order_relaxed);
  if (index % kPagesPerSlab == 0) ++index;  // page 0 of a slab is its header
  const std::size_t number = index / kPagesPerSlab;
  if (number >= kMaxSlabs) return nullptr;
  Slab* slab = slabs_[number].load(std::memory_order_relaxed);
  if (slab == nullptr) {
    slab = make_slab(this);
    if (slab == nullptr) return nullptr;
    slabs_[number].store(slab, std::memory_order_release);
  }
  Page& page = *reinterpret_cast<Page*>(reinterpret_cast<char*>(slab) + (index % kPagesPerSlab) * kPageSize);
  page.index = index;
  page.pool = this;
  page.generation.store(static_cast<std::uint32_t>(rng_()) & 0x7fffffff, std::memory_order_relaxed);
  end_.store(index + 1, std::memory_order_release);
  return &page;
}

void PagePool::retire(std::span<Page* const> pages) {
  MutexLock lock(mu_);
  retired_.insert(retired_.end(), pages.begin(), pages.end());
}

Record* PagePool::find(std::uint64_t id) const noexcept {
  const std::uint32_t index = page_in(id);
  const int line = line_in(id);
  if (index == 0 || index >= end_index() || index % kPagesPerSlab == 0 || line < kFirstLine) return nullptr;
  return &page(index).line(line);
}

ColdLine& PagePool::cold(const Record& record) noexcept {
  const std::size_t page = page_of(record).index % kPagesPerSlab;
  return slab_of(record).cold[page * kRecordsPerPage + line_of(record) - kFirstLine];
}

Record& PagePool::record_of(TimerNode& timer) noexcept {
  const auto at = reinterpret_cast<std::uintptr_t>(&timer);
  const std::uintptr_t block = at & ~(kSlabSize - 1);
  Slab* slab = *reinterpret_cast<Slab**>(block);
  const std::size_t index = (at - block - kColdHeader) / sizeof(ColdLine);
  auto* page = reinterpret_cast<Page*>(reinterpret_cast<char*>(slab) + (index / kRecordsPerPage) * kPageSize);
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
  const std::uint64_t opened = kAllRecords & ~(page.in_use.load(std::memory_order_acquire) | pinned);
  page.opened.store(opened, std::memory_order_relaxed);
  page.in_use.fetch_or(opened | kHeld, std::memory_order_acq_rel);
  return opened;
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
