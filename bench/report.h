#pragma once
// Rows and verdicts as a table, as JSON, and as a page.

#include "suite.h"

namespace bench {

/// What a run has to say.
struct Report {
  std::vector<Row> rows;
  std::vector<Verdict> verdicts;
  Scale scale;
  std::string command;  // with its options
  std::string commit;   // of the sources
};

void print_table(const Report& report);
/// docs/benchmarks.md, and docs/benchmarks_durable.md.
void print_memory_page(const Report& report);
void print_durable_page(const Report& report);
void print_json(const Report& report);

}  // namespace bench
