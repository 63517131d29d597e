#pragma once
// A pool that sees to it that each page is handed out to one at a time.

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "engine/page_pool.h"

namespace interleave {

class Pages {
 public:
  explicit Pages(std::uint64_t seed) : pool(seed, 0, errand::real_clock()) {}

  errand::detail::Page& acquire() {
    errand::detail::Page* page = nullptr;
    EXPECT_EQ(pool.acquire({&page, 1}), 1u);
    EXPECT_FALSE(is_out(*page).exchange(true)) << "it is somebody else's";
    out_.fetch_add(1);
    return *page;
  }
  void retire(errand::detail::Page& page) {
    EXPECT_TRUE(is_out(page).exchange(false)) << "it has come back already";
    out_.fetch_sub(1);
    errand::detail::Page* one[] = {&page};
    pool.retire(one);
  }
  void give_back(errand::detail::Page& page, std::uint64_t bits) {
    if (page.give_back(bits)) retire(page);
  }
  [[nodiscard]] int out() const { return out_.load(); }

  errand::detail::PagePool pool;

 private:
  std::atomic<bool>& is_out(const errand::detail::Page& page) { return is_out_.at(errand::detail::index_of(page)); }

  std::vector<std::atomic<bool>> is_out_ = std::vector<std::atomic<bool>>(4096);  // by index
  std::atomic<int> out_{0};
};

}  // namespace interleave
