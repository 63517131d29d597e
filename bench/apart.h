#pragma once
// Runs that have a process of their own: what earlier ones left in an allocator, or in threads that stay, is no part of
// their figures.

#include <string>
#include <vector>

namespace bench {

/// One run of a contender, by this program once more: `errand_bench alone WORKLOAD WHO SIZE`, which prints the figures
/// one a line. Ends the program if that fails.
[[nodiscard]] std::vector<double> run_apart(const std::string& workload, const std::string& who, double size);

}  // namespace bench
