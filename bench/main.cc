// errand_bench memory [--json] [--runs N] [--scale X]

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "workloads.h"

namespace {

int misused(const char* what) {
  std::fprintf(stderr, "errand_bench: %s\nusage: errand_bench memory [--json] [--runs N] [--scale X]\n", what);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  bench::Scale scale;
  bool json = false;
  if (argc < 2 || std::string_view(argv[1]) != "memory") return misused("expected the name of a suite: memory");
  for (int i = 2; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (option == "--json") {
      json = true;
    } else if (option == "--runs" && i + 1 < argc && std::atoi(argv[i + 1]) > 0) {
      scale.runs = std::atoi(argv[++i]);
    } else if (option == "--scale" && i + 1 < argc && std::atof(argv[i + 1]) > 0) {
      scale.size = std::atof(argv[++i]);
    } else {
      return misused("unknown option, or a value that is missing or not above zero");
    }
  }
  const auto figures = bench::memory_workloads(scale);
  if (json) {
    bench::print_json(figures);
  } else {
    bench::print_table(figures);
  }
  return 0;
}
