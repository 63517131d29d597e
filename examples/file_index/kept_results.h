#pragma once
// What tasks in a store have left, for the summary.

#include <errand/store.h>

#include <cstdint>
#include <string_view>

#include "index.h"

// How the tasks of one queue stand.
struct Loaded {
  std::uint64_t done = 0;
  std::uint64_t left = 0;
  std::uint64_t crashes = 0;  // attempts that ended with their process
};

// Adds all that the queue's tasks have found out, and what went wrong, to the index. The error is the store's.
errand::Result<Loaded> load_results(errand::Store& store, std::string_view queue, Index& index);
