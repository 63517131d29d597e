#pragma once
// Rows and verdicts as a table, as JSON, and as a page.

#include "suite.h"

namespace bench {

void print_table(const std::vector<Row>& rows);
void print_verdicts(const std::vector<Verdict>& verdicts);
/// docs/benchmarks.md, and docs/benchmarks_durable.md. `commit`: of the sources.
void print_memory_page(const std::vector<Row>& rows, const std::vector<Verdict>& verdicts, const Scale& scale,
                       const std::string& commit);
void print_durable_page(const std::vector<Row>& rows, const std::vector<Verdict>& verdicts, const Scale& scale,
                        const std::string& commit);
void print_json(const std::vector<Row>& rows, const std::vector<Verdict>& verdicts);

}  // namespace bench
