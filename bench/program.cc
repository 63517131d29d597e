#include "program.h"

#include <cstdio>
#include <cstdlib>
#include <optional>

#include "counted.h"

namespace bench {

namespace {

struct Options {
  Scale scale{};
  bool json = false;
  bool page = false;
  bool check = false;
  std::string counted{};
};

std::optional<Options> parse(const std::vector<std::string>& words) {
  Options options;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& option = words[i];
    const std::string value = i + 1 < words.size() ? words[i + 1] : "";
    if (option == "--json") {
      options.json = true;
    } else if (option == "--page") {
      options.page = true;
    } else if (option == "--check") {
      options.check = true;
    } else if (option == "--only" && !value.empty()) {
      options.scale.only = words[++i];
    } else if (option == "--counted" && !value.empty()) {
      options.counted = words[++i];
    } else if (option == "--runs" && std::atoi(value.c_str()) > 0) {
      options.scale.runs = std::atoi(words[++i].c_str());
    } else if (option == "--scale" && std::atof(value.c_str()) > 0) {
      options.scale.size = std::atof(words[++i].c_str());
    } else {
      misused(option + ": unknown, or its value is missing or not above zero");
      return std::nullopt;
    }
  }
  return options;
}

std::string from_environment(const char* name, const std::string& otherwise) {
  const char* const value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

std::string command_of(const Tier& tier, const std::vector<std::string>& options) {
  std::string command = "errand_bench " + tier.name;
  for (const std::string& option : options) {
    const bool plain = option.find_first_of(" \"'") == std::string::npos;
    command += plain ? " " + option : " '" + option + "'";
  }
  return command;
}

}  // namespace

int misused(const std::string& what) {
  std::fprintf(stderr,
               "errand_bench: %s\n"
               "usage: errand_bench memory | durable [--only W] [--check] [--json | --page] [--runs N] [--scale X] "
               "[--counted FILE]\n"
               "       errand_bench once [NAME ROUNDS]\n",
               what.c_str());
  return 2;
}

int run(const Tier& tier, const std::vector<std::string>& words) {
  const auto options = parse(words);
  if (!options) return 2;
  Suite suite(options->scale);
  for (auto* workload : tier.workloads) workload(suite);
  if (!options->counted.empty()) {
    auto rows = read_counted(options->counted);
    if (!rows) return misused("--counted " + options->counted + ": not what bench/instructions prints");
    for (Row& row : *rows) {
      if (suite.wants(row.workload)) suite.rows.push_back(std::move(row));
    }
  }
  if (suite.rows.empty()) return misused("--only " + suite.scale.only + ": no workload has such a name");

  Report report{std::move(suite.rows),
                {},
                suite.scale,
                from_environment("ERRAND_COMMAND", command_of(tier, words)),
                from_environment("ERRAND_COMMIT", "unknown")};
  bool met = true;
  for (const Goal& goal : tier.goals) {
    if (!suite.wants(goal.row)) continue;
    report.verdicts.push_back(judge(goal, report.rows));
    const Verdict& verdict = report.verdicts.back();
    if (verdict.outcome == Outcome::met) continue;
    met = false;
    if (options->check || verdict.outcome == Outcome::not_measured)
      std::fprintf(stderr, "errand_bench: %s: %s\n", name_of(verdict).c_str(), name_of(verdict.outcome));
  }
  (options->json ? print_json : options->page ? tier.print_page : print_table)(report);
  return options->check && !met ? 1 : 0;
}

}  // namespace bench
