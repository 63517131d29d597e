#pragma once
// Fixed amounts of work in one thread, whose instructions are counted: `errand_bench once NAME ROUNDS`.

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

/// What there is to count, in the order of the table.
[[nodiscard]] std::vector<std::string> names_of_once();
/// A round is 1,023 tasks. False if there is no such name.
[[nodiscard]] bool run_once(const std::string& name, std::uint64_t rounds);

}  // namespace bench
