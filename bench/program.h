#pragma once
// What `errand_bench memory` and `errand_bench durable` have in common: options, judgement, exit code.

#include <string>
#include <vector>

#include "report.h"
#include "suite.h"

namespace bench {

struct Tier {
  std::string name;
  std::vector<void (*)(Suite&)> workloads;
  const std::vector<Goal>& goals;
  void (*print_page)(const Report&);
};

/// Runs the workloads and prints what came out. `options` are those behind the tier's name.
/// Returns: 0; 2 if it was misused; with --check 1 unless each goal was met, and standard error names those that were
/// not. A goal that was not measured, or only while the cores were contended, is none that was met.
[[nodiscard]] int run(const Tier& tier, const std::vector<std::string>& options);
/// Says so on standard error, and returns 2.
int misused(const std::string& what);

}  // namespace bench
