// errand_bench memory | durable [--only W] [--check] [--json | --page] [--runs N] [--scale X] [--counted FILE]
// errand_bench once [NAME ROUNDS]
// errand_bench alone WORKLOAD WHO SIZE
//
// FILE is what bench/instructions printed. `once` alone lists the names. `alone` is what
// this program calls itself by, for one run, see apart.h. What --json and --page say of where they come
// from, `./dev bench` puts into the environment: ERRAND_COMMAND, as it was given, and ERRAND_COMMIT, of the sources.

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "measure.h"
#include "once.h"
#include "program.h"
#include "report.h"
#include "suite.h"

namespace {

// More than any workload has at a time.
void warm(bench::Suite& suite) {
  if (suite.scale.size >= 1) bench::warm_memory(std::size_t{8} << 30);
}

const bench::Tier kTiers[] = {
    {"memory",
     {warm, bench::throughput, bench::handles, bench::tree, bench::latency, bench::fairness, bench::status,
      bench::timers, bench::memory},
     bench::memory_goals(),
     bench::print_memory_page},
    {"durable",
     {bench::enqueuing, bench::working, bench::starting, bench::backlog, bench::slow_disk, bench::idle_store},
     bench::durable_goals(),
     bench::print_durable_page},
};

int once(int argc, char** argv) {
  if (argc == 2) {
    for (const std::string& name : bench::names_of_once()) std::printf("%s\n", name.c_str());
    return 0;
  }
  if (argc != 4 || std::atoi(argv[3]) <= 0)
    return bench::misused("once: expected no more, or a name and a number above zero");
  if (!bench::run_once(argv[2], static_cast<std::uint64_t>(std::atoi(argv[3]))))
    return bench::misused("once " + std::string(argv[2]) + ": there is no such name");
  return 0;
}

// The other side of run_apart().
int alone(const std::string& workload, const std::string& who, double size) {
  bench::Suite suite({.size = size, .runs = 1, .only = workload, .alone = who});
  bench::memory(suite);
  if (suite.rows.empty() || suite.rows.front().columns.empty())
    return bench::misused("alone \"" + workload + "\" \"" + who + "\": there is no such run");
  for (const bench::Row& row : suite.rows) std::printf("%.17g\n", row.columns.front().runs.front());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view name = argc >= 2 ? argv[1] : "";
  if (name == "once") return once(argc, argv);
  if (name == "alone" && argc == 5 && std::atof(argv[4]) > 0) return alone(argv[2], argv[3], std::atof(argv[4]));
  for (const bench::Tier& tier : kTiers) {
    if (name == tier.name) return bench::run(tier, {argv + 2, argv + argc});
  }
  return bench::misused("expected the name of a suite: memory, durable or once");
}
