#pragma once
// The memory tier's workloads, each once. They check what they count: a run whose tasks did not all run ends the
// program.

#include <vector>

#include "report.h"

namespace bench {

/// How much work: 1 is the full size; tests use less.
struct Scale {
  double size = 1;
  int runs = 5;
};

[[nodiscard]] std::vector<Figure> memory_workloads(const Scale& scale);

}  // namespace bench
