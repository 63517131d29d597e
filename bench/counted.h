#pragma once
// What bench/instructions counted, as rows among the others.

#include <istream>
#include <optional>
#include <string>
#include <vector>

#include "suite.h"

namespace bench {

/// A line is a name, a tab, and the figure of each run with spaces between. Unset where a line is anything else, or
/// none is there.
[[nodiscard]] std::optional<std::vector<Row>> parse_counted(std::istream& lines);
[[nodiscard]] std::optional<std::vector<Row>> read_counted(const std::string& path);

}  // namespace bench
