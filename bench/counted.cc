#include "counted.h"

#include <fstream>
#include <sstream>

namespace bench {

std::optional<std::vector<Row>> parse_counted(std::istream& lines) {
  std::vector<Row> rows;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t tab = line.find('\t');
    if (tab == std::string::npos) return std::nullopt;
    Column column{"errand"};
    std::istringstream figures(line.substr(tab + 1));
    for (double figure = 0; figures >> figure;) column.runs.push_back(figure);
    if (column.runs.empty() || !figures.eof()) return std::nullopt;
    rows.push_back({"instructions, " + line.substr(0, tab), "instructions a task", false, {column}});
  }
  if (rows.empty()) return std::nullopt;
  return rows;
}

std::optional<std::vector<Row>> read_counted(const std::string& path) {
  std::ifstream file(path);
  return parse_counted(file);
}

}  // namespace bench
