#include "engine/lane.h"

#include <algorithm>

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

}  // namespace

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

Lane::Taken Lane::take(const PagePool& pool, int share) noexcept {
  Taken taken;
  if (taking_.load(std::memory_order_relaxed) || taking_.exchange(true, std::memory_order_acquire)) {
    taken.busy = true;
    return taken;
  }
  std::uint64_t at = taken_to_.load(std::memory_order_relaxed);
  if (at == 0) {
    if (Page* first = first_.load(std::memory_order_acquire)) at = (std::uint64_t{index_of(*first)} << 6) | kFirstLine;
  }
  if (at != 0) {
    Page* page = &pool.page(static_cast<std::uint32_t>(at >> 6));
    int line = static_cast<int>(at & 63);
    // Acquire: a page that has a successor is complete, every record in it published.
    std::uint32_t successor = page->next.load(std::memory_order_acquire);
    if (line == 0 && successor != 0) {
      if (page->give_back(kHeld)) taken.passed = page;
      page = &pool.page(successor);
      line = kFirstLine;
      successor = page->next.load(std::memory_order_acquire);
    }
    if (line != 0) {
      const std::uint32_t generation = page->generation.load(std::memory_order_relaxed);
      const std::uint64_t opened = page->opened.load(std::memory_order_relaxed);
      const bool complete = successor != 0;
      int end = complete ? kLines : published_end(*page, generation, opened, line);
      const bool last = !complete || pool.page(successor).next.load(std::memory_order_relaxed) == 0;
      if (last && share > 1) end = std::min(end, line + (end - line + share - 1) / share);
      taken.batch = {page, generation, line, end};
      line = end == kLines ? 0 : end;
    }
    taken_to_.store((std::uint64_t{index_of(*page)} << 6) | static_cast<std::uint64_t>(line),
                    std::memory_order_release);
  }
  taking_.store(false, std::memory_order_release);
  return taken;
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
