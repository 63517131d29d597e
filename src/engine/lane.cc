#include "engine/lane.h"

#include <algorithm>
#include <cstring>

namespace errand {
inline namespace v0 {
namespace detail {

namespace {

// The published records of an incomplete page from `line` on: one past the last of them.
int published_end(Page& page, std::uint32_t generation, std::uint64_t opened, int line) noexcept {
  int end = line;
  for (std::uint64_t left = opened & (~std::uint64_t{0} << line); left != 0; left &= left - 1) {
    const int at = std::countr_zero(left);
    // Acquire: a published record's fields come before its word.
    const std::uint64_t word = page.line(at).word.load(std::memory_order_acquire);
    if (generation_in(word) != generation || raw_state(word) == kVacant) break;
    end = at + 1;
  }
  return end;
}

// Gives back the forwards of this page whose tasks wait no more, or not here: what a worker does that comes to one.
void drop_spent_forwards(const PagePool& pool, Page& page, int priority) noexcept {
  const std::uint32_t generation = page.generation.load(std::memory_order_relaxed);
  std::uint64_t left = page.in_use.load(std::memory_order_acquire) & page.opened.load(std::memory_order_relaxed);
  for (; left != 0; left &= left - 1) {
    Record& record = page.line(std::countr_zero(left));
    std::uint64_t word = record.word.load(std::memory_order_acquire);
    if (generation_in(word) != generation || raw_state(word) != kForward) continue;
    std::uint64_t id;
    std::memcpy(&id, record.body, sizeof id);
    if (pool.waits(id, priority)) continue;
    if (!record.word.compare_exchange_strong(word, with_state(word, kVoid), std::memory_order_acq_rel)) continue;
    static_cast<void>(page.give_back(bit_of(line_of(record))));  // not worth opening yet: the lane holds it
  }
}

}  // namespace

// The first look costs the one who holds it nothing.
bool Lane::begin_taking() noexcept {
  return !taking_.load(std::memory_order_relaxed) && !taking_.exchange(true, std::memory_order_acquire);
}

void Lane::extend(Page& page) noexcept {
  Page* before = cursor.page();
  cursor.open(page);
  if (before == nullptr) {
    first_.store(&page, std::memory_order_release);
  } else {
    before->next.store(index_of(page), std::memory_order_release);
  }
}

bool Lane::empty(const PagePool& pool) const noexcept {
  const std::uint64_t at = taken_to_.load(std::memory_order_acquire);
  Page* page = at == 0 ? first_.load(std::memory_order_acquire) : &pool.page(static_cast<std::uint32_t>(at >> 6));
  if (page == nullptr) return true;
  if (page->next.load(std::memory_order_acquire) != 0) return false;  // at worst it has only cancelled tasks
  const int line = at == 0 ? kFirstLine : static_cast<int>(at & 63);
  const std::uint64_t opened = page->opened.load(std::memory_order_relaxed);
  // `line` wraps to 0 behind line 63: then the page is used up and its successor not there yet.
  if (line == 0) return true;
  return published_end(*page, page->generation.load(std::memory_order_relaxed), opened, line) == line;
}

// Nothing is published from this line on: the next task is in the next record that was opened, or else behind a page
// that is not there yet.
void Lane::watch(Page& page, std::uint32_t generation, std::uint64_t opened, int line) noexcept {
  const std::uint64_t left = line != 0 ? opened & (~std::uint64_t{0} << line) : 0;
  const std::atomic<std::uint64_t>& word = left != 0 ? page.line(std::countr_zero(left)).word : page.next;
  const std::uint64_t seen = word.load(std::memory_order_acquire);
  const bool came = left != 0 ? generation_in(seen) == generation && raw_state(seen) != kVacant : seen != 0;
  if (came) return;
  seen_.store(seen, std::memory_order_relaxed);
  watched_.store(&word, std::memory_order_release);
}

Lane::Taken Lane::take(const PagePool& pool, int share) noexcept {
  Taken taken;
  if (!begin_taking()) {
    taken.busy = true;
    return taken;
  }
  watched_.store(nullptr, std::memory_order_relaxed);  // quiet() says that it may be wrong meanwhile
  std::uint64_t at = taken_to_.load(std::memory_order_relaxed);
  if (at == 0) {
    if (Page* first = first_.load(std::memory_order_acquire)) at = (std::uint64_t{index_of(*first)} << 6) | kFirstLine;
  }
  if (at != 0) {
    Page* page = &pool.page(static_cast<std::uint32_t>(at >> 6));
    int line = static_cast<int>(at & 63);
    // Acquire: a page that has a successor is complete, every record in it published.
    auto successor = static_cast<std::uint32_t>(page->next.load(std::memory_order_acquire));
    if (line == 0 && successor != 0) {
      if (page->give_back(kHeld)) taken.passed = page;
      page = &pool.page(successor);
      line = kFirstLine;
      successor = static_cast<std::uint32_t>(page->next.load(std::memory_order_acquire));
    }
    if (line != 0) {
      const std::uint32_t generation = page->generation.load(std::memory_order_relaxed);
      const std::uint64_t opened = page->opened.load(std::memory_order_relaxed);
      const bool complete = successor != 0;
      int end = complete ? kLines : published_end(*page, generation, opened, line);
      // Relaxed: it only says how much is taken.
      const bool last = !complete || pool.page(successor).next.load(std::memory_order_relaxed) == 0;
      if (last && share > 1) end = std::min(end, line + (end - line + share - 1) / share);
      taken.batch = {page, generation, line, end};
      if (line == end) watch(*page, generation, opened, line);
      line = end == kLines ? 0 : end;
    } else {
      watch(*page, 0, 0, 0);
    }
    taken_to_.store((std::uint64_t{index_of(*page)} << 6) | static_cast<std::uint64_t>(line),
                    std::memory_order_release);
  }
  end_taking();
  return taken;
}

std::size_t Lane::sweep(const PagePool& pool, std::vector<Page*>& left_out) {
  if (!begin_taking()) return 0;
  std::size_t seen = 0;
  const std::uint64_t at = taken_to_.load(std::memory_order_relaxed);
  Page* before = at == 0 ? first_.load(std::memory_order_acquire) : &pool.page(static_cast<std::uint32_t>(at >> 6));
  // Acquire: a page that has a successor is complete, and the producer is done with it.
  std::uint64_t index = before != nullptr ? before->next.load(std::memory_order_acquire) : 0;
  while (index != 0) {
    Page& page = pool.page(static_cast<std::uint32_t>(index));
    index = page.next.load(std::memory_order_acquire);
    if (index == 0) break;
    ++seen;
    drop_spent_forwards(pool, page, priority);
    if ((page.in_use.load(std::memory_order_acquire) & page.opened.load(std::memory_order_relaxed)) != 0) {
      before = &page;
      continue;
    }
    // Release: the header of the page that follows now, as its producer gave it to us.
    before->next.store(index, std::memory_order_release);
    if (page.give_back(kHeld)) left_out.push_back(&page);
  }
  end_taking();
  return seen;
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
