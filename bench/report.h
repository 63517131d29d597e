#pragma once
// Figures of several runs: medians and spread, as a table or as JSON.

#include <string>
#include <vector>

namespace bench {

struct Figure {
  std::string workload;  // "W1 1 producer, 1 worker"
  std::string what;      // "M tasks/s"
  std::vector<double> runs;
};

[[nodiscard]] double median(std::vector<double> values);
void print_table(const std::vector<Figure>& figures);
void print_json(const std::vector<Figure>& figures);

}  // namespace bench
