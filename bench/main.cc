// errand_bench memory | durable [--only W] [--check] [--json | --page] [--runs N] [--scale X] [--counted FILE]
// errand_bench once [NAME ROUNDS]
//
// FILE is what bench/instructions printed. `once` alone lists the names. The commit that --page names is that of the
// environment variable ERRAND_COMMIT.

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "counted.h"
#include "measure.h"
#include "once.h"
#include "report.h"
#include "suite.h"

namespace {

using Workloads = std::vector<void (*)(bench::Suite&)>;

const Workloads kMemory = {bench::throughput, bench::handles, bench::tree,   bench::latency,
                           bench::fairness,   bench::status,  bench::timers, bench::memory};
const Workloads kDurable = {bench::enqueuing, bench::working,   bench::starting,
                            bench::backlog,   bench::slow_disk, bench::idle_store};

int misused(const std::string& what) {
  std::fprintf(stderr,
               "errand_bench: %s\n"
               "usage: errand_bench memory | durable [--only W] [--check] [--json | --page] [--runs N] [--scale X] "
               "[--counted FILE]\n"
               "       errand_bench once [NAME ROUNDS]\n",
               what.c_str());
  return 2;
}

int once(int argc, char** argv) {
  if (argc == 2) {
    for (const std::string& name : bench::names_of_once()) std::printf("%s\n", name.c_str());
    return 0;
  }
  if (argc != 4 || std::atoi(argv[3]) <= 0) return misused("once: expected no more, or a name and a number above zero");
  if (!bench::run_once(argv[2], static_cast<std::uint64_t>(std::atoi(argv[3]))))
    return misused("once " + std::string(argv[2]) + ": there is no such name");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  bench::Scale scale;
  bool json = false;
  bool page = false;
  bool check = false;
  std::string counted;
  if (argc >= 2 && std::string_view(argv[1]) == "once") return once(argc, argv);
  const std::string_view name = argc >= 2 ? argv[1] : "";
  if (name != "memory" && name != "durable") return misused("expected the name of a suite: memory, durable or once");
  const bool durable = name == "durable";
  for (int i = 2; i < argc; ++i) {
    const std::string_view option = argv[i];
    const char* const value = i + 1 < argc ? argv[i + 1] : "";
    if (option == "--json") {
      json = true;
    } else if (option == "--page") {
      page = true;
    } else if (option == "--check") {
      check = true;
    } else if (option == "--only" && *value != '\0') {
      scale.only = argv[++i];
    } else if (option == "--counted" && *value != '\0') {
      counted = argv[++i];
    } else if (option == "--runs" && std::atoi(value) > 0) {
      scale.runs = std::atoi(argv[++i]);
    } else if (option == "--scale" && std::atof(value) > 0) {
      scale.size = std::atof(argv[++i]);
    } else {
      return misused(std::string(option) + ": unknown, or its value is missing or not above zero");
    }
  }

  // More than any workload has at a time.
  if (scale.size >= 1 && !durable) bench::warm_memory(std::size_t{8} << 30);
  bench::Suite suite(scale);
  for (auto* workload : durable ? kDurable : kMemory) workload(suite);
  if (!counted.empty()) {
    auto rows = bench::read_counted(counted);
    if (!rows) return misused("--counted " + counted + ": not what bench/instructions prints");
    for (bench::Row& row : *rows) {
      if (suite.wants(row.workload)) suite.rows.push_back(std::move(row));
    }
  }
  if (suite.rows.empty()) return misused("--only " + scale.only + ": no workload has such a name");

  std::vector<bench::Verdict> verdicts;
  bool missed = false;
  for (const bench::Goal& goal : durable ? bench::durable_goals() : bench::memory_goals()) {
    const auto verdict = bench::judge(goal, suite.rows);
    if (!verdict) {
      if (!suite.wants(goal.row)) continue;
      std::fprintf(stderr, "errand_bench: %s, %s: not measured%s\n", goal.row.c_str(), goal.who.c_str(),
                   goal.against.empty() ? "" : (" against " + goal.against).c_str());
      missed = true;
      continue;
    }
    missed = missed || !verdict->met;
    verdicts.push_back(*verdict);
  }
  if (json) {
    bench::print_json(suite.rows, verdicts);
  } else if (page) {
    const char* const commit = std::getenv("ERRAND_COMMIT");
    const auto print = durable ? bench::print_durable_page : bench::print_memory_page;
    print(suite.rows, verdicts, scale, commit != nullptr ? commit : "unknown");
  } else {
    bench::print_table(suite.rows);
    bench::print_verdicts(verdicts);
  }
  return check && missed ? 1 : 0;
}
