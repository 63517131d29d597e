#include "report.h"

#include <cmath>
#include <cstdio>

#include "measure.h"

namespace bench {

namespace {

std::string quoted(const std::string& text) {
  return "\"" + text + "\"";
}

// Numbers JSON knows; there is none for infinity.
std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return std::isfinite(value) ? text : "null";
}

std::string list(const std::vector<double>& values) {
  std::string text;
  for (const double value : values) text += (text.empty() ? "" : ",") + number(value);
  return "[" + text + "]";
}

}  // namespace

void print_table(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    std::printf("%s, %s (hand-over %.0f ns)\n", row.workload.c_str(), row.unit.c_str(), row.hand_over);
    for (const Column& column : row.columns) {
      std::printf("  %-26s %12.3f   %.3f to %.3f", column.who.c_str(), median(column.runs), quantile(column.runs, 0),
                  quantile(column.runs, 1));
      if (&column != &row.columns.front()) {
        std::vector<double> ratios;
        for (std::size_t i = 0; i < column.runs.size(); ++i)
          ratios.push_back(row.columns.front().runs[i] / column.runs[i]);
        std::printf("   %s is %.2fx, %.2f to %.2f", row.columns.front().who.c_str(), median(ratios),
                    quantile(ratios, 0), quantile(ratios, 1));
      }
      std::printf("\n");
    }
  }
}

void print_verdicts(const std::vector<Verdict>& verdicts) {
  for (const Verdict& v : verdicts) {
    const std::string name = v.goal->row + (v.goal->who == "errand" ? "" : ", " + v.goal->who) +
                             (v.against.empty() ? "" : ", against " + v.against);
    std::printf("%-9s %s: %.3g (%.3g to %.3g), goal %s\n",
                !v.bound ? "contended"
                : v.met  ? "met"
                         : "MISSED",
                name.c_str(), v.median, v.least, v.most, number(v.bound.value_or(v.goal->bound)).c_str());
  }
}

void print_json(const std::vector<Row>& rows, const std::vector<Verdict>& verdicts) {
  std::printf("{\"rows\":[");
  const char* comma = "";
  for (const Row& row : rows) {
    std::printf("%s\n {\"workload\":%s,\"unit\":%s,\"hand_over_ns\":%s,\"columns\":[", comma,
                quoted(row.workload).c_str(), quoted(row.unit).c_str(), number(row.hand_over).c_str());
    const char* between = "";
    for (const Column& column : row.columns) {
      std::printf("%s\n  {\"who\":%s,\"median\":%s,\"runs\":%s}", between, quoted(column.who).c_str(),
                  number(median(column.runs)).c_str(), list(column.runs).c_str());
      between = ",";
    }
    std::printf("]}");
    comma = ",";
  }
  std::printf("],\n\"goals\":[");
  comma = "";
  for (const Verdict& v : verdicts) {
    std::printf(
        "%s\n {\"workload\":%s,\"who\":%s,\"against\":%s,\"median\":%s,\"least\":%s,\"most\":%s,\"bound\":%s,"
        "\"met\":%s}",
        comma, quoted(v.goal->row).c_str(), quoted(v.goal->who).c_str(), quoted(v.against).c_str(),
        number(v.median).c_str(), number(v.least).c_str(), number(v.most).c_str(),
        v.bound ? number(*v.bound).c_str() : "null",
        !v.bound ? "null"
        : v.met  ? "true"
                 : "false");
    comma = ",";
  }
  std::printf("]}\n");
}

}  // namespace bench
