#include "report.h"

#include <algorithm>
#include <cstdio>

namespace bench {

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

void print_table(const std::vector<Figure>& figures) {
  std::printf("%-46s %12s %12s %12s  %s\n", "workload", "median", "least", "most", "unit");
  for (const Figure& figure : figures) {
    const auto [least, most] = std::minmax_element(figure.runs.begin(), figure.runs.end());
    std::printf("%-46s %12.3f %12.3f %12.3f  %s\n", figure.workload.c_str(), median(figure.runs), *least, *most,
                figure.what.c_str());
  }
}

void print_json(const std::vector<Figure>& figures) {
  std::printf("{\"figures\":[");
  const char* comma = "";
  for (const Figure& figure : figures) {
    std::printf("%s\n  {\"workload\":\"%s\",\"unit\":\"%s\",\"median\":%.6g,\"runs\":[", comma, figure.workload.c_str(),
                figure.what.c_str(), median(figure.runs));
    const char* between = "";
    for (const double run : figure.runs) {
      std::printf("%s%.6g", between, run);
      between = ",";
    }
    std::printf("]}");
    comma = ",";
  }
  std::printf("\n]}\n");
}

}  // namespace bench
